/**
 * What SCIM clients made: which people and groups they know, and every attribute that they set, as they set it. The facts
 * hold only what licenses need; phone numbers and addresses stay here and reach no browser.
 */
import type { Db, ScimResourcesTable } from '../database/schema.ts'
import { isComplex, type Resource } from './resource.ts'

export interface ScimRow {
  readonly kind: 'User' | 'Group'
  /** The id of the principal or the group. */
  readonly id: string
  /** User name or group name without regard to case; one of its kind. */
  readonly nameKey: string
  readonly externalId: string | null
  readonly resource: Resource
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly modifiedAt: number
}

export const nameKeyOf = (name: string): string => name.trim().toLowerCase()

const rowOf = (row: ScimResourcesTable): ScimRow => {
  const resource: unknown = JSON.parse(row.attributes)
  if (!isComplex(resource)) throw new Error(`scim: ${row.kind} ${row.id} is not kept as an object`)
  return {
    kind: row.kind === 'Group' ? 'Group' : 'User',
    id: row.id,
    nameKey: row.name_key,
    externalId: row.external_id,
    resource: resource as Resource,
    createdAt: row.created_at,
    modifiedAt: row.modified_at,
  }
}

const tableRowOf = ({ kind, id, nameKey, externalId, resource, createdAt, modifiedAt }: ScimRow): ScimResourcesTable => ({
  kind,
  id,
  name_key: nameKey,
  external_id: externalId,
  attributes: JSON.stringify(resource),
  created_at: createdAt,
  modified_at: modifiedAt,
})

export const findRow = async (db: Db, kind: ScimRow['kind'], by: { readonly id: string } | { readonly nameKey: string }) => {
  const all = db.selectFrom('scim_resources').selectAll().where('kind', '=', kind)
  const row = await ('id' in by ? all.where('id', '=', by.id) : all.where('name_key', '=', by.nameKey)).executeTakeFirst()
  return row === undefined ? undefined : rowOf(row)
}

export const insertRow = async (db: Db, row: ScimRow): Promise<void> => {
  await db.insertInto('scim_resources').values(tableRowOf(row)).execute()
}

export const updateRow = async (db: Db, row: ScimRow): Promise<void> => {
  const { kind, id, ...rest } = tableRowOf(row)
  await db.updateTable('scim_resources').set(rest).where('kind', '=', kind).where('id', '=', id).execute()
}

export const deleteRow = async (db: Db, kind: ScimRow['kind'], id: string): Promise<void> => {
  await db.deleteFrom('scim_resources').where('kind', '=', kind).where('id', '=', id).execute()
}

/** What a look-up can be narrowed to. `ids` are those of another index. */
export interface Narrow {
  readonly ids?: readonly string[]
  readonly nameKey?: string
  readonly externalId?: string
}

/** In the order in which they were made: pages of the same list hold together. */
export const listRows = async (
  db: Db,
  kind: ScimRow['kind'],
  narrow: Narrow,
  page: { readonly offset: number; readonly limit: number },
): Promise<readonly ScimRow[]> => {
  if (page.limit === 0) return []
  const rows = await narrowed(db, kind, narrow)
    .selectAll()
    .orderBy('created_at')
    .orderBy('id')
    .limit(page.limit)
    .offset(page.offset)
    .execute()
  return rows.map(rowOf)
}

export const countRows = async (db: Db, kind: ScimRow['kind'], narrow: Narrow): Promise<number> => {
  const { count } = await narrowed(db, kind, narrow)
    .select(({ fn }) => fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

const narrowed = (db: Db, kind: ScimRow['kind'], { ids, nameKey, externalId }: Narrow) => {
  let query = db.selectFrom('scim_resources').where('kind', '=', kind)
  if (ids !== undefined) query = query.where('id', 'in', [...ids])
  if (nameKey !== undefined) query = query.where('name_key', '=', nameKey)
  if (externalId !== undefined) query = query.where('external_id', '=', externalId)
  return query
}

export const groupIdsOfScim = async (db: Db): Promise<readonly string[]> =>
  (await db.selectFrom('scim_resources').select('id').where('kind', '=', 'Group').orderBy('created_at').orderBy('id').execute()).map(
    ({ id }) => id,
  )
