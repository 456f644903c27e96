import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { appleError } from './errors.ts'
import type { AppleError } from './errors.ts'
import { limitOf } from './state.ts'
import type { LocationState, MdmInfo } from './state.ts'
import { appleTime } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

export const NOTIFICATION_TYPES = [
  'ASSET_MANAGEMENT',
  'USER_MANAGEMENT',
  'USER_ASSOCIATED',
  'ASSET_COUNT',
  'TEST_NOTIFICATION',
  'SUBSCRIPTION_COUNT',
  'SUBSCRIPTION_MANAGEMENT',
  'UNLIMITED_ASSET',
] as const

/** Tells the notification secret back in clear, as Apple does: the whole answer is a secret. */
export const clientConfigBody = (location: LocationState, tokenExpiresAt: number, showExpiry: boolean): Record<string, unknown> => ({
  locationName: location.name,
  countryISO2ACode: location.country,
  defaultPlatform: location.platform,
  websiteURL: location.platform === 'volumestore' ? 'https://school.apple.com' : 'https://business.apple.com',
  ...(location.notificationUrl === null ? {} : { notificationUrl: location.notificationUrl }),
  ...(location.notificationAuthToken === null ? {} : { notificationAuthToken: location.notificationAuthToken }),
  ...(location.notificationTypes.length === 0 ? {} : { subscribedNotificationTypes: location.notificationTypes }),
  // Clients refuse an answer of this endpoint without it, so it is here even when other answers leave it out [seen].
  ...(showExpiry ? { tokenExpirationDate: appleTime(tokenExpiresAt) } : {}),
})

const filled = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

const readMdmInfo = (world: AppleWorld, value: unknown): Result<MdmInfo | undefined, AppleError> => {
  if (value === undefined || value === null) return ok(undefined)
  if (typeof value !== 'object' || Array.isArray(value)) return err(appleError(9602))
  const given: { readonly id?: unknown; readonly name?: unknown; readonly metadata?: unknown } = value
  const id = filled(given.id)
  const name = filled(given.name)
  const metadata = filled(given.metadata)
  if (id === undefined || name === undefined || metadata === undefined) return err(appleError(9723))
  if (id.length > limitOf(world.state, 'maxMdmIdLength')) return err(appleError(9724))
  if (name.length > limitOf(world.state, 'maxMdmNameLength')) return err(appleError(9725))
  if (metadata.length > limitOf(world.state, 'maxMdmMetadataLength')) return err(appleError(9713))
  return ok({ id, name, metadata })
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** HTTPS, host and path, nothing else. A switch lets http on this machine pass. */
const isNotificationUrl = (world: AppleWorld, text: string): boolean => {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const isPlain = url.protocol === 'http:' && LOOPBACK.test(url.hostname) && world.switches.httpNotices === 'on-this-machine'
  return (url.protocol === 'https:' || isPlain) && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

interface NotificationTarget {
  readonly url: string
  readonly authToken: string
}

const readTarget = (world: AppleWorld, body: Record<string, unknown>): Result<NotificationTarget | undefined, AppleError> => {
  const url = filled(body['notificationUrl'])
  const authToken = filled(body['notificationAuthToken'])
  if (url === undefined && authToken === undefined) return ok(undefined)
  if (url === undefined || authToken === undefined) return err(appleError(9710))
  const most = limitOf(world.state, 'maxNotificationLength')
  if (url.length > most || authToken.length > most) return err(appleError(9711))
  return isNotificationUrl(world, url) ? ok({ url, authToken }) : err(appleError(9712))
}

const readTypes = (value: unknown): Result<readonly string[] | undefined, AppleError> => {
  if (value === undefined || value === null) return ok(undefined)
  if (!Array.isArray(value)) return err(appleError(9602))
  const known: readonly string[] = NOTIFICATION_TYPES
  const types: string[] = []
  for (const type of value) {
    if (typeof type !== 'string' || !known.includes(type)) return err(appleError(9602))
    types.push(type)
  }
  return ok(types)
}

/**
 * `POST /client/config`: all of it or nothing.
 *
 * There is no lock: the last writer owns the label. A new address must answer a TEST_NOTIFICATION first, else 9728.
 * An empty list of types without an address unsubscribes [unknown].
 */
export const writeClientConfig = async (
  world: AppleWorld,
  location: LocationState,
  body: Record<string, unknown>,
): Promise<Result<void, AppleError>> => {
  const mdmInfo = readMdmInfo(world, body['mdmInfo'])
  if (!mdmInfo.ok) return mdmInfo
  const target = readTarget(world, body)
  if (!target.ok) return target
  const types = readTypes(body['notificationTypes'])
  if (!types.ok) return types
  if (target.value !== undefined && !(await world.notices.test(location, target.value.url, target.value.authToken))) {
    return err(appleError(9728))
  }
  if (mdmInfo.value !== undefined) location.mdmInfo = mdmInfo.value
  if (target.value !== undefined) {
    location.notificationUrl = target.value.url
    location.notificationAuthToken = target.value.authToken
  }
  if (types.value !== undefined) location.notificationTypes = types.value
  return ok(undefined)
}
