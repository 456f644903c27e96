/**
 * Acts that need the server: plain HTTP, answered while one waits. Without a network they fail at once and queue
 * nothing. Answers are read field by field; what is not this server's answer is never taken for one.
 */
import { parseConnectorId, type ConnectorId, type LicenseId, type OrderId, type PrincipalId } from '../shared/ids.ts'
import type { ConnectorKind, ConnectorSettings } from '../shared/connector.ts'
import type { Role } from '../shared/admin.ts'
import type { Order } from '../shared/order.ts'
import { joinedByText } from '../shared/joining.ts'
import { err, ok } from '../shared/result.ts'
import type { Sync } from '../shared/sync.ts'
import { itemsOf, list, member, numberOf, orderOf, syncOf, textOf, textOrNull } from './server-lists.ts'
import { createGroupActs, type GroupActs } from './group-acts.ts'
import { createPeopleActs, type PeopleActs } from './people-acts.ts'
import { createLedgerActs, type LedgerActs } from './ledger-acts.ts'
import { createSourcesActs, type SourcesActs } from './sources-acts.ts'
import { createRequest, unreadable, type Answer, type Fetch } from './server-request.ts'
import { createSeatActs, type SeatActs } from './seat-acts.ts'
import { createSelfServiceActs, type SelfServiceActs } from './self-service-acts.ts'
import { createSubscriptionActs, type SubscriptionActs } from './subscription-acts.ts'

export { member, textOf } from './server-lists.ts'
export { createRequest, type ActFailed, type Fetch, type FieldError, type Request } from './server-request.ts'

export interface ApiKeyRow {
  readonly id: string
  readonly name: string
  readonly role: string
  readonly createdAt: string | null
  readonly lastUsedAt: string | null
  readonly expiresAt: string | null
  readonly revokedAt: string | null
}

export interface AdminRow {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly role: string
  readonly state: 'active' | 'invited' | 'disabled'
}

export interface AuditRow {
  readonly n: number
  readonly at: string
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly origin: string
  readonly words: string
}

/** What an import did, or would do. */
export interface Imported {
  readonly read: number
  readonly created: number
  readonly changed: number
  readonly unchanged: number
  /** The first of `created + changed`, of a dry run alone. */
  readonly changes: readonly ImportChange[]
  /** The first of `errorCount`. */
  readonly errors: readonly { readonly row: number; readonly field: string; readonly text: string }[]
  readonly errorCount: number
}

/** What one row of a file would change. */
export interface ImportChange {
  readonly row: number
  readonly name: string
  readonly is: 'created' | 'changed'
  /** The rule by which it is somebody known; empty: by its own key, or nobody is. */
  readonly joinedBy: string
  readonly fields: readonly { readonly field: string; readonly before: string; readonly after: string }[]
}

export interface Page<T> {
  readonly items: readonly T[]
  /** The cursor of what follows; null at the end. */
  readonly next: string | null
}

export interface ConnectorWanted {
  readonly kind: ConnectorKind
  readonly name: string
  /** Apple: `{contentToken}`, the token file's text; the others as the API says. It goes to the server and is kept nowhere here. */
  readonly credential: { readonly [name: string]: unknown }
  readonly settings?: Partial<ConnectorSettings>
}

/** Binding an organisation at Google. `unclear`: nobody can say whether it was bound. */
export interface SignupTold {
  readonly status: 'open' | 'completing' | 'bound' | 'failed' | 'unclear'
  readonly text: string
  readonly connectorId: ConnectorId | undefined
}

export interface ServerActs {
  /** A sync that runs already is joined. Progress comes by the exchange. */
  syncNow(connector: ConnectorId, full?: boolean): Answer<void>
  connect(wanted: ConnectorWanted): Answer<ConnectorId>
  /** Gives the address of Google's page, and the state with which to ask what came of it. */
  beginSignup(wanted: {
    readonly name: string
    readonly serviceAccountKey: string
    readonly adminEmail?: string
  }): Answer<{ readonly state: string; readonly url: string }>
  signup(state: string): Answer<SignupTold>
  /** Gives what is known of the credential now. `expiresAt` ISO 8601. */
  renew(
    connector: ConnectorId,
    credential: ConnectorWanted['credential'],
  ): Answer<{ readonly expiresAt: string | null; readonly checked: boolean }>
  changeConnector(connector: ConnectorId, change: { readonly name?: string; readonly settings?: Partial<ConnectorSettings> }): Answer<void>
  /** Asks the store and changes nothing. */
  test(connector: ConnectorId): Answer<{ readonly ok: boolean; readonly reasons: readonly string[] }>
  /** Takes over a location that another service holds. */
  claim(connector: ConnectorId): Answer<void>
  /** Fails with the code `licenses-in-use` until it is said what becomes of the seats. */
  removeConnector(connector: ConnectorId, release?: 'keep' | 'revoke' | 'all'): Answer<void>
  reclaim(license: LicenseId, principals: readonly PrincipalId[]): Answer<void>
  retryOrder(order: OrderId): Answer<void>
  cancelOrder(order: OrderId): Answer<void>
  readonly subscriptions: SubscriptionActs
  readonly people: PeopleActs
  readonly ledger: LedgerActs
  readonly sources: SourcesActs
  readonly seats: SeatActs
  readonly groups: GroupActs
  readonly selfService: SelfServiceActs
  /** The latest first; of all connectors, or of one. */
  orders(of: { readonly connector?: ConnectorId; readonly license?: LicenseId }, cursor: string | null): Answer<Page<Order>>
  syncs(of: { readonly connector?: ConnectorId }, cursor: string | null): Answer<Page<Sync>>
  importCsv(
    kind: 'users' | 'devices' | 'groups' | 'memberships',
    /** As it is: the server reads its encoding. */
    file: Blob,
    options: { readonly dryRun: boolean; readonly partial: boolean },
  ): Answer<Imported>
  apiKeys(): Answer<readonly ApiKeyRow[]>
  /** The key is told this once. */
  createApiKey(name: string, role: Role): Answer<{ readonly id: string; readonly key: string }>
  revokeApiKey(id: string): Answer<void>
  admins(): Answer<readonly AdminRow[]>
  /** Gives the link to hand over. */
  invite(wanted: { readonly email: string; readonly name: string; readonly role: Role }): Answer<{ readonly link: string }>
  changeAdmin(id: string, change: { readonly name?: string; readonly role?: Role; readonly disabled?: boolean }): Answer<void>
  changePassword(current: string, next: string): Answer<void>
  audit(cursor: string | null): Answer<Page<AuditRow>>
}

export const createServerActs = (fetch: Fetch): ServerActs => {
  const request = createRequest(fetch)
  const done = async (answer: Answer<unknown>): Answer<void> => {
    const read = await answer
    return read.ok ? ok(undefined) : read
  }
  const at = (id: string): string => encodeURIComponent(id)
  return {
    syncNow: (connector, full = false) => done(request('POST', `/connectors/${at(connector)}/sync`, { full })),
    connect: async (wanted) => {
      const read = await request('POST', '/connectors', wanted)
      if (!read.ok) return read
      const id = parseConnectorId(member(read.value, 'id'))
      return id === undefined ? err(unreadable(200)) : ok(id)
    },
    beginSignup: async (wanted) => {
      const read = await request('POST', '/connectors/google/signup', wanted)
      if (!read.ok) return read
      const url = textOf(member(read.value, 'url'))
      // It becomes a link.
      return /^https?:\/\//.test(url) ? ok({ state: textOf(member(read.value, 'state')), url }) : err(unreadable(201))
    },
    signup: async (state) => {
      const read = await request('GET', `/connectors/google/signup/${at(state)}`)
      if (!read.ok) return read
      const told = member(read.value, 'status')
      return ok({
        status: (['completing', 'bound', 'failed', 'unclear'] as const).find((status) => status === told) ?? 'open',
        text: textOf(member(read.value, 'text')),
        connectorId: parseConnectorId(member(read.value, 'connectorId')),
      })
    },
    renew: async (connector, credential) => {
      const read = await request('PUT', `/connectors/${at(connector)}/credential`, credential)
      if (!read.ok) return read
      const kept = member(read.value, 'credential')
      return ok({ expiresAt: textOrNull(member(kept, 'expiresAt')), checked: member(kept, 'state') !== 'unknown' })
    },
    changeConnector: (connector, change) => done(request('PATCH', `/connectors/${at(connector)}`, change)),
    test: async (connector) => {
      const read = await request('POST', `/connectors/${at(connector)}/test`, {})
      if (!read.ok) return read
      return ok({
        ok: member(read.value, 'ok') === true,
        reasons: list(member(read.value, 'reasons')).map((reason) => textOf(member(reason, 'text'))),
      })
    },
    claim: (connector) => done(request('POST', `/connectors/${at(connector)}/claim`, { confirm: true })),
    removeConnector: (connector, release) =>
      done(request('DELETE', `/connectors/${at(connector)}${release === undefined ? '' : `?release=${release}`}`)),
    reclaim: (license, principals) => done(request('POST', `/licenses/${at(license)}/reclaim`, { principals })),
    retryOrder: (order) => done(request('POST', `/orders/${at(order)}/retry`, {})),
    subscriptions: createSubscriptionActs(request),
    people: createPeopleActs(request),
    ledger: createLedgerActs(request),
    sources: createSourcesActs(request),
    seats: createSeatActs(request),
    groups: createGroupActs(request),
    selfService: createSelfServiceActs(request),
    cancelOrder: (order) => done(request('POST', `/orders/${at(order)}/cancel`, {})),
    orders: async (of, cursor) => {
      const read = await request('GET', `/orders?${listQuery(of, cursor)}`)
      return read.ok ? ok(pageOf(read.value, orderOf)) : read
    },
    syncs: async (of, cursor) => {
      const read = await request('GET', `/syncs?${listQuery(of, cursor)}`)
      return read.ok ? ok(pageOf(read.value, syncOf)) : read
    },
    importCsv: async (kind, file, { dryRun, partial }) => {
      const query = `kind=${kind}${dryRun ? '&dryRun=true' : ''}${partial ? '&partial=true' : ''}`
      const read = await request('POST', `/directory/import?${query}`, file, 'text/csv')
      return read.ok ? ok(importedOf(read.value)) : read
    },
    apiKeys: async () => {
      const read = await request('GET', '/api-keys?limit=500')
      if (!read.ok) return read
      return ok(
        itemsOf(read.value).map((row) => ({
          id: textOf(member(row, 'id')),
          name: textOf(member(row, 'name')),
          role: textOf(member(row, 'role')),
          createdAt: textOrNull(member(row, 'createdAt')),
          lastUsedAt: textOrNull(member(row, 'lastUsedAt')),
          expiresAt: textOrNull(member(row, 'expiresAt')),
          revokedAt: textOrNull(member(row, 'revokedAt')),
        })),
      )
    },
    createApiKey: async (name, role) => {
      const read = await request('POST', '/api-keys', { name, role })
      return read.ok ? ok({ id: textOf(member(read.value, 'id')), key: textOf(member(read.value, 'key')) }) : read
    },
    revokeApiKey: (id) => done(request('DELETE', `/api-keys/${at(id)}`)),
    admins: async () => {
      const read = await request('GET', '/admins?limit=500')
      if (!read.ok) return read
      return ok(
        itemsOf(read.value).map((row) => ({
          id: textOf(member(row, 'id')),
          name: textOf(member(row, 'name')),
          email: textOf(member(row, 'email')),
          role: textOf(member(row, 'role')),
          state: (['invited', 'disabled'] as const).find((state) => state === member(row, 'state')) ?? 'active',
        })),
      )
    },
    invite: async (wanted) => {
      const read = await request('POST', '/admins', wanted)
      return read.ok ? ok({ link: textOf(member(read.value, 'setUpUrl')) }) : read
    },
    changeAdmin: (id, change) => done(request('PATCH', `/admins/${at(id)}`, change)),
    changePassword: (current, next) => done(request('PUT', '/me/password', { current, password: next })),
    audit: async (cursor) => {
      const read = await request('GET', `/audit?limit=100${cursor === null ? '' : `&cursor=${at(cursor)}`}`)
      if (!read.ok) return read
      return ok({
        items: itemsOf(read.value).map((row) => ({
          n: numberOf(member(row, 'n')),
          at: textOf(member(row, 'at')),
          actor: textOf(member(member(row, 'actor'), 'name')),
          action: textOf(member(row, 'action')),
          object: textOf(member(row, 'object')),
          origin: textOf(member(row, 'origin')),
          words: textOf(member(member(row, 'detail'), 'words')),
        })),
        next: textOrNull(member(read.value, 'next')),
      })
    },
  }
}

const listQuery = (of: { readonly [name: string]: string }, cursor: string | null): string =>
  new URLSearchParams({ ...of, limit: '100', ...(cursor === null ? {} : { cursor }) }).toString()

const pageOf = <T>(value: unknown, read: (row: unknown) => T | undefined): Page<T> => ({
  items: itemsOf(value).flatMap((row) => read(row) ?? []),
  next: textOrNull(member(value, 'next')),
})

export const importedOf = (value: unknown): Imported => ({
  read: numberOf(member(value, 'read')),
  created: numberOf(member(value, 'created')),
  changed: numberOf(member(value, 'changed')),
  unchanged: numberOf(member(value, 'unchanged')),
  errors: list(member(value, 'errors')).map((row) => ({
    row: numberOf(member(row, 'row')),
    field: textOf(member(row, 'field')),
    text: textOf(member(row, 'text')),
  })),
  errorCount: numberOf(member(value, 'errorCount')),
  changes: list(member(value, 'changes')).map((row) => ({
    row: numberOf(member(row, 'row')),
    name: textOf(member(row, 'name')),
    is: member(row, 'is') === 'created' ? 'created' : 'changed',
    joinedBy: joinedByText(textOf(member(row, 'joinedBy'))),
    fields: list(member(row, 'fields')).map((field) => ({
      field: textOf(member(field, 'field')),
      before: textOf(member(field, 'before')),
      after: textOf(member(field, 'after')),
    })),
  })),
})
