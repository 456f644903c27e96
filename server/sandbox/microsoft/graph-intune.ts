/** Intune's own tokens, apps, assignments and its binding to Managed Google Play, as Graph tells them. Source: docs/stores/microsoft-graph.md, 6. */
import { isoTime } from '../../../shared/clock.ts'
import { failed, good, type GraphAnswer } from './graph-answer.ts'
import { isAnswer, pageOf, selected, selectOf, type GraphRequest } from './graph-request.ts'
import type { MobileApp, VppToken } from './graph-state.ts'

/** These kinds are told by beta alone. */
const betaAlone: ReadonlySet<string> = new Set([
  '#microsoft.graph.macOsVppApp',
  '#microsoft.graph.winGetApp',
  '#microsoft.graph.androidManagedStoreApp',
  '#microsoft.graph.androidManagedStoreWebApp',
  '#microsoft.graph.androidForWorkApp',
])

/** Only a tenant with Intune has these addresses. */
export const withoutIntune = (request: GraphRequest): GraphAnswer | undefined =>
  request.world.switches.intuneLicense === 'active'
    ? undefined
    : failed(request.world, 400, {
        code: 'BadRequest',
        message: 'Request not applicable to target tenant. The tenant does not have an active Intune license.',
      })

const appView = ({ version }: GraphRequest, app: MobileApp): Record<string, unknown> => ({
  '@odata.type': app.type,
  id: app.id,
  ...app.both,
  ...(version === 'beta' ? app.beta : {}),
})

const appsOf = ({ state, version }: GraphRequest): MobileApp[] =>
  [...state.mobileApps.values()].filter(({ type }) => version === 'beta' || !betaAlone.has(type))

export const listMobileApps = (request: GraphRequest): GraphAnswer => {
  const apps = appsOf(request)
  const known = [...new Set(apps.flatMap((app) => Object.keys(appView(request, app)))), 'largeIcon']
  const names = selectOf(request, 'mobileApp', known, known)
  if (isAnswer(names)) return names
  const filter = request.url.searchParams.get('$filter')
  const kinds =
    filter === null ? undefined : /^\(?isof\('(microsoft\.graph\.\w+)'\)(?: or isof\('(microsoft\.graph\.\w+)'\))*\)?$/.exec(filter)
  if (filter !== null && kinds === null) return failed(request.world, 400, { message: 'Invalid filter clause.' })
  const wanted = filter === null ? undefined : [...filter.matchAll(/isof\('([\w.]+)'\)/g)].map(([, name]) => `#${name}`)
  const shown = wanted === undefined ? apps : apps.filter(({ type }) => wanted.includes(type))
  return pageOf(request, shown, request.world.switches.intunePageSize, (app) => selected(appView(request, app), names))
}

const appOf = (request: GraphRequest): MobileApp | undefined => appsOf(request).find(({ id }) => id === request.parts[2])

export const oneMobileApp = (request: GraphRequest): GraphAnswer => {
  const app = appOf(request)
  return app === undefined ? failed(request.world, 404, { code: 'ResourceNotFound' }) : good(appView(request, app))
}

export const listAssignments = (request: GraphRequest): GraphAnswer => {
  const app = appOf(request)
  if (app === undefined) return failed(request.world, 404, { code: 'ResourceNotFound' })
  const rows = app.assignments.map((assignment, n) => ({ id: `${app.id}_${n}`, assignment }))
  return pageOf(request, rows, request.world.switches.intunePageSize, ({ id, assignment }) => ({
    '@odata.type': '#microsoft.graph.mobileAppAssignment',
    id,
    ...assignment,
    ...(request.version === 'beta' ? { source: 'direct', sourceId: app.id } : {}),
  }))
}

/** The sync that was asked for ends by the clock. */
const settleSync = ({ world }: GraphRequest, token: VppToken): void => {
  if (token.syncEndsAt === null || token.syncEndsAt > world.clock.now() || world.switches.vppSync === 'stays-in-progress') return
  const isGood = world.switches.vppSync === 'completes'
  token.both = {
    ...token.both,
    lastSyncStatus: isGood ? 'completed' : 'failed',
    ...(isGood ? { lastSyncDateTime: isoTime(token.syncEndsAt) } : {}),
  }
  token.syncEndsAt = null
}

const tokenView = (request: GraphRequest, token: VppToken): Record<string, unknown> => {
  settleSync(request, token)
  // The token itself is never told.
  return { id: token.id, ...token.both, token: null, ...(request.version === 'beta' ? token.beta : {}) }
}

export const listVppTokens = (request: GraphRequest): GraphAnswer =>
  pageOf(request, [...request.state.vppTokens.values()], request.world.switches.intunePageSize, (token) => tokenView(request, token))

export const syncLicenses = (request: GraphRequest): GraphAnswer => {
  const { world, state, parts } = request
  const token = state.vppTokens.get(parts[2] ?? '')
  if (token === undefined) return failed(world, 404, { code: 'ResourceNotFound' })
  settleSync(request, token)
  if (token.syncEndsAt !== null) return failed(world, 400, { message: 'A sync of this token is in progress.' })
  token.both = { ...token.both, lastSyncStatus: 'inProgress' }
  token.syncEndsAt = world.clock.now() + world.switches.vppSyncMs
  return good(tokenView(request, token))
}

export const managedPlay = (request: GraphRequest): GraphAnswer =>
  good(
    request.state.managedPlay ?? {
      id: 'androidManagedStoreAccountEnterpriseSettings',
      bindStatus: 'notBound',
      lastAppSyncDateTime: '0001-01-01T00:00:00Z',
      lastAppSyncStatus: 'none',
      ownerUserPrincipalName: '',
      ownerOrganizationName: '',
      lastModifiedDateTime: '0001-01-01T00:00:00Z',
    },
  )
