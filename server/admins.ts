/** The people who sign in: the first owner, those invited, their roles, and signing in itself. */
import { type Actor, type Role } from '../shared/admin.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import type { AdminId } from '../shared/ids.ts'
import { err, ok, type Result } from '../shared/result.ts'
import type { By } from './api-keys.ts'
import { appendAudit, standInLine, theServer, type Json } from './audit.ts'
import type { AdminsTable, Db, Trx } from './database/schema.ts'
import { createLimit } from './limit.ts'
import { passwordRefused, type Passwords } from './passwords.ts'
import { visitorOf } from './peer-address.ts'
import type { Secret } from './secret.ts'
import { randomToken, roleOf, tokenHash, type OpenSession, type Sessions } from './sessions.ts'
import type { Settings } from './settings.ts'

/** `directory` is a role of API keys alone. */
export const adminRoles = ['owner', 'administrator', 'reader'] as const satisfies readonly Role[]
export type AdminRole = (typeof adminRoles)[number]

export interface Admin {
  readonly id: AdminId
  readonly email: string
  readonly name: string
  readonly role: Role
  /** `invited` until the link was used. */
  readonly state: 'active' | 'invited' | 'disabled'
  readonly createdAt: string
}

/** From where, for the audit, the limits and the list of sessions. */
export interface Visit {
  readonly address: string
  readonly userAgent: string
}

export interface SignedInNow {
  readonly token: string
  readonly expiresAt: number
  readonly admin: Admin
}

export type SignInRefused = { readonly is: 'sign-in-refused' } | { readonly is: 'too-many-tries'; readonly retryAfterMs: number }

export type SetUpRefused =
  | { readonly is: 'setup-link-spent' }
  | { readonly is: 'too-many-tries'; readonly retryAfterMs: number }
  | { readonly is: 'password-refused'; readonly text: string }
  | { readonly is: 'email-needed' }
  | { readonly is: 'email-taken' }

export type PasswordChangeRefused =
  | { readonly is: 'current-password-wrong' }
  | { readonly is: 'too-many-tries'; readonly retryAfterMs: number }
  | { readonly is: 'password-refused'; readonly text: string }

export type AdminRefused =
  { readonly is: 'admin-unknown' } | { readonly is: 'email-taken' } | { readonly is: 'last-owner' } | { readonly is: 'admin-disabled' }

export interface Admins {
  /** Constant work whether or not the account exists; every refusal but the limit's looks the same. */
  signIn(email: string, password: Secret, visit: Visit): Promise<Result<SignedInNow, SignInRefused>>
  signOut(by: By, idHash: string): Promise<void>
  /** Uses a link once: the first owner (`email` is theirs), or someone invited (`email` is what the invitation says). */
  setUp(
    token: string,
    wanted: { readonly email: string | null; readonly name: string; readonly password: Secret },
    visit: Visit,
  ): Promise<Result<SignedInNow, SetUpRefused>>
  /** Gives the link's token, told once; it holds for seven days. */
  invite(
    by: By,
    wanted: { readonly email: string; readonly name: string; readonly role: AdminRole },
  ): Promise<Result<{ readonly admin: Admin; readonly token: string }, AdminRefused>>
  /** A new link, for someone invited or who lost their password; the one before ends. What they have holds until it is used. */
  linkFor(by: By, id: string): Promise<Result<{ readonly admin: Admin; readonly token: string }, AdminRefused>>
  /** Someone disabled is signed out everywhere at once. */
  change(by: By, id: string, change: AdminChange): Promise<Result<Admin, AdminRefused>>
  /** One's own; every other session of this person ends. */
  changePassword(
    by: By,
    session: Pick<OpenSession, 'idHash' | 'email'>,
    current: Secret,
    next: Secret,
  ): Promise<Result<undefined, PasswordChangeRefused>>
  all(): Promise<readonly Admin[]>
  /**
   * At every start: makes the owner that the settings name when there is nobody yet; else, while there is nobody, gives
   * the token of a fresh set-up link (the one before ends). Null: somebody can sign in.
   */
  begin(settings: Pick<Settings, 'owner'>): Promise<string | null>
}

export interface AdminChange {
  readonly name?: string | undefined
  readonly role?: AdminRole | undefined
  readonly disabled?: boolean | undefined
}

const INVITATION_MS = 7 * 24 * 3_600_000
const WINDOW_MS = 15 * 60_000
const MOST_TRIES_OF_ACCOUNT = 10
const MOST_TRIES_FROM_ADDRESS = 30

export const normalEmail = (text: string): string => text.trim().toLowerCase()

interface AdminsDeps {
  readonly db: Db
  readonly clock: Clock
  readonly chance: Chance
  readonly passwords: Passwords
  readonly sessions: Sessions
}

export const createAdmins = (deps: AdminsDeps): Admins => {
  const { db, clock, chance, passwords, sessions } = deps
  const fromAddress = createLimit(clock, { most: MOST_TRIES_FROM_ADDRESS, windowMs: WINDOW_MS })
  const ofAccount = createLimit(clock, { most: MOST_TRIES_OF_ACCOUNT, windowMs: WINDOW_MS })

  const audit = (trx: Trx, by: By, action: string, id: string, detail: { readonly [name: string]: Json }): Promise<number> =>
    appendAudit(trx, { at: clock.now(), actor: by.actor, action, object: `admin:${id}`, detail, origin: by.origin })

  const openSession = async (trx: Trx, row: AdminsTable, visit: Visit): Promise<SignedInNow> => ({
    ...(await sessions.open(trx, row.id as AdminId, visit.userAgent)),
    admin: adminOf(row),
  })

  const newRow = (email: string, name: string, role: AdminRole, password_hash: string | null): AdminsTable => ({
    id: randomId(chance),
    email,
    name,
    role,
    password_hash,
    created_at: clock.now(),
    disabled_at: null,
  })

  const newLink = async (trx: Trx, admin: string | null, expires_at: number | null): Promise<string> => {
    const token = randomToken(chance)
    await trx
      .deleteFrom('setup_links')
      .where('admin', admin === null ? 'is' : '=', admin)
      .where('used_at', 'is', null)
      .execute()
    await trx
      .insertInto('setup_links')
      .values({ token_hash: tokenHash(token), admin, created_at: clock.now(), expires_at, used_at: null })
      .execute()
    return token
  }

  const findByEmail = (trx: Db | Trx, email: string): Promise<AdminsTable | undefined> =>
    trx.selectFrom('admins').selectAll().where('email', '=', email).executeTakeFirst()
  const findById = (trx: Db | Trx, id: string): Promise<AdminsTable | undefined> =>
    trx.selectFrom('admins').selectAll().where('id', '=', id).executeTakeFirst()

  /** A link that was not used and has not ended, and whom it is for. */
  const findLink = async (trx: Db | Trx, token: string): Promise<{ readonly invited: AdminsTable | null } | undefined> => {
    const link = await trx.selectFrom('setup_links').selectAll().where('token_hash', '=', tokenHash(token)).executeTakeFirst()
    if (link === undefined || link.used_at !== null || (link.expires_at !== null && link.expires_at <= clock.now())) return undefined
    if (link.admin === null) return { invited: null }
    const invited = await findById(trx, link.admin)
    return invited === undefined || invited.disabled_at !== null ? undefined : { invited }
  }

  return {
    signIn: async (emailAsTyped, password, visit) => {
      const email = normalEmail(emailAsTyped)
      // 1. Counted before the work, which many at once would else get for nothing.
      const addressTry = fromAddress.take(visitorOf(visit.address))
      if (!addressTry.ok) return err({ is: 'too-many-tries', ...addressTry.error })
      const accountTry = ofAccount.take(email)
      if (!accountTry.ok) return err({ is: 'too-many-tries', ...accountTry.error })
      // 2. The same work for an account that is not there, was never taken up, or is closed.
      const row = await findByEmail(db, email)
      const isRight = await passwords.matches(password, row === undefined || row.disabled_at !== null ? null : row.password_hash)
      if (row === undefined || !isRight) {
        const who: By = { actor: row === undefined ? nobody : actorOf(row), origin: visit.address }
        await db.transaction().execute((trx) => audit(trx, who, 'sign-in.refused', row?.id ?? 'unknown', {}))
        return err({ is: 'sign-in-refused' })
      }
      // 3. A success costs nothing of the allowance.
      addressTry.value()
      accountTry.value()
      return ok(
        await db.transaction().execute(async (trx) => {
          await audit(trx, { actor: actorOf(row), origin: visit.address }, 'sign-in.made', row.id, {})
          return openSession(trx, row, visit)
        }),
      )
    },

    signOut: (by, idHash) =>
      db.transaction().execute(async (trx) => {
        await sessions.close(trx, idHash)
        await audit(trx, by, 'sign-in.ended', by.actor.id, {})
      }),

    setUp: async (token, wanted, visit) => {
      const addressTry = fromAddress.take(visitorOf(visit.address))
      if (!addressTry.ok) return err({ is: 'too-many-tries', ...addressTry.error })
      const link = await findLink(db, token)
      if (link === undefined) return err({ is: 'setup-link-spent' })
      const email = link.invited?.email ?? (wanted.email === null ? null : normalEmail(wanted.email))
      if (email === null) return err({ is: 'email-needed' })
      const refused = passwordRefused(wanted.password.reveal(), email)
      if (refused !== undefined) return err({ is: 'password-refused', text: refused })
      const password_hash = await passwords.hash(wanted.password)
      return db.transaction().execute(async (trx): Promise<Result<SignedInNow, SetUpRefused>> => {
        await standInLine(trx)
        // The link may have been used, and the invitation changed, while the password was at work.
        const now = await findLink(trx, token)
        if (now === undefined) return err({ is: 'setup-link-spent' })
        if (now.invited === null && (await findByEmail(trx, email)) !== undefined) return err({ is: 'email-taken' })
        await trx.updateTable('setup_links').set({ used_at: clock.now() }).where('token_hash', '=', tokenHash(token)).execute()
        const row =
          now.invited === null ? newRow(email, wanted.name, 'owner', password_hash) : { ...now.invited, name: wanted.name, password_hash }
        if (now.invited === null) await trx.insertInto('admins').values(row).execute()
        else {
          await trx.updateTable('admins').set({ name: row.name, password_hash }).where('id', '=', row.id).execute()
          await sessions.closeAllOf(trx, row.id as AdminId)
        }
        await audit(trx, { actor: actorOf(row), origin: visit.address }, 'admin.set-up', row.id, { email, role: row.role })
        addressTry.value()
        return ok(await openSession(trx, row, visit))
      })
    },

    invite: (by, wanted) =>
      db.transaction().execute(async (trx): Promise<Result<{ admin: Admin; token: string }, AdminRefused>> => {
        await standInLine(trx)
        const email = normalEmail(wanted.email)
        if ((await findByEmail(trx, email)) !== undefined) return err({ is: 'email-taken' })
        const row = newRow(email, wanted.name, wanted.role, null)
        await trx.insertInto('admins').values(row).execute()
        const token = await newLink(trx, row.id, clock.now() + INVITATION_MS)
        await audit(trx, by, 'admin.invited', row.id, { email, role: row.role })
        return ok({ admin: adminOf(row), token })
      }),

    linkFor: (by, id) =>
      db.transaction().execute(async (trx): Promise<Result<{ admin: Admin; token: string }, AdminRefused>> => {
        const row = await findById(trx, id)
        if (row === undefined) return err({ is: 'admin-unknown' })
        if (row.disabled_at !== null) return err({ is: 'admin-disabled' })
        const token = await newLink(trx, row.id, clock.now() + INVITATION_MS)
        await audit(trx, by, 'admin.link-made', row.id, { email: row.email, role: row.role })
        return ok({ admin: adminOf(row), token })
      }),

    change: (by, id, change) =>
      db.transaction().execute(async (trx): Promise<Result<Admin, AdminRefused>> => {
        await standInLine(trx)
        const before = await findById(trx, id)
        if (before === undefined) return err({ is: 'admin-unknown' })
        const after: AdminsTable = {
          ...before,
          name: change.name ?? before.name,
          role: change.role ?? before.role,
          disabled_at: change.disabled === undefined ? before.disabled_at : change.disabled ? (before.disabled_at ?? clock.now()) : null,
        }
        if (isOwner(before) && !isOwner(after) && !(await hasOtherOwner(trx, id))) return err({ is: 'last-owner' })
        await trx
          .updateTable('admins')
          .set({ name: after.name, role: after.role, disabled_at: after.disabled_at })
          .where('id', '=', id)
          .execute()
        if (after.disabled_at !== null) await sessions.closeAllOf(trx, id as AdminId)
        await audit(trx, by, 'admin.changed', id, {
          before: { name: before.name, role: before.role, disabled: before.disabled_at !== null },
          after: { name: after.name, role: after.role, disabled: after.disabled_at !== null },
        })
        return ok(adminOf(after))
      }),

    changePassword: async (by, session, current, next) => {
      const accountTry = ofAccount.take(session.email)
      if (!accountTry.ok) return err({ is: 'too-many-tries', ...accountTry.error })
      const row = await findById(db, by.actor.id)
      if (!(await passwords.matches(current, row?.password_hash ?? null))) return err({ is: 'current-password-wrong' })
      accountTry.value()
      const refused = passwordRefused(next.reveal(), session.email)
      if (refused !== undefined) return err({ is: 'password-refused', text: refused })
      const password_hash = await passwords.hash(next)
      await db.transaction().execute(async (trx) => {
        await trx.updateTable('admins').set({ password_hash }).where('id', '=', by.actor.id).execute()
        await sessions.closeAllOf(trx, by.actor.id, session.idHash)
        await audit(trx, by, 'admin.password-changed', by.actor.id, {})
      })
      return ok(undefined)
    },

    all: async () => (await db.selectFrom('admins').selectAll().execute()).map(adminOf),

    begin: async ({ owner }) => {
      const someone = (trx: Db | Trx) =>
        trx.selectFrom('admins').select('id').where('password_hash', 'is not', null).limit(1).executeTakeFirst()
      if ((await someone(db)) !== undefined) return null
      const password_hash = owner === null ? null : await passwords.hash(owner.password)
      return db.transaction().execute(async (trx) => {
        await standInLine(trx)
        // Another server on the same database may have been quicker.
        if ((await someone(trx)) !== undefined) return null
        if (owner === null) return newLink(trx, null, null)
        const email = normalEmail(owner.email)
        const row = newRow(email, email.slice(0, email.indexOf('@')), 'owner', password_hash)
        await trx.insertInto('admins').values(row).execute()
        await audit(trx, { actor: theServer, origin: 'server' }, 'admin.set-up', row.id, {
          email,
          role: row.role,
          variable: 'QM_OWNER_EMAIL',
        })
        return null
      })
    },
  }
}

/** What was typed is not kept: it may be a password in the wrong field. */
const nobody: By['actor'] = { id: 'nobody' as AdminId, name: 'Nobody known' }

/** Someone who can sign in and do everything: an invitation that was not taken up keeps no house open. */
const isOwner = (row: AdminsTable): boolean => row.role === 'owner' && row.disabled_at === null && row.password_hash !== null

const hasOtherOwner = async (trx: Trx, id: string): Promise<boolean> =>
  (await trx
    .selectFrom('admins')
    .select('id')
    .where('id', '!=', id)
    .where('role', '=', 'owner')
    .where('disabled_at', 'is', null)
    .where('password_hash', 'is not', null)
    .limit(1)
    .executeTakeFirst()) !== undefined

const actorOf = (row: AdminsTable): Actor => ({ kind: 'admin', id: row.id as AdminId, name: row.name, role: roleOf(row.role) })

const adminOf = (row: AdminsTable): Admin => ({
  id: row.id as AdminId,
  email: row.email,
  name: row.name,
  role: roleOf(row.role),
  state: row.disabled_at !== null ? 'disabled' : row.password_hash === null ? 'invited' : 'active',
  createdAt: isoTime(row.created_at),
})
