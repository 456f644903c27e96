/** A desk to test a console at: one browser, one server at the other end of a wire, a clock moved by hand. */
import { createConsole, type AdminConsole } from '../../client/console.ts'
import { createDirectory, type DirectoryReader } from '../../client/directory.ts'
import { createEdits, type Edits } from '../../client/edits.ts'
import { createForetelling, type Foretelling } from '../../client/foretelling.ts'
import type { Tabs } from '../../client/tabs.ts'
import type { Connector } from '../../shared/connector.ts'
import {
  columnsFact,
  columnsOfMembers,
  columnsOfSeats,
  licenseIdOf,
  licensesKey,
  membersKey,
  principalsKey,
  rowsFact,
  seatsKey,
} from '../../shared/facts.ts'
import {
  ordinalOf,
  principalIdOf,
  type ConnectorId,
  type GroupId,
  type LicenseId,
  type PrincipalKind,
  type TargetKey,
} from '../../shared/ids.ts'
import { emptyTally, laterInProduct, type License } from '../../shared/license.ts'
import type { Principal } from '../../shared/principal.ts'
import { handClock, seededChance, type HandClock } from '../world/hand-clock.ts'
import { createMemoryStore, type MemoryLocalDb, type MemoryStore } from '../world/memory-local-db.ts'
import { createWireServer, type WireServer } from './wire-server.ts'

export interface Tab {
  readonly console: AdminConsole
  readonly edits: Edits
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
  readonly handle: MemoryLocalDb
}

export interface Desk {
  readonly clock: HandClock
  readonly server: WireServer
  readonly store: MemoryStore
  openTab(tabs?: Tabs, store?: MemoryStore): Tab
  /** Until nothing moves without time passing. */
  settle(): Promise<void>
  /** Time passes in steps, with everything it sets off. */
  pass(ms: number): Promise<void>
}

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

export const createDesk = (seed = 1): Desk => {
  const clock = handClock()
  const chance = seededChance(seed)
  const server = createWireServer()
  const store = createMemoryStore()
  const consoles = new Set<AdminConsole>()
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 3; round += 1) await turns(4)
  }
  return {
    clock,
    server,
    store,
    settle,
    pass: async (ms) => {
      for (let left = ms; left > 0; left -= 1000) {
        clock.pass(Math.min(left, 1000))
        await settle()
      }
    },
    openTab: (tabs, of = store) => {
      const handle = of.open()
      const console = createConsole({
        clock,
        chance,
        localDb: handle,
        openSocket: server.openSocket,
        build: 'test',
        ...(tabs === undefined ? {} : { tabs }),
      })
      consoles.add(console)
      const directory = createDirectory(console.facts)
      return {
        console,
        directory,
        handle,
        edits: createEdits(console, directory),
        foretelling: createForetelling({
          facts: console.facts,
          directory,
          rows: console.outbox,
          saved: console.saved,
          factsSeq: () => console.meta()?.seq ?? 0,
        }),
      }
    },
  }
}

export const target = (text: string): TargetKey => text as TargetKey
export const group = (name: string): GroupId => name as GroupId

export const connector = (changes: Partial<Connector> = {}): Connector => ({
  id: 'c1' as ConnectorId,
  kind: 'apple-apps-books',
  store: 'apple',
  name: 'North schools',
  location: { key: '1', name: 'North schools', country: 'DE', organization: 'North' },
  credential: { state: 'valid', expiresAt: '2027-11-24T00:00:00.000Z', checkedAt: null },
  settings: { syncIntervalMinutes: 60, releaseLeavers: 'off', leaverDays: 30, autoClaim: true, userInvitations: false },
  capabilities: {
    counts: 'live',
    assign: true,
    revoke: true,
    deviceLicenses: true,
    userLicenses: true,
    books: true,
    push: false,
    retired: null,
  },
  foreignOwner: null,
  readOnly: false,
  notices: { state: 'polling' },
  people: null,
  devices: null,
  subscriptions: null,
  lastSync: null,
  lastGoodSyncAt: '2026-11-24T08:30:00.000Z',
  nextSyncAt: null,
  scopeTags: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  ...changes,
})

export const license = (n: number, name: string, changes: Partial<License> = {}): License => ({
  id: licenseIdOf(n),
  connectorId: 'c1' as ConnectorId,
  store: 'apple',
  product: { id: `${n}`, name, publisher: 'Apple', kind: 'app', platforms: ['iOS'], iconUrl: null, ...laterInProduct },
  pricing: 'STDQ',
  licenseTypes: ['device', 'user'],
  revocable: true,
  total: 10,
  inUse: 0,
  available: 10,
  retired: 0,
  unlimited: false,
  asOf: '2026-11-24T08:30:00.000Z',
  readAt: '2026-11-24T08:30:00.000Z',
  countSource: 'live',
  assignable: true,
  gone: false,
  lowThreshold: null,
  note: '',
  tally: emptyTally,
  ...changes,
})

export const person = (ordinal: number, name: string): Principal => ({
  id: principalIdOf('user', ordinal),
  userName: `${name.toLowerCase().replace(' ', '.')}@north.example`,
  displayName: name,
  email: '',
  department: '',
  active: true,
  managedAppleAccount: '',
  sources: ['csv'],
  left: null,
})

export const device = (ordinal: number, serialNumber: string, name = ''): Principal => ({
  id: principalIdOf('device', ordinal),
  serialNumber,
  name,
  platform: 'iOS',
  model: 'iPad',
  ownerId: null,
  active: true,
  sources: ['csv'],
  left: null,
})

export const putConnector = (server: WireServer, row = connector()): void => void server.record(rowsFact('connectors', [row]))
export const putLicense = (server: WireServer, row: License): LicenseId => {
  server.record(rowsFact(licensesKey(row.id), [row]))
  return row.id
}
export const putPrincipals = (server: WireServer, rows: readonly Principal[]): void => {
  for (const row of rows) server.record(rowsFact(principalsKey(ordinalOf(row.id)), [row]))
}
export const putGroup = (server: WireServer, id: string, name: string, kind: PrincipalKind, ordinals: readonly number[]): TargetKey => {
  server.record(rowsFact('groups', [{ id: group(id), name, kind, memberCount: ordinals.length, sources: ['csv'] }]))
  server.record(columnsFact(membersKey(group(id)), columnsOfMembers(ordinals)))
  return target(`g${id}`)
}
export const putSeats = (server: WireServer, id: LicenseId, ordinals: readonly number[]): void =>
  void server.record(
    columnsFact(
      seatsKey(id),
      columnsOfSeats(ordinals.map((ordinal) => ({ ordinal, licenseType: 'device', origin: 'assignment', sinceS: 1 }))),
    ),
  )

/** Four devices, two people, a group, Keynote with two seats, and a book. */
export const furnish = (server: WireServer) => {
  putConnector(server)
  putPrincipals(server, [
    device(1, 'DMP1', 'iPad-1'),
    device(2, 'DMP2', 'iPad-2'),
    device(3, 'DMP3'),
    device(4, 'DMP4'),
    person(5, 'Ana Ruiz'),
    person(6, 'Ben Ott'),
  ])
  const tablets = putGroup(server, 'tablets', 'Grade 7 tablets', 'device', [1, 2, 3])
  const keynote = putLicense(server, license(1, 'Keynote', { total: 2, available: 2 }))
  const book = putLicense(
    server,
    license(2, 'Algebra', {
      licenseTypes: ['user'],
      revocable: false,
      product: { id: '2', name: 'Algebra', publisher: 'NP', kind: 'book', platforms: [], iconUrl: null, ...laterInProduct },
    }),
  )
  return { keynote, book, tablets }
}
