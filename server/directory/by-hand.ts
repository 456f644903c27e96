/** People and devices kept by hand, whom no other source owns. Groups are in group-acts.ts. */
import { appendAudit, type Json } from '../audit.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { ordinalOf, principalKindOf, type PrincipalId } from '../../shared/ids.ts'
import { isListSource, namesPrincipals } from '../../shared/device-list.ts'
import { isOwningSource, ownedFields, standingOf, type OwnedField, type SourceRecord } from '../../shared/joining.ts'
import { isUser, normalSerialNumber, normalUserName, type Device, type Principal, type User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bareDevice, knowPrincipals, type DirectoryIndex } from './directory.ts'
import { principalReader, recordPrincipals } from './principal-record.ts'
import { keepRecords, recordsOf } from './source-records.ts'
import { impliedRecords, keepTakenIn, personAfter, readerIn, weighTakingIn, withRecord, type Told } from './taking-in.ts'
import { csvSource } from './weighed.ts'

export const handSource = 'hand'

export type NewUser = Pick<User, 'userName' | 'displayName' | 'email' | 'department' | 'active' | 'managedAppleAccount'>
export type NewDevice = Pick<Device, 'serialNumber' | 'name' | 'platform' | 'model' | 'active' | 'ownerId'>
/** The store-facing key is fixed: under it the stores keep seats. */
export type UserChange = Partial<Omit<NewUser, 'userName'>>
export type DeviceChange = Partial<Omit<NewDevice, 'serialNumber'>>

export type DirectoryRefused<T> =
  | { readonly is: 'unknown' }
  | { readonly is: 'known-already'; readonly id: string }
  /** `fields`: those that can't be changed; absent: the whole. */
  | { readonly is: 'owned-by-source'; readonly sources: readonly string[]; readonly fields?: readonly string[] }
  /** It is an account of this person, whom to change instead. */
  | { readonly is: 'same-as'; readonly id: PrincipalId }
  | { readonly is: 'changed-meanwhile'; readonly current: T }
  | { readonly is: 'owner-unknown' }

/** False: the object is not the one that the caller read. */
export type IsAsRead<T> = (current: T) => boolean

export interface DirectoryByHand {
  addUser(actor: Actor, fresh: NewUser): Promise<Result<User, DirectoryRefused<User>>>
  addDevice(actor: Actor, fresh: NewDevice): Promise<Result<Device, DirectoryRefused<Device>>>
  changeUser(actor: Actor, id: PrincipalId, change: UserChange, isAsRead: IsAsRead<User>): Promise<Result<User, DirectoryRefused<User>>>
  changeDevice(
    actor: Actor,
    id: PrincipalId,
    change: DeviceChange,
    isAsRead: IsAsRead<Device>,
  ): Promise<Result<Device, DirectoryRefused<Device>>>
  /** They have left: their seats stay as they are, nothing new is given to them. */
  letGo(actor: Actor, id: PrincipalId, isAsRead: IsAsRead<Principal>): Promise<Result<Principal, DirectoryRefused<Principal>>>
}

/** A file was brought by hand too, and a store knows no more than a key or a device's model: none of them owns a field. */
export const owningSources = (sources: readonly string[]): readonly string[] =>
  sources.filter((source) => source !== handSource && source !== csvSource && !isListSource(source) && namesPrincipals(source))

/** Whom a device list names is there until it names them no more, whatever is done by hand. */
const keepingSources = (sources: readonly string[]): readonly string[] => [...owningSources(sources), ...sources.filter(isListSource)]

export const withHand = (sources: readonly string[]): readonly string[] =>
  sources.includes(handSource) ? sources : [...sources, handSource]

export interface DirectoryByHandDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
}

export const createDirectoryByHand = ({ journal, directory, clock }: DirectoryByHandDeps): DirectoryByHand => {
  const audit = (
    write: Writing,
    actor: Actor,
    action: string,
    object: string,
    detail: { readonly [name: string]: Json },
  ): Promise<number> => appendAudit(write.trx, { at: clock.now(), actor, action, object, detail, origin: 'api' })

  /** One that only the stores know, or that left, is taken up again under the same ordinal. */
  const addDevice = (actor: Actor, fresh: NewDevice) =>
    journal.write(async (write): Promise<Result<Device, DirectoryRefused<Device>>> => {
      const key = fresh.serialNumber
      const known = directory.ordinalOfKey('device', key)
      const held = known === undefined ? undefined : await principalReader(write)(known)
      if (held !== undefined && held.left === null && held.sources.some(namesPrincipals)) return err({ is: 'known-already', id: held.id })
      const ordinal = (await knowPrincipals(write, directory, handSource, [{ kind: 'device', key }])).ordinalOf('device', key)
      const made: Device = {
        ...bareDevice(ordinal, key, handSource),
        ...fresh,
        serialNumber: normalSerialNumber(key),
        sources: withHand(held?.sources ?? []),
      }
      await recordPrincipals(write, [made])
      await audit(write, actor, 'device.added', made.id, {})
      return ok(made)
    })

  /** One person with all that sources say of them. */
  const inUser = (
    actor: Actor,
    id: PrincipalId,
    isAsRead: (current: User) => boolean,
    action: string,
    act: (
      held: User,
      records: readonly SourceRecord[],
    ) => Result<{ readonly user: User; readonly records: readonly SourceRecord[] }, DirectoryRefused<never>>,
  ) =>
    journal.write(async (write): Promise<Result<User, DirectoryRefused<User>>> => {
      const held = await principalReader(write)(ordinalOf(id))
      if (held === undefined || held.id !== id || !isUser(held)) return err({ is: 'unknown' })
      if (!isAsRead(held)) return err({ is: 'changed-meanwhile', current: held })
      if (held.sameAs !== undefined) return err({ is: 'same-as', id: held.sameAs })
      const records = (await recordsOf(write.trx, [ordinalOf(id)])).get(ordinalOf(id)) ?? impliedRecords(held)
      const done = act(held, records)
      if (!done.ok) return done
      await keepRecords(write.trx, done.value.records)
      await recordPrincipals(write, [done.value.user])
      await audit(write, actor, action, id, {})
      return ok(done.value.user)
    })

  const changePrincipal = <T extends Principal>(
    actor: Actor,
    id: PrincipalId,
    isOfKind: (principal: Principal) => principal is T,
    isAsRead: IsAsRead<T>,
    change: (held: T) => T,
    action: string,
    ownerId?: PrincipalId | null,
    ownersOf = owningSources,
  ) =>
    journal.write(async (write): Promise<Result<T, DirectoryRefused<T>>> => {
      const held = await principalReader(write)(ordinalOf(id))
      if (held === undefined || held.id !== id || !isOfKind(held)) return err({ is: 'unknown' })
      if (!isAsRead(held)) return err({ is: 'changed-meanwhile', current: held })
      const owners = ownersOf(held.sources)
      if (owners.length > 0) return err({ is: 'owned-by-source', sources: owners })
      if (!isOwnerKnown(ownerId)) return err({ is: 'owner-unknown' })
      const changed = change(held)
      await recordPrincipals(write, [changed])
      await audit(write, actor, action, id, {})
      return ok(changed)
    })

  const isOwnerKnown = (ownerId: PrincipalId | null | undefined): boolean =>
    ownerId === null ||
    ownerId === undefined ||
    (principalKindOf(ownerId) === 'user' && directory.principal(ordinalOf(ownerId))?.kind === 'user')

  const isDevice = (principal: Principal): principal is Device => !isUser(principal)

  return {
    addUser: (actor, fresh) =>
      journal.write(async (write): Promise<Result<User, DirectoryRefused<User>>> => {
        const told: Told = { key: normalUserName(fresh.userName), fields: fresh }
        const weighed = await weighTakingIn(readerIn(write), directory, handSource, [told], clock.now())
        const [taken] = weighed.taken
        const before = weighed.plan[0]?.before
        const isNamedHere = before === undefined ? taken?.is !== 'created' : before.left === null && before.sources.some(namesPrincipals)
        if (isNamedHere && taken?.id !== null && taken !== undefined) return err({ is: 'known-already', id: taken.id })
        const user = (await keepTakenIn(write, directory, handSource, weighed)).get(told.key)
        if (user === undefined) throw new Error('directory: somebody was put in and is not there')
        await audit(write, actor, 'user.added', user.id, {})
        return ok(user)
      }),
    addDevice: async (actor, fresh) => (isOwnerKnown(fresh.ownerId) ? await addDevice(actor, fresh) : err({ is: 'owner-unknown' })),
    changeUser: (actor, id, change, isAsRead) =>
      inUser(actor, id, isAsRead, 'user.changed', (held, records) => {
        const { ownerOf } = standingOf(records)
        const isOwned = (field: OwnedField): boolean =>
          change[field] !== undefined && change[field] !== held[field] && isOwningSource(ownerOf[field] ?? '')
        const owned = held.left === null ? ownedFields.filter(isOwned) : []
        if (owned.length > 0)
          return err({ is: 'owned-by-source', sources: [...new Set(owned.flatMap((field) => ownerOf[field] ?? []))], fields: owned })
        const key = normalUserName(held.userName)
        const own = records.find((record) => record.source === handSource)
        // What a later word of others has passed over does not come back with this one.
        const standing = Object.fromEntries(
          ownedFields.filter((field) => ownerOf[field] === handSource).map((field) => [field, held[field]]),
        )
        const record: SourceRecord = {
          source: handSource,
          key: own?.key ?? key,
          ordinal: ordinalOf(id),
          fields: { userName: held.userName, ...standing, ...change },
          externalId: null,
          joinedBy: own?.joinedBy ?? 'by-hand',
          since: own?.since ?? clock.now(),
          toldAt: clock.now(),
          // To correct what is known of somebody who left does not bring them back.
          goneAt: held.left === null ? null : clock.now(),
        }
        const all = withRecord(records, record)
        return ok({ records: all, user: held.left === null ? personAfter(held, all) : { ...held, ...change } })
      }),
    changeDevice: (actor, id, change, isAsRead) =>
      changePrincipal(
        actor,
        id,
        isDevice,
        isAsRead,
        (held) => ({ ...held, ...change, sources: withHand(held.sources) }),
        'device.changed',
        change.ownerId,
      ),
    letGo: (actor, id, isAsRead) =>
      principalKindOf(id) === 'user'
        ? inUser(actor, id, isAsRead, 'user.left', (held, records) => {
            const owners = owningSources(held.sources)
            if (owners.length > 0) return err({ is: 'owned-by-source', sources: owners })
            const gone = records.map((record) => ({ ...record, goneAt: record.goneAt ?? clock.now() }))
            return ok({ records: gone, user: personAfter(held, gone, clock.now()) })
          })
        : changePrincipal(
            actor,
            id,
            isDevice,
            isAsRead,
            (held) => ({
              ...held,
              sources: held.sources.filter((source) => source !== handSource && source !== csvSource),
              left: isoTime(clock.now()),
            }),
            'device.left',
            undefined,
            keepingSources,
          ),
  }
}
