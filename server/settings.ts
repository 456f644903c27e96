/** Settings, from the environment. Nothing here touches the machine: what a path or an address leads to shows at its use. */
import { isIP, isIPv4 } from 'node:net'
import { join, resolve } from 'node:path'
import { isEmail } from '../shared/mail-address.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { Secret } from './secret.ts'

export interface Settings {
  readonly port: number
  readonly host: string
  /** The address browsers and stores use: an origin, without a path. */
  readonly publicUrl: string
  /** An https address: cookies are Secure, HSTS is sent, stores can reach us. */
  readonly isPublic: boolean
  /** The origin at which stores reach this server with their notices. Null: they can't, and are asked instead. */
  readonly noticeOrigin: string | null
  /** Peers whose `X-Forwarded-For` is believed: addresses and networks (`10.0.0.0/8`). */
  readonly trustedProxies: readonly string[]
  readonly dataDir: string
  /** May hold a password. Null: the embedded database in `dataDir`. */
  readonly databaseUrl: Secret | null
  readonly masterKeyFile: string | null
  readonly owner: { readonly email: string; readonly password: Secret } | null
  readonly apiKey: Secret | null
  readonly syncIntervalMinutes: number
  /** Hosts that pictures of products are fetched from, and hosts below them. Empty: none are fetched. */
  readonly iconHosts: readonly string[]
  readonly apple: {
    readonly appsBooksUrl: string
    readonly metadataUrl: string
    /** The public iTunes look-up, asked for products that the other one does not tell. Null: never asked. */
    readonly publicLookupUrl: string | null
    readonly devicesUrl: string
    readonly authUrl: string
  }
  readonly google: { readonly playUrl: string; readonly managementUrl: string; readonly tokenUrl: string }
  readonly microsoft: { readonly storeUrl: string; readonly graphUrl: string; readonly loginUrl: string }
}

/** `text` is one line: the variable, what was found (never a secret), what is expected. */
export interface SettingRefused {
  readonly is: 'setting-refused'
  readonly variable: string
  readonly text: string
}

const vendors = {
  QM_APPLE_APPS_BOOKS_URL: 'https://vpp.itunes.apple.com/mdm/v2',
  QM_APPLE_METADATA_URL: 'https://uclient-api.itunes.apple.com/WebObjects/MZStorePlatform.woa/wa/lookup',
  QM_APPLE_DEVICES_URL: 'https://api-business.apple.com/v1',
  QM_APPLE_AUTH_URL: 'https://account.apple.com/auth/oauth2/token',
  QM_GOOGLE_PLAY_URL: 'https://androidenterprise.googleapis.com',
  QM_GOOGLE_MANAGEMENT_URL: 'https://androidmanagement.googleapis.com',
  QM_GOOGLE_TOKEN_URL: 'https://oauth2.googleapis.com/token',
  QM_MICROSOFT_STORE_URL: 'https://bspmts.mp.microsoft.com/V1',
  QM_MICROSOFT_GRAPH_URL: 'https://graph.microsoft.com',
  QM_MICROSOFT_LOGIN_URL: 'https://login.microsoftonline.com',
} as const
type VendorVariable = keyof typeof vendors

export const fewestPasswordCharacters = 8
export const mostPasswordCharacters = 256
export const fewestApiKeyCharacters = 32

/** Thrown and caught inside this file alone: the reader below stays a plain list of variables. */
class Refusal extends Error {
  readonly refused: SettingRefused
  constructor(variable: string, found: string, expected: string) {
    super(variable)
    this.refused = { is: 'setting-refused', variable, text: `${variable} is ${found}; expected is ${expected}.` }
  }
}

/** An empty variable counts as one that is not set, as in a compose file that leaves the right side out. */
export const readSettings = (environment: Readonly<Record<string, string | undefined>>): Result<Settings, SettingRefused> => {
  const value = (variable: string): string | undefined => environment[variable]?.trim() || undefined
  try {
    const port = wholeNumber('QM_PORT', value('QM_PORT') ?? '8787', 0, 65_535)
    const publicUrl = publicAddress('QM_PUBLIC_URL', value('QM_PUBLIC_URL') ?? `http://localhost:${port}`)
    const vendor = (variable: VendorVariable): string => baseAddress(variable, value(variable), vendors[variable])
    return ok({
      port,
      host: hostName('QM_HOST', value('QM_HOST') ?? '127.0.0.1'),
      publicUrl,
      isPublic: publicUrl.startsWith('https:'),
      noticeOrigin: noticeOrigin('QM_NOTICE_URL', value('QM_NOTICE_URL'), publicUrl),
      trustedProxies: proxies('QM_TRUSTED_PROXIES', value('QM_TRUSTED_PROXIES')),
      dataDir: resolve(value('QM_DATA_DIR') ?? './data'),
      databaseUrl: databaseAddress('QM_DATABASE_URL', value('QM_DATABASE_URL')),
      masterKeyFile: optionalPath(value('QM_MASTER_KEY_FILE')),
      owner: owner(value('QM_OWNER_EMAIL'), environment['QM_OWNER_PASSWORD'] || undefined),
      apiKey: apiKey('QM_API_KEY', value('QM_API_KEY')),
      syncIntervalMinutes: wholeNumber('QM_SYNC_INTERVAL_MINUTES', value('QM_SYNC_INTERVAL_MINUTES') ?? '60', 1, 10_080),
      iconHosts: iconHosts('QM_ICON_HOSTS', value('QM_ICON_HOSTS') ?? usualIconHosts),
      apple: {
        appsBooksUrl: vendor('QM_APPLE_APPS_BOOKS_URL'),
        metadataUrl: vendor('QM_APPLE_METADATA_URL'),
        publicLookupUrl: publicLookup(value('QM_APPLE_PUBLIC_LOOKUP_URL')),
        devicesUrl: vendor('QM_APPLE_DEVICES_URL'),
        authUrl: vendor('QM_APPLE_AUTH_URL'),
      },
      google: {
        playUrl: vendor('QM_GOOGLE_PLAY_URL'),
        managementUrl: vendor('QM_GOOGLE_MANAGEMENT_URL'),
        tokenUrl: vendor('QM_GOOGLE_TOKEN_URL'),
      },
      microsoft: {
        storeUrl: vendor('QM_MICROSOFT_STORE_URL'),
        graphUrl: vendor('QM_MICROSOFT_GRAPH_URL'),
        loginUrl: vendor('QM_MICROSOFT_LOGIN_URL'),
      },
    })
  } catch (thrown) {
    if (thrown instanceof Refusal) return err(thrown.refused)
    throw thrown
  }
}

/** Where Apple's shop keeps its pictures. */
const usualIconHosts = 'mzstatic.com'

const iconHosts = (variable: string, text: string): readonly string[] => {
  if (text === 'none') return []
  return text.split(',').map((part) => {
    const host = part.trim().toLowerCase()
    // A name with a dot and letters at its end: neither an address made of numbers nor a name of this machine.
    if (!/^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/.test(host) || isLoopbackHost(host))
      throw new Refusal(variable, shown(text), 'host names separated by commas, such as mzstatic.com, or none')
    return host
  })
}

const publicLookup = (text: string | undefined): string | null =>
  text === undefined || text === 'none' ? null : baseAddress('QM_APPLE_PUBLIC_LOOKUP_URL', text, 'https://itunes.apple.com/lookup')

/** One line, however the value was written. */
const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

const wholeNumber = (variable: string, text: string, least: number, most: number): number => {
  const number = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= least && number <= most)) throw new Refusal(variable, shown(text), `a whole number from ${least} to ${most}`)
  return number
}

const hostName = (variable: string, text: string): string => {
  if (isIP(text) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(text))
    throw new Refusal(variable, shown(text), 'an IP address or host name to listen on, such as 127.0.0.1 or 0.0.0.0')
  return text
}

const parseUrl = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined)

/** Addresses may carry a password where none belongs: then only that is said. */
const shownUrl = (text: string, url: URL | undefined): string =>
  url?.password || url?.username || /@/.test(text) ? 'an address with a user name or password in it' : shown(text)

export const isLoopbackHost = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || (isIPv4(host) && host.startsWith('127.'))

const publicAddress = (variable: string, text: string): string => {
  const url = parseUrl(text)
  const isOrigin =
    url !== undefined &&
    (url.protocol === 'https:' || url.protocol === 'http:') &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === '' &&
    !text.includes('@')
  if (!isOrigin)
    throw new Refusal(variable, shownUrl(text, url), 'an http or https address without a path, such as https://licenses.example.org')
  return url.origin
}

/** Where the console is for the inside alone, another address may be let through to `/hooks`. Plain http only on this machine, for a store that is played there. */
const noticeOrigin = (variable: string, text: string | undefined, publicUrl: string): string | null => {
  if (text === 'none') return null
  if (text === undefined) return publicUrl.startsWith('https:') ? publicUrl : null
  const origin = publicAddress(variable, text)
  if (!origin.startsWith('https:') && !isLoopbackHost(new URL(origin).hostname))
    throw new Refusal(variable, shown(text), 'an https address without a path that the stores can reach, or none')
  return origin
}

const baseAddress = (variable: string, text: string | undefined, vendor: string): string => {
  if (text === undefined) return vendor
  const url = parseUrl(text)
  const expected = `an https address such as ${vendor}, or an http address on this machine (localhost, 127.0.0.1, [::1])`
  if (url === undefined || url.username || url.password || url.search || url.hash || text.includes('@'))
    throw new Refusal(variable, shownUrl(text, url), expected)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname)))
    throw new Refusal(variable, shown(text), expected)
  return url.href.replace(/\/+$/, '')
}

const databaseAddress = (variable: string, text: string | undefined): Secret | null => {
  if (text === undefined) return null
  const url = parseUrl(text)
  if (
    url === undefined ||
    (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') ||
    url.hostname === '' ||
    url.pathname.length < 2
  )
    throw new Refusal(
      variable,
      url === undefined ? 'no address that can be read' : `an address beginning with ${url.protocol}`,
      'postgres://user:password@host:5432/database',
    )
  return Secret.of(text)
}

/** Trusted when nothing is said: the machine itself. */
const loopback = ['127.0.0.0/8', '::1'] as const

const proxies = (variable: string, text: string | undefined): readonly string[] => {
  if (text === undefined) return loopback
  if (text === 'none') return []
  return text.split(',').map((part) => {
    const entry = part.trim()
    const [address = '', bits, ...more] = entry.split('/')
    const version = isIP(address)
    const isNetwork = bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
    if (version === 0 || !isNetwork || more.length > 0)
      throw new Refusal(variable, shown(text), 'IP addresses or networks, separated by commas, such as 10.0.0.5,192.168.0.0/16, or none')
    return entry
  })
}

const optionalPath = (text: string | undefined): string | null => (text === undefined ? null : resolve(text))

const owner = (email: string | undefined, password: string | undefined): Settings['owner'] => {
  if (email === undefined && password === undefined) return null
  if (email === undefined || !isEmail(email))
    throw new Refusal(
      'QM_OWNER_EMAIL',
      email === undefined ? 'not set beside QM_OWNER_PASSWORD' : shown(email),
      'the mail address of the owner',
    )
  if (password === undefined) throw new Refusal('QM_OWNER_PASSWORD', 'not set beside QM_OWNER_EMAIL', 'the password of the owner')
  if (password.length < fewestPasswordCharacters || password.length > mostPasswordCharacters)
    throw new Refusal(
      'QM_OWNER_PASSWORD',
      `${password.length} characters long`,
      `a password of ${fewestPasswordCharacters} to ${mostPasswordCharacters} characters`,
    )
  return { email, password: Secret.of(password) }
}

const apiKey = (variable: string, text: string | undefined): Secret | null => {
  if (text === undefined) return null
  if (text.length < fewestApiKeyCharacters || text.length > 512 || !/^[\x21-\x7e]+$/.test(text))
    throw new Refusal(
      variable,
      `${text.length} characters long${/^[\x21-\x7e]*$/.test(text) ? '' : ', with characters that a header can not hold'}`,
      `at least ${fewestApiKeyCharacters} letters, digits or signs without blanks`,
    )
  return Secret.of(text)
}

/** Where the key that seals the credentials is, when no other place is named. */
export const masterKeyPath = (settings: Pick<Settings, 'masterKeyFile' | 'dataDir'>): string =>
  settings.masterKeyFile ?? join(settings.dataDir, 'master.key')
