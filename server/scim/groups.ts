/** The acts on groups. Members are a column of the facts; only the name and the client's id are kept beside (rows.ts). */
import { handSource } from '../directory/by-hand.ts'
import { licensesFor, newGroup, normalGroupName, recordMembers, recordRemovals, withGroups } from '../directory/group-record.ts'
import { selectMany } from '../database/many.ts'
import type { Writing } from '../journal.ts'
import { changedNames, nameIn, scimSource } from './people.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { withKey, type Complex, type Resource } from './resource.ts'
import { deleteRow, findRow, insertRow, updateRow, type ScimRow } from './rows.ts'
import { audit, externalIdOf } from './users.ts'
import type { Actor } from '../../shared/admin.ts'
import type { Chance } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { membersKey, rowsFact } from '../../shared/facts.ts'
import {
  ordinalOf,
  parseGroupId,
  parsePrincipalId,
  principalIdOf,
  principalKindOf,
  type GroupId,
  type PrincipalId,
} from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface GroupActDeps {
  readonly chance: Chance
  readonly now: number
}

const taken = (name: string, by: string): ScimRefusal =>
  refusal('uniqueness', `${by} is called ${name} already. Look it up by its name, or choose another.`)

/**
 * A group of people with this name that a file or a hand made is that very group. Its members and nested groups stay, so
 * that nobody who was excluded by it is given a seat meanwhile; those whom the client does not want it takes out.
 */
export const createGroup = async (
  { chance, now }: GroupActDeps,
  write: Writing,
  actor: Actor,
  sent: Resource,
): Promise<Result<ScimRow, ScimRefusal>> => {
  const name = nameIn(sent, 'displayName')
  if (!name.ok) return name
  const nameKey = normalGroupName(name.value)
  if ((await findRow(write.trx, 'Group', { nameKey })) !== undefined) return err(taken(name.value, 'A group'))
  const held = (await write.rows('groups')).find((group) => normalGroupName(group.name) === nameKey)
  if (held !== undefined && held.kind !== 'user') return err(taken(name.value, 'A group of devices'))
  if (held?.rule !== undefined) return err(taken(name.value, 'A group made by a rule'))
  const before = held === undefined ? nobody : await membersOf(write, held)
  const added = await readMembers(write, sent, before)
  if (!added.ok) return added
  const group = held ?? newGroup(chance, name.value.trim(), 'user', scimSource)
  const resource = withKey(sent, 'members', undefined)
  const row: ScimRow = {
    kind: 'Group',
    id: group.id,
    nameKey,
    externalId: externalIdOf(resource),
    resource,
    createdAt: now,
    modifiedAt: now,
  }
  const people = new Set([...before.people, ...added.value.people])
  const groups = new Set([...before.groups, ...added.value.groups])
  await recordMembers(write, withGroups({ ...group, name: name.value.trim(), sources: withScim(group) }, groups), people)
  await insertRow(write.trx, row)
  await audit(write, actor, now, held === undefined ? 'group.added' : 'group.changed', row.id, held === undefined ? [] : ['sources'], {
    name: name.value.trim(),
    members: people.size,
    ...groupsTold(groups),
  })
  return ok(row)
}

/** The resource with its members, as changes are made to it. */
export const groupWithMembers = async (write: Writing, row: ScimRow): Promise<Resource> => {
  const { people, groups } = await membersOf(write, await groupOf(write, row))
  const values = [...Array.from(people, (ordinal): string => principalIdOf('user', ordinal)), ...groups]
  return { ...row.resource, members: values.map((value): Complex => ({ value })) }
}

export const changeGroup = async (
  { now }: GroupActDeps,
  write: Writing,
  actor: Actor,
  row: ScimRow,
  after: Resource,
): Promise<Result<ScimRow, ScimRefusal>> => {
  const name = nameIn(after, 'displayName')
  if (!name.ok) return name
  const group = await groupOf(write, row)
  const nameKey = normalGroupName(name.value)
  if (nameKey !== row.nameKey) {
    const other = (await write.rows('groups')).find((each) => each.id !== group.id && normalGroupName(each.name) === nameKey)
    if (other !== undefined || (await findRow(write.trx, 'Group', { nameKey })) !== undefined) return err(taken(name.value, 'A group'))
  }
  const before = await membersOf(write, group)
  const wanted = await readMembers(write, after, before)
  if (!wanted.ok) return wanted
  const resource = withKey(after, 'members', undefined)
  const added = countOutside(wanted.value.people, before.people) + countOutside(wanted.value.groups, before.groups)
  const removed = countOutside(before.people, wanted.value.people) + countOutside(before.groups, wanted.value.groups)
  const changed = changedNames(row.resource, resource)
  if (changed.length === 0 && added === 0 && removed === 0) return ok(row)
  const changedRow: ScimRow = { ...row, nameKey, externalId: externalIdOf(resource), resource, modifiedAt: now }
  await recordMembers(write, withGroups({ ...group, name: name.value.trim() }, wanted.value.groups), wanted.value.people)
  await updateRow(write.trx, changedRow)
  await audit(
    write,
    actor,
    now,
    added + removed > 0 ? 'group.members-set' : 'group.changed',
    row.id,
    changed,
    added + removed > 0 ? { members: wanted.value.people.size, ...groupsTold(wanted.value.groups), added, removed } : {},
  )
  return ok(changedRow)
}

/**
 * A group that another source names goes on without SCIM. One that assignments name, or that is nested in such a one, stays
 * as it is, as one kept by hand: to empty it would give seats to those whom it excludes. Any other goes, also out of the
 * groups in which it was.
 */
export const removeGroup = async ({ now }: GroupActDeps, write: Writing, actor: Actor, row: ScimRow): Promise<void> => {
  const group = await groupOf(write, row)
  const sources = group.sources.filter((source) => source !== scimSource)
  const isNamed = sources.some(namesPrincipals)
  const isKept = isNamed || (await licensesFor(write, group.id)).length > 0
  if (isKept) await write.record(rowsFact('groups', [{ ...group, sources: isNamed ? sources : [...sources, handSource] }]))
  else await recordRemovals(write, [group])
  await deleteRow(write.trx, 'Group', row.id)
  await audit(write, actor, now, isKept ? 'group.changed' : 'group.removed', row.id, isKept ? ['sources'] : [], {
    name: group.name,
    members: group.memberCount,
  })
}

const groupOf = async (write: Writing, row: ScimRow): Promise<Group> => {
  const group = (await write.rows('groups')).find(({ id }) => id === row.id)
  if (group === undefined) throw new Error(`scim: group ${row.id} is kept and not in the directory`)
  return group
}

const withScim = ({ sources }: Group): readonly string[] => (sources.includes(scimSource) ? sources : [...sources, scimSource])

interface Members {
  readonly people: ReadonlySet<number>
  readonly groups: ReadonlySet<GroupId>
}
const nobody: Members = { people: new Set(), groups: new Set() }

const membersOf = async (write: Writing, group: Group): Promise<Members> => ({
  people: new Set((await write.columns(membersKey(group.id))).ordinals),
  groups: new Set(group.groups ?? []),
})

const groupsTold = ({ size }: ReadonlySet<GroupId>): { readonly groups?: number } => (size === 0 ? {} : { groups: size })

const countOutside = <T>(these: ReadonlySet<T>, others: ReadonlySet<T>): number => {
  let count = 0
  for (const each of these) if (!others.has(each)) count += 1
  return count
}

/**
 * People and groups that SCIM knows, and those that are in already. A `value` tells by its form which it is; `type` and
 * `$ref` are not needed for it. Groups that contain one another are kept as the client says.
 */
const readMembers = async (write: Writing, resource: Resource, before: Members): Promise<Result<Members, ScimRefusal>> => {
  const members = (resource['members'] ?? []) as readonly Complex[]
  const people = new Set<number>()
  const groups = new Set<GroupId>()
  const toLookUp: { readonly User: PrincipalId[]; readonly Group: GroupId[] } = { User: [], Group: [] }
  const strangers: string[] = []
  for (const { value } of members) {
    const person = parsePrincipalId(value)
    const group = person === undefined ? parseGroupId(value) : undefined
    if (person !== undefined && principalKindOf(person) === 'user') {
      if (before.people.has(ordinalOf(person))) people.add(ordinalOf(person))
      else toLookUp.User.push(person)
    } else if (group !== undefined) {
      if (before.groups.has(group)) groups.add(group)
      else toLookUp.Group.push(group)
    } else strangers.push(String(value))
  }
  const knownPeople = await knownOf(write, 'User', toLookUp.User)
  for (const id of toLookUp.User)
    if (knownPeople.has(id)) people.add(ordinalOf(id))
    else strangers.push(id)
  const knownGroups = await knownOf(write, 'Group', toLookUp.Group)
  for (const id of toLookUp.Group)
    if (knownGroups.has(id)) groups.add(id)
    else strangers.push(id)
  if (strangers.length === 0) return ok({ people, groups })
  const some = strangers.slice(0, 10).map((text) => text.slice(0, 64))
  return err(
    refusal(
      'invalidValue',
      `members names ${some.join(', ')}: no user or group here has this id. Nothing was changed. Make the user or the group first.`,
    ),
  )
}

const knownOf = async (write: Writing, kind: ScimRow['kind'], ids: readonly string[]): Promise<ReadonlySet<string>> =>
  new Set(
    (
      await selectMany(write.trx, ids, (some) =>
        write.trx.selectFrom('scim_resources').select('id').where('kind', '=', kind).where('id', 'in', some).compile(),
      )
    ).map(({ id }) => id),
  )
