if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`The demo runs on Node 24, and this is ${process.versions.node}. Start it with: npm run demo (it brings Node 24).\n`)
  process.exit(1)
}

/**
 * `npm run demo`: the product beside a sandbox store, with a sample organisation in it. Everything stays in `./demo-data`,
 * the store's own state too, so that a second run goes on where the first one ended; `-- --reset` begins afresh.
 */
import { createWriteStream, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomId } from '../../shared/clock.ts'
import { createIconProcess } from '../icon-process.ts'
import { createLog } from '../log.ts'
import { serve, type Serving } from '../serve.ts'
import { readSettings, type Settings } from '../settings.ts'
import { StartRefused } from '../start-refused.ts'
import { systemChance, systemClock } from '../system-clock.ts'
import { parseSnapshot, type AppleSnapshot } from './apple/snapshot.ts'
import { openDemoGoogle, type DemoGoogle } from './demo-google.ts'
import { openDemoMicrosoft, type DemoMicrosoft } from './demo-microsoft.ts'
import { moveIn } from './move-in.ts'
import { CLINIC_UID, sampleOrganisation, type SampleOrganisation } from './sample-organisation.ts'
import { startSandbox, type Sandbox, type SandboxDeps } from './sandbox.ts'

const root = join(import.meta.dirname, '..', '..')
/** A directory of its own for tests; the product's data are never touched. */
const dataDir = process.env['QM_DEMO_DIR'] ?? join(root, 'demo-data')
const storeFile = join(dataDir, 'store.json')
const microsoftFile = join(dataDir, 'microsoft.json')
const googleFile = join(dataDir, 'google.json')
const signInFile = join(dataDir, 'sign-in.json')
const ownerEmail = 'admin@eastmere.example'
const usualStorePort = 8788
const usualMicrosoftPort = 8789
const usualGooglePort = 8790
const saveEveryMs = 5_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

if (process.argv.includes('--reset')) rmSync(dataDir, { recursive: true, force: true })
mkdirSync(dataDir, { recursive: true, mode: 0o700 })

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new StartRefused(`${path} can not be read. Begin afresh with: npm run demo -- --reset`, { cause })
  }
}

/** Never half a file: what is there is whole, whenever the power goes. */
const writeWhole = (path: string, text: string): void => {
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
}

const ownerPassword = (): string => {
  const kept = readJson(signInFile)
  const password: unknown = typeof kept === 'object' && kept !== null ? Reflect.get(kept, 'password') : undefined
  if (typeof password === 'string') return password
  const made = (randomId(systemChance).slice(0, 12).match(/.{4}/g) ?? []).join('-')
  writeWhole(signInFile, JSON.stringify({ email: ownerEmail, password: made }))
  return made
}

const keptStore = (): AppleSnapshot | undefined => {
  const kept = readJson(storeFile)
  if (kept === undefined) return undefined
  const snapshot = parseSnapshot(kept)
  if (!snapshot.ok) throw new StartRefused(`${storeFile} can not be read. Begin afresh with: npm run demo -- --reset`)
  return snapshot.value
}

/** At its usual port, so that the control page keeps its address; at any other when that one is in use. */
const openStore = async (deps: Omit<SandboxDeps, 'port'>): Promise<Sandbox> => {
  try {
    return await startSandbox({ ...deps, port: usualStorePort })
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause
    return await startSandbox({ ...deps, port: 0 })
  }
}

/** What the tenant's Intune knows of a location that is connected here too. */
const clinicOf = ({ locations }: SampleOrganisation): { readonly name: string; readonly organization: string; readonly adamId: string } => {
  const clinic = locations.find(({ uId }) => uId === CLINIC_UID)
  return { name: clinic?.name ?? '', organization: clinic?.organisation ?? '', adamId: clinic?.owned[0]?.adamId ?? '' }
}

/** As the other one. */
const openMicrosoft = async (organisation: SampleOrganisation): Promise<DemoMicrosoft> => {
  const deps = { clock: systemClock, chance: systemChance, kept: readJson(microsoftFile), clinic: clinicOf(organisation) }
  const opened = await openDemoMicrosoft({ ...deps, port: usualMicrosoftPort }).catch(async (cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause
    return await openDemoMicrosoft({ ...deps, port: 0 })
  })
  if (!opened.ok) throw new StartRefused(`${microsoftFile} can not be read. Begin afresh with: npm run demo -- --reset`)
  return opened.value
}

/** As the other ones. */
const openGoogle = async (organisation: SampleOrganisation): Promise<DemoGoogle> => {
  const people = organisation.csv.users
    .split('\n')
    .slice(1)
    .flatMap((line) => line.split(',')[0]?.trim() || [])
  const deps = { clock: systemClock, chance: systemChance, kept: readJson(googleFile), people }
  const opened = await openDemoGoogle({ ...deps, port: usualGooglePort }).catch(async (cause: unknown) => {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause
    return await openDemoGoogle({ ...deps, port: 0 })
  })
  if (!opened.ok) throw new StartRefused(`${googleFile} can not be read. Begin afresh with: npm run demo -- --reset`)
  return opened.value
}

const settingsFor = (store: Sandbox, microsoft: DemoMicrosoft, google: DemoGoogle, password: string): Settings => {
  const settings = readSettings({
    QM_PORT: process.env['QM_PORT'],
    QM_HOST: process.env['QM_HOST'],
    QM_PUBLIC_URL: process.env['QM_PUBLIC_URL'],
    QM_API_KEY: process.env['QM_API_KEY'],
    QM_DATA_DIR: dataDir,
    QM_OWNER_EMAIL: ownerEmail,
    QM_OWNER_PASSWORD: password,
    QM_APPLE_APPS_BOOKS_URL: store.appsAndBooksUrl,
    QM_APPLE_METADATA_URL: store.metadataUrl,
    QM_APPLE_PUBLIC_LOOKUP_URL: store.publicLookupUrl,
    // The store is on this machine, and told by its switch that this will do.
    QM_NOTICE_URL: process.env['QM_NOTICE_URL'] ?? `http://127.0.0.1:${process.env['QM_PORT'] ?? 8787}`,
    QM_APPLE_DEVICES_URL: store.devicesUrl,
    QM_APPLE_AUTH_URL: store.authUrl,
    QM_GOOGLE_PLAY_URL: google.url,
    QM_GOOGLE_MANAGEMENT_URL: google.url,
    QM_GOOGLE_TOKEN_URL: google.tokenUrl,
    QM_MICROSOFT_STORE_URL: microsoft.storeUrl,
    QM_MICROSOFT_LOGIN_URL: microsoft.url,
    QM_MICROSOFT_GRAPH_URL: microsoft.url,
  })
  if (!settings.ok) throw new StartRefused(settings.error.text)
  return settings.value
}

/** 1. The store as it was left. 2. The product. 3. On the first run, the organisation moves in. 4. The address. */
const run = async (): Promise<void> => {
  const organisation = sampleOrganisation(systemClock.now())
  const state = keptStore()
  const store = await openStore({
    clock: systemClock,
    chance: systemChance,
    fetch: globalThis.fetch,
    switches: { httpNotices: 'on-this-machine' },
    ...(state === undefined ? { organisation } : { state }),
  })
  const microsoft = await openMicrosoft(organisation)
  const google = await openGoogle(organisation)
  const saveStore = (): void => {
    writeWhole(storeFile, JSON.stringify(store.control.snapshot()))
    writeWhole(microsoftFile, JSON.stringify(microsoft.snapshot()))
    writeWhole(googleFile, JSON.stringify(google.snapshot()))
  }
  saveStore()
  const password = ownerPassword()
  const log = createLog({ clock: systemClock, destination: createWriteStream(join(dataDir, 'demo.log'), { flags: 'a', mode: 0o600 }) })
  process.on('unhandledRejection', (cause) => log.error({ err: cause }, 'a promise nobody waited for failed'))
  const serving = await serve({
    settings: settingsFor(store, microsoft, google, password),
    clock: systemClock,
    chance: systemChance,
    fetch: globalThis.fetch,
    drawIcon: createIconProcess({ clock: systemClock }),
    log,
    version: 'demo',
    consoleDirectory: join(root, 'dist', 'client'),
    memoryBytes: () => process.memoryUsage.rss(),
  }).catch(async (cause: unknown) => {
    await store.close()
    await microsoft.close()
    await google.close()
    throw cause
  })
  // A disk that is full for a while costs what happened in the store meanwhile, and nothing else.
  const trySaving = (): void => {
    try {
      saveStore()
    } catch (cause) {
      log.error({ err: cause }, 'the store could not be saved')
    }
  }
  stopOnSignal(serving, [store, microsoft, google], trySaving)
  keepSaving(trySaving)
  const tokenFiles = new Map(organisation.locations.map(({ uId }) => [uId, store.control.tokenFileFor(uId)]))
  const withKeys = store.control.organisations().filter(({ accounts }) => accounts.some(({ revoked }) => !revoked))
  const deviceKeys = new Map(withKeys.map(({ name }) => [name, store.control.deviceKeyFor(name)]))
  await moveIn(serving, organisation, tokenFiles, { clock: systemClock, chance: systemChance }, deviceKeys, [
    ...microsoft.connectors,
    ...google.connectors,
  ])

  say(`Quartermaster is at ${serving.publicUrl}`)
  say(`Sign in as ${ownerEmail} with the password ${password}`)
  say(`The store is at ${store.controlUrl}: buy, return and break things there, and see what becomes of it`)
  say(`Microsoft's retired store is at ${microsoft.controlUrl}: let it answer as gone, and see what is kept`)
  say(`Microsoft 365 is at ${microsoft.graphControlUrl}: hire and rename people there, buy licenses, withdraw a permission`)
  say(
    `Google Play as it was before 30 September 2025 is at ${google.controlUrl}: set licenseApi to retired-410 there, and see what is kept`,
  )
  say('Try this: open the console in two windows, go offline in one, and give the last seat of Notability away in both.')
  say('Then come back online: one seat is used, one wish waits with its reason, and it is served when you free a seat in the store.')
}

const keepSaving = (trySaving: () => void): void => {
  systemClock.after(saveEveryMs, () => {
    trySaving()
    keepSaving(trySaving)
  })
}

const stopOnSignal = (serving: Serving, stores: readonly Pick<Sandbox, 'close'>[], trySaving: () => void): void => {
  let stopping: Promise<void> | undefined
  const stop = async (): Promise<void> => {
    await serving.close()
    trySaving()
    await Promise.all(stores.map((store) => store.close()))
  }
  const end = (): void => {
    stopping ??= stop().then(
      () => process.exit(0),
      () => process.exit(1),
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

await run().catch((cause: unknown) => {
  if (!(cause instanceof StartRefused)) throw cause
  process.stderr.write(`${cause.message}\n`)
  process.exit(1)
})
