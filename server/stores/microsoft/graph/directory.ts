/**
 * The tenant's people and groups, whole or by what has changed. A token of changes that Graph no longer takes (410, or its
 * seven days are over) begins a whole reading; so does a first one. Source: docs/stores/microsoft-graph.md, 4.
 */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { DirectoryGroupTold, DirectoryRead, DirectorySink, DirectoryUserTold, StoreDirectory, StoreFailure } from '../../store.ts'
import type { GraphClient, Parse, ReadFailure } from './client.ts'
import { failureOf, purposes } from './failures.ts'
import { parseDirectoryGroups, parseDirectoryUsers, type DirectoryGroupRead, type DirectoryUserRead } from './wire.ts'

const userFields = 'id,userPrincipalName,mail,displayName,department,accountEnabled,onPremisesImmutableId'
const groupFields = 'id,displayName,members'

const isGone = (removed: unknown): boolean => removed !== undefined && removed !== null

/** A member that is not there says nothing; one that is null says that there is none. */
const said = (value: string | null | undefined): string | undefined => (value === undefined ? undefined : (value ?? ''))

const userTold = (read: DirectoryUserRead): DirectoryUserTold => {
  if (isGone(read['@removed'])) return { is: 'gone', key: read.id }
  const fields: Record<string, string> = {}
  const put = (name: string, value: string | undefined): void => {
    if (value !== undefined) fields[name] = value
  }
  put('userName', said(read.userPrincipalName))
  put('displayName', said(read.displayName))
  put('email', said(read.mail))
  put('department', said(read.department))
  return {
    is: 'told',
    key: read.id,
    fields: { ...fields, ...(typeof read.accountEnabled === 'boolean' ? { active: read.accountEnabled } : {}) },
    ...(read.onPremisesImmutableId ? { externalId: read.onPremisesImmutableId } : {}),
  }
}

const memberKind = (type: string): 'user' | 'group' | 'other' =>
  type.endsWith('.user') ? 'user' : type.endsWith('.group') ? 'group' : 'other'

const groupTold = (read: DirectoryGroupRead): DirectoryGroupTold => {
  if (isGone(read['@removed'])) return { is: 'gone', key: read.id }
  const members = read['members@delta'] ?? []
  const some = (kind: 'user' | 'group', gone: boolean): readonly string[] =>
    members.filter((one) => memberKind(one['@odata.type']) === kind && isGone(one['@removed']) === gone).map(({ id }) => id.toLowerCase())
  /** Of somebody who was taken out the type is not always told. */
  const untold = members.filter((one) => one['@odata.type'] === '' && isGone(one['@removed'])).map(({ id }) => id.toLowerCase())
  const name = said(read.displayName)
  return {
    is: 'told',
    key: read.id,
    ...(name === undefined ? {} : { name }),
    members: { added: some('user', false), removed: [...some('user', true), ...untold] },
    groups: { added: some('group', false), removed: [...some('group', true), ...untold] },
  }
}

/** Graph takes the mark no more, and everything is to be read anew. */
const isOutdated = (failure: ReadFailure): boolean =>
  failure.is === 'refused' &&
  (failure.status === 410 || failure.code.toLowerCase() === 'syncstatenotfound' || failure.code === 'resyncRequired')

export const createGraphDirectory = (client: GraphClient): StoreDirectory => {
  const readList = async <Read, Told>(
    first: string,
    cursor: string | null,
    parse: Parse<readonly Read[]>,
    tell: (read: Read) => Told,
    sink: DirectorySink<Told>,
    purpose: 'users' | 'groups',
  ): Promise<Result<DirectoryRead, StoreFailure>> => {
    const page = (items: readonly Read[]): void => sink.page(items.map(tell))
    if (cursor !== null) {
      sink.begin(false)
      const changes = await client.walk(cursor, parse, page)
      if (changes.ok) return ok({ cursor: changes.value ?? null, whole: false })
      if (!isOutdated(changes.error)) return err(failureOf(changes.error, purposes[purpose]))
    }
    sink.begin(true)
    const all = await client.walk(first, parse, page)
    return all.ok ? ok({ cursor: all.value ?? null, whole: true }) : err(failureOf(all.error, purposes[purpose]))
  }
  return {
    readUsers: (cursor, sink) => readList(`/users/delta?$select=${userFields}`, cursor, parseDirectoryUsers, userTold, sink, 'users'),
    readGroups: (cursor, sink) => readList(`/groups/delta?$select=${groupFields}`, cursor, parseDirectoryGroups, groupTold, sink, 'groups'),
  }
}
