/** The main trip of the server, on every database it runs on, against the sandbox store over real HTTP. */
import { afterAll, describe, expect, test } from 'vitest'
import { createCredentials } from '../../server/credentials.ts'
import type { OpenDatabase } from '../../server/database/database.ts'
import { bareDevice } from '../../server/directory/directory.ts'
import { createHouse, type House } from '../../server/house.ts'
import { startSandbox, type Sandbox } from '../../server/sandbox/sandbox.ts'
import { createSealer } from '../../server/seal.ts'
import { createAppleStore } from '../../server/stores/apple/store.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import type { Actor } from '../../shared/admin.ts'
import { licensesKey, ordersKey, principalsKey, rowsFact, seatsKey } from '../../shared/facts.ts'
import { parseAdminId, parseTargetKey, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'

afterAll(stopDatabases)

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('nothing there')
  return value
}
const ana: Actor = { kind: 'admin', id: must(parseAdminId('ana-1')), name: 'Ana', role: 'administrator' }
const masterKey = systemChance.bytes(32)

const openHouse = async (database: OpenDatabase, sandbox: Sandbox, troubles: unknown[]): Promise<House> =>
  await createHouse({
    db: database.db,
    clock: systemClock,
    chance: systemChance,
    fetch: globalThis.fetch,
    credentials: createCredentials({ db: database.db, sealer: createSealer(masterKey, systemChance), clock: systemClock }),
    stores: [createAppleStore({ appsBooksUrl: sandbox.appsAndBooksUrl, metadataUrl: sandbox.metadataUrl })],
    host: 'licenses.eastmere.example',
    build: 'test',
    syncIntervalMinutes: 60,
    onTrouble: (cause) => void troubles.push(cause),
  })

const licenseNamed = async (house: House, name: string): Promise<License> => {
  for (const key of await house.journal.store.keys('licenses/'))
    for (const license of await house.journal.rows(key as `licenses/${number}`)) if (license.product.name === name) return license
  throw new Error(`no license ${name}`)
}

const give = (house: House, license: LicenseId, target: TargetKey, rev: number) =>
  house.workspace.takeIntents(
    ana,
    license,
    [
      {
        part: 'wish',
        target,
        wish: { mode: 'include', intent: 'required', licenseType: 'device', rev },
        baseRev: rev - 1,
        confirmed: false,
      },
    ],
    'Give it',
    'api',
  )

/** Until the facts say so; each commit is a reason to look. */
const until = (house: House, holds: () => Promise<boolean>): Promise<void> =>
  new Promise((resolve, reject) => {
    const look = (): void => {
      holds().then((yes) => {
        if (!yes) return
        stop()
        resolve()
      }, reject)
    }
    const stop = house.journal.onFacts(look)
    look()
  })

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  test('a store is connected and synced, the last seat is given once, and a freed one serves who waits, across a restart', async () => {
    const sandbox = await startSandbox({ clock: systemClock, chance: systemChance, port: 0 })
    const database = await open()
    const troubles: unknown[] = []
    try {
      const { uId } = sandbox.control.addLocation({ name: 'Eastmere', country: 'DE' })
      sandbox.control.addProduct({ adamId: '900000011', name: 'Keynote', publisher: 'Sample', kind: 'iosSoftware', genres: [], price: 0 })
      sandbox.control.own(uId, '900000011', { total: 3, heldBy: [1, 2].map((n) => ({ kind: 'device', serialNumber: `C02ZZ0AA000${n}` })) })
      let house = await openHouse(database, sandbox, troubles)
      await house.start()
      const added = await house.connectors.add(ana, {
        kind: 'apple-apps-books',
        name: 'Eastmere',
        credential: { contentToken: sandbox.control.tokenFileFor(uId) },
        settings: {},
        scopeTags: [],
      })
      expect(added.ok).toBe(true)
      await until(house, async () => (await house.connectors.list())[0]?.lastSync?.state === 'succeeded')
      await house.idle()
      const license = await licenseNamed(house, 'Keynote')
      expect([license.total, license.inUse, license.available, license.tally.found]).toEqual([3, 2, 1, 2])

      // Two devices of somebody's hand, one seat.
      const targets = await house.journal.write(async (write) => {
        const first = await write.nextNumbers('principal', 2)
        for (const ordinal of [first, first + 1]) {
          await write.trx
            .insertInto('principal_keys')
            .values({ kind: 'device', key: `IPAD${ordinal}`, ordinal })
            .execute()
          await write.record(rowsFact(principalsKey(ordinal), [bareDevice(ordinal, `IPAD${ordinal}`, 'hand')]))
        }
        return [first, first + 1].map((ordinal) => must(parseTargetKey(`d${ordinal}`)))
      })
      for (const target of targets) await give(house, license.id, target, 1)
      const tally = async () => must((await house.journal.rows(licensesKey(license.id))).find(({ id }) => id === license.id)).tally
      await until(house, async () => (await tally()).placed === 1)
      await house.idle()
      expect(await tally()).toMatchObject({ desired: 2, placed: 1, waiting: 1, pending: 0 })
      expect(sandbox.control.counts(uId, '900000011')).toMatchObject({ assigned: 3, available: 0 })

      // The server ends; the one who comes after it knows everything.
      await house.stop()
      sandbox.control.setTotal(uId, '900000011', 4)
      house = await openHouse(database, sandbox, troubles)
      await house.start()
      expect(await tally()).toMatchObject({ placed: 1, waiting: 1 })
      await house.syncs.request(must((await house.connectors.list())[0]).id, 'admin', true)
      await until(house, async () => (await tally()).placed === 2)
      await house.idle()
      expect(sandbox.control.holders(uId, '900000011')).toHaveLength(4)
      expect((await house.journal.columns(seatsKey(license.id))).ordinals).toHaveLength(4)
      expect((await house.journal.rows(ordersKey(license.id))).map(({ state, total }) => [state, total])).toEqual([
        ['done', 1],
        ['done', 1],
      ])
      await house.stop()
      expect(troubles).toEqual([])
    } finally {
      await sandbox.close()
      await database.close()
    }
  })
})
