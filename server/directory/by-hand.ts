/** People and devices kept by hand, whom no other source owns. Groups are in group-acts.ts. */
import { appendAudit, type Json } from '../audit.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { ordinalOf, principalKindOf, type PrincipalId, type PrincipalKind } from '../../shared/ids.ts'
import { isListSource, namesPrincipals } from '../../shared/device-list.ts'
import { isUser, normalSerialNumber, type Device, type Principal, type User } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { bareDevice, bareUser, knowPrincipals, type DirectoryIndex } from './directory.ts'
import { principalReader, recordPrincipals } from './import.ts'

export const handSource = 'hand'

export type NewUser = Pick<User, 'userName' | 'displayName' | 'email' | 'department' | 'active' | 'managedAppleAccount'>
export type NewDevice = Pick<Device, 'serialNumber' | 'name' | 'platform' | 'model' | 'active' | 'ownerId'>
/** The store-facing key is fixed: under it the stores keep seats. */
export type UserChange = Partial<Omit<NewUser, 'userName'>>
export type DeviceChange = Partial<Omit<NewDevice, 'serialNumber'>>

export type DirectoryRefused<T> =
  | { readonly is: 'unknown' }
  | { readonly is: 'known-already'; readonly id: string }
  | { readonly is: 'owned-by-source'; readonly sources: readonly string[] }
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
  sources.filter((source) => source !== handSource && source !== 'csv' && !isListSource(source) && namesPrincipals(source))

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

  /** Someone only the stores know, or who left, is taken up again under the same ordinal. */
  const addPrincipal = <T extends Principal>(
    actor: Actor,
    kind: PrincipalKind,
    key: string,
    make: (ordinal: number, sources: readonly string[], held: Principal | undefined) => T,
  ) =>
    journal.write(async (write): Promise<Result<T, DirectoryRefused<T>>> => {
      const read = principalReader(write)
      const known = directory.ordinalOfKey(kind, key)
      const held = known === undefined ? undefined : await read(known)
      const isNamedHere = held !== undefined && held.left === null && held.sources.some(namesPrincipals)
      if (held !== undefined && isNamedHere) return err({ is: 'known-already', id: held.id })
      const ordinal = (await knowPrincipals(write, directory, handSource, [{ kind, key }])).ordinalOf(kind, key)
      const made = make(ordinal, withHand(held?.sources ?? []), held)
      await recordPrincipals(write, [made])
      await audit(write, actor, `${kind}.added`, made.id, {})
      return ok(made)
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
      addPrincipal(actor, 'user', fresh.userName, (ordinal, sources, held) => ({
        ...bareUser(ordinal, fresh.userName, handSource),
        ...fresh,
        sources,
        // Known by a later name: the stores keep the seats under the first.
        ...(held !== undefined && isUser(held) && held.otherNames !== undefined
          ? { userName: held.userName, otherNames: held.otherNames }
          : {}),
      })),
    addDevice: async (actor, fresh) =>
      isOwnerKnown(fresh.ownerId)
        ? await addPrincipal(actor, 'device', fresh.serialNumber, (ordinal, sources) => ({
            ...bareDevice(ordinal, fresh.serialNumber, handSource),
            ...fresh,
            serialNumber: normalSerialNumber(fresh.serialNumber),
            sources,
          }))
        : err({ is: 'owner-unknown' }),
    changeUser: (actor, id, change, isAsRead) =>
      changePrincipal(actor, id, isUser, isAsRead, (held) => ({ ...held, ...change, sources: withHand(held.sources) }), 'user.changed'),
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
      changePrincipal(
        actor,
        id,
        (principal): principal is Principal => principal.id === id,
        isAsRead,
        (held) => ({
          ...held,
          sources: held.sources.filter((source) => source !== handSource && source !== 'csv'),
          left: isoTime(clock.now()),
        }),
        `${principalKindOf(id)}.left`,
        undefined,
        keepingSources,
      ),
  }
}
