/** An organisation of full size, written straight into a database as facts: 2,000 licenses, 50,000 principals, 1,000,000 seats. */
import type { Db } from '../../server/database/schema.ts'
import { createJournal } from '../../server/journal.ts'
import { isoTime } from '../../shared/clock.ts'
import type { Connector } from '../../shared/connector.ts'
import { columnsFact, licenseIdOf, licensesKey, membersKey, principalsKey, rowsFact, seatsKey } from '../../shared/facts.ts'
import { parseConnectorId, parseGroupId, principalIdOf, type ConnectorId, type GroupId } from '../../shared/ids.ts'
import { emptyTally, laterInProduct, type License } from '../../shared/license.ts'
import type { Device, Principal, User } from '../../shared/principal.ts'

export interface TenantSize {
  readonly licenses: number
  readonly principals: number
  readonly seats: number
}

export const fullSize: TenantSize = { licenses: 2_000, principals: 50_000, seats: 1_000_000 }

const id = <T>(parsed: T | undefined): T => {
  if (parsed === undefined) throw new Error('large tenant: made an id that is none')
  return parsed
}

export const connectorId: ConnectorId = id(parseConnectorId('full-size-location'))

export const writeLargeTenant = async (db: Db, size: TenantSize, now: number): Promise<void> => {
  const journal = await createJournal({ db, now: () => now })
  const at = isoTime(now)
  await journal.write(async (write) => {
    await write.record(rowsFact('connectors', [connector(at)]))
  })
  await writePrincipals(journal, size.principals)
  await writeGroups(journal, size.principals)
  const perLicense = Math.floor(size.seats / size.licenses)
  for (let from = 1; from <= size.licenses; from += 200)
    await journal.write(async (write) => {
      const rowsByChunk = new Map<`licenses/${number}`, License[]>()
      for (let n = from; n < Math.min(from + 200, size.licenses + 1); n += 1) {
        const license = licenseOf(n, perLicense, at)
        const rows = rowsByChunk.get(licensesKey(license.id)) ?? []
        rows.push(license)
        rowsByChunk.set(licensesKey(license.id), rows)
        await write.trx
          .insertInto('license_keys')
          .values({ connector: connectorId, product: license.product.id, pricing: 'STDQ', ordinal: n })
          .execute()
        await write.record(columnsFact(seatsKey(license.id), seatsOf(n, perLicense, size.principals, now)))
      }
      for (const [chunk, rows] of rowsByChunk) await write.record(rowsFact(chunk, rows))
    })
  await db
    .insertInto('counters')
    .values([
      { name: 'principal', value: size.principals },
      { name: 'license', value: size.licenses },
    ])
    .onConflict((conflict) => conflict.column('name').doUpdateSet((row) => ({ value: row.ref('excluded.value') })))
    .execute()
}

const connector = (at: string): Connector => ({
  id: connectorId,
  kind: 'ledger',
  store: 'other',
  name: 'Full size',
  location: { key: 'full-size', name: 'Full size', country: 'DE', organization: 'Full size' },
  credential: { state: 'none', expiresAt: null, checkedAt: null },
  settings: { syncIntervalMinutes: 60, releaseLeavers: 'off', leaverDays: 30, autoClaim: true, userInvitations: false },
  capabilities: {
    counts: 'kept',
    assign: false,
    revoke: false,
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
  lastGoodSyncAt: at,
  nextSyncAt: null,
  scopeTags: [],
  createdAt: at,
})

const families = ['iPad', 'Mac', 'iPhone', 'Apple TV']
const departments = ['Grade 7', 'Grade 8', 'Administration', 'Clinic', 'Library', 'Music', 'Art', 'Sports']

const principalOf = (ordinal: number, principals: number): Principal => {
  const n = String(ordinal).padStart(6, '0')
  if (ordinal <= principals / 2) {
    const user: User = {
      id: principalIdOf('user', ordinal),
      userName: `person${n}@eastmere.example`,
      displayName: `Person ${n}`,
      email: `person${n}@eastmere.example`,
      department: departments[ordinal % departments.length] ?? '',
      active: true,
      managedAppleAccount: '',
      sources: ['csv'],
      left: null,
    }
    return user
  }
  const device: Device = {
    id: principalIdOf('device', ordinal),
    serialNumber: `C02Z${n}`,
    name: `EM-${families[ordinal % families.length]?.toUpperCase()}-${n}`,
    platform: 'iPadOS',
    model: families[ordinal % families.length] ?? '',
    ownerId: principalIdOf('user', ordinal - Math.floor(principals / 2)),
    active: true,
    sources: ['csv'],
    left: null,
  }
  return device
}

type Journal = Awaited<ReturnType<typeof createJournal>>

const writePrincipals = async (journal: Journal, principals: number): Promise<void> => {
  await journal.write(async (write) => {
    const rowsByChunk = new Map<`principals/${number}`, Principal[]>()
    const keys: { kind: string; key: string; ordinal: number }[] = []
    for (let ordinal = 1; ordinal <= principals; ordinal += 1) {
      const principal = principalOf(ordinal, principals)
      const rows = rowsByChunk.get(principalsKey(ordinal)) ?? []
      rows.push(principal)
      rowsByChunk.set(principalsKey(ordinal), rows)
      keys.push(
        'userName' in principal
          ? { kind: 'user', key: principal.userName, ordinal }
          : { kind: 'device', key: principal.serialNumber, ordinal },
      )
    }
    for (let from = 0; from < keys.length; from += 1000)
      await write.trx
        .insertInto('principal_keys')
        .values(keys.slice(from, from + 1000))
        .execute()
    for (const [chunk, rows] of rowsByChunk) await write.record(rowsFact(chunk, rows))
  })
}

const writeGroups = async (journal: Journal, principals: number): Promise<void> => {
  const groups = Array.from({ length: 50 }, (_, n) => ({
    id: id<GroupId>(parseGroupId(`group-${n}`)),
    name: `Group ${n}`,
    kind: 'device' as const,
    memberCount: 500,
    sources: ['csv'],
  }))
  await journal.write(async (write) => {
    await write.record(rowsFact('groups', groups))
    for (const [n, group] of groups.entries()) {
      const ordinals = Uint32Array.from(
        { length: 500 },
        (_, member) => Math.floor(principals / 2) + 1 + ((n * 400 + member) % Math.floor(principals / 2)),
      ).sort()
      await write.record(columnsFact(membersKey(group.id), { ordinals, sinceS: new Uint32Array(500), flags: new Uint8Array(500) }))
    }
  })
}

const names = ['Notes', 'Atlas', 'Keys', 'Canvas', 'Paper', 'Scanner', 'Algebra', 'Anatomy', 'Reader', 'Studio']

const licenseOf = (n: number, inUse: number, at: string): License => {
  const available = n % 7 === 0 ? 0 : (n * 37) % 200
  return {
    id: licenseIdOf(n),
    connectorId,
    store: 'other',
    product: {
      id: String(900_000_000 + n),
      name: `${names[n % names.length]} ${Math.floor(n / names.length) + 1}`,
      publisher: `Publisher ${n % 180}`,
      kind: n % 11 === 0 ? 'book' : 'app',
      platforms: ['iOS', 'macOS'],
      iconUrl: null,
      ...laterInProduct,
    },
    pricing: 'STDQ',
    licenseTypes: ['device', 'user'],
    revocable: true,
    total: inUse + available,
    inUse,
    available,
    retired: 0,
    unlimited: false,
    asOf: at,
    readAt: at,
    countSource: 'kept',
    assignable: true,
    gone: false,
    lowThreshold: null,
    note: '',
    tally: { ...emptyTally, found: inUse },
  }
}

/** Every license has its seats at other people, spread evenly over all. */
const seatsOf = (n: number, count: number, principals: number, now: number) => {
  const step = Math.max(1, Math.floor(principals / count))
  const ordinals = Uint32Array.from({ length: count }, (_, at) => 1 + ((at * step + n) % principals)).sort()
  return {
    ordinals,
    sinceS: Uint32Array.from(ordinals, (ordinal) => Math.floor(now / 1000) - (ordinal % 8_000_000)),
    flags: Uint8Array.from(ordinals, (ordinal) => (ordinal <= principals / 2 ? 1 : 0)),
  }
}
