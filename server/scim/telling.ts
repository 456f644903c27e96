/** Resources as clients are told them: what a client set, how the directory stands, and what is ours to add. */
import { createHash } from 'node:crypto'
import type { Db } from '../database/schema.ts'
import type { FactReader } from '../facts.ts'
import { createPrincipalNames } from '../principals.ts'
import { asInDirectory, withManagerAddress } from './people.ts'
import { scimBase } from './refusal.ts'
import type { Complex, Resource } from './resource.ts'
import { groupIdsOfScim, type ScimRow } from './rows.ts'
import { groupSchema, userSchema, userType } from './schema.ts'
import { isoTime } from '../../shared/clock.ts'
import { indexOfOrdinal, membersKey } from '../../shared/facts.ts'
import { ordinalOf, parseGroupId, parsePrincipalId, principalIdOf, type GroupId } from '../../shared/ids.ts'
import { isUser, type Group } from '../../shared/principal.ts'

export interface Told {
  readonly resource: Resource
  readonly etag: string
}

/** What takes work to tell, and is not always asked for. */
export interface Parts {
  readonly groups: boolean
  readonly members: boolean
}

/** Reads each chunk of people, and the groups, once: make one for each answer. */
export const createTelling = (deps: { readonly facts: FactReader; readonly db: Db; readonly publicUrl: string }) => {
  const { facts, db } = deps
  const names = createPrincipalNames(facts)
  const base = deps.publicUrl.replace(/\/$/, '') + scimBase
  let groups: Promise<readonly { readonly id: GroupId; readonly name: string; readonly ordinals: Uint32Array }[]> | undefined

  let rows: Promise<ReadonlyMap<string, Group>> | undefined
  const groupRows = (): Promise<ReadonlyMap<string, Group>> =>
    (rows ??= facts.rows('groups').then((all) => new Map(all.map((group) => [group.id, group]))))

  const readGroups = async () => {
    const byId = await groupRows()
    const read = []
    for (const text of await groupIdsOfScim(db)) {
      const id = parseGroupId(text)
      const name = id === undefined ? undefined : byId.get(id)?.name
      if (id !== undefined && name !== undefined) read.push({ id, name, ordinals: (await facts.columns(membersKey(id))).ordinals })
    }
    return read
  }

  const metaOf = (row: ScimRow, location: string, etag: string): Complex => ({
    resourceType: row.kind,
    created: isoTime(row.createdAt),
    lastModified: isoTime(row.modifiedAt),
    location,
    version: etag,
  })

  const groupsOf = async (ordinal: number): Promise<readonly Complex[]> => {
    groups ??= readGroups()
    return (await groups)
      .filter(({ ordinals }) => indexOfOrdinal(ordinals, ordinal) >= 0)
      .map(({ id, name }) => ({ value: id, $ref: `${base}/Groups/${id}`, display: name, type: 'direct' }))
  }

  const user = async (row: ScimRow, parts: Parts): Promise<Told> => {
    const id = parsePrincipalId(row.id)
    const person = id === undefined ? undefined : await names.find(ordinalOf(id))
    // Memory follows a commit by a moment.
    const held = person !== undefined && isUser(person) ? asInDirectory(row.resource, person) : row.resource
    const etag = etagOf([row.id, held])
    const told = withManagerAddress(held, `${base}/Users/`)
    const inGroups = parts.groups && id !== undefined ? await groupsOf(ordinalOf(id)) : []
    return {
      etag,
      resource: {
        ...told,
        ...(inGroups.length === 0 ? {} : { groups: inGroups }),
        schemas: [userSchema, ...userType.extensions.map(({ id: urn }) => urn).filter((urn) => urn in told)],
        id: row.id,
        meta: metaOf(row, `${base}/Users/${row.id}`, etag),
      },
    }
  }

  const group = async (row: ScimRow, parts: Parts): Promise<Told> => {
    const id = parseGroupId(row.id)
    const { ordinals } = id === undefined ? { ordinals: new Uint32Array() } : await facts.columns(membersKey(id))
    const nested = (await groupRows()).get(row.id)?.groups ?? []
    const etag = etagOf([row.id, row.resource, createHash('sha256').update(ordinals).digest('base64url'), ...nested])
    return {
      etag,
      resource: {
        ...row.resource,
        members: parts.members ? [...Array.from(ordinals, memberOf), ...nested.map(nestedOf)] : [],
        schemas: [groupSchema],
        id: row.id,
        meta: metaOf(row, `${base}/Groups/${row.id}`, etag),
      },
    }
  }

  const memberOf = (ordinal: number): Complex => {
    const value: string = principalIdOf('user', ordinal)
    return { value, $ref: `${base}/Users/${value}`, type: 'User' }
  }
  const nestedOf = (value: string): Complex => ({ value, $ref: `${base}/Groups/${value}`, type: 'Group' })

  return { tell: (row: ScimRow, parts: Parts): Promise<Told> => (row.kind === 'User' ? user(row, parts) : group(row, parts)) }
}
export type Telling = ReturnType<typeof createTelling>

/** Weak: it stands for what a client can set, and not for the bytes of an answer. */
const etagOf = (state: unknown): string => `W/"${createHash('sha256').update(JSON.stringify(state)).digest('base64url').slice(0, 22)}"`
