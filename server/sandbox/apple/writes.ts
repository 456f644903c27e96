import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { appleError } from './errors.ts'
import type { AppleError } from './errors.ts'
import type { EventRequest } from './events.ts'
import { assetKey, limitOf } from './state.ts'
import type { AssetRef, LocationState, Target, UserInput } from './state.ts'
import type { AppleWorld } from './world.ts'

/*
 * The order in which a request is judged: required, limits, duplicates, asset flags. The order itself is [inferred].
 * Stock and users are not looked at here: Apple tells of them inside the event.
 */

const malformed = err(appleError(9602))

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const readTexts = (value: unknown): Result<readonly string[], AppleError> => {
  if (value === undefined || value === null) return ok([])
  if (!Array.isArray(value)) return malformed
  const texts: string[] = []
  for (const item of value) {
    if (typeof item !== 'string' || item === '') return malformed
    texts.push(item)
  }
  return ok(texts)
}

const readAssets = (value: unknown): Result<readonly AssetRef[], AppleError> => {
  if (value === undefined || value === null) return ok([])
  if (!Array.isArray(value)) return malformed
  const assets: AssetRef[] = []
  for (const item of value) {
    if (!isRecord(item) || typeof item['adamId'] !== 'string') return malformed
    // [inferred] Published examples leave it out; the standard edition is then meant.
    const pricingParam = item['pricingParam'] ?? 'STDQ'
    if (pricingParam !== 'STDQ' && pricingParam !== 'PLUS') return malformed
    assets.push({ adamId: item['adamId'], pricingParam })
  }
  return ok(assets)
}

const repeated = (keys: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  return keys.find((key) => seen.size === seen.add(key).size)
}

const targetsOf = (clientUserIds: readonly string[], serialNumbers: readonly string[]): Target[] => [
  ...clientUserIds.map((clientUserId): Target => ({ kind: 'user', clientUserId })),
  ...serialNumbers.map((serialNumber): Target => ({ kind: 'device', serialNumber })),
]

/** Associate and disassociate. A refusal here means that nothing at all happens, not even to the other assets. */
export const readAssetWrite = (
  world: AppleWorld,
  location: LocationState,
  type: 'ASSOCIATE' | 'DISASSOCIATE',
  body: Record<string, unknown>,
): Result<EventRequest, AppleError> => {
  const assets = readAssets(body['assets'])
  if (!assets.ok) return assets
  const users = readTexts(body['clientUserIds'])
  if (!users.ok) return users
  const serials = readTexts(body['serialNumbers'])
  if (!serials.ok) return serials
  if (assets.value.length === 0) return err(appleError(9718))
  if (users.value.length === 0 && serials.value.length === 0) return err(appleError(9719))

  if (assets.value.length > limitOf(world.state, 'maxAssets')) return err(appleError(9700))
  if (users.value.length > limitOf(world.state, 'maxClientUserIds')) return err(appleError(9701))
  if (serials.value.length > limitOf(world.state, 'maxSerialNumbers')) return err(appleError(9702))

  const named = world.switches.syncErrorInfo
  if (repeated(assets.value.map(assetKey)) !== undefined) return err(appleError(9703))
  const repeatedUser = repeated(users.value)
  if (repeatedUser !== undefined) return err(appleError(9704, named ? { clientUserIds: [repeatedUser] } : undefined))
  const repeatedSerial = repeated(serials.value)
  if (repeatedSerial !== undefined) return err(appleError(9705, named ? { serialNumbers: [repeatedSerial] } : undefined))

  const wrong = assets.value.filter((ref) => {
    const asset = location.assets.get(assetKey(ref))
    if (asset === undefined) return false
    return type === 'DISASSOCIATE' ? !asset.revocable : serials.value.length > 0 && !asset.deviceAssignable
  })
  if (wrong.length > 0) return err(appleError(type === 'DISASSOCIATE' ? 9706 : 9707, named ? { assets: wrong } : undefined))
  return ok({ type, assets: assets.value, targets: targetsOf(users.value, serials.value), users: [] })
}

/** Takes back all that is revocable from the targets; what is not stays without a word. */
export const readRevoke = (world: AppleWorld, body: Record<string, unknown>): Result<EventRequest, AppleError> => {
  const users = readTexts(body['clientUserIds'])
  if (!users.ok) return users
  const serials = readTexts(body['serialNumbers'])
  if (!serials.ok) return serials
  if (users.value.length === 0 && serials.value.length === 0) return err(appleError(9719))
  if (users.value.length > limitOf(world.state, 'maxRevokeClientUserIds')) return err(appleError(9701))
  if (serials.value.length > limitOf(world.state, 'maxRevokeSerialNumbers')) return err(appleError(9702))
  if (repeated(users.value) !== undefined) return err(appleError(9704))
  if (repeated(serials.value) !== undefined) return err(appleError(9705))
  return ok({ type: 'REVOKE', assets: [], targets: targetsOf(users.value, serials.value), users: [] })
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

export const readUserWrite = (
  world: AppleWorld,
  type: 'CREATE' | 'UPDATE' | 'RETIRE',
  body: Record<string, unknown>,
): Result<EventRequest, AppleError> => {
  const given = body['users'] ?? []
  if (!Array.isArray(given)) return malformed
  const users: UserInput[] = []
  for (const item of given) {
    if (!isRecord(item) || typeof item['clientUserId'] !== 'string' || item['clientUserId'] === '') return malformed
    const { email, managedAppleId } = item
    if (email !== undefined && email !== null && typeof email !== 'string') return malformed
    if (managedAppleId !== undefined && managedAppleId !== null && typeof managedAppleId !== 'string') return malformed
    users.push({
      clientUserId: item['clientUserId'],
      ...(typeof email === 'string' ? { email } : {}),
      ...(typeof managedAppleId === 'string' ? { managedAppleId } : {}),
    })
  }
  if (users.length === 0) return err(appleError(9720))
  if (users.length > limitOf(world.state, 'maxUsers')) return err(appleError(9714))
  if (repeated(users.map(({ clientUserId }) => clientUserId)) !== undefined) return err(appleError(9715))
  if (users.some(({ email }) => email !== undefined && !EMAIL.test(email))) return err(appleError(9717))
  return ok({ type, assets: [], targets: [], users })
}
