/** The acts on groups. Members are a column of the facts; only the name and the client's id are kept beside (rows.ts). */
import { licensesFor, handSource } from '../directory/by-hand.ts'
import { newGroup, normalGroupName, recordMembers } from '../directory/import.ts'
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
import { ordinalOf, parsePrincipalId, principalIdOf, principalKindOf } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface GroupActDeps {
  readonly chance: Chance
  readonly now: number
}

const taken = (name: string, by: string): ScimRefusal =>
  refusal('uniqueness', `${by} is called ${name} already. Look it up by its name, or choose another.`)

/**
 * A group of people with this name that a file or a hand made is that very group. Its members stay, so that nobody who was
 * excluded by it is given a seat meanwhile; those whom the client does not want it takes out.
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
  const before = held === undefined ? [] : [...(await write.columns(membersKey(held.id))).ordinals]
  const added = await memberOrdinals(write, sent, new Set(before))
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
  const wanted = new Set([...before, ...added.value])
  await recordMembers(write, { ...group, name: name.value.trim(), sources: withScim(group) }, wanted)
  await insertRow(write.trx, row)
  await audit(write, actor, now, held === undefined ? 'group.added' : 'group.changed', row.id, held === undefined ? [] : ['sources'], {
    name: name.value.trim(),
    members: wanted.size,
  })
  return ok(row)
}

/** The resource with its members, as changes are made to it. */
export const groupWithMembers = async (write: Writing, row: ScimRow): Promise<Resource> => {
  const group = await groupOf(write, row)
  const { ordinals } = await write.columns(membersKey(group.id))
  return { ...row.resource, members: Array.from(ordinals, (ordinal): Complex => ({ value: principalIdOf('user', ordinal) })) }
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
  const before = new Set((await write.columns(membersKey(group.id))).ordinals)
  const wanted = await memberOrdinals(write, after, before)
  if (!wanted.ok) return wanted
  const resource = withKey(after, 'members', undefined)
  const added = [...wanted.value].filter((ordinal) => !before.has(ordinal)).length
  const removed = [...before].filter((ordinal) => !wanted.value.has(ordinal)).length
  const changed = changedNames(row.resource, resource)
  if (changed.length === 0 && added === 0 && removed === 0) return ok(row)
  const changedRow: ScimRow = { ...row, nameKey, externalId: externalIdOf(resource), resource, modifiedAt: now }
  await recordMembers(write, { ...group, name: name.value.trim() }, wanted.value)
  await updateRow(write.trx, changedRow)
  await audit(
    write,
    actor,
    now,
    added + removed > 0 ? 'group.members-set' : 'group.changed',
    row.id,
    changed,
    added + removed > 0 ? { members: wanted.value.size, added, removed } : {},
  )
  return ok(changedRow)
}

/**
 * A group that another source names goes on without SCIM. One that assignments name stays as it is, as one kept by hand:
 * to empty it would give seats to those whom it excludes. Any other goes.
 */
export const removeGroup = async ({ now }: GroupActDeps, write: Writing, actor: Actor, row: ScimRow): Promise<void> => {
  const group = await groupOf(write, row)
  const sources = group.sources.filter((source) => source !== scimSource)
  const isNamed = sources.some(namesPrincipals)
  const isKept = isNamed || (await licensesFor(write, group.id)).length > 0
  if (isKept) await write.record(rowsFact('groups', [{ ...group, sources: isNamed ? sources : [...sources, handSource] }]))
  else {
    await recordMembers(write, group, [])
    await write.record(rowsFact('groups', [], [group.id]))
  }
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

/** Those that SCIM knows, and those who are in already. */
const memberOrdinals = async (
  write: Writing,
  resource: Resource,
  before: ReadonlySet<number>,
): Promise<Result<ReadonlySet<number>, ScimRefusal>> => {
  const members = (resource['members'] ?? []) as readonly Complex[]
  const wanted = new Set<number>()
  const toLookUp: string[] = []
  const strangers: string[] = []
  for (const { value } of members) {
    const id = parsePrincipalId(value)
    if (id === undefined || principalKindOf(id) !== 'user') strangers.push(String(value))
    else if (before.has(ordinalOf(id))) wanted.add(ordinalOf(id))
    else toLookUp.push(id)
  }
  const known = new Set(
    (
      await selectMany(write.trx, toLookUp, (some) =>
        write.trx.selectFrom('scim_resources').select('id').where('kind', '=', 'User').where('id', 'in', some).compile(),
      )
    ).map(({ id }) => id),
  )
  for (const text of toLookUp) {
    const id = parsePrincipalId(text)
    if (id !== undefined && known.has(text)) wanted.add(ordinalOf(id))
    else strangers.push(text)
  }
  if (strangers.length === 0) return ok(wanted)
  const some = strangers.slice(0, 10).map((text) => text.slice(0, 64))
  return err(
    refusal('invalidValue', `members names ${some.join(', ')}: no user here has this id. Nothing was changed. Make the user first.`),
  )
}
