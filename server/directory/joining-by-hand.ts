/**
 * Who is one person, as an administrator sees and corrects it: what each source says of a person, one record split off, two
 * people joined. What is decided here stands: rules are asked only for records that were never seen (taking-in.ts).
 *
 * A store knows nobody but accounts, by user name, and a seat stays under the account that holds it. So of two people who are
 * joined the one that holds more stays the person, and the other becomes a further account of theirs:
 * - one that holds nothing gives its memberships and devices to the person, and is an empty name from then on;
 * - one that holds seats keeps them and the memberships that explain them. It has left, so it is given nothing new, and what
 *   it holds can be taken back like a leaver's. Nothing is given twice, and nothing is lost.
 */
import { appendAudit } from '../audit.ts'
import type { Db } from '../database/schema.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { indexOfOrdinal, membersKey, principalsKey, principalsPerChunk, wishesKey, type RegistrationsKey } from '../../shared/facts.ts'
import { ordinalOf, parseLicenseId, principalIdOf, targetKeyOf, type LicenseId, type PrincipalId } from '../../shared/ids.ts'
import { isOwningSource, ownedFields, standingOf, type OwnedField, type SourceRecord } from '../../shared/joining.ts'
import { isUser, normalUserName, type Principal, type User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bareUser, giveOrdinals, type DirectoryIndex } from './directory.ts'
import { recordMembers } from './group-record.ts'
import { principalReader, recordPrincipals } from './principal-record.ts'
import { keepRecords, recordsOf } from './source-records.ts'
import { impliedRecords, personAfter } from './taking-in.ts'

export interface SourceTold extends Omit<SourceRecord, 'ordinal'> {
  /** The fields that stand because this source says them. */
  readonly stands: readonly OwnedField[]
}

/** A further account of a person. */
export interface Account {
  readonly id: PrincipalId
  readonly userName: string
  readonly seats: number
}

export interface Sources {
  readonly records: readonly SourceTold[]
  /** Sources that name nobody: the stores that know the person by a seat or on their list of people. */
  readonly stores: readonly string[]
  readonly accounts: readonly Account[]
}

export type SplitWanted =
  | { readonly source: string; readonly key: string; /** Where the source's own name is taken. */ readonly userName: string | undefined }
  | { readonly account: PrincipalId }

export type JoiningRefused =
  | { readonly is: 'unknown' }
  | { readonly is: 'changed-meanwhile'; readonly current: User }
  /** It is an account of this person already. */
  | { readonly is: 'same-as'; readonly id: PrincipalId }
  | { readonly is: 'record-unknown' }
  | { readonly is: 'only-record' }
  | { readonly is: 'user-name-taken'; readonly userName: string; readonly id: PrincipalId }
  | { readonly is: 'same-person' }
  /** The source names both, so by its word they are two. */
  | { readonly is: 'both-in-source'; readonly source: string }

export interface JoiningByHand {
  sourcesOf(user: User): Promise<Sources>
  /** Gives the person, and who was split off. */
  split(
    actor: Actor,
    id: PrincipalId,
    wanted: SplitWanted,
    isAsRead: (current: User) => boolean,
  ): Promise<Result<{ readonly user: User; readonly splitOff: User }, JoiningRefused>>
  /** Gives who stays the person, the further account, and the licenses whose assignments name that account directly: they ask for nothing now. */
  join(
    actor: Actor,
    id: PrincipalId,
    other: PrincipalId,
    isAsRead: (current: User) => boolean,
  ): Promise<Result<{ readonly user: User; readonly account: User; readonly licenses: readonly LicenseId[] }, JoiningRefused>>
}

export interface JoiningByHandDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
}

const scimSource = 'scim'

export const createJoiningByHand = ({ db, journal, directory, clock }: JoiningByHandDeps): JoiningByHand => {
  const holdsOf = async (
    ordinals: readonly number[],
  ): Promise<{ readonly seats: readonly number[]; readonly registered: readonly number[] }> => {
    const seats = ordinals.map(() => 0)
    for (const key of await journal.store.keys('seats/')) {
      const columns = await journal.columns(key as `seats/${LicenseId}`)
      ordinals.forEach((ordinal, at) => {
        if (indexOfOrdinal(columns.ordinals, ordinal) >= 0) seats[at] = (seats[at] ?? 0) + 1
      })
    }
    const registered = ordinals.map(() => 0)
    for (const key of await journal.store.keys('registrations/'))
      for (const { id } of await journal.rows(key as RegistrationsKey)) {
        const at = ordinals.indexOf(ordinalOf(id))
        if (at >= 0) registered[at] = (registered[at] ?? 0) + 1
      }
    return { seats, registered }
  }

  const licensesNaming = async (id: PrincipalId): Promise<readonly LicenseId[]> => {
    const target = targetKeyOf({ kind: 'user', id })
    const found: LicenseId[] = []
    for (const key of await journal.store.keys('wishes/')) {
      const license = parseLicenseId(key.slice('wishes/'.length))
      if (license !== undefined && (await journal.rows(wishesKey(license))).some((placed) => placed.key === target)) found.push(license)
    }
    return found
  }

  const recordsIn = async (write: Writing, user: User): Promise<readonly SourceRecord[]> =>
    (await recordsOf(write.trx, [ordinalOf(user.id)])).get(ordinalOf(user.id)) ?? impliedRecords(user)

  const readUser = async (write: Writing, id: PrincipalId): Promise<User | undefined> => {
    const held = await principalReader(write)(ordinalOf(id))
    return held !== undefined && held.id === id && isUser(held) ? held : undefined
  }

  const audit = async (
    write: Writing,
    actor: Actor,
    action: string,
    object: string,
    detail: Readonly<Record<string, string | boolean>>,
  ): Promise<void> => {
    await appendAudit(write.trx, { at: clock.now(), actor, action, object, detail, origin: 'api' })
  }

  return {
    sourcesOf: async (user) => {
      const ordinal = ordinalOf(user.id)
      const records = (await recordsOf(db, [ordinal])).get(ordinal) ?? impliedRecords(user)
      const { ownerOf } = standingOf(records)
      const toldOnce = new Set<string>()
      const accounts = directory.accountsOf(ordinal)
      const { seats } = await holdsOf(accounts)
      const found: Account[] = []
      for (const [at, account] of accounts.entries()) {
        const held = await directory.find(account)
        if (held !== undefined && isUser(held)) found.push({ id: held.id, userName: held.userName, seats: seats[at] ?? 0 })
      }
      return {
        records: [...records]
          .sort((a, b) => Number(a.goneAt !== null) - Number(b.goneAt !== null) || a.since - b.since || (a.source < b.source ? -1 : 1))
          .map((all) => {
            const { ordinal: _, ...record } = all
            const stands = ownedFields.filter((field) => {
              const name = `${record.source}/${field}`
              if (record.goneAt !== null || ownerOf[field] !== record.source || user[field] !== (record.fields[field] ?? '')) return false
              // Of two records of one source that say the same, one says it.
              if (toldOnce.has(name)) return false
              toldOnce.add(name)
              return true
            })
            return { ...record, stands }
          }),
        stores: user.sources.filter((source) => !namesPrincipals(source)),
        accounts: found,
      }
    },

    split: (actor, id, wanted, isAsRead) =>
      journal.write(async (write) => {
        const held = await readUser(write, id)
        if (held === undefined) return err({ is: 'unknown' })
        if (!isAsRead(held)) return err({ is: 'changed-meanwhile', current: held })
        if (held.sameAs !== undefined) return err({ is: 'same-as', id: held.sameAs })
        if ('account' in wanted) {
          const account = await readUser(write, wanted.account)
          if (account === undefined || account.sameAs !== id) return err({ is: 'record-unknown' })
          const revived = asPerson(account)
          const user = withoutNames(held, [account.userName])
          await recordPrincipals(write, [user, revived])
          await audit(write, actor, 'user.split', id, { account: revived.id })
          return ok({ user, splitOff: revived })
        }
        const records = await recordsIn(write, held)
        const record = records.find(({ source, key }) => source === wanted.source && key === wanted.key)
        if (record === undefined) return err({ is: 'record-unknown' })
        if (records.length < 2 && held.sources.every((source) => source === record.source)) return err({ is: 'only-record' })
        const name = (wanted.userName ?? record.fields.userName ?? '').trim()
        const found = await ordinalFor(write, held, name)
        if (!found.ok) return found
        const ordinal = found.value
        const before = await principalReader(write)(ordinal)
        const moved: SourceRecord = { ...record, ordinal, joinedBy: 'split-by-hand' }
        const splitOff = personAfter(
          before !== undefined && isUser(before) ? asPerson(before) : bareUser(ordinal, name, record.source),
          [moved],
          clock.now(),
        )
        const rest = records.filter((other) => other !== record)
        const stillNamed = new Set(rest.map(({ fields }) => normalUserName(fields.userName ?? '')))
        const names = [name, record.fields.userName ?? ''].filter((each) => !stillNamed.has(normalUserName(each)))
        const user = personAfter(withoutNames(held, names), rest, clock.now())
        await keepRecords(write.trx, [moved])
        // The person first: a name of theirs that goes is the other's from then on.
        await recordPrincipals(write, [user, splitOff])
        if (record.source === scimSource) await moveScim(write, record.key, user, splitOff)
        await audit(write, actor, 'user.split', id, { source: record.source, splitOff: splitOff.id })
        return ok({ user, splitOff })
      }),

    join: async (actor, id, other, isAsRead) => {
      if (id === other) return err({ is: 'same-person' })
      const { seats, registered } = await holdsOf([ordinalOf(id), ordinalOf(other)])
      const isHeldBy = (at: 0 | 1): boolean => (seats[at] ?? 0) > 0
      const naming = new Map([
        [id, await licensesNaming(id)],
        [other, await licensesNaming(other)],
      ])
      return await journal.write(async (write) => {
        const asked = await readUser(write, id)
        const second = await readUser(write, other)
        if (asked === undefined || second === undefined) return err({ is: 'unknown' })
        if (!isAsRead(asked)) return err({ is: 'changed-meanwhile', current: asked })
        for (const { sameAs } of [asked, second]) if (sameAs !== undefined) return err({ is: 'same-as', id: sameAs })
        const recordsById = new Map([
          [asked.id, await recordsIn(write, asked)],
          [second.id, await recordsIn(write, second)],
        ])
        const owning = (user: User): readonly string[] =>
          (recordsById.get(user.id) ?? [])
            .filter(({ source, goneAt }) => goneAt === null && isOwningSource(source))
            .map(({ source }) => source)
        const both = owning(asked).find((source) => owning(second).includes(source))
        if (both !== undefined) return err({ is: 'both-in-source', source: both })
        const busy = new Set(
          (
            await write.trx
              .selectFrom('order_targets')
              .select('ordinal')
              .where('ordinal', 'in', [ordinalOf(id), ordinalOf(other)])
              .where('state', '=', 'open')
              .execute()
          ).map(({ ordinal }) => ordinal),
        )
        const holds = [isHeldBy(0) || busy.has(ordinalOf(id)), isHeldBy(1) || busy.has(ordinalOf(other))] as const
        const staysAsked =
          holds[0] && holds[1] && owning(asked).length !== owning(second).length
            ? // Both keep what they hold, and what an identity provider says of one goes on about that one.
              owning(asked).length > owning(second).length
            : (seats[0] ?? 0) + (registered[0] ?? 0) >= (seats[1] ?? 0) + (registered[1] ?? 0)
        const [stays, goes, goesHolding] = staysAsked ? ([asked, second, holds[1]] as const) : ([second, asked, holds[0]] as const)
        const moved = (recordsById.get(goes.id) ?? []).map((record): SourceRecord => ({
          ...record,
          ordinal: ordinalOf(stays.id),
          joinedBy: 'by-hand',
        }))
        const records = [...(recordsById.get(stays.id) ?? []), ...moved]
        const user = withNames(personAfter(stays, records, clock.now()), [goes.userName, ...(goes.otherNames ?? [])])
        const { otherNames: _, ...bare } = goes
        const account: User = {
          ...bare,
          sources: goes.sources.filter((source) => !namesPrincipals(source)),
          left: goes.left ?? isoTime(clock.now()),
          sameAs: stays.id,
        }
        const further: User[] = []
        for (const ordinal of directory.accountsOf(ordinalOf(goes.id))) {
          const each = await principalReader(write)(ordinal)
          if (each !== undefined && isUser(each)) further.push({ ...each, sameAs: stays.id })
        }
        await keepRecords(write.trx, records)
        await recordPrincipals(write, [user, account, ...further, ...(await devicesOf(write, goes.id, stays.id))])
        const scim = moved.find(({ source }) => source === scimSource)
        if (scim !== undefined) await moveScim(write, scim.key, goes, user)
        if (!goesHolding) await moveMemberships(write, ordinalOf(goes.id), ordinalOf(user.id))
        await audit(write, actor, 'user.joined', user.id, { account: account.id, keepsSeats: goesHolding })
        return ok({ user, account, licenses: naming.get(account.id) ?? [] })
      })
    },
  }

  /** The ordinal of who is split off under this user name: a fresh one, or that of an account that was joined before. */
  async function ordinalFor(write: Writing, held: User, name: string): Promise<Result<number, JoiningRefused>> {
    const known = directory.ordinalOfKey('user', name)
    const own = ordinalOf(held.id)
    const isFurtherName = known === own && normalUserName(held.userName) !== normalUserName(name)
    if (known === undefined || isFurtherName) {
      // A later name of the person has no ordinal of its own yet.
      const given = await giveOrdinals(write, { ordinalOfKey: () => undefined }, [{ kind: 'user', key: name }])
      return ok(given.ordinalOf('user', name))
    }
    if (known !== own && directory.personOf(known) === own) return ok(known)
    return err({ is: 'user-name-taken', userName: name, id: principalIdOf('user', directory.personOf(known)) })
  }
}

/** For the client it is as if the user was deleted and made anew: the id of a SCIM user is that of the person. */
const moveScim = async (write: Writing, nameKey: string, from: User, to: User): Promise<void> => {
  await write.trx
    .updateTable('scim_resources')
    .set({ id: to.id })
    .where('kind', '=', 'User')
    .where('id', '=', from.id)
    .where('name_key', '=', nameKey)
    .execute()
  const groups = await write.trx.selectFrom('scim_resources').select('id').where('kind', '=', 'Group').execute()
  await moveMemberships(write, ordinalOf(from.id), ordinalOf(to.id), new Set(groups.map(({ id }) => id)))
}

/** In every group whose members are named one by one, or in these. */
const moveMemberships = async (write: Writing, from: number, to: number, among?: ReadonlySet<string>): Promise<void> => {
  for (const group of await write.rows('groups')) {
    if (group.kind !== 'user' || group.rule !== undefined || (among !== undefined && !among.has(group.id))) continue
    const { ordinals } = await write.columns(membersKey(group.id))
    if (indexOfOrdinal(ordinals, from) < 0) continue
    await recordMembers(write, group, new Set([...ordinals].filter((ordinal) => ordinal !== from).concat(to)))
  }
}

const devicesOf = async (write: Writing, owner: PrincipalId, next: PrincipalId): Promise<readonly Principal[]> => {
  const row = await write.trx
    .selectFrom('principal_keys')
    .select(({ fn }) => fn.max('ordinal').as('last'))
    .executeTakeFirst()
  const found: Principal[] = []
  for (let ordinal = 0; ordinal <= Number(row?.last ?? -1); ordinal += principalsPerChunk)
    for (const each of await write.rows(principalsKey(ordinal)))
      if (!isUser(each) && each.ownerId === owner) found.push({ ...each, ownerId: next })
  return found
}

/** One that was a further account is a person of its own again. */
const asPerson = ({ sameAs, ...user }: User): User => (sameAs === undefined ? user : { ...user, left: null })

const withNames = (user: User, names: readonly string[]): User => {
  const known = new Set([user.userName, ...(user.otherNames ?? [])].map(normalUserName))
  const more = names.filter((name) => !known.has(normalUserName(name)))
  return more.length === 0 ? user : { ...user, otherNames: [...(user.otherNames ?? []), ...more] }
}

const withoutNames = ({ otherNames = [], ...user }: User, names: readonly string[]): User => {
  const gone = new Set(names.map(normalUserName))
  const rest = otherNames.filter((name) => !gone.has(normalUserName(name)))
  return rest.length === 0 ? user : { ...user, otherNames: rest }
}
