/**
 * Microsoft Graph, versions v1.0 and beta: what our connector may ask, and nothing else. A path, method, parameter or body
 * that is not in the table below is refused. Source: docs/stores/microsoft-graph.md.
 */
import { Hono } from 'hono'
import { htmlPage, holderOf, JSON_TYPE, served, type ErrorAnswer } from './door.ts'
import type { Endpoint, Fault, GraphEndpoint } from './faults.ts'
import { failed, good, withExtras, type GraphAnswer } from './graph-answer.ts'
import { createBatch } from './graph-batch.ts'
import { delta } from './graph-delta.ts'
import { listGroups, listMembers, listUsers, oneUser } from './graph-directory.ts'
import { listAssignments, listMobileApps, listVppTokens, managedPlay, oneMobileApp, syncLicenses, withoutIntune } from './graph-intune.ts'
import { assignLicense, licenseDetails, listSkus } from './graph-licensing.ts'
import type { GraphRequest } from './graph-request.ts'
import { emptyGraph, type GraphState } from './graph-state.ts'
import { createThrottle } from './graph-throttle.ts'
import { GRAPH_AUDIENCE, type AppRegistration, type Tenant } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

interface Route {
  readonly endpoint: GraphEndpoint
  readonly method: 'GET' | 'POST'
  readonly path: RegExp
  readonly betaOnly?: true
  readonly intune?: true
  readonly parameters: readonly string[]
  /** Any one of them, or its form that writes too. */
  readonly roles: readonly string[]
  /** Resource units of the directory's throttle; Intune has a throttle of its own. */
  readonly units: number
  readonly answer: (request: GraphRequest) => GraphAnswer
}

const listParameters = ['$select', '$top', '$skiptoken', '$count']
const users = ['User.Read.All', 'Directory.Read.All']
const groups = ['Group.Read.All', 'GroupMember.Read.All', 'Directory.Read.All']
const apps = ['DeviceManagementApps.Read.All']

const ROUTES: readonly Route[] = [
  {
    endpoint: 'graph-organization',
    method: 'GET',
    path: /^\/organization$/,
    parameters: ['$select'],
    roles: ['Organization.Read.All', 'Directory.Read.All'],
    units: 1,
    answer: ({ tenant, url, version }) =>
      good({
        '@odata.context': `${url.origin}/${version}/$metadata#organization`,
        value: [
          {
            id: tenant.id,
            displayName: tenant.name,
            countryLetterCode: tenant.country,
            verifiedDomains: [{ name: tenant.domain, isDefault: true, isInitial: true }],
          },
        ],
      }),
  },
  {
    endpoint: 'graph-users',
    method: 'GET',
    path: /^\/users$/,
    parameters: [...listParameters, '$filter'],
    roles: users,
    units: 2,
    answer: listUsers,
  },
  {
    endpoint: 'graph-users-delta',
    method: 'GET',
    path: /^\/users\/delta$/,
    parameters: ['$select', '$deltatoken', '$skiptoken'],
    roles: users,
    units: 2,
    answer: (request) => delta(request, 'user'),
  },
  { endpoint: 'graph-user', method: 'GET', path: /^\/users\/[^/]+$/, parameters: ['$select'], roles: users, units: 1, answer: oneUser },
  {
    endpoint: 'graph-license-details',
    method: 'GET',
    path: /^\/users\/[^/]+\/licenseDetails$/,
    parameters: [],
    roles: [...users, 'LicenseAssignment.Read.All'],
    units: 2,
    answer: licenseDetails,
  },
  {
    endpoint: 'graph-assign-license',
    method: 'POST',
    path: /^\/users\/[^/]+\/assignLicense$/,
    parameters: [],
    roles: ['LicenseAssignment.ReadWrite.All', 'User.ReadWrite.All', 'Directory.ReadWrite.All'],
    units: 1,
    answer: assignLicense,
  },
  { endpoint: 'graph-groups', method: 'GET', path: /^\/groups$/, parameters: listParameters, roles: groups, units: 2, answer: listGroups },
  {
    endpoint: 'graph-groups-delta',
    method: 'GET',
    path: /^\/groups\/delta$/,
    parameters: ['$select', '$deltatoken', '$skiptoken'],
    roles: groups,
    units: 2,
    answer: (request) => delta(request, 'group'),
  },
  {
    endpoint: 'graph-members',
    method: 'GET',
    path: /^\/groups\/[^/]+\/members(\/microsoft\.graph\.\w+)?$/,
    parameters: listParameters,
    roles: groups,
    units: 3,
    answer: listMembers,
  },
  {
    endpoint: 'graph-members',
    method: 'GET',
    path: /^\/groups\/[^/]+\/transitiveMembers(\/microsoft\.graph\.\w+)?$/,
    parameters: listParameters,
    roles: groups,
    units: 5,
    answer: listMembers,
  },
  {
    endpoint: 'graph-skus',
    method: 'GET',
    path: /^\/subscribedSkus$/,
    parameters: ['$select'],
    roles: ['Organization.Read.All', 'LicenseAssignment.Read.All', 'Directory.Read.All'],
    units: 3,
    answer: listSkus,
  },
  {
    endpoint: 'graph-vpp-tokens',
    method: 'GET',
    path: /^\/deviceAppManagement\/vppTokens$/,
    intune: true,
    parameters: listParameters,
    roles: ['DeviceManagementServiceConfig.Read.All'],
    units: 0,
    answer: listVppTokens,
  },
  {
    endpoint: 'graph-sync-licenses',
    method: 'POST',
    path: /^\/deviceAppManagement\/vppTokens\/[^/]+\/syncLicenses$/,
    intune: true,
    parameters: [],
    roles: ['DeviceManagementServiceConfig.ReadWrite.All'],
    units: 0,
    answer: syncLicenses,
  },
  {
    endpoint: 'graph-mobile-apps',
    method: 'GET',
    path: /^\/deviceAppManagement\/mobileApps$/,
    intune: true,
    parameters: [...listParameters, '$filter'],
    roles: apps,
    units: 0,
    answer: listMobileApps,
  },
  {
    endpoint: 'graph-mobile-app',
    method: 'GET',
    path: /^\/deviceAppManagement\/mobileApps\/[^/]+$/,
    intune: true,
    parameters: ['$select'],
    roles: apps,
    units: 0,
    answer: oneMobileApp,
  },
  {
    endpoint: 'graph-assignments',
    method: 'GET',
    path: /^\/deviceAppManagement\/mobileApps\/[^/]+\/assignments$/,
    intune: true,
    parameters: listParameters,
    roles: apps,
    units: 0,
    answer: listAssignments,
  },
  {
    endpoint: 'graph-managed-play',
    method: 'GET',
    path: /^\/deviceManagement\/androidManagedStoreAccountEnterpriseSettings$/,
    betaOnly: true,
    intune: true,
    parameters: [],
    roles: ['DeviceManagementConfiguration.Read.All'],
    units: 0,
    answer: managedPlay,
  },
]

const mayAsk = (app: AppRegistration, roles: readonly string[]): boolean =>
  roles.some((role) => app.roles.has(role) || app.roles.has(role.replace('.Read.All', '.ReadWrite.All')))

const isWrite = (method: string): boolean => method !== 'GET'

export interface Graph {
  readonly routes: Hono
  /** Made when it is first looked at. */
  stateOf(tenantId: string): GraphState
  restore(state: GraphState): void
}

export const createGraph = (world: MicrosoftWorld): Graph => {
  const states = new Map<string, GraphState>()
  const throttle = createThrottle(world)
  const stateOf: Graph['stateOf'] = (tenantId) => {
    const held = states.get(tenantId)
    if (held !== undefined) return held
    const made = emptyGraph(tenantId)
    states.set(tenantId, made)
    return made
  }

  const routeOf = (path: string): readonly Route[] => ROUTES.filter((route) => route.path.test(path))

  interface Asked {
    readonly method: string
    /** With the version. */
    readonly url: URL
    readonly version: GraphRequest['version']
    readonly path: string
    readonly isAdvanced: boolean
    readonly body: unknown
    readonly faults: readonly Fault[]
  }

  const answerTo = (asked: Asked, tenant: Tenant, app: AppRegistration): GraphAnswer => {
    const { method, url, version, path } = asked
    const state = stateOf(tenant.id)
    const routes = routeOf(path)
    const route = routes.find((each) => each.method === method && (each.betaOnly !== true || version === 'beta'))
    if (routes.length === 0 || (route === undefined && routes.every(({ betaOnly }) => betaOnly === true && version !== 'beta')))
      return failed(world, 400, { code: 'BadRequest', message: `Resource not found for the segment '${path.split('/')[1] ?? ''}'.` })
    if (route === undefined) return failed(world, 405, { message: 'Specified HTTP method is not allowed for the request target.' })
    const strange = [...url.searchParams.keys()].find((name) => !route.parameters.includes(name))
    if (strange !== undefined) return failed(world, 400, { message: `The query specified in the URI is not valid: '${strange}'.` })
    if (!mayAsk(app, route.roles)) return failed(world, 403)
    const throttled = throttle(tenant.id, app.clientId, route, isWrite(method), url, stateOf(tenant.id).users.size)
    if (throttled !== undefined) return throttled
    const parts = path.split('/').slice(1).map(decodeURIComponent)
    const request: GraphRequest = { ...asked, world, state, tenant, app, parts }
    return (route.intune === true ? withoutIntune(request) : undefined) ?? route.answer(request)
  }

  const batch = createBatch(world, (inner, tenant, app) => answerTo({ ...inner, faults: [] }, tenant, app))

  const response = ({ status, headers, body }: GraphAnswer): Response =>
    new Response(body === undefined ? null : JSON.stringify(world.switches.extraMembers ? withExtras(body) : body), {
      status,
      headers: body === undefined ? headers : { ...JSON_TYPE, ...headers },
    })

  const errorAnswer: ErrorAnswer = (status, headers, code, message) => response(failed(world, status, { code, message, headers }))

  const endpointOf = (path: string, method: string): Endpoint | 'unknown' => {
    if (path === '/$batch') return 'graph-batch'
    const routes = routeOf(path)
    return (routes.find((each) => each.method === method) ?? routes[0])?.endpoint ?? 'unknown'
  }

  const serve = async (request: Request, version: GraphRequest['version']): Promise<Response> => {
    const url = new URL(request.url)
    const path = url.pathname.slice(version.length + 1)
    const holder = holderOf(world, request, GRAPH_AUDIENCE)
    return await served(world, request, endpointOf(path, request.method), holder?.tenant.id, errorAnswer, async (entry, faults) => {
      if (holder === undefined) return errorAnswer(401, { 'www-authenticate': 'Bearer realm="", error="invalid_token"' })
      const text = await request.text()
      let body: unknown
      if (request.method === 'POST' && text !== '') {
        if (!/^application\/json\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
          return errorAnswer(415, {}, 'Request_BadRequest', 'Unsupported media type.')
        try {
          body = JSON.parse(text)
        } catch {
          return errorAnswer(400, {}, 'BadRequest', 'Unable to read JSON request payload.')
        }
      }
      const asked = {
        method: request.method,
        url,
        version,
        path,
        isAdvanced: request.headers.get('consistencylevel') === 'eventual',
        body,
        faults,
      }
      if (path !== '/$batch') return response(answerTo(asked, holder.tenant, holder.app))
      if (request.method !== 'POST') return errorAnswer(405, {})
      return response(batch(asked, holder.tenant, holder.app, entry))
    })
  }

  const routes = new Hono()
  routes.all('/v1.0/*', (c) => serve(c.req.raw, 'v1.0'))
  routes.all('/beta/*', (c) => serve(c.req.raw, 'beta'))
  routes.all('/v1.0', () => htmlPage(404, 'Not found'))
  return { routes, stateOf, restore: (state) => void states.set(state.tenantId, state) }
}
