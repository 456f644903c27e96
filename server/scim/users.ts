/** The acts on people. Each runs inside one act of the journal: it looks at everything first, and then writes all of it. */
import { appendAudit } from '../audit.ts'
import { knowPrincipals, type DirectoryIndex } from '../directory/directory.ts'
import { recordMembers } from '../directory/group-record.ts'
import { principalReader, recordPrincipals } from '../directory/import.ts'
import type { Writing } from '../journal.ts'
import { asInDirectory, changedNames, fieldsOf, nameIn, scimSource, type DirectoryFields } from './people.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { withKey, type Resource } from './resource.ts'
import { deleteRow, findRow, groupIdsOfScim, insertRow, updateRow, type ScimRow } from './rows.ts'
import type { Actor } from '../../shared/admin.ts'
import { isoTime } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { indexOfOrdinal, membersKey } from '../../shared/facts.ts'
import { ordinalOf, parseGroupId, parsePrincipalId, principalIdOf } from '../../shared/ids.ts'
import { isUser, normalUserName, type User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface UserActDeps {
  readonly directory: DirectoryIndex
  readonly now: number
}

const taken = (userName: string): ScimRefusal =>
  refusal('uniqueness', `The user name ${userName} is taken already. Look the person up by it, and change that one.`)

/** Somebody that the directory knows by this user name is that very person: a file or a store named them first. */
export const createUser = async (
  { directory, now }: UserActDeps,
  write: Writing,
  actor: Actor,
  sent: Resource,
): Promise<Result<ScimRow, ScimRefusal>> => {
  const userName = nameIn(sent, 'userName')
  if (!userName.ok) return userName
  const nameKey = normalUserName(userName.value)
  if ((await findRow(write.trx, 'User', { nameKey })) !== undefined) return err(taken(userName.value))
  const { ordinalOf: ordinalOfKey } = await knowPrincipals(write, directory, scimSource, [{ kind: 'user', key: userName.value }])
  const ordinal = ordinalOfKey('user', userName.value)
  const id = principalIdOf('user', ordinal)
  // Someone of SCIM was called so before, and stores keep that person's seats under this name.
  if ((await findRow(write.trx, 'User', { id })) !== undefined) return err(taken(userName.value))
  const held = await principalReader(write)(ordinal)
  if (held === undefined || !isUser(held)) throw new Error(`scim: ${id} was made and is not there`)
  const resource = sent['active'] === undefined ? withKey(sent, 'active', true) : sent
  const row: ScimRow = {
    kind: 'User',
    id,
    nameKey,
    externalId: externalIdOf(resource),
    resource,
    createdAt: now,
    modifiedAt: now,
  }
  const fields = fieldsOf(resource)
  const isNamedAlready = held.left === null && held.sources.some((source) => source !== scimSource && namesPrincipals(source))
  await recordPrincipals(write, [
    { ...held, ...mergedFields(held, undefined, fields), sources: withScim(held.sources), left: null } satisfies User,
  ])
  await insertRow(write.trx, row)
  await audit(write, actor, now, isNamedAlready ? 'user.changed' : 'user.added', id, isNamedAlready ? ['sources'] : [])
  return ok(row)
}

/** `before`: what the client is taken to have set until now; a field that it never set and does not set now stays as another source has it. */
export const changeUser = async (
  { directory, now }: UserActDeps,
  write: Writing,
  actor: Actor,
  row: ScimRow,
  before: Resource,
  after: Resource,
): Promise<Result<ScimRow, ScimRefusal>> => {
  const userName = nameIn(after, 'userName')
  if (!userName.ok) return userName
  const person = await personOf(write, row)
  const nameKey = normalUserName(userName.value)
  if (nameKey !== row.nameKey && (await isTaken(directory, write, row, nameKey))) return err(taken(userName.value))
  const resource = after['active'] === undefined ? withKey(after, 'active', person.active) : after
  const known = [person.userName, ...(person.otherNames ?? [])].map(normalUserName)
  const next: User = {
    ...person,
    ...mergedFields(person, fieldsOf(before), fieldsOf(resource)),
    ...(known.includes(nameKey) ? {} : { otherNames: [...(person.otherNames ?? []), userName.value.trim()] }),
  }
  const changed = changedNames(asInDirectory(row.resource, person), asInDirectory(resource, next))
  if (changed.length === 0) return ok(row)
  const changedRow: ScimRow = { ...row, nameKey, externalId: externalIdOf(resource), resource, modifiedAt: now }
  if (JSON.stringify(person) !== JSON.stringify(next)) await recordPrincipals(write, [next])
  await updateRow(write.trx, changedRow)
  await audit(write, actor, now, 'user.changed', row.id, changed)
  return ok(changedRow)
}

/**
 * SCIM stops naming the person. Whom nothing else names has left: seats stay as they are until they are reclaimed, so the
 * name that stores know stays too; everything else that the client had told goes.
 */
export const removeUser = async ({ now }: UserActDeps, write: Writing, actor: Actor, row: ScimRow): Promise<void> => {
  const person = await personOf(write, row)
  const sources = person.sources.filter((source) => source !== scimSource)
  const hasLeft = !sources.some(namesPrincipals)
  const ordinal = ordinalOf(person.id)
  const groups = await write.rows('groups')
  for (const text of await groupIdsOfScim(write.trx)) {
    const id = parseGroupId(text)
    const group = groups.find((each) => each.id === id)
    if (id === undefined || group === undefined) continue
    const { ordinals } = await write.columns(membersKey(id))
    if (indexOfOrdinal(ordinals, ordinal) < 0) continue
    await recordMembers(
      write,
      group,
      [...ordinals].filter((member) => member !== ordinal),
    )
  }
  await recordPrincipals(write, [{ ...person, sources, left: hasLeft ? (person.left ?? isoTime(now)) : person.left } satisfies User])
  await deleteRow(write.trx, 'User', row.id)
  await audit(write, actor, now, hasLeft ? 'user.left' : 'user.changed', row.id, hasLeft ? [] : ['sources'])
}

export const personOf = async (write: Writing, row: ScimRow): Promise<User> => {
  const id = parsePrincipalId(row.id)
  const held = id === undefined ? undefined : await principalReader(write)(ordinalOf(id))
  if (held === undefined || !isUser(held)) throw new Error(`scim: ${row.id} is kept and not in the directory`)
  return held
}

const isTaken = async (directory: DirectoryIndex, write: Writing, row: ScimRow, nameKey: string): Promise<boolean> => {
  if ((await findRow(write.trx, 'User', { nameKey })) !== undefined) return true
  const known =
    directory.ordinalOfKey('user', nameKey) ??
    (
      await write.trx
        .selectFrom('principal_keys')
        .select('ordinal')
        .where('kind', '=', 'user')
        .where('key', '=', nameKey)
        .executeTakeFirst()
    )?.ordinal
  return known !== undefined && principalIdOf('user', known) !== row.id
}

/** The last source that manages a field owns it. */
const mergedFields = (held: User, before: DirectoryFields | undefined, after: DirectoryFields): DirectoryFields => {
  const text = (name: 'displayName' | 'email' | 'department'): string =>
    after[name] !== '' ? after[name] : before !== undefined && before[name] !== '' ? '' : held[name]
  return { displayName: text('displayName'), email: text('email'), department: text('department'), active: after.active }
}

const withScim = (sources: readonly string[]): readonly string[] => (sources.includes(scimSource) ? sources : [...sources, scimSource])

export const externalIdOf = (resource: Resource): string | null => {
  const value = resource['externalId']
  return typeof value === 'string' ? value : null
}

/** Names of attributes, and no values. */
export const audit = async (
  write: Writing,
  actor: Actor,
  at: number,
  action: string,
  object: string,
  changed: readonly string[],
  more: Readonly<Record<string, string | number>> = {},
): Promise<void> => {
  await appendAudit(write.trx, {
    at,
    actor,
    action,
    object,
    detail: { source: scimSource, ...(changed.length === 0 ? {} : { changed }), ...more },
    origin: 'scim',
  })
}
