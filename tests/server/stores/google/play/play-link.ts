/** A connection to an enterprise of the sandbox's Google, on a clock moved by hand. */
import { createPlayStore } from '../../../../../server/stores/google/play/store.ts'
import type { HolderKey, SeatRead, StoreConnection, WriteRequest } from '../../../../../server/stores/store.ts'
import type { KeyFile } from '../../../../../server/sandbox/google/accounts.ts'
import type { GoogleSwitches } from '../../../../../server/sandbox/google/switches.ts'
import { seededChance } from '../../../../world/hand-clock.ts'
import { mark, mustBeOk, openGoogleLink, type GoogleLink } from '../google-link.ts'

export { failureIn, mark, mustBeOk } from '../google-link.ts'

export interface PlayLink extends GoogleLink {
  readonly connection: StoreConnection
  connect(file?: KeyFile, markId?: string, enterpriseId?: string): StoreConnection
  /** Lets time pass until it is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

export const openPlayLink = async (switches: Partial<GoogleSwitches> = {}): Promise<PlayLink> => {
  const link = await openGoogleLink(switches)
  const store = createPlayStore({ playUrl: link.google.url, tokenUrl: link.google.tokenUrl })
  const connect: PlayLink['connect'] = (file = link.keyFile, markId = mark.id, enterpriseId = link.enterpriseId) =>
    store.connect(
      { clock: link.clock, chance: seededChance(7), fetch: link.clock.fetch },
      mustBeOk(store.readCredential({ serviceAccountKey: file, enterpriseId }, link.clock.now())).secret,
      { ...mark, id: markId },
    )
  return { ...link, connection: connect(), connect, run: (promise) => link.clock.run(promise) }
}

export const MATHLAB = 'app:com.example.mathlab'
export const READER = 'app:com.example.reader'

export const people = (...keys: readonly string[]): readonly HolderKey[] => keys.map((key) => ({ kind: 'user', key }))
export const give = (productId: string, ...keys: readonly string[]): WriteRequest => ({
  action: 'associate',
  products: [{ productId, pricing: null }],
  holders: people(...keys),
})
export const take = (productId: string, ...keys: readonly string[]): WriteRequest =>
  ({ ...give(productId, ...keys), action: 'disassociate' }) as WriteRequest

export const collectSeats = async (link: PlayLink, connection = link.connection) => {
  const seats: SeatRead[] = []
  const read = await link.run(
    connection.readSeats(null, {
      begin: () => void seats.splice(0),
      page: (page) => void seats.push(...page),
    }),
  )
  return { read, seats, keys: seats.map(({ productId, holder }) => `${productId.split('.').at(-1) ?? ''} ${holder.key}`).toSorted() }
}

/** So many people who hold a license. */
export const held = (link: PlayLink, productId: string, count: number, name = 'staff'): readonly string[] =>
  Array.from({ length: count }, (_, n) => {
    const { id } = link.control.addUser(link.enterpriseId, { accountIdentifier: `${name}-${n}` })
    link.control.entitle(link.enterpriseId, id, productId)
    return id
  })
