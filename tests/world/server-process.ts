/** The real house as one process of the world: it dies at any moment, and the next one finds what the disk kept. */
import { createCredentials } from '../../server/credentials.ts'
import { createHouse, type House } from '../../server/house.ts'
import { createNoticeSecrets } from '../../server/notice-secrets.ts'
import { createNotices, type Notices } from '../../server/notices.ts'
import { createSealer } from '../../server/seal.ts'
import { createAppleStore } from '../../server/stores/apple/store.ts'
import type { Db } from '../../server/database/schema.ts'
import type { Chance } from '../../shared/clock.ts'
import type { Disk } from './disk.ts'
import type { StoreLine } from './network.ts'
import type { Life, Schedule } from './schedule.ts'
import { seededChance } from './hand-clock.ts'

export const storeUrl = 'http://store.test'
export const serverUrl = 'https://quartermaster.test'

export interface ServerProcess {
  readonly house: House
  /** Undefined where the store can't reach this server: everything goes by asking. */
  readonly notices: Notices | undefined
  readonly db: Db
  readonly life: Life
}

/** Thrown at a crash point: nothing after it runs. */
export class ProcessGone extends Error {}

/** Undefined: it died, or could not begin. */
export const startServer = async (deps: {
  readonly schedule: Schedule
  readonly disk: Disk
  readonly storeLine: StoreLine
  readonly chance: Chance
  /** The store can reach this server, and tells it of changes. */
  readonly isReachable: boolean
  /** True: the process dies here. */
  readonly crashesAt: (name: string) => boolean
  readonly onDeath: () => void
  readonly onTrouble: (cause: unknown) => void
}): Promise<ServerProcess | undefined> => {
  const life: Life = { alive: true }
  const clock = deps.schedule.clockOf(life)
  const db = deps.disk.connect(life)
  const { chance } = deps
  const sealer = createSealer(seededChance(1).bytes(32), chance)
  const crashpoint = (name: string): void => {
    if (!life.alive) throw new ProcessGone(name)
    if (!deps.crashesAt(name)) return
    life.alive = false
    deps.onDeath()
    throw new ProcessGone(name)
  }
  const onTrouble = (cause: unknown): void => {
    if (life.alive) deps.onTrouble(cause)
  }
  try {
    const house = await createHouse({
      db,
      clock,
      chance,
      fetch: deps.storeLine.fetchOf(life),
      credentials: createCredentials({ db, sealer, clock }),
      stores: [
        createAppleStore({
          appsBooksUrl: `${storeUrl}/mdm/v2`,
          metadataUrl: `${storeUrl}/WebObjects/MZStorePlatform.woa/wa/lookup`,
          devicesUrl: `${storeUrl}/v1`,
          authUrl: `${storeUrl}/auth/oauth2/token`,
        }),
      ],
      host: 'quartermaster.test',
      build: 'world',
      syncIntervalMinutes: 15,
      crashpoint,
      onTrouble,
    })
    const { journal } = house
    const notices = deps.isReachable
      ? createNotices({
          ...house,
          db,
          secrets: createNoticeSecrets({ db, journal, sealer, chance, clock }),
          sealer,
          origin: serverUrl,
          clock,
          crashpoint,
          onTrouble,
        })
      : undefined
    await house.start()
    await notices?.start()
    return life.alive ? { house, notices, db, life } : undefined
  } catch (cause) {
    // As the composition root does: what can't begin ends, and whoever watches over it tries again.
    if (life.alive) deps.onTrouble(cause)
    life.alive = false
    return undefined
  }
}
