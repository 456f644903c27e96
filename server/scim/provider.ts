/**
 * The SCIM service provider without HTTP: what a client may ask for, each question with the actor who asks. A change is one
 * act of the journal, whole or not at all; a repeated one changes nothing.
 */
import type { Db } from '../database/schema.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { Journal, Writing } from '../journal.ts'
import { asksFor, conditionsOf, isMatch, parseFilter, type Filter } from './filter.ts'
import { changeGroup, createGroup, groupWithMembers, removeGroup } from './groups.ts'
import { patched, readPatch } from './patch.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { readResource, withKey, type Resource } from './resource.ts'
import { countRows, findRow, listRows, nameKeyOf, type Narrow, type ScimRow } from './rows.ts'
import { groupType, userType, type Place, type ResourceType } from './schema.ts'
import { createTelling, type Parts, type Told } from './telling.ts'
import { changeUser, createUser, personOf, removeUser } from './users.ts'
import { may, type Actor } from '../../shared/admin.ts'
import type { Chance, Clock } from '../../shared/clock.ts'
import { isUser } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export const mostPerPage = 200
export const usualPerPage = 100
const rowsPerRead = 500

export interface ListQuery {
  readonly filter: string | undefined
  /** From 1. */
  readonly startIndex: number
  readonly count: number
}

export interface Listed {
  readonly total: number
  readonly told: readonly Told[]
}

/** False: it is not the one that the client read. */
export type IsAsRead = (etag: string) => boolean

export interface Scim {
  list(actor: Actor, type: ResourceType, query: ListQuery, parts: Parts): Promise<Result<Listed, ScimRefusal>>
  find(actor: Actor, type: ResourceType, id: string, parts: Parts): Promise<Result<Told, ScimRefusal>>
  create(actor: Actor, type: ResourceType, body: unknown): Promise<Result<Told, ScimRefusal>>
  replace(actor: Actor, type: ResourceType, id: string, body: unknown, isAsRead: IsAsRead, parts: Parts): Promise<Result<Told, ScimRefusal>>
  patch(actor: Actor, type: ResourceType, id: string, body: unknown, isAsRead: IsAsRead, parts: Parts): Promise<Result<Told, ScimRefusal>>
  remove(actor: Actor, type: ResourceType, id: string, isAsRead: IsAsRead): Promise<Result<undefined, ScimRefusal>>
}

export interface ScimDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
  readonly publicUrl: string
}

const nothingMore: Parts = { groups: false, members: false }

export const createScim = (deps: ScimDeps): Scim => {
  const { db, journal, directory, clock, chance } = deps
  const telling = (write?: Writing) =>
    createTelling({ facts: write ?? journal, db: write === undefined ? db : write.trx, publicUrl: deps.publicUrl })

  const list = async (type: ResourceType, query: ListQuery, parts: Parts): Promise<Result<Listed, ScimRefusal>> => {
    const { tell } = telling()
    const offset = query.startIndex - 1
    const tellAll = async (rows: readonly ScimRow[]): Promise<readonly Told[]> => {
      const told: Told[] = []
      for (const row of rows) told.push(await tell(row, parts))
      return told
    }
    if (query.filter === undefined)
      return ok({
        total: await countRows(db, type.name, {}),
        told: await tellAll(await listRows(db, type.name, {}, { offset, limit: query.count })),
      })
    const filter = parseFilter(type, query.filter)
    if (!filter.ok) return filter
    const narrow = await narrowOf(type, filter.value)
    const toMatch: Parts = { groups: asksFor(filter.value, 'groups'), members: asksFor(filter.value, 'members') }
    const page: ScimRow[] = []
    let total = 0
    for (let from = 0; ; from += rowsPerRead) {
      const rows = await listRows(db, type.name, narrow, { offset: from, limit: rowsPerRead })
      for (const row of rows) {
        if (!isMatch(filter.value, (await tell(row, toMatch)).resource)) continue
        if (total >= offset && page.length < query.count) page.push(row)
        total += 1
      }
      if (rows.length < rowsPerRead) break
      // Others are served in between.
      await new Promise<void>((resolve) => void setImmediate(resolve))
    }
    return ok({ total, told: await tellAll(page) })
  }

  const narrowOf = async (type: ResourceType, filter: Filter): Promise<Narrow> => {
    const name = type.schema.attributes.find(({ uniqueness }) => uniqueness === 'server')?.name
    let narrow: Narrow = {}
    for (const condition of conditionsOf(filter)) {
      if (condition.is === 'element' && type === userType) {
        const email = workEmailIn(condition)
        if (email !== undefined && narrow.ids === undefined) narrow = { ...narrow, ids: await idsByEmail(email) }
      }
      if (condition.is !== 'compare' || condition.operator !== 'eq' || typeof condition.value !== 'string') continue
      const { place, value } = condition
      if (place.extension !== undefined || place.sub !== undefined) continue
      if (place.attribute.name === 'id') narrow = { ...narrow, ids: [value] }
      else if (place.attribute.name === 'externalId') narrow = { ...narrow, externalId: value }
      else if (place.attribute.name === name) narrow = { ...narrow, nameKey: nameKeyOf(value) }
    }
    return narrow
  }

  /** The address for work is the one that the directory holds (people.ts). */
  const idsByEmail = async (email: string): Promise<readonly string[]> => {
    const wanted = email.trim().toLowerCase()
    const ids: string[] = []
    for (const key of await journal.store.keys('principals/'))
      for (const person of await journal.rows(key as `principals/${number}`))
        if (isUser(person) && person.email.toLowerCase() === wanted) ids.push(person.id)
    return ids
  }

  /** Reads the row, and judges what the client read, inside the act. */
  const change = (
    type: ResourceType,
    id: string,
    isAsRead: IsAsRead,
    parts: Parts,
    act: (write: Writing, row: ScimRow) => Promise<Result<ScimRow, ScimRefusal>>,
  ): Promise<Result<Told, ScimRefusal>> =>
    journal.write(async (write) => {
      const row = await readRow(write, type, id, isAsRead)
      if (!row.ok) return row
      const changed = await act(write, row.value)
      return changed.ok ? ok(await telling(write).tell(changed.value, parts)) : changed
    })

  const readRow = async (write: Writing, type: ResourceType, id: string, isAsRead: IsAsRead): Promise<Result<ScimRow, ScimRefusal>> => {
    const row = await findRow(write.trx, type.name, { id })
    if (row === undefined) return err(unknown(type, id))
    const { etag } = await telling(write).tell(row, nothingMore)
    return isAsRead(etag) ? ok(row) : err({ status: 412, detail: `The ${type.name} was changed since it was read. Read it again.` })
  }

  const permitted = async <T>(actor: Actor, ask: () => Promise<Result<T, ScimRefusal>>): Promise<Result<T, ScimRefusal>> =>
    may(actor, 'manage-directory')
      ? await ask()
      : err({
          status: 403,
          detail: `The role of this key, ${actor.role}, does not cover the directory. Use a key with the role directory.`,
        })

  return {
    list: (actor, type, query, parts) => permitted(actor, () => list(type, query, parts)),
    find: (actor, type, id, parts) =>
      permitted(actor, async () => {
        const row = await findRow(db, type.name, { id })
        return row === undefined ? err(unknown(type, id)) : ok(await telling().tell(row, parts))
      }),
    create: (actor, type, body) =>
      permitted(actor, async () => {
        const read = readResource(type, body)
        if (!read.ok) return read
        const { resource } = read.value
        return await journal.write(async (write): Promise<Result<Told, ScimRefusal>> => {
          const now = clock.now()
          const made =
            type === userType
              ? await createUser({ directory, now }, write, actor, resource)
              : await createGroup({ chance, now }, write, actor, resource)
          return made.ok ? ok(await telling(write).tell(made.value, { groups: false, members: true })) : made
        })
      }),
    replace: (actor, type, id, body, isAsRead, parts) =>
      permitted(actor, async () => {
        const read = readResource(type, body)
        if (!read.ok) return read
        const { resource, named } = read.value
        return await change(type, id, isAsRead, parts, async (write, row) => {
          const now = clock.now()
          if (type === userType) return await changeUser({ directory, now }, write, actor, row, resource)
          // Who does not speak of members does not mean to empty the group.
          const after = named.has('members') ? resource : withKey(resource, 'members', (await groupWithMembers(write, row))['members'])
          return await changeGroup({ chance, now }, write, actor, row, after)
        })
      }),
    patch: (actor, type, id, body, isAsRead, parts) =>
      permitted(actor, async () => {
        const operations = readPatch(body)
        if (!operations.ok) return operations
        return await change(type, id, isAsRead, parts, async (write, row) => {
          const now = clock.now()
          const before: Resource =
            type === groupType ? await groupWithMembers(write, row) : withKey(row.resource, 'active', (await personOf(write, row)).active)
          const after = patched(type, before, operations.value)
          if (!after.ok) return after
          return type === groupType
            ? await changeGroup({ chance, now }, write, actor, row, after.value)
            : await changeUser({ directory, now }, write, actor, row, after.value)
        })
      }),
    remove: (actor, type, id, isAsRead) =>
      permitted(actor, () =>
        journal.write(async (write): Promise<Result<undefined, ScimRefusal>> => {
          const row = await readRow(write, type, id, isAsRead)
          if (!row.ok) return row
          const now = clock.now()
          await (type === userType
            ? removeUser({ directory, now }, write, actor, row.value)
            : removeGroup({ chance, now }, write, actor, row.value))
          return ok(undefined)
        }),
      ),
  }
}

const unknown = (type: ResourceType, id: string): ScimRefusal => ({
  status: 404,
  detail: `There is no ${type.name} ${id.slice(0, 64)}. It may have been deleted.`,
})

/** `emails[type eq "work"].value eq "…"`: the address. */
const workEmailIn = (filter: Filter): string | undefined => {
  if (filter.is !== 'element' || filter.place.attribute.name !== 'emails' || filter.of.is !== 'and') return undefined
  const valueOf = (name: string): string | undefined => {
    const found = conditionsOf(filter.of).find(
      (each): each is Filter & { readonly is: 'compare'; readonly place: Place } =>
        each.is === 'compare' && each.operator === 'eq' && each.place.attribute.name === name,
    )
    return typeof found?.value === 'string' ? found.value : undefined
  }
  return valueOf('type')?.toLowerCase() === 'work' ? valueOf('value') : undefined
}

export const invalidNumber = (name: string): ScimRefusal => refusal('invalidValue', `${name} must be a whole number.`)
