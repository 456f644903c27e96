/** Orders and syncs as the server lists them: what the facts have let go. Rows that can't be read are left out. */
import { ordinalOf, parseConnectorId, parseLicenseId, parseOrderId, parsePrincipalId, parseSyncId } from '../shared/ids.ts'
import type { LicenseAction, LicenseOrder, LocationAction, LocationOrder, Order, OrderFailure, OrderState } from '../shared/order.ts'
import { syncPhases, type Sync, type SyncTrigger } from '../shared/sync.ts'

const licenseActions = ['associate', 'disassociate'] as const satisfies readonly LicenseAction[]
const locationActions = [
  'register-user',
  'update-user',
  'retire-user',
  'revoke',
  'assign-subscription',
  'remove-subscription',
] as const satisfies readonly LocationAction[]
const licenseCauses = ['plan', 'reclaim', 'undo', 'leaver-policy'] as const satisfies readonly LicenseOrder['cause'][]
const locationCauses = ['plan', 'hand', 'undo'] as const satisfies readonly LocationOrder['cause'][]
const orderStates = ['planned', 'sent', 'pending', 'done', 'partly-done', 'failed', 'cancelled'] as const satisfies readonly OrderState[]
const syncStates = ['queued', 'running', 'succeeded', 'failed'] as const satisfies readonly Sync['state'][]
const triggers = ['schedule', 'admin', 'push', 'api'] as const satisfies readonly SyncTrigger[]

export const orderOf = (value: unknown): Order | undefined => {
  const id = parseOrderId(member(value, 'id'))
  const connectorId = parseConnectorId(member(value, 'connectorId'))
  const state = oneOf(orderStates, member(value, 'state'))
  if (id === undefined || connectorId === undefined || state === undefined) return undefined
  const notBefore = member(value, 'notBefore')
  const undoes = parseOrderId(member(value, 'undoes'))
  const undoneBy = member(value, 'undoneBy')
  const common = {
    id,
    connectorId,
    state,
    total: numberOf(member(value, 'total')),
    done: numberOf(member(value, 'done')),
    open: [],
    failures: list(member(value, 'failures')).flatMap(failureOf),
    unknown: member(value, 'unknown') === true,
    storeReference: textOrNull(member(value, 'storeReference')),
    createdAt: textOf(member(value, 'createdAt')),
    sentAt: textOrNull(member(value, 'sentAt')),
    finishedAt: textOrNull(member(value, 'finishedAt')),
    by: textOf(member(value, 'by')),
    ...(typeof notBefore === 'string' ? { notBefore } : {}),
    ...(undoes === undefined ? {} : { undoes }),
    ...(Array.isArray(undoneBy) ? { undoneBy: undoneBy.flatMap((one) => parseOrderId(one) ?? []) } : {}),
  }
  const ofLicense = oneOf(licenseActions, member(value, 'action'))
  const licenseId = parseLicenseId(member(value, 'licenseId'))
  if (ofLicense !== undefined)
    return licenseId === undefined
      ? undefined
      : { ...common, licenseId, action: ofLicense, cause: oneOf(licenseCauses, member(value, 'cause')) ?? 'plan' }
  const ofLocation = oneOf(locationActions, member(value, 'action'))
  return ofLocation === undefined
    ? undefined
    : { ...common, licenseId: null, action: ofLocation, cause: oneOf(locationCauses, member(value, 'cause')) ?? 'plan', subscription: null }
}

const failureOf = (value: unknown): readonly OrderFailure[] => {
  const principal = parsePrincipalId(member(member(value, 'principal'), 'id'))
  return principal === undefined
    ? []
    : [
        {
          ordinal: ordinalOf(principal),
          code: textOf(member(value, 'code')),
          text: textOf(member(value, 'text')),
          retryable: member(value, 'retryable') === true,
          atSeq: 0,
        },
      ]
}

export const syncOf = (value: unknown): Sync | undefined => {
  const id = parseSyncId(member(value, 'id'))
  const connectorId = parseConnectorId(member(value, 'connectorId'))
  const state = oneOf(syncStates, member(value, 'state'))
  if (id === undefined || connectorId === undefined || state === undefined) return undefined
  const progress = member(value, 'progress')
  const changed = member(value, 'changed')
  const error = member(value, 'error')
  const total = member(progress, 'total')
  return {
    id,
    connectorId,
    state,
    trigger: oneOf(triggers, member(value, 'trigger')) ?? 'schedule',
    full: member(value, 'full') === true,
    startedAt: textOf(member(value, 'startedAt')),
    finishedAt: textOrNull(member(value, 'finishedAt')),
    progress: {
      phase: oneOf(syncPhases, member(progress, 'phase')) ?? 'done',
      done: numberOf(member(progress, 'done')),
      total: typeof total === 'number' ? total : null,
    },
    changed: {
      licenses: numberOf(member(changed, 'licenses')),
      seats: numberOf(member(changed, 'seats')),
      users: numberOf(member(changed, 'users')),
    },
    error:
      typeof error === 'object' && error !== null ? { code: textOf(member(error, 'code')), text: textOf(member(error, 'text')) } : null,
  }
}

// ---- Field by field ----

export const oneOf = <T extends string>(known: readonly T[], value: unknown): T | undefined => known.find((word) => word === value)
export const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)
export const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)
export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
export const itemsOf = (value: unknown): readonly unknown[] => list(member(value, 'items'))
