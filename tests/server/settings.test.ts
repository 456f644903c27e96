import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { masterKeyPath, readSettings, type SettingRefused, type Settings } from '../../server/settings.ts'

const read = (environment: Record<string, string>): Settings => {
  const settings = readSettings(environment)
  if (!settings.ok) throw new Error(settings.error.text)
  return settings.value
}
const refused = (environment: Record<string, string>): SettingRefused => {
  const settings = readSettings(environment)
  if (settings.ok) throw new Error(`taken: ${inspect(settings.value)}`)
  return settings.error
}

test('nothing set: the embedded database, this machine only, the vendors themselves', () => {
  const settings = read({})
  expect(settings).toMatchObject({
    port: 8787,
    host: '127.0.0.1',
    publicUrl: 'http://localhost:8787',
    isPublic: false,
    databaseUrl: null,
    owner: null,
    apiKey: null,
    syncIntervalMinutes: 60,
    trustedProxies: ['127.0.0.0/8', '::1'],
    iconHosts: ['mzstatic.com'],
  })
  expect(settings.apple.appsBooksUrl).toBe('https://vpp.itunes.apple.com/mdm/v2')
  expect(settings.dataDir).toMatch(/\/data$/)
  expect(masterKeyPath(settings)).toMatch(/\/data\/master\.key$/)
})

test('icons come from the hosts that are named, or from none', () => {
  expect(read({ QM_ICON_HOSTS: 'mzstatic.com, Pictures.Example.org' }).iconHosts).toEqual(['mzstatic.com', 'pictures.example.org'])
  expect(read({ QM_ICON_HOSTS: 'none' }).iconHosts).toEqual([])
})

test('an empty variable is one that is not set', () => {
  expect(read({ QM_PORT: '', QM_DATABASE_URL: ' ' })).toEqual(read({}))
})

test('the public address follows the port and loses its slash', () => {
  expect(read({ QM_PORT: '9000' }).publicUrl).toBe('http://localhost:9000')
  expect(read({ QM_PUBLIC_URL: 'https://Licenses.Example.org/' })).toMatchObject({
    publicUrl: 'https://licenses.example.org',
    isPublic: true,
  })
})

test('notices come to the public address when it is https, to one of their own, or to none', () => {
  expect(read({}).noticeOrigin).toBeNull()
  expect(read({ QM_PUBLIC_URL: 'http://licenses.lan:8787' }).noticeOrigin).toBeNull()
  expect(read({ QM_PUBLIC_URL: 'https://licenses.example.org' }).noticeOrigin).toBe('https://licenses.example.org')
  expect(read({ QM_PUBLIC_URL: 'https://licenses.example.org', QM_NOTICE_URL: 'none' }).noticeOrigin).toBeNull()
  expect(read({ QM_NOTICE_URL: 'https://hooks.example.org/' }).noticeOrigin).toBe('https://hooks.example.org')
  expect(read({ QM_NOTICE_URL: 'http://127.0.0.1:8787' }).noticeOrigin).toBe('http://127.0.0.1:8787')
})

test('every base address can be another, without its last slash', () => {
  const settings = read({
    QM_APPLE_APPS_BOOKS_URL: 'http://127.0.0.1:9001/mdm/v2/',
    QM_APPLE_METADATA_URL: 'http://localhost:9001/lookup',
    QM_APPLE_DEVICES_URL: 'http://[::1]:9001/v1',
    QM_APPLE_AUTH_URL: 'https://proxy.example.org/auth',
    QM_GOOGLE_PLAY_URL: 'http://localhost:1/a',
    QM_GOOGLE_MANAGEMENT_URL: 'http://localhost:1/b',
    QM_GOOGLE_TOKEN_URL: 'http://localhost:1/c',
    QM_MICROSOFT_STORE_URL: 'http://localhost:1/d',
    QM_MICROSOFT_GRAPH_URL: 'http://localhost:1',
    QM_MICROSOFT_LOGIN_URL: 'http://localhost:1/f',
    QM_APPLE_PUBLIC_LOOKUP_URL: 'https://itunes.apple.com/lookup/',
  })
  expect(settings.apple).toEqual({
    appsBooksUrl: 'http://127.0.0.1:9001/mdm/v2',
    metadataUrl: 'http://localhost:9001/lookup',
    publicLookupUrl: 'https://itunes.apple.com/lookup',
    devicesUrl: 'http://[::1]:9001/v1',
    authUrl: 'https://proxy.example.org/auth',
  })
  expect(settings.google).toEqual({
    playUrl: 'http://localhost:1/a',
    managementUrl: 'http://localhost:1/b',
    tokenUrl: 'http://localhost:1/c',
  })
  expect(settings.microsoft).toEqual({ storeUrl: 'http://localhost:1/d', graphUrl: 'http://localhost:1', loginUrl: 'http://localhost:1/f' })
})

describe('what can not be used is refused in one line that names the variable', () => {
  test.each([
    ['QM_PORT', '80a', '"80a"'],
    ['QM_PORT', '-1', '"-1"'],
    ['QM_PORT', '70000', '0 to 65535'],
    ['QM_PORT', '8787\nQM_HOST=0.0.0.0', '\\n'],
    ['QM_HOST', 'a b', 'host name'],
    ['QM_PUBLIC_URL', 'licenses.example.org', 'without a path'],
    ['QM_PUBLIC_URL', 'https://example.org/console', 'without a path'],
    ['QM_PUBLIC_URL', 'ftp://example.org', 'http or https'],
    ['QM_NOTICE_URL', 'http://hooks.example.org', 'https address'],
    ['QM_NOTICE_URL', 'https://hooks.example.org/hooks', 'without a path'],
    ['QM_DATABASE_URL', 'mysql://localhost/x', 'postgres://'],
    ['QM_DATABASE_URL', 'postgres://localhost', 'postgres://'],
    ['QM_SYNC_INTERVAL_MINUTES', '0', '1 to 10080'],
    ['QM_SYNC_INTERVAL_MINUTES', '1.5', '1 to 10080'],
    ['QM_ICON_HOSTS', '169.254.169.254', 'host names'],
    ['QM_ICON_HOSTS', 'mzstatic.com,localhost', 'host names'],
    ['QM_ICON_HOSTS', 'https://mzstatic.com', 'host names'],
    ['QM_APPLE_PUBLIC_LOOKUP_URL', 'http://itunes.apple.com/lookup', 'https address'],
    ['QM_TRUSTED_PROXIES', 'proxy.example.org', 'IP addresses'],
    ['QM_TRUSTED_PROXIES', '10.0.0.0/33', 'IP addresses'],
    ['QM_APPLE_APPS_BOOKS_URL', 'http://vpp.example.org/mdm/v2', 'https address'],
    ['QM_APPLE_APPS_BOOKS_URL', 'http://127.0.0.1.example.org/mdm/v2', 'https address'],
    ['QM_APPLE_APPS_BOOKS_URL', 'https://vpp.example.org/mdm/v2?x=1', 'https address'],
    ['QM_MICROSOFT_GRAPH_URL', 'javascript:alert(1)', 'https address'],
    ['QM_GOOGLE_TOKEN_URL', 'not an address', 'https address'],
  ])('%s=%j', (variable, value, part) => {
    const { variable: named, text } = refused({ [variable]: value })
    expect(named).toBe(variable)
    expect(text.startsWith(`${variable} is `)).toBe(true)
    expect(text).toContain(part)
    expect(text).not.toContain('\n')
  })

  test('an owner needs an address and a password', () => {
    expect(refused({ QM_OWNER_EMAIL: 'ana@example.org' }).variable).toBe('QM_OWNER_PASSWORD')
    expect(refused({ QM_OWNER_PASSWORD: 'long enough' }).variable).toBe('QM_OWNER_EMAIL')
    expect(refused({ QM_OWNER_EMAIL: 'ana', QM_OWNER_PASSWORD: 'long enough' }).variable).toBe('QM_OWNER_EMAIL')
  })
})

test('no secret is told: not in a refusal, not when the settings are printed', () => {
  const secrets = {
    QM_DATABASE_URL: 'mysql://root:swordfish@db/x',
    QM_OWNER_PASSWORD: 'swordfi',
    QM_API_KEY: 'swordfish',
    QM_APPLE_AUTH_URL: 'https://me:swordfish@example.org/?',
    QM_PUBLIC_URL: 'https://me:swordfish@example.org',
  }
  for (const [variable, value] of Object.entries(secrets)) {
    const { text } = refused({ QM_OWNER_EMAIL: 'ana@example.org', QM_OWNER_PASSWORD: 'long enough', [variable]: value })
    expect(text).toContain(variable)
    expect(text).not.toContain('swordfi')
  }
  const settings = read({
    QM_DATABASE_URL: 'postgres://root:swordfish@db/x',
    QM_OWNER_EMAIL: 'ana@example.org',
    QM_OWNER_PASSWORD: 'swordfish-swordfish',
    QM_API_KEY: 'swordfish'.repeat(5),
  })
  expect(inspect(settings, { depth: 9 }) + JSON.stringify(settings)).not.toContain('swordfish')
  expect(settings.owner?.password.reveal()).toBe('swordfish-swordfish')
})
