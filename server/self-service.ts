/**
 * The way in for people without an account: links that the organisation's own key signs, each for one person, and the
 * short sessions for which they are exchanged. Off until an owner turns it on. What it stands against: docs/self-service.md.
 *
 * A link says who it is for, until when, and under which key; it is signed as a whole and kept nowhere. What is kept is a
 * number for each person, their turn, which is signed too: counting it up ends all links of that person, and a new key
 * ends those of everybody.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { isoTime, type Chance, type Clock } from '../shared/clock.ts'
import { principalIdOf } from '../shared/ids.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { By } from './api-keys.ts'
import { appendAudit } from './audit.ts'
import { insertMany, rowsPerStatement, selectMany } from './database/many.ts'
import type { Db, SelfServiceLinksTable, SelfServiceTable, Trx } from './database/schema.ts'
import { ifItCanBeKept } from './database/trouble.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Place, Sealer } from './seal.ts'
import { randomToken, tokenHash } from './sessions.ts'

export interface SelfServiceState {
  readonly isOn: boolean
  /** People who hold a link that is good now. */
  readonly people: number
  /** ISO 8601 and the name of who turned it on or off, or renewed the key, last; null: nobody ever did. */
  readonly changedAt: string | null
  readonly changedBy: string | null
}

export interface PersonalLink {
  /** Of the person. */
  readonly ordinal: number
  /** Told once. */
  readonly token: string
  readonly expiresAt: number
}

/** What is known of somebody's links. */
export interface LinkHolder {
  readonly ordinal: number
  readonly madeAt: number
  readonly madeBy: string
  readonly expiresAt: number
  readonly usedAt: number | null
}

export type LinkRefused =
  | { readonly is: 'self-service-off' }
  /** Altered, cut off, made up, ended, or signed by a key that is gone: nobody is told which. */
  | { readonly is: 'link-not-valid' }
  | { readonly is: 'link-expired'; readonly expiredAt: string }
  | { readonly is: 'person-left' }
  | { readonly is: 'person-inactive' }

export interface SelfService {
  state(): Promise<SelfServiceState>
  /** The first time it makes the key. Links made before hold again when it is turned on again. */
  turn(by: By, on: boolean): Promise<void>
  /** A new key: all links and sessions end at once. Gives whose links ended; undefined: there is no key yet. */
  endAll(by: By): Promise<number | undefined>
  /** Earlier links of these people stay good until their own end. `ordinals` of people. */
  makeLinks(
    by: By,
    ordinals: readonly number[],
    validMs: number,
  ): Promise<Result<readonly PersonalLink[], { readonly is: 'self-service-off' }>>
  /** Ends all links and sessions of one person. False: they had none that is good. */
  endLinksOf(by: By, ordinal: number): Promise<boolean>
  /** Who holds links that are good, in no promised order. */
  holders(): Promise<readonly LinkHolder[]>
  /** Exchanges a link for a session. */
  open(link: string): Promise<Result<{ readonly token: string; readonly expiresAt: number; readonly ordinal: number }, LinkRefused>>
  /** Read afresh each time. `session-over`: there is none, or it has ended. */
  findSession(
    token: string,
  ): Promise<
    Result<
      { readonly ordinal: number; readonly expiresAt: number },
      Extract<LinkRefused, { is: `person-${string}` }> | { readonly is: 'session-over' }
    >
  >
  close(token: string): Promise<void>
}

/** From opening the link; looking again does not lengthen it. */
export const selfServiceSessionMs = 60 * 60_000

const place = (generation: number): Place => ({ table: 'self_service', row: String(generation), column: 'sealed' })
const keyBytes = 32
const version = 1
const headBytes = 16
/** 48 bytes are 64 letters without a bit to spare: no other text reads as the same link. */
const LINK = /^[A-Za-z0-9_-]{64}$/
const SESSION = /^[A-Za-z0-9_-]{43}$/
const purpose = Buffer.from('quartermaster self-service link\0')

interface LinkHead {
  readonly generation: number
  readonly ordinal: number
  readonly turn: number
  /** Seconds since 1970. */
  readonly expiresS: number
}

/** Version (1 byte), generation (3), ordinal (4), turn (4), end in seconds (4), each from the greatest byte down. */
const headOf = ({ generation, ordinal, turn, expiresS }: LinkHead): Buffer => {
  const head = Buffer.alloc(headBytes)
  head.writeUInt8(version, 0)
  head.writeUIntBE(generation, 1, 3)
  head.writeUInt32BE(ordinal, 4)
  head.writeUInt32BE(turn, 8)
  head.writeUInt32BE(expiresS, 12)
  return head
}
const signed = (key: Buffer, head: Uint8Array): Buffer => createHmac('sha256', key).update(purpose).update(head).digest()

export const createSelfService = (deps: {
  readonly db: Db
  readonly sealer: Sealer
  readonly directory: Pick<DirectoryIndex, 'principal' | 'personOf'>
  readonly clock: Clock
  readonly chance: Chance
}): SelfService => {
  const { db, sealer, directory, clock, chance } = deps
  /** Nobody's: what a link is held against where there is no key, so that the answer takes as long. */
  const nobodys = Buffer.from(chance.bytes(keyBytes))

  const held = (executor: Db = db): Promise<SelfServiceTable | undefined> =>
    executor.selectFrom('self_service').selectAll().executeTakeFirst()
  const keyIn = (row: SelfServiceTable): Buffer =>
    Buffer.from(sealer.unseal(place(row.generation), { wrappedKey: row.wrapped_key, nonce: row.nonce, sealed: row.sealed }), 'base64url')
  const newKey = (generation: number) => {
    const { wrappedKey, nonce, sealed } = sealer.seal(place(generation), Buffer.from(chance.bytes(keyBytes)).toString('base64url'))
    return { generation, key_id: sealer.keyId, wrapped_key: wrappedKey, nonce, sealed }
  }
  const audit = (trx: Trx, by: By, action: string, object: string, detail: Parameters<typeof appendAudit>[1]['detail']) =>
    appendAudit(trx, { at: clock.now(), actor: by.actor, action, object, detail, origin: by.origin })

  const good = (executor: Db, generation: number) =>
    executor.selectFrom('self_service_links').where('generation', '=', generation).where('expires_at', '>', clock.now())
  const countGood = async (executor: Db, generation: number): Promise<number> =>
    Number(
      (
        await good(executor, generation)
          .select(({ fn }) => fn.countAll().as('count'))
          .executeTakeFirstOrThrow()
      ).count,
    )

  const standingOf = (ordinal: number): Result<number, Extract<LinkRefused, { is: `person-${string}` }>> => {
    const person = directory.personOf(ordinal)
    const state = directory.principal(person)
    if (state === undefined || state.left) return err({ is: 'person-left' })
    return state.active ? ok(person) : err({ is: 'person-inactive' })
  }

  const read = async (link: string): Promise<Result<LinkHead, LinkRefused>> => {
    const row = await held()
    if (row?.is_on !== 1) return err({ is: 'self-service-off' })
    const bytes = Buffer.from(LINK.test(link) ? link : 'A'.repeat(64), 'base64url')
    const head = bytes.subarray(0, headBytes)
    const generation = head.readUIntBE(1, 3)
    const isOurs = generation === row.generation && head.readUInt8(0) === version
    const isRight = timingSafeEqual(signed(isOurs ? keyIn(row) : nobodys, head), bytes.subarray(headBytes))
    if (!isOurs || !isRight) return err({ is: 'link-not-valid' })
    return ok({ generation, ordinal: head.readUInt32BE(4), turn: head.readUInt32BE(8), expiresS: head.readUInt32BE(12) })
  }

  return {
    state: async () => {
      const row = await held()
      return row === undefined
        ? { isOn: false, people: 0, changedAt: null, changedBy: null }
        : {
            isOn: row.is_on === 1,
            people: await countGood(db, row.generation),
            changedAt: isoTime(row.changed_at),
            changedBy: row.changed_by,
          }
    },
    turn: (by, on) =>
      db.transaction().execute(async (trx) => {
        const row = await held(trx)
        const is_on = on ? 1 : 0
        if ((row?.is_on ?? 0) === is_on) return
        const change = { is_on, changed_at: clock.now(), changed_by: by.actor.name }
        if (row === undefined)
          await trx
            .insertInto('self_service')
            .values({ ...newKey(1), ...change })
            .execute()
        else await trx.updateTable('self_service').set(change).execute()
        if (!on) await trx.deleteFrom('self_service_sessions').execute()
        await audit(trx, by, on ? 'self-service.turned-on' : 'self-service.turned-off', 'self-service', {})
      }),
    endAll: (by) =>
      db.transaction().execute(async (trx) => {
        const row = await held(trx)
        if (row === undefined) return undefined
        const ended = await countGood(trx, row.generation)
        await trx
          .updateTable('self_service')
          .set({ ...newKey(row.generation + 1), changed_at: clock.now(), changed_by: by.actor.name })
          .execute()
        await trx.deleteFrom('self_service_sessions').execute()
        await audit(trx, by, 'self-service.all-links-ended', 'self-service', { people: ended })
        return ended
      }),
    makeLinks: (by, ordinals, validMs) =>
      db.transaction().execute(async (trx) => {
        const row = await held(trx)
        if (row?.is_on !== 1) return err({ is: 'self-service-off' })
        const now = clock.now()
        const expiresS = Math.ceil((now + validMs) / 1000)
        const before = new Map(
          (
            await selectMany<SelfServiceLinksTable, number>(trx, ordinals, (some) =>
              trx.selectFrom('self_service_links').selectAll().where('ordinal', 'in', some).compile(),
            )
          ).map((link) => [link.ordinal, link]),
        )
        const rows = [...new Set(ordinals)].map((ordinal): SelfServiceLinksTable => {
          const known = before.get(ordinal)
          const isGood = known?.generation === row.generation
          return {
            ordinal,
            generation: row.generation,
            turn: known?.turn ?? 1,
            made_at: now,
            made_by: by.actor.name,
            expires_at: Math.max(isGood ? known.expires_at : 0, expiresS * 1000),
            used_at: isGood ? known.used_at : null,
          }
        })
        for (let from = 0; from < rows.length; from += rowsPerStatement)
          await trx
            .deleteFrom('self_service_links')
            .where(
              'ordinal',
              'in',
              rows.slice(from, from + rowsPerStatement).map(({ ordinal }) => ordinal),
            )
            .execute()
        await insertMany(trx, 'self_service_links', rows)
        await audit(trx, by, 'self-service.links-made', 'self-service', {
          people: rows.length,
          principals: rows.slice(0, mostAudited).map(({ ordinal }) => principalIdOf('user', ordinal)),
          expiresAt: isoTime(expiresS * 1000),
        })
        const key = keyIn(row)
        return ok(
          rows.map(({ ordinal, turn, generation }): PersonalLink => {
            const head = headOf({ generation, ordinal, turn, expiresS })
            return { ordinal, token: Buffer.concat([head, signed(key, head)]).toString('base64url'), expiresAt: expiresS * 1000 }
          }),
        )
      }),
    endLinksOf: (by, ordinal) =>
      db.transaction().execute(async (trx) => {
        const row = await held(trx)
        const { numUpdatedRows } = await trx
          .updateTable('self_service_links')
          .set((link) => ({ turn: link('turn', '+', 1), expires_at: 0 }))
          .where('ordinal', '=', ordinal)
          .where('generation', '=', row?.generation ?? -1)
          .where('expires_at', '>', clock.now())
          .executeTakeFirst()
        if (numUpdatedRows === 0n) return false
        await trx.deleteFrom('self_service_sessions').where('ordinal', '=', ordinal).execute()
        await audit(trx, by, 'self-service.links-ended', principalIdOf('user', ordinal), {})
        return true
      }),
    holders: async () => {
      const row = await held()
      const links = row === undefined ? [] : await good(db, row.generation).selectAll().execute()
      return links.map((link) => ({
        ordinal: link.ordinal,
        madeAt: link.made_at,
        madeBy: link.made_by,
        expiresAt: link.expires_at,
        usedAt: link.used_at,
      }))
    },
    open: async (text) => {
      const link = await read(text)
      if (!link.ok) return link
      const { generation, ordinal, turn, expiresS } = link.value
      const known = await db.selectFrom('self_service_links').selectAll().where('ordinal', '=', ordinal).executeTakeFirst()
      if (known?.generation !== generation || known.turn !== turn) return err({ is: 'link-not-valid' })
      const now = clock.now()
      if (expiresS * 1000 <= now) return err({ is: 'link-expired', expiredAt: isoTime(expiresS * 1000) })
      const person = standingOf(ordinal)
      if (!person.ok) return person
      const token = randomToken(chance)
      const expiresAt = Math.min(now + selfServiceSessionMs, expiresS * 1000)
      await db.transaction().execute(async (trx) => {
        await trx.deleteFrom('self_service_sessions').where('expires_at', '<=', now).execute()
        await trx
          .insertInto('self_service_sessions')
          .values({ id_hash: tokenHash(token), ordinal, generation, turn, expires_at: expiresAt })
          .execute()
        await trx.updateTable('self_service_links').set({ used_at: now }).where('ordinal', '=', ordinal).execute()
      })
      return ok({ token, expiresAt, ordinal: person.value })
    },
    findSession: async (token) => {
      const row = !SESSION.test(token)
        ? undefined
        : await db
            .selectFrom('self_service_sessions as session')
            .innerJoin('self_service as key', 'key.generation', 'session.generation')
            .innerJoin('self_service_links as link', (join) =>
              join
                .onRef('link.ordinal', '=', 'session.ordinal')
                .onRef('link.turn', '=', 'session.turn')
                .onRef('link.generation', '=', 'session.generation'),
            )
            .select(['session.ordinal', 'session.expires_at'])
            .where('session.id_hash', '=', tokenHash(token))
            .where('session.expires_at', '>', clock.now())
            .where('key.is_on', '=', 1)
            .executeTakeFirst()
      if (row === undefined) return err({ is: 'session-over' })
      const person = standingOf(row.ordinal)
      return person.ok ? ok({ ordinal: person.value, expiresAt: row.expires_at }) : person
    },
    close: async (token) => {
      await ifItCanBeKept(db.deleteFrom('self_service_sessions').where('id_hash', '=', tokenHash(token)).execute())
    },
  }
}

/** Names in one row of the audit; the number counts all. */
const mostAudited = 100
