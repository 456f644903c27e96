/**
 * Organisations that are being bound at a store: an administrator goes to the vendor's page and comes back, once, perhaps
 * after a restart, perhaps twice. What is needed to complete it is sealed on disk from the first moment on.
 */
import { appendAudit } from './audit.ts'
import type { Connections } from './connections.ts'
import type { Connectors } from './connectors.ts'
import type { Db, SignupsTable } from './database/schema.ts'
import type { Journal, Writing } from './journal.ts'
import type { Place, Sealer } from './seal.ts'
import { Secret } from './secret.ts'
import { failureInWords } from './store-failure.ts'
import type { ConnectionDeps, CredentialMalformed, StoreFailure } from './stores/store.ts'
import type { Actor } from '../shared/admin.ts'
import type { ConnectorKind } from '../shared/connector.ts'
import type { ConnectorId } from '../shared/ids.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** `unclear`: the vendor may have bound the organisation, and nobody can say. */
export type SignupStatus = 'open' | 'completing' | 'bound' | 'failed' | 'unclear'

export interface Signup {
  readonly status: SignupStatus
  /** For a person: what happened, and what to do. */
  readonly text: string
  readonly connectorId: ConnectorId | null
}

export type SignupRefused = { readonly is: 'kind-not-bound-here' } | CredentialMalformed | StoreFailure

export interface Signups {
  /** `state` stands for it from here on, and lets whoever has it complete it. `url`: the vendor's page. */
  begin(
    actor: Actor,
    asked: {
      readonly kind: ConnectorKind
      readonly name: string
      readonly key: unknown
      readonly adminEmail: string | null
      readonly scopeTags: readonly string[]
    },
  ): Promise<Result<{ readonly state: string; readonly url: string }, SignupRefused>>
  find(state: string): Promise<Signup | undefined>
  /** The administrator is back. Whoever comes second gets what came of the first. Undefined: no such sign-up. */
  complete(state: string, answer: URLSearchParams): Promise<Signup | undefined>
  /** What a stop cut off can't be completed any more; a credential that was given goes on to its connector. */
  start(): Promise<void>
}

export interface SignupsDeps extends Omit<ConnectionDeps, 'onOwner'> {
  readonly db: Db
  readonly journal: Journal
  readonly connections: Pick<Connections, 'storeOf'>
  readonly connectors: Pick<Connectors, 'add'>
  readonly sealer: Sealer
  /** Where the vendor sends the administrator back to; the state is added. */
  readonly callbackUrl: string
  /** A connector that was made is synced. */
  readonly onBound: (connector: ConnectorId) => void
}

const stateBytes = 32
const keptMs = 7 * 24 * 60 * 60_000

const placeOf = (row: string): Place => ({ table: 'signups', row, column: 'sealed' })
const textOf: Record<Exclude<SignupStatus, 'failed'>, string> = {
  open: "The organisation is not bound yet: its administrator has not come back from the vendor's page.",
  completing: 'The organisation is being bound.',
  bound: 'The organisation is bound, and its connector is made.',
  unclear:
    'The vendor did not say whether the organisation was bound, and it can be done only once. Look at the vendor: if it is bound there, unbind it; then begin again.',
}

export const createSignups = (deps: SignupsDeps): Signups => {
  const { db, journal, connections, connectors, sealer, clock, chance } = deps
  const underWay = new Map<string, Promise<Signup>>()
  const hashOf = (state: string): string => sealer.hash('signup', state)

  const seal = (id: string, secret: Secret | null) => {
    if (secret === null) return { wrapped_key: new Uint8Array(), nonce: new Uint8Array(), sealed: new Uint8Array() }
    const { wrappedKey, nonce, sealed } = sealer.seal(placeOf(id), secret.reveal())
    return { wrapped_key: wrappedKey, nonce, sealed }
  }
  const open = (row: SignupsTable): Secret =>
    Secret.of(sealer.unseal(placeOf(row.id_hash), { wrappedKey: row.wrapped_key, nonce: row.nonce, sealed: row.sealed }))

  const viewOf = ({ status, text, connector }: SignupsTable): Signup => ({
    status: status as SignupStatus,
    text,
    connectorId: connector as ConnectorId | null,
  })
  const rowOf = (id: string): Promise<SignupsTable | undefined> =>
    db.selectFrom('signups').selectAll().where('id_hash', '=', id).executeTakeFirst()
  const actorOf = (row: SignupsTable): Actor => JSON.parse(row.actor) as Actor

  const change = async (write: Writing, id: string, values: Partial<SignupsTable>): Promise<void> => {
    await write.trx.updateTable('signups').set(values).where('id_hash', '=', id).execute()
  }

  /** Only the first gets it: in the act that says so. */
  const takeUp = (id: string): Promise<SignupsTable | undefined> =>
    journal.write(async (write) => {
      const row = await write.trx.selectFrom('signups').selectAll().where('id_hash', '=', id).executeTakeFirst()
      if (row?.status !== 'open') return undefined
      await change(write, id, { status: 'completing', text: textOf.completing })
      return row
    })

  const end = (row: SignupsTable, status: SignupStatus, text: string, more: Partial<SignupsTable> = {}): Promise<void> =>
    journal.write(async (write) => {
      await change(write, row.id_hash, { status, text, ...more })
      if (status === 'open') return
      await appendAudit(write.trx, {
        at: clock.now(),
        actor: actorOf(row),
        action: `signup.${status}`,
        object: more.connector ?? row.kind,
        detail: { name: row.name },
        origin: 'api',
      })
    })

  const bind = async (row: SignupsTable, answer: URLSearchParams): Promise<void> => {
    const binding = connections.storeOf(row.kind as ConnectorKind)?.binding
    if (binding === undefined)
      return await end(row, 'failed', 'This version can not bind organisations at this store.', seal(row.id_hash, null))
    const bound = await binding.complete(deps, open(row), answer)
    if (!bound.ok)
      switch (bound.error.is) {
        case 'outcome-unknown':
          return await end(row, 'unclear', textOf.unclear, seal(row.id_hash, null))
        // Nothing was done: the address may be opened again.
        case 'store-busy':
        case 'store-unreachable':
          return await end(row, 'open', `${failureInWords(bound.error)} Open the same address again in a moment.`)
        default:
          return await end(row, 'failed', failureInWords(bound.error), seal(row.id_hash, null))
      }
    // The vendor keeps no copy of the key: it is on disk before anything else is done with it.
    const sealed = seal(row.id_hash, bound.value.credential)
    await journal.write((write) => change(write, row.id_hash, { status: 'bound', text: textOf.bound, ...sealed }))
    await connect({ ...row, ...sealed })
  }

  const connect = async (row: SignupsTable): Promise<void> => {
    const added = await connectors.add(actorOf(row), {
      kind: row.kind as ConnectorKind,
      name: row.name,
      credential: JSON.parse(open(row).reveal()) as unknown,
      settings: {},
      scopeTags: JSON.parse(row.scope_tags) as readonly string[],
    })
    if (!added.ok) {
      const text = 'text' in added.error ? added.error.text : 'It is connected already.'
      return await end(row, 'failed', `The organisation is bound, and its connector could not be made. ${text}`)
    }
    await end(row, 'bound', textOf.bound, { connector: added.value.id, ...seal(row.id_hash, null) })
    deps.onBound(added.value.id)
  }

  const run = async (id: string, answer: URLSearchParams): Promise<Signup> => {
    const row = await takeUp(id)
    if (row !== undefined) await bind(row, answer)
    const after = await rowOf(id)
    if (after === undefined) throw new Error('signups: one that was being completed is gone')
    return viewOf(after)
  }

  return {
    begin: async (actor, { kind, name, key, adminEmail, scopeTags }) => {
      const binding = connections.storeOf(kind)?.binding
      if (binding === undefined) return err({ is: 'kind-not-bound-here' })
      const state = Buffer.from(chance.bytes(stateBytes)).toString('base64url')
      const callback = new URL(deps.callbackUrl)
      callback.searchParams.set('state', state)
      const begun = await binding.begin(deps, key, { callbackUrl: callback.href, adminEmail })
      if (!begun.ok) return begun
      const id = hashOf(state)
      await journal.write(async (write) => {
        const at = clock.now()
        await write.trx
          .deleteFrom('signups')
          .where('made_at', '<', at - keptMs)
          .execute()
        await write.trx
          .insertInto('signups')
          .values({
            id_hash: id,
            kind,
            name,
            scope_tags: JSON.stringify(scopeTags),
            actor: JSON.stringify(actor),
            status: 'open',
            text: textOf.open,
            connector: null,
            ...seal(id, begun.value.ticket),
            made_at: at,
          })
          .execute()
        await appendAudit(write.trx, { at, actor, action: 'signup.begun', object: kind, detail: { name }, origin: 'api' })
      })
      return ok({ state, url: begun.value.url })
    },
    find: async (state) => {
      const row = await rowOf(hashOf(state))
      return row === undefined ? undefined : viewOf(row)
    },
    complete: async (state, answer) => {
      const id = hashOf(state)
      if ((await rowOf(id)) === undefined) return undefined
      const running =
        underWay.get(id) ??
        run(id, answer).finally(() => {
          underWay.delete(id)
        })
      underWay.set(id, running)
      return await running
    },
    start: async () => {
      for (const row of await db.selectFrom('signups').selectAll().where('status', '=', 'completing').execute())
        await end(row, 'unclear', textOf.unclear, seal(row.id_hash, null))
      for (const row of await db.selectFrom('signups').selectAll().where('status', '=', 'bound').where('connector', 'is', null).execute())
        await connect(row)
    },
  }
}
