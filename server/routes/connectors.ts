/** Connectors and their credentials. A credential goes in and never comes out. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import {
  connectorKinds,
  connectorStatus,
  credentialStateAt,
  expiryReminder,
  needsNoCredential,
  noticesInWords,
  ownerName,
  type Connector,
  type ConnectorKind,
} from '../../shared/connector.ts'
import type { Clock } from '../../shared/clock.ts'
import { credentialWords } from '../../shared/credential-words.ts'
import { parseConnectorId } from '../../shared/ids.ts'
import { exhaustive } from '../../shared/result.ts'
import { releases, type ConnectorRemoval } from '../connector-removal.ts'
import type { ClaimRefused, Connectors, RenewRefused, ConnectRefused } from '../connectors.ts'
import type { Notices } from '../notices.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import type { Syncs } from '../syncs.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { answerStale, etagOf, isMatch } from './etag.ts'
import { body, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { connectorSchema, reasonsSchema } from './schemas.ts'
import { notWritable, reasonOf, storeProblem } from './store-problem.ts'
import { actorIn, allow, api, mustSignedIn, type RouteModule, type WebContext } from './web.ts'

const scopeTags = v.pipe(v.array(line(60)), v.maxLength(50))
const settings = v.strictObject({
  autoClaim: v.optional(v.boolean()),
  userInvitations: v.optional(v.boolean()),
  syncIntervalMinutes: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(1, 'must be at least 1'),
      v.maxValue(10_080, 'must be at most 10080'),
    ),
  ),
  bulk: v.optional(v.picklist(['auto', 'off'], 'must be auto or off')),
  languages: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}$/i, 'must be languages such as en-us'))),
      v.maxLength(2, 'must be at most 2'),
    ),
  ),
  packages: v.optional(
    v.pipe(
      v.array(
        v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+){1,20}$/, 'must be package names such as com.example.app')),
      ),
      v.maxLength(3000, 'must be at most 3000'),
    ),
  ),
  defaultPolicy: v.optional(
    v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{0,100}$/, 'must be the id of a policy, such as pupils; empty for none')),
  ),
  releaseLeavers: v.optional(v.picklist(['off', 'after-days'], 'must be off or after-days')),
  leaverDays: v.optional(
    v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0'), v.maxValue(3_650, 'must be at most 3650')),
  ),
})
const credential = v.pipe(
  v.record(v.string(), v.unknown()),
  v.description(
    'Apple: {contentToken, devices?: {clientId, keyId?, privateKey}}, the text of the token file and, for the device list, the account of the device API with its key as PEM. Google: {serviceAccountKey, enterpriseId}, the key file of a service account as text or as the object in it. Microsoft: {tenantId, clientId, clientSecret, secretEndsOn?} of an app registration, secretEndsOn the day (YYYY-MM-DD) on which the secret ends. A ledger has none. It is sealed on arrival and never given out again. At a renewal parts left out stay, and devices: null takes that account away.',
  ),
)
const addBody = v.pipe(
  v.object({
    kind: v.picklist(connectorKinds, `must be one of ${connectorKinds.join(', ')}`),
    name: line(100),
    credential: v.optional(credential),
    settings: v.optional(settings, {}),
    scopeTags: v.optional(scopeTags, []),
  }),
  v.forward(
    v.partialCheck(
      [['kind'], ['credential']],
      ({ kind, credential: uploaded }) => uploaded !== undefined || needsNoCredential({ kind }),
      'is missing',
    ),
    ['credential'],
  ),
)
const changeBody = v.strictObject({ name: v.optional(line(100)), settings: v.optional(settings), scopeTags: v.optional(scopeTags) })
const removeQuery = v.object({
  release: v.optional(
    v.pipe(
      v.picklist(releases, `must be one of ${releases.join(', ')}`),
      v.description('keep: seats stay at the store; revoke: those that assignments placed are given back; all: found seats too'),
    ),
  ),
})

export interface ConnectorRoutesDeps {
  readonly connectors: Connectors
  readonly removal: ConnectorRemoval
  readonly syncs: Syncs
  readonly notices: Pick<Notices, 'subscribe' | 'claimed'>
  readonly clock: Clock
}

/** What people can change: a sync in between makes no edit stale. */
const stateOf = ({ id, name, settings: own, scopeTags: tags }: Connector) => [id, name, own, tags]

export const createConnectorView =
  ({ clock, removal, syncs }: Pick<ConnectorRoutesDeps, 'clock' | 'removal' | 'syncs'>) =>
  async (connector: Connector) => {
    const now = clock.now()
    const last = connector.lastSync
    // While a sync runs, its progress is in memory alone.
    const lastSync = last !== null && last.state === 'running' ? ((await syncs.find(last.id)) ?? last) : last
    return {
      id: connector.id,
      kind: connector.kind,
      store: connector.store,
      name: connector.name,
      location: connector.location,
      credential: { ...connector.credential, state: credentialStateAt(connector.credential, now) },
      settings: connector.settings,
      capabilities: connector.capabilities,
      ...connectorStatus(connector, now),
      reminder: expiryReminder(connector, now) ?? null,
      foreignOwner: connector.foreignOwner,
      readOnly: connector.readOnly,
      movedTo: connector.movedTo ?? null,
      notices: {
        since: null,
        lastAt: null,
        alarm: null,
        ...connector.notices,
        text: noticesInWords(connector),
      },
      people: connector.people,
      devices: connector.devices,
      directory: connector.directory ?? null,
      subscriptions: connector.subscriptions,
      lastSync,
      lastGoodSyncAt: connector.lastGoodSyncAt,
      nextSyncAt: connector.nextSyncAt,
      leaving: await removal.isLeaving(connector.id),
      scopeTags: connector.scopeTags,
      createdAt: connector.createdAt,
    }
  }

const refusedProblem = (refused: ConnectRefused | RenewRefused, kind: ConnectorKind): Problem => {
  const { credential: what, place, vendor } = credentialWords[kind]
  const isFile = vendor === 'Apple'
  switch (refused.is) {
    case 'kind-not-supported':
      return {
        status: 422,
        code: refused.is,
        detail: `This version can not connect ${refused.kind}.`,
        errors: [{ field: 'kind', text: 'can not be connected by this version' }],
      }
    case 'credential-malformed':
      return {
        status: 400,
        code: refused.is,
        detail: refused.text,
        errors: [{ field: 'credential', text: refused.text }],
        extra: { reason: refused.reason },
      }
    case 'credential-refused':
    case 'store-retired':
      return { status: 422, code: refused.is, detail: refused.text, errors: [{ field: 'credential', text: refused.text }] }
    case 'location-already-connected':
      return {
        status: 409,
        code: refused.is,
        detail: `This ${place} is connected already, as ${refused.name}. To renew its ${what}, ${isFile ? 'upload the file' : 'give the new one'} there.`,
        extra: { connectorId: refused.connectorId },
      }
    case 'connector-unknown':
      return notFound('connector')
    case 'store-out-of-reach':
      return { status: 503, code: refused.is, detail: refused.text, headers: { 'Retry-After': '60' } }
    case 'credential-changed-meanwhile':
      return {
        status: 409,
        code: refused.is,
        detail: 'Somebody else changed this credential at the same moment. Nothing was changed by you. Look at it, then try again.',
      }
    case 'credential-of-another-location':
      return {
        status: 409,
        code: refused.is,
        detail: `This ${what} is for ${refused.there}, and the connector is for ${refused.here}. Nothing was changed. ${isFile ? 'Upload' : 'Give'} it at the connector of ${refused.there}, or add one.`,
      }
    default:
      return exhaustive(refused)
  }
}

const claimProblem = (refused: ClaimRefused): Problem =>
  refused.is === 'confirmation-required'
    ? {
        status: 409,
        code: refused.is,
        detail: `${ownerName(refused.owner)} holds this location. If you take it over, that service may no longer give or take its seats; seats in use stay in use. Send {"confirm": true} to take it over.`,
        extra: { owner: refused.owner },
      }
    : storeProblem(refused)

const keys = {
  name: (connector: Connector) => connector.name.toLowerCase(),
  kind: (connector: Connector) => connector.kind,
  createdAt: (connector: Connector) => connector.createdAt,
  lastGoodSyncAt: (connector: Connector) => connector.lastGoodSyncAt,
}

export const connectorRoutes =
  (deps: ConnectorRoutesDeps): RouteModule =>
  (web) => {
    const { connectors, removal, syncs, notices } = deps
    const tags = ['Connectors']
    const view = createConnectorView(deps)
    const find = async (c: WebContext): Promise<Connector | undefined> => {
      const id = parseConnectorId(c.req.param('id'))
      return id === undefined ? undefined : await connectors.find(id)
    }
    const trigger = (c: WebContext) => (mustSignedIn(c).by.is === 'session' ? 'admin' : 'api')
    const answerOne = async (c: WebContext, connector: Connector, status: 200 | 201 = 200) =>
      c.json(await view(connector), status, { ETag: etagOf(stateOf(connector)) })
    const unknown = (c: WebContext) => answerProblem(c, notFound('connector'))

    web.get(
      `${api}/connectors`,
      describeRoute({
        tags,
        summary: 'All connectors',
        responses: { 200: answer('A page', pageSchema(connectorSchema)), ...problems(400) },
      }),
      allow('read'),
      query(v.object(listQuery(['name', 'kind', 'createdAt', 'lastGoodSyncAt']))),
      async (c) => {
        const all = await connectors.list()
        return answerList<Connector>(c, {
          query: c.req.valid('query'),
          read: (wanted) => pageOf(all, wanted, keys, ({ id }) => id),
          view: (items) => Promise.all(items.map(view)),
          schema: connectorSchema,
        })
      },
    )
    web.get(
      `${api}/connectors/:id`,
      describeRoute({ tags, summary: 'One connector', responses: { 200: answer('It', connectorSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const connector = await find(c)
        return connector === undefined ? unknown(c) : answerOne(c, connector)
      },
    )
    web.post(
      `${api}/connectors`,
      describeRoute({
        tags,
        summary: 'Connect a location with its credential; the first sync starts by itself',
        description:
          'A malformed credential is 400 credential-malformed, one that the store refuses 422 credential-refused: both keep nothing. When the store is out of reach the connector is kept with credential state unknown.',
        responses: { 201: answer('Connected', connectorSchema), ...problems(400, 409, 422) },
      }),
      allow('manage-connectors'),
      body(addBody),
      async (c) => {
        const { kind, name, credential: uploaded, settings: own, scopeTags: tagsWanted } = c.req.valid('json')
        const added = await connectors.add(actorIn(c), { kind, name, credential: uploaded, settings: given(own), scopeTags: tagsWanted })
        if (!added.ok) return answerProblem(c, refusedProblem(added.error, c.req.valid('json').kind))
        const lastSync = (await syncs.request(added.value.id, trigger(c), true)) ?? null
        return answerOne(c, { ...added.value, lastSync }, 201)
      },
    )
    web.patch(
      `${api}/connectors/:id`,
      describeRoute({
        tags,
        summary: 'Change name, settings or scope tags',
        responses: { 200: answer('Changed', connectorSchema), ...problems(400, 404, 412) },
      }),
      allow('manage-connectors'),
      body(changeBody),
      async (c) => {
        const connector = await find(c)
        if (connector === undefined) return unknown(c)
        const asRead = (current: Connector): boolean => isMatch(c, etagOf(stateOf(current)))
        const { name, settings: own, scopeTags: tagsWanted } = c.req.valid('json')
        const changed = await connectors.change(
          actorIn(c),
          connector.id,
          {
            ...(name === undefined ? {} : { name }),
            ...(own === undefined ? {} : { settings: given(own) }),
            ...(tagsWanted === undefined ? {} : { scopeTags: tagsWanted }),
          },
          asRead,
        )
        if (changed === undefined) return unknown(c)
        return changed.is === 'changed-meanwhile'
          ? answerStale(c, etagOf(stateOf(changed.connector)), await view(changed.connector))
          : answerOne(c, changed.connector)
      },
    )
    web.put(
      `${api}/connectors/:id/credential`,
      describeRoute({
        tags,
        summary: 'Renew the credential; parts left out stay',
        responses: { 200: answer('Renewed', connectorSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-connectors'),
      body(credential),
      async (c) => {
        const connector = await find(c)
        if (connector === undefined) return unknown(c)
        const etag = etagOf(stateOf(connector))
        if (!isMatch(c, etag)) return answerStale(c, etag, await view(connector))
        const renewed = await connectors.renew(actorIn(c), connector.id, c.req.valid('json'))
        if (!renewed.ok) return answerProblem(c, refusedProblem(renewed.error, connector.kind))
        const lastSync = (await syncs.request(connector.id, trigger(c), false)) ?? renewed.value.lastSync
        return answerOne(c, { ...renewed.value, lastSync })
      },
    )
    web.post(
      `${api}/connectors/:id/test`,
      describeRoute({
        tags,
        summary: 'Ask the store who we are, and whether its notices reach us',
        description:
          'Changes nothing but where the store sends its notices. Without notices all works by asking, so `ok` does not depend on them.',
        responses: { 200: answer('What it says', v.object({ ok: v.boolean(), reasons: reasonsSchema })), ...problems(404) },
      }),
      allow('sync'),
      async (c) => {
        const connector = await find(c)
        if (connector === undefined) return unknown(c)
        const tested = await connectors.test(connector.id)
        if (tested === undefined)
          return c.json({
            ok: false,
            reasons: [
              {
                code: 'no-credential',
                text: `${connector.name} has no ${credentialWords[connector.kind].credential} yet. Give one to begin.`,
              },
            ],
          })
        if (!tested.ok) return c.json({ ok: false, reasons: [reasonOf(tested.error)] })
        const owner = tested.value.owner
        if (owner !== null && owner.id !== connectors.ownOwnerId)
          return c.json({ ok: false, reasons: [reasonOf({ is: 'foreign-owner', owner })] })
        await notices.subscribe(connector.id, 'asked')
        const after = await connectors.find(connector.id)
        const text = after?.notices.state === 'unreachable' ? noticesInWords(after) : null
        return c.json({ ok: true, reasons: text === null ? [] : [{ code: 'notices-unreachable', text }] })
      },
    )
    web.post(
      `${api}/connectors/:id/claim`,
      describeRoute({
        tags,
        summary: 'Take over a location that another management service holds',
        description:
          'With `confirm` false it is 409 confirmation-required, with the owner that would be put out, while another service holds the location: to ask before. The call by itself takes it over. A full sync follows.',
        responses: { 200: answer('Ours', connectorSchema), ...problems(404, 409, 422, 503) },
      }),
      allow('manage-connectors'),
      body(v.strictObject({ confirm: v.optional(v.boolean(), true) })),
      async (c) => {
        const connector = await find(c)
        if (connector === undefined) return unknown(c)
        const claimed = await connectors.claim(actorIn(c), connector.id, c.req.valid('json').confirm)
        if (claimed === undefined)
          return answerProblem(c, { status: 409, code: 'no-credential', detail: 'There is no token for this connector. Upload one first.' })
        if (!claimed.ok) return answerProblem(c, claimProblem(claimed.error))
        notices.claimed(connector.id)
        const lastSync = (await syncs.request(connector.id, trigger(c), true)) ?? claimed.value.lastSync
        return answerOne(c, { ...claimed.value, lastSync })
      },
    )
    web.delete(
      `${api}/connectors/:id`,
      describeRoute({
        tags,
        summary: 'Let a connector go, with or without its seats',
        responses: {
          ...noContent,
          202: answer(
            'Its seats are being given back; it goes when that is settled. Irrevocable seats stay with who has them.',
            v.object({ state: v.literal('leaving'), seats: v.number(), irrevocable: v.number() }),
          ),
          ...problems(400, 404, 409, 412),
        },
      }),
      allow('manage-connectors'),
      query(removeQuery),
      async (c) => {
        const connector = await find(c)
        if (connector === undefined) return unknown(c)
        const etag = etagOf(stateOf(connector))
        if (!isMatch(c, etag)) return answerStale(c, etag, await view(connector))
        const removed = await removal.remove(actorIn(c), connector.id, c.req.valid('query').release)
        if (removed.ok)
          return removed.value.is === 'removed'
            ? c.body(null, 204)
            : c.json({ state: 'leaving' as const, seats: removed.value.seats, irrevocable: removed.value.irrevocable }, 202)
        switch (removed.error.is) {
          case 'connector-unknown':
            return unknown(c)
          case 'licenses-in-use': {
            const { licenses, seats, assignments } = removed.error
            return answerProblem(c, {
              status: 409,
              code: removed.error.is,
              detail: `${seats} seats of ${licenses} licenses are in use, and ${assignments} assignments stand. Say what becomes of them: ?release=keep leaves the seats at the store, revoke gives back what assignments placed, all gives back found seats too.`,
              extra: { licenses, seats, assignments },
            })
          }
          case 'store-not-writable':
            return answerProblem(c, notWritable(removed.error.why))
          case 'plan-refused':
            return answerProblem(c, { status: 409, code: removed.error.is, detail: removed.error.text })
          default:
            return exhaustive(removed.error)
        }
      },
    )
  }

/** Only what was given: an absent member changes nothing. */
const given = <T extends object>(object: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as { [K in keyof T]: Exclude<T[K], undefined> }
