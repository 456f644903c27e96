/** The acts on people. Each runs inside one act of the journal: it looks at everything first, and then writes all of it. */
import { appendAudit } from '../audit.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import { recordMembers } from '../directory/group-record.ts'
import { principalReader, recordPrincipals } from '../directory/principal-record.ts'
import { dropRecord, keepRecords, recordsByKey, recordsOf } from '../directory/source-records.ts'
import {
  impliedRecords,
  keepTakenIn,
  nameNoMore,
  personAfter,
  readerIn,
  said,
  weighTakingIn,
  withRecord,
  type Told,
} from '../directory/taking-in.ts'
import type { Writing } from '../journal.ts'
import { asInDirectory, changedNames, fieldsOf, nameIn, scimSource } from './people.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { withKey, type Resource } from './resource.ts'
import { deleteRow, findRow, groupIdsOfScim, insertRow, updateRow, type ScimRow } from './rows.ts'
import type { Actor } from '../../shared/admin.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { indexOfOrdinal, membersKey } from '../../shared/facts.ts'
import { ordinalOf, parseGroupId, parsePrincipalId, principalIdOf } from '../../shared/ids.ts'
import type { SourceRecord } from '../../shared/joining.ts'
import { isUser, normalUserName, type User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface UserActDeps {
  readonly directory: DirectoryIndex
  readonly now: number
}

const taken = (userName: string): ScimRefusal =>
  refusal('uniqueness', `The user name ${userName} is taken already. Look the person up by it, and change that one.`)

/** Who it is, the rules of shared/joining.ts say: a file or a store may have named this very person first. */
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
  const resource = sent['active'] === undefined ? withKey(sent, 'active', true) : sent
  const weighed = await weighTakingIn(readerIn(write), directory, scimSource, [toldOf(nameKey, userName.value, resource)], now)
  const before = weighed.plan[0]?.before
  // Someone of SCIM was called so before, and stores keep that person's seats under this name.
  if (before !== undefined && (await findRow(write.trx, 'User', { id: before.id })) !== undefined) return err(taken(userName.value))
  const person = (await keepTakenIn(write, directory, scimSource, weighed)).get(nameKey)
  if (person === undefined) throw new Error(`scim: ${nameKey} was taken in and is not there`)
  const row: ScimRow = {
    kind: 'User',
    id: person.id,
    nameKey,
    externalId: externalIdOf(resource),
    resource,
    createdAt: now,
    modifiedAt: now,
  }
  await insertRow(write.trx, row)
  const isNamedAlready =
    before !== undefined && before.left === null && before.sources.some((source) => source !== scimSource && namesPrincipals(source))
  await audit(write, actor, now, isNamedAlready ? 'user.changed' : 'user.added', person.id, isNamedAlready ? ['sources'] : [])
  return ok(row)
}

const toldOf = (nameKey: string, userName: string, resource: Resource): Told => ({
  key: nameKey,
  fields: { ...fieldsOf(resource), userName },
  externalId: externalIdOf(resource),
})

/** A field that the client does not set stays as the next source has it. */
export const changeUser = async (
  { directory, now }: UserActDeps,
  write: Writing,
  actor: Actor,
  row: ScimRow,
  after: Resource,
): Promise<Result<ScimRow, ScimRefusal>> => {
  const userName = nameIn(after, 'userName')
  if (!userName.ok) return userName
  const person = await personOf(write, row)
  const nameKey = normalUserName(userName.value)
  if (nameKey !== row.nameKey && (await isTaken(directory, write, row, nameKey))) return err(taken(userName.value))
  const resource = after['active'] === undefined ? withKey(after, 'active', person.active) : after
  const record = await recordOf(write, row, person)
  const next: SourceRecord = {
    ...record,
    key: nameKey,
    fields: said({ ...fieldsOf(resource), userName: userName.value }),
    externalId: externalIdOf(resource),
    toldAt: now,
  }
  const held = (await recordsOf(write.trx, [ordinalOf(person.id)])).get(ordinalOf(person.id)) ?? impliedRecords(person)
  const records = withRecord(
    held.filter((other) => other.source !== scimSource || other.key !== record.key),
    next,
  )
  const changedPerson = personAfter(person, records, now)
  // To set what another source says already makes the client the one who says it.
  const changed = [
    ...new Set([
      ...changedNames(row.resource, resource),
      ...changedNames(asInDirectory(row.resource, person), asInDirectory(resource, changedPerson)),
    ]),
  ].sort()
  if (changed.length === 0) return ok(row)
  const changedRow: ScimRow = { ...row, nameKey, externalId: externalIdOf(resource), resource, modifiedAt: now }
  if (record.key !== nameKey) await dropRecord(write.trx, scimSource, record.key)
  await keepRecords(write.trx, records)
  if (JSON.stringify(person) !== JSON.stringify(changedPerson)) await recordPrincipals(write, [changedPerson])
  await updateRow(write.trx, changedRow)
  await audit(write, actor, now, 'user.changed', row.id, changed)
  return ok(changedRow)
}

/** What SCIM says of the person; made of what it told where that was before such records were kept. */
const recordOf = async (write: Writing, row: ScimRow, person: User): Promise<SourceRecord> =>
  (await recordsByKey(write.trx, scimSource, [row.nameKey])).get(row.nameKey) ?? {
    source: scimSource,
    key: row.nameKey,
    ordinal: ordinalOf(person.id),
    fields: said({ ...fieldsOf(row.resource), userName: nameOf(row) }),
    externalId: row.externalId,
    joinedBy: 'user-name',
    since: row.createdAt,
    toldAt: row.modifiedAt,
    goneAt: null,
  }

const nameOf = ({ resource, nameKey }: ScimRow): string => {
  const name = resource['userName']
  return typeof name === 'string' ? name : nameKey
}

/**
 * SCIM stops naming the person. Whom nothing else names has left: seats stay as they are until they are reclaimed, so the
 * name that stores know stays too; everything else that the client had told goes.
 */
export const removeUser = async ({ now }: UserActDeps, write: Writing, actor: Actor, row: ScimRow): Promise<void> => {
  const person = await personOf(write, row)
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
  await keepRecords(write.trx, [await recordOf(write, row, person)])
  const hasLeft = (await nameNoMore(write, scimSource, [row.nameKey], now)).left.length > 0
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
  return known !== undefined && principalIdOf('user', directory.personOf(known)) !== row.id
}

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
