/** How the links to the stores are, worst first; and the figures for whoever watches the server. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { may } from '../../shared/admin.ts'
import { byWorstStatus, connectorStatus } from '../../shared/connector.ts'
import { isoTime, type Clock } from '../../shared/clock.ts'
import type { Connectors } from '../connectors.ts'
import type { Db } from '../database/schema.ts'
import type { Exchange } from '../exchange.ts'
import type { Journal } from '../journal.ts'
import { answerProblem } from '../problem.ts'
import type { WhoAsks } from '../who-asks.ts'
import type { Workspace } from '../workspace.ts'
import { createConnectorView, type ConnectorRoutesDeps } from './connectors.ts'
import { answer, problems } from './describe.ts'
import { connectorSchema } from './schemas.ts'
import { allow, api, type RouteModule } from './web.ts'

export interface StatusRoutesDeps extends Pick<ConnectorRoutesDeps, 'clock' | 'removal' | 'syncs'> {
  readonly connectors: Connectors
  readonly clock: Clock
}

const statusSchema = v.object({ items: v.array(connectorSchema), next: v.null(), asOf: v.string() })

export const statusRoutes =
  (deps: StatusRoutesDeps): RouteModule =>
  (web) => {
    const view = createConnectorView(deps)
    web.get(
      `${api}/status`,
      describeRoute({
        tags: ['Status'],
        summary: 'All connectors in the order of the status page: worst first, not enabled last',
        responses: { 200: answer('The rows', statusSchema), ...problems() },
      }),
      allow('read'),
      async (c) => {
        const now = deps.clock.now()
        const sorted = [...(await deps.connectors.list())].sort(byWorstStatus(now))
        return c.json({ items: await Promise.all(sorted.map(view)), next: null, asOf: isoTime(now) })
      },
    )
  }

export interface MetricsRoutesDeps {
  readonly db: Db
  readonly journal: Journal
  readonly exchange: Exchange
  readonly workspace: Workspace
  readonly connectors: Connectors
  readonly whoAsks: WhoAsks
  readonly clock: Clock
  /** Bytes of memory that the process holds. */
  readonly memoryBytes: () => number
}

/** Open to the machine itself, and to a key that may read: the figures tell how much goes on here. */
export const metricsRoutes =
  (deps: MetricsRoutesDeps): RouteModule =>
  (web) => {
    const { db, journal, connectors, clock } = deps
    web.get(
      '/metrics',
      describeRoute({
        tags: ['Health'],
        summary: 'Figures in Prometheus’ text form, for the machine itself or a key that may read',
        responses: { 200: { description: 'The figures', content: { 'text/plain': { schema: { type: 'string' } } } }, ...problems() },
      }),
      async (c) => {
        const signedIn = isLoopback(c.get('address')) ? undefined : await deps.whoAsks.actorOf(c.req.raw.headers)
        if (!isLoopback(c.get('address')) && (signedIn === undefined || !may(signedIn.actor, 'read')))
          return answerProblem(c, {
            status: 401,
            code: 'not-signed-in',
            detail: 'Send an API key that may read as Authorization: Bearer.',
            headers: { 'WWW-Authenticate': 'Bearer' },
          })
        const now = clock.now()
        const orders = await db
          .selectFrom('orders')
          .select(({ fn }) => ['state', 'unknown', fn.countAll<number>().as('count')])
          .where('state', 'in', ['planned', 'sent', 'pending'])
          .groupBy(['state', 'unknown'])
          .execute()
        const trouble = journal.trouble()
        const rows = await connectors.list()
        const lines = [
          metric('quartermaster_exchange_sessions', 'gauge', 'Browsers connected', [[{}, deps.exchange.sessions()]]),
          metric('quartermaster_journal_seq', 'counter', 'Number of the last change kept', [[{}, journal.seq()]]),
          metric('quartermaster_journal_trouble_seconds', 'gauge', 'How long nothing could be kept; 0 when all is well', [
            [{}, trouble === undefined ? 0 : Math.max(1, Math.round((now - trouble.since) / 1000))],
          ]),
          metric('quartermaster_plan_documents', 'gauge', 'Plan documents in memory', [[{}, deps.workspace.held()]]),
          metric(
            'quartermaster_orders_open',
            'gauge',
            'Orders not settled, by state; unknown are those whose call may or may not have reached the store',
            orders.map(({ state, unknown, count }): Sample => [{ state, unknown: unknown === 1 ? 'true' : 'false' }, Number(count)]),
          ),
          metric(
            'quartermaster_sync_age_seconds',
            'gauge',
            'Since the last good sync of each connector',
            rows.flatMap(({ id, store, lastGoodSyncAt }): readonly Sample[] =>
              lastGoodSyncAt === null ? [] : [[{ connector: id, store }, Math.round((now - Date.parse(lastGoodSyncAt)) / 1000)]],
            ),
          ),
          metric(
            'quartermaster_connector_healthy',
            'gauge',
            '1 for a healthy connector',
            rows.map((row): Sample => [{ connector: row.id, store: row.store }, connectorStatus(row, now).status === 'healthy' ? 1 : 0]),
          ),
          metric('process_resident_memory_bytes', 'gauge', 'Memory of the process', [[{}, deps.memoryBytes()]]),
        ]
        return c.text(lines.join(''), 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control': 'no-store' })
      },
    )
  }

const isLoopback = (address: string): boolean => address === '::1' || address.startsWith('127.')

type Sample = readonly [Readonly<Record<string, string>>, number]
const metric = (name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string =>
  `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples
    .map(([labels, value]) => {
      const inside = Object.entries(labels).map(([label, text]) => `${label}="${text.replace(/[\\"\n]/g, '_')}"`)
      return `${name}${inside.length === 0 ? '' : `{${inside.join(',')}}`} ${value}\n`
    })
    .join('')}`
