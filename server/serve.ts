/**
 * The product put together and served: what `npm start` and the demo have in common. `compose` makes it without a port,
 * for tests; `serve` gives it one.
 */
import { createAdaptorServer } from '@hono/node-server'
import type { Server } from 'node:http'
import { WebSocketServer } from 'ws'
import { openAccess, type Access } from './access.ts'
import { createApp } from './app.ts'
import { createAssignments } from './assignments.ts'
import { createClaims } from './claims.ts'
import { createConnectorRemoval, type ConnectorRemoval } from './connector-removal.ts'
import { createCredentials, openSealer } from './credentials.ts'
import { openDatabase, type OpenDatabase } from './database/database.ts'
import { createDirectoryByHand } from './directory/by-hand.ts'
import { createGroupActs } from './directory/group-acts.ts'
import { createDirectoryImport, type DirectoryImport } from './directory/import.ts'
import { createJoiningByHand } from './directory/joining-by-hand.ts'
import { createHouse, type House } from './house.ts'
import type { DrawIcon } from './icon-drawing.ts'
import type { IconPolicy } from './icon-fetching.ts'
import type { Journal } from './journal.ts'
import { createLedgerImport } from './ledger-import.ts'
import { createLedgerMove } from './ledger-move.ts'
import { createLicenseStandings } from './license-standings.ts'
import type { Log } from './log.ts'
import { createNoticeSecrets } from './notice-secrets.ts'
import { createNotices, type Notices } from './notices.ts'
import type { PasswordCost } from './passwords.ts'
import { createPrincipalNames } from './principals.ts'
import { createReclaim } from './reclaim.ts'
import { createRegistering } from './registering.ts'
import { createRevoking } from './revoke.ts'
import { adminRoutes } from './routes/admins.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { assignmentRoutes } from './routes/assignments.ts'
import { auditRoutes } from './routes/audit.ts'
import { claimRoutes } from './routes/claims.ts'
import { connectorRoutes } from './routes/connectors.ts'
import { deviceRoutes } from './routes/devices.ts'
import { directoryImportRoutes } from './routes/directory-import.ts'
import { exchangeRoutes } from './routes/exchange.ts'
import { groupRoutes } from './routes/groups.ts'
import { healthRoutes, type ReadyCheck } from './routes/health.ts'
import { hookRoutes } from './routes/hooks.ts'
import { iconRoutes } from './routes/icons.ts'
import { importedRoutes } from './routes/imported.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { licenseRoutes } from './routes/licenses.ts'
import { meRoutes } from './routes/me.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { orderRoutes } from './routes/orders.ts'
import { reclaimRoutes } from './routes/reclaim.ts'
import { registrationRoutes } from './routes/registrations.ts'
import { revokeRoutes } from './routes/revoke.ts'
import { scimRoutes } from './routes/scim.ts'
import { sourceRoutes } from './routes/sources.ts'
import { selfServiceLinkRoutes } from './routes/self-service-links.ts'
import { selfServiceRoutes } from './routes/self-service.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { signupCallbackPath, signupRoutes } from './routes/signups.ts'
import { metricsRoutes, statusRoutes } from './routes/status.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { syncRoutes } from './routes/syncs.ts'
import { userRoutes } from './routes/users.ts'
import type { Web } from './routes/web.ts'
import { createScim } from './scim/provider.ts'
import { createOffers } from './self-service-offers.ts'
import { createSelfService } from './self-service.ts'
import type { Settings } from './settings.ts'
import { createSignups } from './signups.ts'
import { StartRefused } from './start-refused.ts'
import { createStatic } from './static.ts'
import { createAppleStore } from './stores/apple/store.ts'
import { createManagementStore } from './stores/google/management/store.ts'
import { createPlayStore } from './stores/google/play/store.ts'
import { createBusinessStore } from './stores/microsoft/business/store.ts'
import { createGraphStore } from './stores/microsoft/graph/store.ts'
import { createSubscribing } from './subscribing.ts'
import { createUndoing } from './undo.ts'
import { targetNames } from './verdicts.ts'
import { sleep, type Chance, type Clock } from '../shared/clock.ts'
import { mostFrameBytes } from '../shared/protocol.ts'

export interface ComposeDeps {
  readonly settings: Settings
  readonly clock: Clock
  readonly chance: Chance
  /** The network towards the stores. */
  readonly fetch: typeof globalThis.fetch
  readonly log: Log
  readonly version: string
  /** Where the build left the console; null serves none. */
  readonly consoleDirectory: string | null
  readonly memoryBytes: () => number
  /** Cheap in tests. */
  readonly passwordCost?: PasswordCost
  /** Left out: no icons are fetched, letters stand for them. */
  readonly drawIcon?: DrawIcon
  readonly crashpoint?: (name: string) => void
}

export interface Composed {
  readonly web: Web
  readonly house: House
  readonly imports: DirectoryImport
  readonly access: Access
  readonly removal: ConnectorRemoval
  readonly notices: Notices
  /** What the operator ought to know. */
  readonly warnings: readonly string[]
  start(): Promise<void>
  /** Says goodbye to browsers and finishes what is at work; the database stays open. */
  stop(): Promise<void>
  idle(): Promise<void>
}

export const compose = async (deps: ComposeDeps, { db, dialect }: OpenDatabase): Promise<Composed> => {
  const { settings, clock, chance, log } = deps
  const onTrouble = (cause: unknown): void => void log.error({ err: cause }, 'trouble in the background')
  const { sealer, warnings } = await openSealer({ db, settings, chance })
  const access = await openAccess({
    db,
    clock,
    chance,
    settings,
    ...(deps.passwordCost === undefined ? {} : { passwordCost: deps.passwordCost }),
  })
  const house = await createHouse({
    db,
    clock,
    chance,
    fetch: deps.fetch,
    credentials: createCredentials({ db, sealer, clock }),
    stores: [
      createAppleStore(settings.apple),
      createPlayStore(settings.google),
      createManagementStore(settings.google),
      createBusinessStore(settings.microsoft),
      createGraphStore(settings.microsoft),
    ],
    ...(deps.drawIcon === undefined ? {} : { icons: { policy: iconPolicy(settings), draw: deps.drawIcon } }),
    host: new URL(settings.publicUrl).host,
    build: deps.version,
    syncIntervalMinutes: settings.syncIntervalMinutes,
    ...(deps.crashpoint === undefined ? {} : { crashpoint: deps.crashpoint }),
    onTrouble,
  })
  const { journal, directory, workspace, connectors, orders, syncs, exchange } = house
  const removal = createConnectorRemoval({ db, journal, connectors, orders, workspace, clock, onTrouble })
  const notices = createNotices({
    db,
    journal,
    connectors,
    connections: house.connections,
    directory,
    orders,
    syncs,
    secrets: createNoticeSecrets({ db, journal, sealer, chance, clock }),
    sealer,
    origin: settings.noticeOrigin,
    clock,
    onTrouble,
  })
  const assignments = createAssignments({
    facts: journal,
    workspace,
    nameOf: async (target) => (await targetNames(journal, createPrincipalNames(journal), [target])).get(target) ?? target,
  })
  const byHand = createDirectoryByHand({ journal, directory, clock })
  const imports = createDirectoryImport({
    db,
    journal,
    directory,
    clock,
    chance,
    pause: () => new Promise<void>((resolve) => void setImmediate(resolve)),
  })
  const standings = createLicenseStandings({ journal, directory, clock })
  const claims = createClaims({ journal, directory, standings, clock })
  const selfService = createSelfService({ db, sealer, directory, clock, chance })
  const signups = createSignups({
    db,
    journal,
    connections: house.connections,
    connectors,
    sealer,
    clock,
    chance,
    fetch: deps.fetch,
    callbackUrl: `${settings.publicUrl}${signupCallbackPath}`,
    onBound: (connector) => void syncs.request(connector, 'admin', true).catch(onTrouble),
  })
  const ledgerMove = createLedgerMove({ db, journal, workspace, clock, chance })
  const reclaim = createReclaim({ journal, workspace, orders, directory, clock })
  const registering = createRegistering({ journal, connections: house.connections, orders, byHand, clock })
  const subscribing = createSubscribing({
    db,
    journal,
    connections: house.connections,
    connectors,
    orders,
    subscriptions: house.subscriptions,
    clock,
  })
  const revoking = createRevoking({ journal, connections: house.connections, directory, workspace, orders, clock })
  const web = createApp({
    db,
    clock,
    chance,
    log,
    settings,
    sealer,
    whoAsks: access.whoAsks,
    routes: [
      healthRoutes({ db, dialect, checks: [keepsChanges(journal, clock)] }),
      signInRoutes({ admins: access.admins, isPublic: settings.isPublic }),
      meRoutes({ clock, admins: access.admins }),
      adminRoutes({ admins: access.admins, publicUrl: settings.publicUrl }),
      apiKeyRoutes({ apiKeys: access.apiKeys }),
      auditRoutes({ db }),
      statusRoutes({ connectors, removal, syncs, clock }),
      metricsRoutes({ db, journal, exchange, workspace, connectors, whoAsks: access.whoAsks, clock, memoryBytes: deps.memoryBytes }),
      syncRoutes({ syncs }),
      signupRoutes({ signups }),
      connectorRoutes({ connectors, removal, syncs, notices, clock }),
      registrationRoutes({ journal, directory, connectors, registering }),
      revokeRoutes({ facts: journal, revoking }),
      licenseRoutes({ db, journal, directory, reclaim, clock }),
      ledgerRoutes({
        ledgers: house.ledgers,
        imports: createLedgerImport({ db, journal, clock, chance }),
        moves: ledgerMove,
        syncs,
        clock,
      }),
      claimRoutes({ journal, claims }),
      selfServiceLinkRoutes({ journal, directory, selfService, publicUrl: settings.publicUrl }),
      selfServiceRoutes({
        selfService,
        offers: createOffers({ db, journal, directory, standings, clock }),
        claims,
        directory,
        clock,
        isPublic: settings.isPublic,
      }),
      assignmentRoutes({ journal, directory, assignments, clock }),
      orderRoutes({ db, facts: journal, orders, undoing: createUndoing({ db, journal, directory, workspace, orders, clock }) }),
      reclaimRoutes({ journal, directory, reclaim }),
      subscriptionRoutes({ journal, directory, connectors, subscribing }),
      importedRoutes({ facts: journal, connectors, clock }),
      userRoutes({ facts: journal, byHand }),
      sourceRoutes({ facts: journal, joining: createJoiningByHand({ db, journal, directory, clock }) }),
      deviceRoutes({ facts: journal, byHand }),
      groupRoutes({ facts: journal, acts: createGroupActs({ journal, directory, clock, chance }), rules: house.ruleGroups }),
      directoryImportRoutes({ imports }),
      scimRoutes({
        scim: createScim({ db, journal, directory, clock, chance, publicUrl: settings.publicUrl }),
        whoAsks: access.whoAsks,
        publicUrl: settings.publicUrl,
      }),
      exchangeRoutes({ exchange, whoAsks: access.whoAsks, clock, onTrouble }),
      hookRoutes({ notices, clock }),
      iconRoutes({ db, whoAsks: access.whoAsks }),
      openApiRoutes({ version: deps.version }),
    ],
    ...(deps.consoleDirectory === null ? {} : { files: await createStatic(deps.consoleDirectory) }),
  })
  return {
    web,
    house,
    imports,
    access,
    removal,
    notices,
    warnings,
    start: async () => {
      await house.start()
      await imports.resume()
      await ledgerMove.resume()
      await removal.start()
      await signups.start()
      await notices.start()
    },
    stop: async () => {
      await notices.stop()
      await removal.stop()
      await house.stop()
    },
    idle: async () => {
      await house.idle()
      await removal.idle()
      await notices.idle()
      await house.idle()
    },
  }
}

const iconPolicy = ({ iconHosts, apple: { metadataUrl, publicLookupUrl } }: Settings): IconPolicy => ({
  hosts: iconHosts,
  origins: [metadataUrl, publicLookupUrl].flatMap((url) => (url === null ? [] : [new URL(url).origin])),
})

const PROBE = 'probe'

/** While nothing can be kept, each look tries once: so the server is ready again as soon as the cause is gone. */
const keepsChanges =
  (journal: Journal, clock: Clock): ReadyCheck =>
  async () => {
    if (journal.trouble() === undefined) return undefined
    const value = String(clock.now())
    try {
      await journal.write((write) =>
        write.trx
          .insertInto('meta')
          .values({ name: PROBE, value })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
          .execute(),
      )
      return undefined
    } catch {
      // What it is stands in the log, and may name paths.
      return 'the database can not keep changes'
    }
  }

export interface Serving extends Composed {
  readonly publicUrl: string
  readonly port: number
  /** Within ten seconds, whatever the stores do. */
  close(): Promise<void>
}

/** Store calls still open after this are cut off: their orders are questions to be asked after the next start. */
const cutStoresAfterMs = 3_000
const stopWithinMs = 8_000
const closeSocketsAfterMs = 500

/**
 * Listens first, so that a second server on the same port ends before it touches the database; until all is ready it
 * answers 503. Throws `StartRefused`.
 */
export const serve = async (deps: ComposeDeps): Promise<Serving> => {
  const { clock, log } = deps
  const sockets = new WebSocketServer({ noServer: true, maxPayload: mostFrameBytes, perMessageDeflate: false })
  let answer: (request: Request, env: object) => Response | Promise<Response> = () => notReady()
  const server = createAdaptorServer({
    fetch: (request, env) => answer(request, env),
    // Stores are asked from the same process, through Node's own fetch.
    overrideGlobalObjects: false,
    websocket: { server: sockets },
  }) as Server
  const port = await listen(server, deps.settings)
  const settings = withPort(deps.settings, port)
  const stores = new AbortController()
  let database: OpenDatabase | undefined
  let composed: Composed
  try {
    database = await openDatabase(settings)
    const fetchFromStore: typeof globalThis.fetch = (input, init) => {
      const signals = [stores.signal, init?.signal].filter((signal) => signal !== null && signal !== undefined)
      return deps.fetch(input, { ...init, signal: AbortSignal.any(signals) })
    }
    composed = await compose({ ...deps, settings, fetch: fetchFromStore }, database)
    await composed.start()
  } catch (cause) {
    server.close()
    server.closeAllConnections()
    await database?.close()
    throw cause
  }
  for (const warning of composed.warnings) log.warn(warning)
  answer = (request, env) => composed.web.fetch(request, env)

  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    const cancelCut = clock.after(cutStoresAfterMs, () => stores.abort(new Error('the server is stopping')))
    const isStopped = await Promise.race([composed.stop().then(() => true), sleep(clock, stopWithinMs).then(() => false)])
    cancelCut()
    if (!isStopped) log.warn('stopping before everything at work has come to its end; it is taken up at the next start')
    server.closeIdleConnections()
    const cancelSockets = clock.after(closeSocketsAfterMs, () => {
      for (const socket of sockets.clients) socket.terminate()
      server.closeAllConnections()
    })
    await closed
    cancelSockets()
    await database?.close()
  }
  return { ...composed, publicUrl: settings.publicUrl, port, close }
}

const listen = (server: Server, settings: Pick<Settings, 'host' | 'port'>): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new StartRefused(
          cause.code === 'EADDRINUSE'
            ? `Port ${settings.port} on ${settings.host} is in use. Stop what uses it, or choose another with QM_PORT.`
            : `Can not listen on ${settings.host}, port ${settings.port}: ${cause.message}. Choose others with QM_HOST and QM_PORT.`,
          { cause },
        ),
      ),
    )
    server.listen(settings.port, settings.host, () => {
      const address = server.address()
      resolve(address !== null && typeof address === 'object' ? address.port : settings.port)
    })
  })

/** Port 0 means any free one, which is known only now. */
const withPort = (settings: Settings, port: number): Settings =>
  settings.publicUrl.endsWith(':0')
    ? {
        ...settings,
        port,
        publicUrl: portIn(settings.publicUrl, port),
        noticeOrigin: settings.noticeOrigin && portIn(settings.noticeOrigin, port),
      }
    : { ...settings, port }

const portIn = (origin: string, port: number): string => origin.replace(/:0$/, `:${port}`)

const notReady = (): Response =>
  new Response(
    JSON.stringify({
      type: 'urn:quartermaster:problem:starting',
      title: 'Not available now',
      status: 503,
      code: 'starting',
      detail: 'The server is starting. Try again in a moment.',
    }),
    { status: 503, headers: { 'Content-Type': 'application/problem+json', 'Retry-After': '1' } },
  )
