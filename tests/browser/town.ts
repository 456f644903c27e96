/**
 * What a browser test stands in: the sandbox store and the product, served on free ports of this machine, with a sample
 * organisation inside, and a real Chromium. Everything goes when the test is over.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { createIconProcess } from '../../server/icon-process.ts'
import { createLog } from '../../server/log.ts'
import { sampleOrganisation, type SampleOrganisation } from '../../server/sandbox/sample-organisation.ts'
import { startSandbox, type Sandbox } from '../../server/sandbox/sandbox.ts'
import { serve, type Serving } from '../../server/serve.ts'
import { readSettings } from '../../server/settings.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'

export const root = join(import.meta.dirname, '..', '..')
export const ownerEmail = 'ines@eastmere.example'
export const ownerPassword = 'a long enough password for a test'
export const apiKey = 'qm-test-key-0123456789-0123456789-0123456789'

export const chromiumPath = (): string => {
  const path = process.env['CHROME_PATH'] ?? '/usr/bin/chromium'
  if (!existsSync(path)) throw new Error(`No Chromium at ${path}. Install it, or set CHROME_PATH.`)
  return path
}

export const launchArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export interface Town {
  readonly address: string
  readonly sandbox: Sandbox
  readonly organisation: SampleOrganisation
  readonly serving: Serving
  readonly dataDirectory: string
  readonly logged: () => string
  /** The API, as the owner. */
  ask(method: string, path: string, body?: unknown): Promise<{ readonly status: number; readonly body: unknown }>
  /** Stops and starts the server on the same port and data. */
  restart(): Promise<void>
  stopServer(): Promise<void>
  startServer(): Promise<void>
  browser(): Promise<Browser>
  /** A person of their own: a fresh profile that is signed in. */
  person(options?: { readonly colorScheme?: 'light' | 'dark'; readonly width?: number; readonly height?: number }): Promise<Person>
  [Symbol.asyncDispose](): Promise<void>
}

export interface Person {
  readonly context: BrowserContext
  readonly page: Page
}

/** The console as it was built: built once, before the first test that needs it. */
const ensureBuilt = (): void => {
  const built = spawnSync(process.execPath, [join(root, 'scripts', 'build.mjs'), '--if-stale'], { cwd: root, encoding: 'utf8' })
  if (built.status !== 0) throw new Error(`the console could not be built: ${built.stderr}`)
}

export const openTown = async (
  options: {
    readonly connect?: boolean
    /** Beside those of the town: where further stores are. */
    readonly settings?: { readonly [name: string]: string }
  } = {},
): Promise<Town> => {
  ensureBuilt()
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-town-'))
  const organisation = sampleOrganisation(systemClock.now())
  const sandbox = await startSandbox({ clock: systemClock, chance: systemChance, port: 0, organisation })
  const lines: string[] = []
  let serving: Serving | undefined
  let port = '0'
  const startServer = async (): Promise<void> => {
    const settings = readSettings({
      QM_PORT: port,
      QM_DATA_DIR: dataDirectory,
      QM_OWNER_EMAIL: ownerEmail,
      QM_OWNER_PASSWORD: ownerPassword,
      QM_API_KEY: apiKey,
      QM_APPLE_APPS_BOOKS_URL: sandbox.appsAndBooksUrl,
      QM_APPLE_DEVICES_URL: sandbox.devicesUrl,
      QM_APPLE_AUTH_URL: sandbox.authUrl,
      QM_APPLE_METADATA_URL: sandbox.metadataUrl,
      ...options.settings,
    })
    if (!settings.ok) throw new Error(settings.error.text)
    serving = await serve({
      settings: settings.value,
      clock: systemClock,
      chance: systemChance,
      fetch: globalThis.fetch,
      drawIcon: createIconProcess({ clock: systemClock }),
      log: createLog({ clock: systemClock, destination: { write: (line: string) => void lines.push(line) } }),
      version: 'test',
      consoleDirectory: join(root, 'dist', 'client'),
      memoryBytes: () => process.memoryUsage.rss(),
    })
    port = String(serving.port)
  }
  await startServer()
  const live = (): Serving => {
    if (serving === undefined) throw new Error('the server is stopped')
    return serving
  }
  const address = live().publicUrl
  let opened: Browser | undefined

  const ask: Town['ask'] = async (method, path, body) => {
    const response = await fetch(`${address}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${apiKey}`,
        ...(body === undefined ? {} : { 'Content-Type': typeof body === 'string' ? 'text/csv' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
  const mustAsk = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const answer = await ask(method, path, body)
    if (answer.status >= 300) throw new Error(`${method} ${path} gave ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  if (options.connect !== false) {
    for (const kind of ['users', 'devices', 'groups', 'memberships'] as const)
      await mustAsk('POST', `/directory/import?kind=${kind}`, organisation.csv[kind])
    for (const { uId, name, country } of organisation.locations)
      await mustAsk('POST', '/connectors', {
        kind: 'apple-apps-books',
        name: `${name}, ${country ?? ''}`,
        credential: { contentToken: sandbox.control.tokenFileFor(uId) },
      })
    await live().idle()
  }

  const browser = async (): Promise<Browser> =>
    (opened ??= await chromium.launch({ executablePath: chromiumPath(), args: launchArguments }))

  return {
    address,
    sandbox,
    organisation,
    get serving() {
      return live()
    },
    dataDirectory,
    logged: () => lines.join(''),
    ask,
    startServer,
    stopServer: async () => {
      await serving?.close()
      serving = undefined
    },
    restart: async () => {
      await serving?.close()
      await startServer()
    },
    browser,
    person: async ({ colorScheme = 'light', width = 1440, height = 900 } = {}) => {
      const context = await (await browser()).newContext({ colorScheme, viewport: { width, height }, locale: 'en-GB', timezoneId: 'UTC' })
      const page = await context.newPage()
      await signIn(page, address)
      return { context, page }
    },
    [Symbol.asyncDispose]: async () => {
      await opened?.close()
      await serving?.close()
      await sandbox.close()
      rmSync(dataDirectory, { recursive: true, force: true })
    },
  }
}

export const signIn = async (page: Page, address: string): Promise<void> => {
  await page.goto(`${address}/sign-in`)
  await signInHere(page)
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor()
}

export const signInHere = async (page: Page): Promise<void> => {
  await page.getByLabel('Email').fill(ownerEmail)
  await page.getByLabel('Password').fill(ownerPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
