/**
 * The organisation's device list, from Apple's device API. It is only ever read: nothing here changes a device.
 *
 * An access token is asked for with a signed statement and kept in memory until it runs out; one that Apple no longer
 * takes is asked for once more. The list is walked by its cursors from the configured address, whatever addresses the
 * answers name. Source: docs/stores/apple-apps-and-books.md, section 6.
 */
import type { Chance } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import { Secret } from '../../secret.ts'
import type { DeviceRead, StoreDevices, StoreFailure } from '../store.ts'
import { clientAssertion } from './client-assertion.ts'
import { programOf, type DeviceAccount } from './device-account.ts'
import { parseAccessGrant, parseDevicesPage, parseOneDevice, refusalCodeOf } from './device-wire.ts'
import { ask, parseJson, type HttpDeps, type HttpRequest } from '../http.ts'
import { createPace, parseRetryAfter } from '../pace.ts'

export interface DeviceAddresses {
  /** Up to and including `/v1`. Apple's own stands for either of its two hosts. */
  readonly devicesUrl: string
  /** Where access tokens are asked for. */
  readonly authUrl: string
}

export interface DeviceApiDeps extends HttpDeps {
  readonly chance: Chance
  /** Those left out are Apple's own. */
  readonly addresses: Partial<DeviceAddresses>
  readonly account: DeviceAccount
}

const hosts = { business: 'https://api-business.apple.com/v1', school: 'https://api-school.apple.com/v1' } as const
const scopes = { business: 'business.api', school: 'school.api' } as const
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const userAgent = 'Quartermaster (devices)'
const timeoutMs = 30_000
const devicesPerPage = 1000
/** No more than is kept. */
const fields = 'serialNumber,productFamily,productType,deviceModel'
/** Documented as told only for a device that is asked for by itself: a list that does not know the field is asked without it. */
const releaseField = 'releasedFromOrgDateTime'
const mostPages = 10_000
const mostEmptyPagesInARow = 50
const mostTriesInTrouble = 6
const mostTriesUnheard = 4
/** A pause up to this is sat out; before a longer one the caller is told to come back. */
const longestQuietWaitMs = 30_000
const usualTokenLifeS = 3600
/** A token is not used in its last minute. */
const tokenMarginMs = 60_000

const kept = 'The devices known so far stay as they are, and licenses are not touched by it.'
const again = 'It is tried again by itself.'

interface Answer {
  readonly status: number
  readonly json: unknown
}

/** What stands for Apple's own addresses, of either program. */
const vendor: DeviceAddresses = { devicesUrl: hosts.business, authUrl: 'https://account.apple.com/auth/oauth2/token' }

export const createDeviceApi = (deps: DeviceApiDeps): StoreDevices => {
  const { clock, chance, account } = deps
  const { devicesUrl = vendor.devicesUrl, authUrl = vendor.authUrl } = deps.addresses
  const program = programOf(account)
  const isVendor = (Object.values(hosts) as readonly string[]).includes(devicesUrl)
  const baseUrl = isVendor ? hosts[program] : devicesUrl
  const pace = createPace(deps)
  let knowsRelease = true
  let access: { readonly token: Secret; readonly until: number } | undefined

  const refused = (code: string, text: string): Result<never, StoreFailure> => err({ is: 'store-refused', code, text: `${text} ${kept}` })
  const unreadable = (where: string): Result<never, StoreFailure> =>
    err({ is: 'store-answer-unreadable', text: `An answer of Apple's device list could not be read (${where}). ${kept} ${again}` })

  /** One answer that says something; trouble that passes is tried again, bounded. `make` is called for each try. */
  const hear = async (make: () => Omit<HttpRequest, 'timeoutMs'>): Promise<Result<Answer, StoreFailure>> => {
    let before: StoreFailure | undefined
    for (let tries = 1; ; tries += 1) {
      const leftMs = await pace.turn(longestQuietWaitMs)
      if (leftMs > 0) return err(before !== undefined && before.is !== 'store-busy' ? before : { is: 'store-busy', retryAfterMs: leftMs })
      const request = make()
      const host = new URL(request.url).host
      const heard = await ask(deps, { ...request, timeoutMs })
      if (heard.is === 'too-large') return unreadable('it is larger than any page')
      if (heard.is !== 'answer') {
        pace.backOff(undefined)
        const why = heard.is === 'timed-out' ? `no answer within ${timeoutMs / 1000} seconds` : heard.why
        before = {
          is: 'store-unreachable',
          text: `${host} could not be reached (${why}). Check that this server may reach it. ${kept} ${again}`,
        }
        if (tries >= mostTriesUnheard) return err(before)
        continue
      }
      const { status, headers, text } = heard
      if (status === 429 || status === 408 || status >= 500) {
        const asked = parseRetryAfter(headers, clock.now())
        const retryAfterMs = pace.backOff(asked)
        before =
          status === 429 || asked !== undefined
            ? { is: 'store-busy', retryAfterMs }
            : { is: 'store-unreachable', text: `Apple's device list has trouble (status ${status}). ${kept} ${again}` }
        if (tries >= mostTriesInTrouble) return err(before)
        continue
      }
      pace.recovered()
      // Status 0 is how some networks show a redirect that is not to be followed.
      if (status < 200 || (status >= 300 && status < 400))
        return err({
          is: 'store-unreachable',
          text: `${host} sent the request elsewhere. It was not followed, so the key went nowhere else. Check QM_APPLE_DEVICES_URL and QM_APPLE_AUTH_URL, and whether a proxy stands between. ${kept}`,
        })
      const json = parseJson(text)
      if (json !== undefined || status >= 400) return ok({ status, json })
      pace.backOff(undefined)
      if (tries >= mostTriesUnheard) return unreadable('it is empty, cut short or no JSON')
    }
  }

  // ---- The access token ----

  const notGranted = ({ status, json }: Answer): Result<never, StoreFailure> => {
    const code = refusalCodeOf(json)
    if (code !== 'invalid_client') {
      const told = code === undefined ? `status ${status}` : `${code}, status ${status}`
      return refused('devices-sign-in', `Apple did not let us sign in to its device list (${told}). Check the API account at Apple.`)
    }
    const other =
      account.keyId === undefined
        ? 'The key ID was left out: enter the one that Apple shows beside the key, since most accounts need it.'
        : "Either the key ID or the key is another one's. Some accounts are accepted only without a key ID: enter the same key with the key ID left out."
    return refused(
      'invalid-client',
      `Apple does not know this client ID with this key (invalid_client). ${other} If it stays so, check that the key was not withdrawn at Apple and that this server's clock is right, or make a new key there.`,
    )
  }

  const mint = async (): Promise<Result<Secret, StoreFailure>> => {
    const answer = await hear(() => ({
      method: 'POST',
      url: authUrl,
      headers: { Accept: 'application/json', 'User-Agent': userAgent, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: account.clientId,
        client_assertion_type: assertionType,
        client_assertion: clientAssertion(account, clock.now(), chance),
        scope: scopes[program],
      }).toString(),
    }))
    if (!answer.ok) return answer
    if (answer.value.status >= 400) return notGranted(answer.value)
    const grant = parseAccessGrant(answer.value.json)
    if (!grant.ok) return unreadable(grant.error.where)
    const token = Secret.of(grant.value.token)
    access = { token, until: clock.now() + (grant.value.expiresInS ?? usualTokenLifeS) * 1000 - tokenMarginMs }
    return ok(token)
  }

  /** A 401 is answered with a new token, once: the second says that no token helps. */
  const get = async (path: string, query: Readonly<Record<string, string>> = {}): Promise<Result<Answer, StoreFailure>> => {
    const search = new URLSearchParams(query)
    const url = `${baseUrl}${path}${search.size === 0 ? '' : `?${search.toString()}`}`
    for (let isSecond = false; ; isSecond = true) {
      const held = access !== undefined && clock.now() < access.until ? ok(access.token) : await mint()
      if (!held.ok) return held
      const authorization = `Bearer ${held.value.reveal()}`
      const answer = await hear(() => ({
        method: 'GET',
        url,
        headers: { Accept: 'application/json', 'User-Agent': userAgent, Authorization: authorization },
      }))
      if (!answer.ok || answer.value.status !== 401) return answer
      access = undefined
      if (isSecond)
        return refused(
          'devices-unauthorized',
          'Apple gives us access to its device list and then does not accept it. Check the API account at Apple, or make a new key there.',
        )
    }
  }

  const notListed = ({ status, json }: Answer): Result<never, StoreFailure> => {
    if (status === 403)
      return refused(
        'devices-forbidden',
        'The API account may not see devices. Give its role the right to view devices at Apple, or make an account with a role that has it.',
      )
    const code = refusalCodeOf(json)
    return refused(
      'devices-refused',
      `Apple refused to tell the devices (${code === undefined ? '' : `${code}, `}status ${status}). Check the API account at Apple.`,
    )
  }

  // ---- Devices ----

  const lost = unreadable('its pages lead to no end')

  const listPage = async (query: Readonly<Record<string, string>>): Promise<Result<Answer, StoreFailure>> => {
    for (;;) {
      const wanted = knowsRelease ? `${fields},${releaseField}` : fields
      const answer = await get('/orgDevices', { 'fields[orgDevices]': wanted, ...query })
      if (!answer.ok || answer.value.status !== 400 || !knowsRelease) return answer
      knowsRelease = false
    }
  }

  const read: StoreDevices['read'] = async (onPage) => {
    const seen = new Set<string>()
    let cursor: string | undefined
    let emptyInARow = 0
    for (let pages = 1; pages <= mostPages; pages += 1) {
      const answer = await listPage({ limit: String(devicesPerPage), ...(cursor === undefined ? {} : { cursor }) })
      if (!answer.ok) return answer
      if (answer.value.status >= 400) return notListed(answer.value)
      const page = parseDevicesPage(answer.value.json)
      if (!page.ok) return unreadable(page.error.where)
      onPage(page.value.devices)
      if (page.value.nextCursor === undefined) return ok(undefined)
      emptyInARow = page.value.devices.length === 0 ? emptyInARow + 1 : 0
      if (seen.has(page.value.nextCursor) || emptyInARow > mostEmptyPagesInARow) return lost
      cursor = page.value.nextCursor
      seen.add(cursor)
    }
    return lost
  }

  const find = async (serialNumber: string): Promise<Result<DeviceRead | undefined, StoreFailure>> => {
    const answer = await get(`/orgDevices/${encodeURIComponent(serialNumber)}`)
    if (!answer.ok) return answer
    if (answer.value.status === 404) return ok(undefined)
    if (answer.value.status >= 400) return notListed(answer.value)
    const device = parseOneDevice(answer.value.json)
    return device.ok ? device : unreadable(device.error.where)
  }

  return {
    check: async () => {
      const answer = await listPage({ limit: '1' })
      if (!answer.ok) return answer
      if (answer.value.status >= 400) return notListed(answer.value)
      const page = parseDevicesPage(answer.value.json)
      return page.ok ? ok(undefined) : unreadable(page.error.where)
    },
    read,
    find,
  }
}
