/**
 * The directory in memory: who is known, under which ordinal, and in which group. Read at the start, then kept in step
 * with the facts as they are committed.
 */
import { insertMany, selectMany } from '../database/many.ts'
import type { Journal, Writing } from '../journal.ts'
import { nestingOf, unionOf } from '../../shared/groups.ts'
import type { Directory, PrincipalState } from '../../shared/reconcile.ts'
import {
  columnsFact,
  foldColumns,
  isColumnsFact,
  membersKey,
  noOrdinals,
  principalsKey,
  rowsFact,
  type Columns,
  type RegistrationsKey,
} from '../../shared/facts.ts'
import {
  ordinalOf,
  parseConnectorId,
  parseGroupId,
  principalIdOf,
  principalKindOf,
  type ConnectorId,
  type GroupId,
  type PrincipalKind,
} from '../../shared/ids.ts'
import {
  isUser,
  joinsByOf,
  normalSerialNumber,
  normalUserName,
  storeKeyOf,
  type Device,
  type Group,
  type Principal,
  type User,
} from '../../shared/principal.ts'
import type { Registration, RegistrationState } from '../../shared/registration.ts'

export interface DirectoryIndex extends Directory {
  /** By user name or serial number, however written: the account under which the stores keep seats. */
  ordinalOfKey(kind: PrincipalKind, key: string): number | undefined
  /** The person of whom this is an account; of everybody else itself. */
  personOf(ordinal: number): number
  /** The further accounts of a person, whom an administrator joined. */
  accountsOf(ordinal: number): readonly number[]
  find(ordinal: number): Promise<Principal | undefined>
  /**
   * Reads what is needed to answer for these groups at once. Call it before `members`. Gives them and all that are nested
   * in them: whoever weighs by them looks again when one of these changes.
   */
  prepare(groups: Iterable<GroupId>): Promise<ReadonlySet<GroupId>>
  /** Who is on the list of people of this connector's store. */
  registrationsAt(connector: ConnectorId): Promise<ReadonlyMap<number, RegistrationState>>
  /** The groups of which this principal is a direct member. */
  groupsOf(ordinal: number): Promise<readonly GroupId[]>
  close(): void
}

export const normalKey = (kind: PrincipalKind, key: string): string => (kind === 'user' ? normalUserName(key) : normalSerialNumber(key))

const KNOWN = 1
const DEVICE = 2
const ACTIVE = 4
const LEFT = 8
const HAS_MAIL = 16
const HAS_ACCOUNT = 32

export const createDirectory = async (deps: { readonly journal: Journal }): Promise<DirectoryIndex> => {
  const { journal } = deps
  /** One byte a principal, at its ordinal. */
  let states = new Uint8Array(1024)
  let last = 0
  const ordinalByKey = new Map<string, number>()
  /** The person whose device it is, at the device's ordinal; 0: nobody's. */
  let owners = new Uint32Array(1024)
  let nesting = nestingOf([])
  const groupById = new Map<string, Group>()
  /** Named one by one. */
  const ownByGroup = new Map<GroupId, Columns>()
  /** With those of nested groups, as they were last asked for. */
  const membersByGroup = new Map<GroupId, Uint32Array>()
  const personByAccount = new Map<number, number>()
  const allByKind = new Map<PrincipalKind, Uint32Array>()
  const registrationsByConnector = new Map<ConnectorId, Map<number, RegistrationState>>()
  /** How many changes of members were heard of. */
  let memberFacts = 0
  let stale = false

  const note = (principal: Principal): void => {
    const ordinal = ordinalOf(principal.id)
    if (ordinal >= states.length) {
      const length = Math.max(ordinal + 1, states.length * 2)
      const [before, ownersBefore] = [states, owners]
      states = new Uint8Array(length)
      states.set(before)
      owners = new Uint32Array(length)
      owners.set(ownersBefore)
    }
    const kind = principalKindOf(principal.id)
    const joinsBy = joinsByOf(principal)
    states[ordinal] =
      KNOWN |
      (kind === 'device' ? DEVICE : 0) |
      (principal.active ? ACTIVE : 0) |
      (principal.left !== null ? LEFT : 0) |
      (joinsBy === 'account' ? HAS_ACCOUNT : joinsBy === 'mail' ? HAS_MAIL : 0)
    owners[ordinal] = isUser(principal) || principal.ownerId === null ? 0 : ordinalOf(principal.ownerId)
    last = Math.max(last, ordinal)
    ordinalByKey.set(`${kind}/${normalKey(kind, storeKeyOf(principal))}`, ordinal)
    for (const name of (isUser(principal) && principal.otherNames) || []) {
      const key = `user/${normalUserName(name)}`
      // Whose store key it is, of an account that was joined too, keeps it.
      if (!ordinalByKey.has(key)) ordinalByKey.set(key, ordinal)
    }
    if (isUser(principal) && principal.sameAs !== undefined) personByAccount.set(ordinal, ordinalOf(principal.sameAs))
    else personByAccount.delete(ordinal)
    allByKind.delete(kind)
  }

  const load = async (): Promise<void> => {
    stale = false
    states.fill(0)
    owners.fill(0)
    last = 0
    ordinalByKey.clear()
    personByAccount.clear()
    ownByGroup.clear()
    allByKind.clear()
    registrationsByConnector.clear()
    for (const key of await journal.store.keys('principals/'))
      for (const principal of await journal.rows(key as `principals/${number}`)) note(principal)
    groupById.clear()
    noteGroups(await journal.rows('groups'), [])
  }

  /** A name or a number of members changes nothing in how groups are nested. */
  const noteGroups = (put: readonly Group[], removed: readonly string[]): void => {
    let isNested = removed.length > 0
    for (const group of put) {
      const held = groupById.get(group.id)
      isNested ||= held?.kind !== group.kind || (held.groups ?? []).join() !== (group.groups ?? []).join()
      groupById.set(group.id, group)
    }
    for (const id of removed) groupById.delete(id)
    if (!isNested) return
    nesting = nestingOf([...groupById.values()])
    membersByGroup.clear()
  }

  const stopFacts = journal.onFacts((facts) => {
    for (const { key, fact } of facts) {
      if (isColumnsFact(fact)) {
        if (!key.startsWith('members/')) continue
        const group = parseGroupId(key.slice('members/'.length))
        const held = group === undefined ? undefined : ownByGroup.get(group)
        memberFacts += 1
        if (group === undefined || held === undefined) continue
        ownByGroup.set(group, foldColumns(held, fact.put, fact.remove))
        for (const around of nesting.around(group)) membersByGroup.delete(around)
      } else if (key === 'groups') noteGroups(fact.put as readonly Group[], fact.remove)
      else if (key.startsWith('principals/')) for (const principal of fact.put) note(principal as Principal)
      else if (key.startsWith('registrations/')) {
        const connector = parseConnectorId(key.split('/')[1])
        const held = connector === undefined ? undefined : registrationsByConnector.get(connector)
        if (held === undefined) continue
        for (const { id, state } of fact.put as readonly Registration[]) held.set(ordinalOf(id), state)
        for (const id of fact.remove) held.delete(Number(id.slice(1)))
      }
    }
  })
  const stopForget = journal.onForget(() => void (stale = true))

  await load()
  return {
    ordinalOfKey: (kind, key) => ordinalByKey.get(`${kind}/${normalKey(kind, key)}`),
    personOf: (ordinal) => personByAccount.get(ordinal) ?? ordinal,
    accountsOf: (ordinal) => [...personByAccount].filter(([, person]) => person === ordinal).map(([account]) => account),
    find: async (ordinal) => (await journal.rows(principalsKey(ordinal))).find((row) => ordinalOf(row.id) === ordinal),
    principal: (ordinal): PrincipalState | undefined => {
      const state = states[ordinal] ?? 0
      return (state & KNOWN) === 0
        ? undefined
        : {
            kind: (state & DEVICE) !== 0 ? 'device' : 'user',
            active: (state & ACTIVE) !== 0,
            left: (state & LEFT) !== 0,
            joinsBy: (state & HAS_ACCOUNT) !== 0 ? 'account' : (state & HAS_MAIL) !== 0 ? 'mail' : 'nothing',
          }
    },
    members: (group) => {
      const held = membersByGroup.get(group)
      if (held !== undefined) return held
      if (nesting.find(group) === undefined) return undefined
      const members = unionOf(nesting.within(group).map((each) => ownByGroup.get(each)?.ordinals ?? noOrdinals))
      membersByGroup.set(group, members)
      return members
    },
    ownerOf: (device) => owners[device] || undefined,
    all: (kind) => {
      const held = allByKind.get(kind)
      if (held !== undefined) return held
      const wanted = KNOWN | (kind === 'device' ? DEVICE : 0)
      const ordinals: number[] = []
      for (let ordinal = 1; ordinal <= last; ordinal += 1)
        if (((states[ordinal] ?? 0) & (KNOWN | DEVICE | LEFT)) === wanted) ordinals.push(ordinal)
      const all = Uint32Array.from(ordinals)
      allByKind.set(kind, all)
      return all
    },
    prepare: async (named) => {
      if (stale) await load()
      const within = new Set<GroupId>()
      for (const group of named) for (const each of nesting.within(group)) within.add(each)
      for (const group of within) {
        while (!ownByGroup.has(group)) {
          const heard = memberFacts
          const read = await journal.columns(membersKey(group))
          // A change that came while this was being read may not be in it.
          if (heard !== memberFacts) continue
          ownByGroup.set(group, read)
          for (const around of nesting.around(group)) membersByGroup.delete(around)
        }
      }
      return within
    },
    registrationsAt: async (connector) => {
      if (stale) await load()
      const held = registrationsByConnector.get(connector)
      if (held !== undefined) return held
      const read = new Map<number, RegistrationState>()
      registrationsByConnector.set(connector, read)
      for (const key of await journal.store.keys(`registrations/${connector}/`))
        for (const { id, state } of await journal.rows(key as RegistrationsKey))
          // What came by a fact while this was being read is newer.
          if (!read.has(ordinalOf(id))) read.set(ordinalOf(id), state)
      return read
    },
    groupsOf: async (ordinal) => {
      const groups = await journal.rows('groups')
      const found: GroupId[] = []
      for (const { id } of groups) if ((await journal.columns(membersKey(id))).ordinals.includes(ordinal)) found.push(id)
      return found
    },
    close: () => {
      stopFacts()
      stopForget()
    },
  }
}

/**
 * Gives every key an ordinal, making a principal for those that nobody named before: a holder that only the store knows
 * is a principal too, with the store as its source. Gives ordinals by key as written, and how many were made.
 */
export const knowPrincipals = async (
  write: Writing,
  index: DirectoryIndex,
  source: string,
  keys: Iterable<{ readonly kind: PrincipalKind; readonly key: string }>,
): Promise<{ readonly ordinalOf: (kind: PrincipalKind, key: string) => number; readonly made: number }> => {
  const { ordinalOf, fresh } = await giveOrdinals(write, index, keys)
  const madeByChunk = new Map<`principals/${number}`, Principal[]>()
  for (const { kind, key, normal, ordinal } of fresh) {
    const chunk = principalsKey(ordinal)
    const rows = madeByChunk.get(chunk) ?? []
    rows.push(kind === 'user' ? bareUser(ordinal, key.trim(), source) : bareDevice(ordinal, normal, source))
    madeByChunk.set(chunk, rows)
  }
  for (const [chunk, rows] of madeByChunk) await write.record(rowsFact(chunk, rows))
  return { ordinalOf, made: fresh.length }
}

/** A key that nobody had, and the ordinal that it was given. */
export interface FreshKey {
  readonly kind: PrincipalKind
  readonly key: string
  readonly normal: string
  readonly ordinal: number
}

/** As `knowPrincipals`, and whoever asks records the principals of the fresh keys in the same act. */
export const giveOrdinals = async (
  write: Writing,
  index: Pick<DirectoryIndex, 'ordinalOfKey'>,
  keys: Iterable<{ readonly kind: PrincipalKind; readonly key: string }>,
): Promise<{ readonly ordinalOf: (kind: PrincipalKind, key: string) => number; readonly fresh: readonly FreshKey[] }> => {
  const ordinalByKey = new Map<string, number>()
  const unknown = new Map<string, { readonly kind: PrincipalKind; readonly key: string; readonly normal: string }>()
  for (const { kind, key } of keys) {
    const normal = normalKey(kind, key)
    const name = `${kind}/${normal}`
    if (ordinalByKey.has(name) || unknown.has(name)) continue
    const known = index.ordinalOfKey(kind, key)
    if (known !== undefined) ordinalByKey.set(name, known)
    else unknown.set(name, { kind, key, normal })
  }
  // The index follows the commits: an act before this one in the same transaction may have made some of them.
  for (const [name, ordinal] of await storedOrdinals(write, [...unknown.values()])) {
    ordinalByKey.set(name, ordinal)
    unknown.delete(name)
  }
  const fresh: FreshKey[] = []
  let ordinal = unknown.size === 0 ? 0 : await write.nextNumbers('principal', unknown.size)
  for (const [name, one] of unknown) {
    ordinalByKey.set(name, ordinal)
    fresh.push({ ...one, ordinal })
    ordinal += 1
  }
  await insertMany(
    write.trx,
    'principal_keys',
    fresh.map((one) => ({ kind: one.kind, key: one.normal, ordinal: one.ordinal })),
  )
  return {
    fresh,
    ordinalOf: (kind, key) => {
      const known = ordinalByKey.get(`${kind}/${normalKey(kind, key)}`)
      if (known === undefined) throw new Error(`directory: ${kind} key was not among those to know`)
      return known
    },
  }
}

const storedOrdinals = async (
  write: Writing,
  keys: readonly { readonly kind: PrincipalKind; readonly normal: string }[],
): Promise<ReadonlyMap<string, number>> => {
  const ordinalByName = new Map<string, number>()
  for (const kind of ['user', 'device'] as const) {
    const normals = keys.filter((key) => key.kind === kind).map(({ normal }) => normal)
    for (const { key, ordinal } of await selectMany(write.trx, normals, (some) =>
      write.trx.selectFrom('principal_keys').select(['key', 'ordinal']).where('kind', '=', kind).where('key', 'in', some).compile(),
    ))
      ordinalByName.set(`${kind}/${key}`, ordinal)
  }
  return ordinalByName
}

export const bareUser = (ordinal: number, userName: string, source: string): User => ({
  id: principalIdOf('user', ordinal),
  userName,
  displayName: '',
  email: '',
  department: '',
  active: true,
  managedAppleAccount: '',
  sources: [source],
  left: null,
})

export const bareDevice = (ordinal: number, serialNumber: string, source: string): Device => ({
  id: principalIdOf('device', ordinal),
  serialNumber,
  name: '',
  platform: '',
  model: '',
  ownerId: null,
  active: true,
  sources: [source],
  left: null,
})

/** The change that turns a group's members into these; undefined when they are these already. */
export const membersFact = (group: GroupId, before: Columns, after: Columns) => {
  const held = new Set(before.ordinals)
  const wanted = new Set(after.ordinals)
  const put = after.ordinals.filter((ordinal) => !held.has(ordinal))
  const remove = before.ordinals.filter((ordinal) => !wanted.has(ordinal))
  if (put.length === 0 && remove.length === 0) return undefined
  return columnsFact(
    membersKey(group),
    { ordinals: put, sinceS: new Uint32Array(put.length), flags: new Uint8Array(put.length) },
    remove.length === 0 ? noOrdinals : remove,
  )
}
