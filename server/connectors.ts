/** Connectors: connecting a Location, renewing its token, taking it over, letting it go. */
import { appendAudit, theServer } from './audit.ts'
import type { Connections } from './connections.ts'
import { forgetConnector } from './connector-forgetting.ts'
import { afterFailure, afterIdentity, afterOwner, isUsable, type Observed, type Owner } from './connector-observed.ts'
import type { Credentials } from './credentials.ts'
import type { Journal, Writing } from './journal.ts'
import { letGoOfDevices } from './directory/device-list.ts'
import { licensesInAct } from './licenses.ts'
import type { Secret } from './secret.ts'
import type { CredentialMalformed, CredentialRead, LocationIdentity, StoreFailure } from './stores/store.ts'
import { forgetCursor } from './sync-cursor.ts'
import type { Actor } from '../shared/admin.ts'
import { isoTime, randomId, type Chance, type Clock } from '../shared/clock.ts'
import {
  locationsApart,
  nameWithKey,
  ownerName,
  type Connector,
  type ConnectorKind,
  type ConnectorSettings,
  type ForeignOwner,
  type PartRecord,
} from '../shared/connector.ts'
import { licensesKey, rowsFact } from '../shared/facts.ts'
import { parseConnectorId, type ConnectorId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface NewConnector {
  readonly kind: ConnectorKind
  readonly name: string
  readonly credential: unknown
  readonly settings: Partial<ConnectorSettings>
  readonly scopeTags: readonly string[]
}

export type ConnectRefused =
  | { readonly is: 'kind-not-supported'; readonly kind: ConnectorKind }
  | CredentialMalformed
  | { readonly is: 'credential-refused' | 'store-retired'; readonly text: string }
  | { readonly is: 'location-already-connected'; readonly connectorId: ConnectorId; readonly name: string }

export type RenewRefused =
  | ConnectRefused
  | { readonly is: 'connector-unknown' }
  | { readonly is: 'credential-changed-meanwhile' }
  /** The two names, told apart where they are equal. */
  | { readonly is: 'credential-of-another-location'; readonly here: string; readonly there: string }
  /** Whose token it is can't be told without the store. */
  | { readonly is: 'store-out-of-reach'; readonly text: string }

export type ClaimRefused =
  | StoreFailure
  /** Another service holds the Location, and nobody has said that it may be put out. */
  | { readonly is: 'confirmation-required'; readonly owner: ForeignOwner }

export interface Connectors {
  list(): Promise<readonly Connector[]>
  find(id: ConnectorId): Promise<Connector | undefined>
  add(actor: Actor, fresh: NewConnector): Promise<Result<Connector, ConnectRefused>>
  renew(actor: Actor, id: ConnectorId, credential: unknown): Promise<Result<Connector, RenewRefused>>
  change(
    actor: Actor,
    id: ConnectorId,
    change: { readonly name?: string; readonly settings?: Partial<ConnectorSettings>; readonly scopeTags?: readonly string[] },
    /** False: the connector is not the one that the caller read. */
    isAsRead?: (current: Connector) => boolean,
  ): Promise<{ readonly is: 'changed' | 'changed-meanwhile'; readonly connector: Connector } | undefined>
  /** The id with which we sign its Location. */
  readonly ownOwnerId: string
  /** Asks the store who we are; changes nothing here. */
  test(id: ConnectorId): Promise<Result<LocationIdentity, StoreFailure> | undefined>
  /** Takes the Location over; from another service only when `confirmed`. The next sync reads everything anew. */
  claim(actor: Actor, id: ConnectorId, confirmed: boolean): Promise<Result<Connector, ClaimRefused> | undefined>
  /** What an answer of the store says about the credential and the owner. Also called by syncs and orders. */
  noteIdentity(write: Writing, id: ConnectorId, identity: LocationIdentity): Promise<Connector | undefined>
  noteFailure(write: Writing, id: ConnectorId, failure: StoreFailure): Promise<Connector | undefined>
  /** Any answer of the store may name the holder of the Location: another one stops all writing at once. */
  noteOwner(write: Writing, id: ConnectorId, owner: Owner): Promise<Connector | undefined>
  update(write: Writing, id: ConnectorId, change: (connector: Connector) => Connector): Promise<Connector | undefined>
  /** Forgets the connector, its credential and its Location. The caller has seen to its seats. */
  remove(actor: Actor, id: ConnectorId): Promise<boolean>
}

export interface ConnectorsDeps {
  readonly journal: Journal
  readonly credentials: Credentials
  readonly connections: Connections
  readonly clock: Clock
  readonly chance: Chance
  readonly syncIntervalMinutes: number
}

export const createConnectors = (deps: ConnectorsDeps): Connectors => {
  const { journal, credentials, connections, clock } = deps
  const now = (): string => isoTime(clock.now())

  /** A shorter interval holds from now on, and not only after the next sync. */
  const soonerOf = (nextSyncAt: string | null, intervalMinutes: number | undefined): string | null =>
    nextSyncAt === null || intervalMinutes === undefined
      ? nextSyncAt
      : isoTime(Math.min(Date.parse(nextSyncAt), clock.now() + intervalMinutes * 60_000))

  const update = async (write: Writing, id: ConnectorId, change: (connector: Connector) => Connector): Promise<Connector | undefined> => {
    const connector = (await write.rows('connectors')).find((row) => row.id === id)
    if (connector === undefined) return undefined
    const changed = change(connector)
    if (JSON.stringify(changed) !== JSON.stringify(connector)) await write.record(rowsFact('connectors', [changed]))
    return changed
  }

  const observed = (): Observed => ({ at: now(), ownId: connections.ownerMark.id })
  const withIdentity = (connector: Connector, identity: LocationIdentity): Connector =>
    afterIdentity(connector, identity, observed(), connections.storeOf(connector.kind)?.capabilities)

  /**
   * What hangs on a credential or an owner that changed. Somebody else's hold is written down; and when a Location can
   * be written to again, what happened there meanwhile is read whole.
   */
  const follow = async (write: Writing, before: Connector, after: Connector): Promise<void> => {
    const held = before.foreignOwner
    const holds = after.foreignOwner
    if (holds !== null && holds.leftAt === null && (held === null || held.leftAt !== null || held.id !== holds.id))
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: 'location.taken-by-another',
        object: after.id,
        detail: { owner: ownerName(holds), metadata: holds.metadata },
        origin: 'server',
      })
    if (holds !== null && holds.leftAt !== null && held?.leftAt === null)
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: theServer,
        action: 'location.left-by-another',
        object: after.id,
        detail: { owner: ownerName(holds), metadata: holds.metadata },
        origin: 'server',
      })
    if (before.retirement === undefined && after.retirement !== undefined) await keepAsRetired(write, after)
    if (!isUsable(before, clock.now()) && isUsable(after, clock.now())) await forgetCursor(write, after.id)
  }

  /** Counts stay as they were read, and say so. The next good sync has the last word again. */
  const keepAsRetired = async (write: Writing, { id, retirement }: Connector): Promise<void> => {
    const putByChunk = new Map<ReturnType<typeof licensesKey>, License[]>()
    for (const license of await licensesInAct(write, id)) {
      const key = licensesKey(license.id)
      const put = putByChunk.get(key) ?? []
      put.push({ ...license, countSource: 'kept', assignable: false, remark: retirement?.text ?? '' })
      putByChunk.set(key, put)
    }
    for (const [key, put] of putByChunk) await write.record(rowsFact(key, put))
    await appendAudit(write.trx, {
      at: clock.now(),
      actor: theServer,
      action: 'store.retired',
      object: id,
      detail: { text: retirement?.text ?? '' },
      origin: 'server',
    })
  }

  const updateAndFollow: Connectors['update'] = async (write, id, change) => {
    let before: Connector | undefined
    const after = await update(write, id, (connector) => {
      before = connector
      return change(connector)
    })
    if (before !== undefined && after !== undefined) await follow(write, before, after)
    return after
  }

  /** The connector that has this Location, or this very credential: with the store out of reach only that can be compared. */
  const connectedAs = async (
    write: Writing,
    all: readonly Connector[],
    kind: ConnectorKind,
    read: CredentialRead,
    identity: LocationIdentity | undefined,
  ): Promise<Connector | undefined> => {
    const byLocation =
      identity === undefined
        ? undefined
        : await write.trx
            .selectFrom('locations')
            .select('connector')
            .where('key', '=', locationWord(kind, identity.location.key))
            .executeTakeFirst()
    if (byLocation !== undefined) return all.find((row) => row.id === byLocation.connector)
    const alike = await write.trx.selectFrom('credentials').select('connector').where('hash', '=', credentials.hash(read.secret)).execute()
    // One app registration may serve several stores of its tenant.
    return all.find((row) => row.kind === kind && alike.some(({ connector }) => connector === row.id))
  }

  const isKeptAlready = async (write: Writing, id: ConnectorId, read: CredentialRead): Promise<boolean> => {
    const kept = await write.trx.selectFrom('credentials').select('hash').where('connector', '=', id).executeTakeFirst()
    return kept?.hash === credentials.hash(read.secret)
  }

  /**
   * Reads a credential and asks the store whose it is, and whether a device list that came with it may be read. `identity`
   * undefined: the store is out of reach, or the token was not part of what was given.
   */
  const tryOut = async (
    kind: ConnectorKind,
    credential: unknown,
    held?: Secret,
  ): Promise<
    Result<
      { readonly read: CredentialRead; readonly identity: LocationIdentity | undefined },
      | { readonly is: 'kind-not-supported'; readonly kind: ConnectorKind }
      | CredentialMalformed
      | { readonly is: 'credential-refused' | 'store-retired'; readonly text: string }
    >
  > => {
    const store = connections.storeOf(kind)
    if (store === undefined) return err({ is: 'kind-not-supported', kind })
    const read = store.readCredential(credential, clock.now(), held)
    if (!read.ok) return read
    const { secret, given } = read.value
    const connection = connections.trial(kind, secret)
    const identity = given.token ? await connection.identify() : undefined
    const refused = identity === undefined || identity.ok ? undefined : refusalOf(identity.error)
    if (refused !== undefined) return err(refused)
    const checked = given.devices ? await connection.devices?.check() : undefined
    const devicesRefused = checked === undefined || checked.ok ? undefined : refusalOf(checked.error)
    if (devicesRefused !== undefined) return err(devicesRefused)
    return ok({ read: read.value, identity: identity?.ok === true ? identity.value : undefined })
  }

  /** Parts that are left out stay as they are kept. */
  const renewOnce: Connectors['renew'] = async (actor, id, credential) => {
    const connector = (await journal.rows('connectors')).find((row) => row.id === id)
    if (connector === undefined) return err({ is: 'connector-unknown' })
    const heldHash = await credentials.heldHash(id)
    // One that does not open any more is replaced whole, which is the remedy.
    const held = await credentials.unseal(id).catch(() => undefined)
    const tried = await tryOut(connector.kind, credential, held)
    if (!tried.ok) return tried
    const { read, identity } = tried.value
    return await journal.write(async (write): Promise<Result<Connector, RenewRefused>> => {
      const current = (await write.rows('connectors')).find((row) => row.id === id)
      if (current === undefined) return err({ is: 'connector-unknown' })
      // Of two people who renew a part each, the second must not put back what the first replaced.
      if ((await credentials.heldHash(id, write.trx)) !== heldHash) return err({ is: 'credential-changed-meanwhile' })
      if (read.given.token && identity === undefined && current.location !== null)
        return err({
          is: 'store-out-of-reach',
          text: `The store can't be reached, so nobody can tell whether this token is for ${current.name}. Nothing was changed. Try again when the store answers.`,
        })
      if (identity !== undefined) {
        if (current.location !== null && current.location.key !== identity.location.key) {
          const [here, there] = locationsApart(current.location, identity.location)
          return err({ is: 'credential-of-another-location', here, there })
        }
        if (current.location === null) {
          const key = locationWord(current.kind, identity.location.key)
          const taken = await write.trx.selectFrom('locations').select('connector').where('key', '=', key).executeTakeFirst()
          const there = taken && (await write.rows('connectors')).find((row) => row.id === taken.connector)
          if (taken !== undefined && taken.connector !== id)
            return err({ is: 'location-already-connected', connectorId: there?.id ?? id, name: there?.name ?? '' })
          if (taken === undefined) await write.trx.insertInto('locations').values({ key, connector: id }).execute()
        }
      }
      const bare: Connector = {
        ...current,
        ...(read.given.token ? { readOnly: false, credential: { state: 'unknown', expiresAt: read.expiresAt, checkedAt: null } } : {}),
        devices: !read.hasDevices ? null : read.given.devices ? unreadPart : current.devices,
        nextSyncAt: now(),
      }
      const changed = identity === undefined ? bare : withIdentity(bare, identity)
      await write.record(rowsFact('connectors', [changed]))
      await follow(write, current, changed)
      // The very file that is kept already: the store was asked, and there is nothing to renew.
      if (await isKeptAlready(write, id, read)) return ok(changed)
      await credentials.seal(write.trx, id, read.secret)
      if (!read.hasDevices && current.devices !== null) await letGoOfDevices(write, current)
      const audited = { at: clock.now(), actor, object: id, origin: 'api' as const }
      if (read.given.token)
        await appendAudit(write.trx, { ...audited, action: 'credential.renewed', detail: { expiresAt: changed.credential.expiresAt } })
      if (read.given.devices)
        await appendAudit(write.trx, {
          ...audited,
          action: read.hasDevices ? 'device-list.access-set' : 'device-list.access-removed',
          detail: {},
        })
      write.told(() => connections.drop(id))
      return ok(changed)
    })
  }

  return {
    list: () => journal.rows('connectors'),
    find: async (id) => (await journal.rows('connectors')).find((row) => row.id === id),
    update,
    add: async (actor, fresh) => {
      const id = parseConnectorId(randomId(deps.chance))
      if (id === undefined) throw new Error('connectors: made an id that is none')
      const store = connections.storeOf(fresh.kind)
      if (store === undefined) return err({ is: 'kind-not-supported', kind: fresh.kind })
      const tried = await tryOut(fresh.kind, fresh.credential)
      if (!tried.ok) return tried
      const { read, identity } = tried.value
      return await journal.write(async (write) => {
        const all = await write.rows('connectors')
        // Inside the act: of two people who upload the same file at once, the second finds the first.
        const there = await connectedAs(write, all, fresh.kind, read, identity)
        if (there !== undefined) return err({ is: 'location-already-connected' as const, connectorId: there.id, name: there.name })
        if (identity !== undefined)
          await write.trx
            .insertInto('locations')
            .values({ key: locationWord(store.kind, identity.location.key), connector: id })
            .execute()
        const bare: Connector = {
          id,
          kind: fresh.kind,
          store: store.store,
          name: nameApart(all, fresh.name, identity?.location.key ?? id),
          location: null,
          credential: { state: 'unknown', expiresAt: read.expiresAt, checkedAt: null },
          settings: {
            syncIntervalMinutes: deps.syncIntervalMinutes,
            releaseLeavers: 'off',
            leaverDays: 30,
            autoClaim: true,
            userInvitations: false,
            ...fresh.settings,
          },
          capabilities: store.capabilities,
          foreignOwner: null,
          readOnly: false,
          notices: { state: 'polling' },
          people: null,
          devices: read.hasDevices ? unreadPart : null,
          subscriptions: null,
          lastSync: null,
          lastGoodSyncAt: null,
          nextSyncAt: now(),
          scopeTags: fresh.scopeTags,
          createdAt: now(),
        }
        const connector = identity === undefined ? bare : withIdentity(bare, identity)
        await credentials.seal(write.trx, id, read.secret)
        await write.record(rowsFact('connectors', [connector]))
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'connector.added',
          object: id,
          detail: { kind: fresh.kind, name: connector.name, location: identity?.location.name ?? null },
          origin: 'api',
        })
        return ok(connector)
      })
    },
    renew: async (actor, id, credential) => {
      let renewed = await renewOnce(actor, id, credential)
      for (let tries = 1; tries < mostRenewTries && !renewed.ok && renewed.error.is === 'credential-changed-meanwhile'; tries += 1)
        renewed = await renewOnce(actor, id, credential)
      return renewed
    },
    ownOwnerId: connections.ownerMark.id,
    change: async (actor, id, change, isAsRead) =>
      await journal.write(async (write) => {
        const all = await write.rows('connectors')
        const current = all.find((row) => row.id === id)
        const others = all.filter((row) => row.id !== id)
        if (current !== undefined && isAsRead?.(current) === false) return { is: 'changed-meanwhile' as const, connector: current }
        const changed = await update(write, id, (connector) => ({
          ...connector,
          name: change.name === undefined ? connector.name : nameApart(others, change.name, connector.location?.key ?? id),
          settings: { ...connector.settings, ...change.settings },
          scopeTags: change.scopeTags ?? connector.scopeTags,
          nextSyncAt: soonerOf(connector.nextSyncAt, change.settings?.syncIntervalMinutes),
        }))
        if (changed !== undefined)
          await appendAudit(write.trx, {
            at: clock.now(),
            actor,
            action: 'connector.changed',
            object: id,
            detail: { name: changed.name, settings: { ...changed.settings } },
            origin: 'api',
          })
        return changed === undefined ? undefined : { is: 'changed' as const, connector: changed }
      }),
    test: async (id) => {
      const connector = (await journal.rows('connectors')).find((row) => row.id === id)
      const connection = connector === undefined ? undefined : await connections.of(id, connector.kind)
      return connection === undefined ? undefined : await connection.identify()
    },
    claim: async (actor, id, confirmed) => {
      const connector = (await journal.rows('connectors')).find((row) => row.id === id)
      const connection = connector === undefined ? undefined : await connections.of(id, connector.kind)
      if (connector === undefined || connection === undefined) return undefined
      const { foreignOwner } = connector
      if (foreignOwner !== null && foreignOwner.leftAt === null && !confirmed)
        return err({ is: 'confirmation-required', owner: foreignOwner })
      const from = foreignOwner === null || foreignOwner.leftAt !== null ? null : ownerName(foreignOwner)
      await journal.write((write) =>
        appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'location.claim-asked',
          object: id,
          detail: { from },
          origin: 'api',
        }),
      )
      const claimed = await connection.claim()
      return await journal.write(async (write): Promise<Result<Connector, StoreFailure>> => {
        const changed = await updateAndFollow(write, id, (current) =>
          claimed.ok
            ? { ...withIdentity({ ...current, foreignOwner: null }, claimed.value), readOnly: false }
            : afterFailure(current, claimed.error, observed()),
        )
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: claimed.ok ? 'location.claimed' : 'location.claim-failed',
          object: id,
          detail: claimed.ok ? { from } : { from, why: claimed.error.is },
          origin: 'api',
        })
        if (!claimed.ok) return claimed
        return changed === undefined ? err({ is: 'store-unreachable', text: 'The connector was removed meanwhile.' }) : ok(changed)
      })
    },
    noteIdentity: async (write, id, identity) => {
      const connector = await updateAndFollow(write, id, (current) => withIdentity(current, identity))
      if (connector !== undefined) {
        const key = locationWord(connector.kind, identity.location.key)
        await write.trx
          .insertInto('locations')
          .values({ key, connector: id })
          .onConflict((conflict) => conflict.column('key').doNothing())
          .execute()
        const holder = await write.trx.selectFrom('locations').select('connector').where('key', '=', key).executeTakeFirst()
        if (holder !== undefined && holder.connector !== id)
          return await update(write, id, (current) => ({ ...current, credential: { ...current.credential, state: 'duplicate' } }))
      }
      return connector
    },
    noteFailure: (write, id, failure) => updateAndFollow(write, id, (connector) => afterFailure(connector, failure, observed())),
    noteOwner: (write, id, owner) => updateAndFollow(write, id, (connector) => afterOwner(connector, owner, observed())),
    remove: async (actor, id) =>
      await journal.write(async (write) => {
        const connector = (await write.rows('connectors')).find((row) => row.id === id)
        if (connector === undefined) return false
        await forgetConnector(write, connector)
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'connector.removed',
          object: id,
          detail: { name: connector.name },
          origin: 'api',
        })
        write.told(() => connections.drop(id))
        return true
      }),
  }
}

/** One Location is connected once by each kind of connector: a tenant has a store and a directory. Apple's are written as in earlier releases. */
const locationWord = (kind: ConnectorKind, key: string): string => `${kind === 'apple-apps-books' ? 'apple' : kind}/${key}`

/** Two connectors of one name could not be told apart in any text: the second has the end of its Location's key behind it. */
const nameApart = (others: readonly Connector[], wanted: string, key: string): string => {
  const isTaken = (name: string): boolean => others.some((other) => other.name.trim().toLowerCase() === name.trim().toLowerCase())
  if (!isTaken(wanted)) return wanted
  for (let digits = 4; digits < key.length; digits += 1) {
    const name = nameWithKey(wanted, key.slice(-digits))
    if (!isTaken(name)) return name
  }
  return nameWithKey(wanted, key)
}

/** Undefined: the store could not say. The credential is kept, and tried again at the next sync. */
const refusalOf = (failure: StoreFailure): { readonly is: 'credential-refused' | 'store-retired'; readonly text: string } | undefined => {
  switch (failure.is) {
    case 'store-retired':
      return { is: failure.is, text: failure.text }
    case 'store-busy':
    case 'store-unreachable':
    case 'store-answer-unreadable':
    case 'store-changed-meanwhile':
      return undefined
    case 'credential-expired':
    case 'credential-invalid':
    case 'read-only-token':
    case 'store-refused':
      return { is: 'credential-refused', text: failure.text }
    case 'foreign-owner':
      return { is: 'credential-refused', text: `The location is held by ${failure.owner.name}.` }
  }
}

/** Of two people who renew at once, the second is tried again. */
const mostRenewTries = 3

const unreadPart: PartRecord = { asOf: null, count: null, error: null }
