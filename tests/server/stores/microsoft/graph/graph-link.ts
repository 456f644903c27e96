/** A connection to Graph's sandbox over real HTTP, on a clock moved by hand. */
import { createGraphControl, type GraphControl } from '../../../../../server/sandbox/microsoft/graph-control.ts'
import type { Switches } from '../../../../../server/sandbox/microsoft/switches.ts'
import { createGraphStore } from '../../../../../server/stores/microsoft/graph/store.ts'
import type {
  DirectoryGroupTold,
  DirectoryRead,
  DirectoryUserTold,
  HolderKey,
  SeatRead,
  StoreConnection,
  StoreDirectory,
  StoreFailure,
  WriteRequest,
} from '../../../../../server/stores/store.ts'
import type { Result } from '../../../../../shared/result.ts'
import { seededChance } from '../../../../world/hand-clock.ts'
import { mark, mustBeOk } from '../../apple/apple-link.ts'
import { CLIENT, openMicrosoftLink, SECRET, TENANT, type MicrosoftLink } from '../microsoft-link.ts'

export const allRoles = [
  'Organization.Read.All',
  'User.Read.All',
  'GroupMember.Read.All',
  'LicenseAssignment.ReadWrite.All',
  'DeviceManagementApps.Read.All',
  'DeviceManagementServiceConfig.Read.All',
  'DeviceManagementConfiguration.Read.All',
]

export interface GraphLink extends MicrosoftLink {
  readonly control: GraphControl
  readonly connection: StoreConnection
  /** Runs until it settles, time passing. */
  run<T>(promise: Promise<T>): Promise<T>
}

export const openGraphLink = async (switches: Partial<Switches> = {}): Promise<GraphLink> => {
  const link = await openMicrosoftLink(switches)
  for (const role of allRoles) link.app.roles.add(role)
  const store = createGraphStore({ graphUrl: link.url, loginUrl: link.url })
  const read = mustBeOk(store.readCredential({ tenantId: TENANT, clientId: CLIENT, clientSecret: SECRET }, link.clock.now()))
  const { clock } = link
  return {
    ...link,
    control: createGraphControl(link.world, link.graph.stateOf(TENANT)),
    connection: store.connect({ clock, chance: seededChance(3), fetch: clock.fetch }, read.secret, mark),
    run: (promise) => clock.run(promise),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}

export const person = (name: string): HolderKey => ({ kind: 'user', key: name })
export const give = (skuId: string, names: readonly string[]): WriteRequest => ({
  action: 'associate',
  products: [{ productId: skuId, pricing: null }],
  holders: names.map(person),
})
export const take = (skuId: string, names: readonly string[]): WriteRequest =>
  ({ ...give(skuId, names), action: 'disassociate' }) as WriteRequest

/** What one write came to, name by name; throws where it was not sent. */
export const outcomeOf = async (
  link: GraphLink,
  request: WriteRequest,
): Promise<{ readonly complete: boolean; readonly codes: Record<string, string> }> => {
  const { settled } = mustBeOk(await link.run(link.connection.write(request)))
  if (settled === undefined) throw new Error('not settled')
  if (settled.is === 'done') return { complete: true, codes: {} }
  const codes: Record<string, string> = {}
  for (const { holders, code } of settled.failures) for (const { key } of holders ?? []) codes[key] = code
  return { complete: settled.complete, codes }
}

export const seatsIn = async (link: GraphLink): Promise<readonly SeatRead[]> => {
  let seats: SeatRead[] = []
  mustBeOk(
    await link.run(
      link.connection.readSeats(null, {
        begin: () => (seats = []),
        page: (page) => void seats.push(...page),
      }),
    ),
  )
  return seats
}

export interface DirectoryAsTold {
  readonly result: Result<DirectoryRead, StoreFailure>
  readonly begins: readonly boolean[]
  readonly users: readonly DirectoryUserTold[]
  readonly groups: readonly DirectoryGroupTold[]
}

export const directoryOf = ({ connection }: GraphLink): StoreDirectory => {
  if (connection.directory === undefined) throw new Error('no directory')
  return connection.directory
}

export const readUsers = async (link: GraphLink, cursor: string | null = null): Promise<DirectoryAsTold> => {
  let users: DirectoryUserTold[] = []
  const begins: boolean[] = []
  const result = await link.run(
    directoryOf(link).readUsers(cursor, {
      begin: (whole) => {
        users = []
        begins.push(whole)
      },
      page: (page) => void users.push(...page),
    }),
  )
  return { result, begins, users, groups: [] }
}

export const readGroups = async (link: GraphLink, cursor: string | null = null): Promise<DirectoryAsTold> => {
  let groups: DirectoryGroupTold[] = []
  const begins: boolean[] = []
  const result = await link.run(
    directoryOf(link).readGroups(cursor, {
      begin: (whole) => {
        groups = []
        begins.push(whole)
      },
      page: (page) => void groups.push(...page),
    }),
  )
  return { result, begins, users: [], groups }
}
