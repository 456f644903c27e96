import * as v from 'valibot'
import { err, exhaustive, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import type { AppleControl } from './control.ts'
import type { ArmedFault, Fault } from './faults.ts'
import type { Target } from './state.ts'
import type { Switches } from './switches.ts'

/*
 * What can be done to the store from outside, as JSON or as a form. A form can only send text, so numbers, lists and yes or no
 * are taken in both shapes.
 */

const whole = v.union([
  v.pipe(v.number(), v.integer()),
  v.pipe(v.string(), v.regex(/^-?\d{1,16}$/, 'a whole number is expected'), v.transform(Number)),
])
const count = v.pipe(whole, v.minValue(0))
const positive = v.pipe(whole, v.minValue(1))
const orNull = <const S extends v.GenericSchema>(schema: S) =>
  v.union([
    v.pipe(
      v.union([v.null(), v.literal('')]),
      v.transform(() => null),
    ),
    schema,
  ])
const flag = v.union([
  v.boolean(),
  v.pipe(
    v.picklist(['true', 'false']),
    v.transform((text) => text === 'true'),
  ),
])
const names = v.union([
  v.array(v.string()),
  v.pipe(
    v.string(),
    v.transform((text) => text.split(/[\s,;]+/).filter((part) => part !== '')),
  ),
])
const filled = v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty'))
const pricingParam = v.optional(v.picklist(['STDQ', 'PLUS']), 'STDQ')
const location = v.string()
const adamId = v.string()
const privilege = v.picklist(['manage', 'read-only'])
const when = v.optional(v.picklist(['before', 'after']), 'after')

const fault = v.variant('is', [
  v.object({ is: v.literal('connection-cut'), when }),
  v.object({ is: v.literal('bad-gateway'), when }),
  v.object({ is: v.literal('slow'), ms: v.optional(count, 3000) }),
  v.object({ is: v.literal('rate-limited'), retryAfter: v.exactOptional(v.string()) }),
  v.object({ is: v.literal('unavailable'), retryAfter: v.exactOptional(v.string()) }),
  v.object({ is: v.literal('apple-error'), errorNumber: v.optional(count, 9603) }),
  v.object({ is: v.literal('empty-body') }),
  v.object({ is: v.literal('truncated-body') }),
  v.object({ is: v.literal('redirect'), to: filled }),
  v.object({ is: v.literal('empty-list') }),
  v.object({ is: v.literal('page-out-of-range') }),
  v.object({ is: v.literal('page-loop') }),
  v.object({ is: v.literal('empty-page') }),
  v.object({ is: v.literal('empty-pages-between') }),
  v.object({ is: v.literal('page-moved') }),
  v.object({ is: v.literal('total-pages'), pages: v.optional(positive, 1_000_000) }),
  v.object({ is: v.literal('odd-items'), members: v.optional(v.record(v.string(), v.unknown()), {}), without: v.optional(names, []) }),
  v.object({ is: v.literal('event-stays-pending') }),
  v.object({ is: v.literal('tasks-fail'), errorNumber: v.optional(count, 9709), every: v.optional(positive, 2) }),
  v.object({ is: v.literal('targets-fail'), errorNumber: v.optional(count, 9709), keys: names }),
  v.object({ is: v.literal('event-falls-short'), by: v.optional(positive, 1) }),
  v.object({ is: v.literal('failures-without-info') }),
  v.object({ is: v.literal('complete-with-failures') }),
  v.object({ is: v.literal('event-without-effect') }),
  v.object({ is: v.literal('event-serves-another') }),
  v.object({ is: v.literal('event-never-ends') }),
  v.object({ is: v.literal('notification-lost') }),
  v.object({ is: v.literal('notification-doubled') }),
  v.object({ is: v.literal('notification-delayed'), ms: v.optional(positive, 60_000) }),
  v.object({ is: v.literal('notification-retold') }),
])

export const FAULT_NAMES = fault.options.map(({ entries }) => entries.is.literal)

export const ENDPOINTS = [
  'service-config',
  'client-config',
  'assets',
  'assignments',
  'users',
  'create-users',
  'update-users',
  'retire-users',
  'associate',
  'disassociate',
  'revoke',
  'status',
  'subscriptions',
  'subscription-assignments',
  'subscription-admins',
  'associate-subscriptions',
  'disassociate-subscriptions',
  'change-subscription-admins',
  'switch-subscriptions',
  'lookup',
  'public-lookup',
  'artwork',
  'notification',
  'device-token',
  'org-devices',
  'org-device',
  'mdm-servers',
] as const // The same words as `Endpoint`; armFault below would not compile otherwise.

const switches = v.partial(
  v.object({
    pageSize: positive,
    eventLatencyMs: count,
    eventTaskMs: count,
    holdEvents: flag,
    enforceRateLimit: flag,
    rateLimitRetryAfterSeconds: orNull(count),
    errorBodiesWith200: v.picklist(['never', 'only-9622', 'all']),
    tokenExpirationDate: v.picklist(['always', 'last-15-days', 'never']),
    unsetMdmInfo: v.picklist(['absent', 'null']),
    mdmInfoIn: v.picklist(['every-answer', 'client-config']),
    removedAssignments: v.picklist(['absent', 'not-reported']),
    includeRetired: v.picklist(['ignored', 'honoured']),
    returningAccount: v.picklist(['swaps', 'supersedes']),
    inviteCodes: v.picklist(['while-registered', 'kept']),
    repeatedWrite: v.picklist(['success', 'v1-errors']),
    unknownSerials: v.picklist(['accepted', 'refused']),
    knownSerials: names,
    statusLagMs: count,
    listLagMs: v.object({ assets: count, assignments: count, users: count }),
    extraMembers: flag,
    countsDisagree: flag,
    goneAssets: v.picklist(['vanish', 'stay-with-zeros']),
    failureGrouping: v.picklist(['by-error', 'by-error-and-asset']),
    taskOrder: v.picklist(['as-given', 'shuffled']),
    syncErrorInfo: flag,
    eventRetentionMs: orNull(count),
    httpNotices: v.picklist(['refused', 'on-this-machine']),
    subscriptionService: v.picklist(['offered', 'not-found', 'no-longer-offered']),
    subscriptionsEnabled: v.picklist(['while-none-owned', 'for-good']),
    subscriptionManagement: v.picklist(['on-change', 'always']),
    subscriptionNames: v.picklist(['not-told', 'told']),
    subscriptionsForInvited: v.picklist(['accepted', 'refused']),
    deferredRemovals: v.picklist(['shown-as-expiring', 'not-shown']),
    cursorsAfterChange: v.picklist(['invalid', 'go-on']),
    tooManySubscriptions: v.picklist(['9816', '9805']),
    devicePageSize: v.pipe(positive, v.maxValue(1000)),
    deviceTokenSeconds: positive,
    deviceKid: v.picklist(['checked', 'required', 'refused']),
    releasedDevices: v.picklist(['left-out', 'listed']),
    artwork: v.picklist(['template', 'list', 'none']),
    artworkFile: v.picklist(['picture', 'svg', 'html', 'truncated', 'bomb', 'large', 'redirect']),
    lookupHides: names,
    lookupStorefront: v.picklist(['as-asked', 'always-us']),
    lookupCurrency: v.picklist(['not-told', 'told']),
    lookupOffers: v.picklist(['told', 'absent']),
    lookupIds: v.picklist(['text', 'number']),
  }),
)

const act = v.variant('act', [
  v.object({
    act: v.literal('add-location'),
    name: filled,
    uId: v.optional(v.pipe(v.string(), v.regex(/^\d+$/, 'digits are expected'))),
    country: v.optional(v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, 'two capital letters are expected')), 'US'),
    platform: v.optional(v.picklist(['enterprisestore', 'volumestore']), 'enterprisestore'),
  }),
  v.object({ act: v.literal('rename-location'), location, name: filled }),
  v.object({
    act: v.literal('own'),
    location,
    adamId: filled,
    pricingParam,
    total: v.union([v.literal('unlimited'), count]),
    name: v.optional(v.string(), ''),
    publisher: v.optional(v.string(), ''),
    productType: v.optional(v.picklist(['App', 'Book']), 'App'),
  }),
  v.object({ act: v.literal('set-total'), location, adamId, pricingParam, total: count }),
  v.object({ act: v.literal('set-retired'), location, adamId, pricingParam, retired: count }),
  v.object({ act: v.literal('set-flags'), location, adamId, pricingParam, deviceAssignable: flag, revocable: flag }),
  v.object({
    act: v.literal('assign'),
    location,
    adamId,
    pricingParam,
    serialNumbers: v.optional(names, []),
    clientUserIds: v.optional(names, []),
  }),
  v.object({
    act: v.literal('free'),
    location,
    adamId,
    pricingParam,
    serialNumbers: v.optional(names, []),
    clientUserIds: v.optional(names, []),
  }),
  v.object({
    act: v.literal('register-user'),
    location,
    clientUserId: filled,
    email: v.optional(v.string(), ''),
    managedAppleId: v.optional(v.string(), ''),
  }),
  v.object({ act: v.literal('retire-user'), location, clientUserId: filled }),
  v.object({ act: v.literal('accept-invitation'), location, clientUserId: filled, account: filled }),
  v.object({ act: v.literal('set-owner'), location, id: filled, name: filled, metadata: filled }),
  v.object({ act: v.literal('clear-owner'), location }),
  v.object({ act: v.literal('new-token'), location, privilege: v.optional(privilege, 'manage') }),
  v.object({ act: v.literal('revoke-token'), location }),
  v.object({ act: v.literal('expire-token'), location, at: v.optional(count) }),
  v.object({ act: v.literal('set-privilege'), location, privilege }),
  v.object({ act: v.literal('forget-versions'), location }),
  v.object({
    act: v.literal('arm-fault'),
    fault,
    endpoint: v.exactOptional(v.picklist(ENDPOINTS)),
    location: v.exactOptional(v.string()),
    times: v.exactOptional(positive),
    skip: v.exactOptional(count),
  }),
  v.object({ act: v.literal('clear-faults'), id: v.optional(positive) }),
  v.object({ act: v.literal('set-switches'), changes: switches }),
  v.object({ act: v.literal('set-limits'), changes: v.record(v.string(), orNull(count)) }),
  v.object({
    act: v.literal('add-device-account'),
    organisation: filled,
    program: v.optional(v.picklist(['business', 'school']), 'business'),
  }),
  v.object({ act: v.literal('set-device-role'), organisation: filled, role: v.picklist(['may-read', 'no-rights']) }),
  v.object({ act: v.literal('revoke-device-keys'), organisation: filled }),
  v.object({ act: v.literal('expire-access-tokens') }),
  v.object({
    act: v.literal('add-device'),
    organisation: filled,
    serialNumber: filled,
    productFamily: v.optional(filled, 'iPad'),
    deviceModel: v.exactOptional(filled),
  }),
  v.object({ act: v.literal('release-device'), organisation: filled, serialNumber: filled }),
  v.object({ act: v.literal('forget-device'), organisation: filled, serialNumber: filled }),
  v.object({ act: v.literal('set-subscriptions-enabled'), location, enabled: flag }),
  v.object({
    act: v.literal('own-subscription'),
    location,
    adamId: positive,
    parentAdamId: positive,
    renewing: count,
    expiring: count,
    status: v.exactOptional(v.picklist(['ACTIVE', 'INACTIVE', 'PAUSED'])),
    periodEndsOn: v.exactOptional(v.pipe(v.string(), v.isoDate('a day like 2027-05-02 is expected'))),
    name: v.optional(v.string(), ''),
  }),
  v.object({ act: v.literal('subscribe'), location, adamId: positive, clientUserIds: names, renewing: v.optional(flag, true) }),
  v.object({ act: v.literal('unsubscribe'), location, adamId: positive, clientUserIds: names, deferred: v.optional(flag, false) }),
  v.object({ act: v.literal('subscribe-by-group'), location, adamId: positive, clientUserIds: names }),
  v.object({ act: v.literal('finish-events') }),
  v.object({ act: v.literal('clear-requests') }),
])

export type ControlAct = v.InferOutput<typeof act>

export interface ActMalformed {
  readonly is: 'act-malformed'
  readonly text: string
}

export const parseAct = (given: unknown): Result<ControlAct, ActMalformed> => {
  const parsed = v.safeParse(act, given)
  if (parsed.success) return ok(parsed.output)
  const [issue] = parsed.issues
  return err({ is: 'act-malformed', text: `${v.getDotPath(issue) ?? 'act'}: ${issue.message}` })
}

const targetsOf = (given: { readonly serialNumbers: readonly string[]; readonly clientUserIds: readonly string[] }): readonly Target[] => [
  ...given.serialNumbers.map((serialNumber): Target => ({ kind: 'device', serialNumber })),
  ...given.clientUserIds.map((clientUserId): Target => ({ kind: 'user', clientUserId })),
]

const said = (text: string): string | undefined => (text.trim() === '' ? undefined : text.trim())

/** Does it, and gives what there is to tell: nothing, a token file's text, refusals, an id. */
export const perform = (control: AppleControl, done: ControlAct): unknown => {
  switch (done.act) {
    case 'add-location': {
      const { name, uId, country, platform } = done
      return control.addLocation({ name, country, platform, ...(uId === undefined ? {} : { uId }) })
    }
    case 'rename-location':
      return control.renameLocation(done.location, done.name)
    case 'own': {
      const { pricingParam, total, productType } = done
      const name = said(done.name)
      const kind = productType === 'Book' ? ('epubBook' as const) : ('iosSoftware' as const)
      const product =
        name === undefined ? {} : { product: { name, publisher: said(done.publisher) ?? 'Unknown', kind, genres: ['Education'], price: 0 } }
      return control.own(done.location, done.adamId, { pricingParam, total, productType, ...product })
    }
    case 'set-total':
      return control.setTotal(done.location, done.adamId, done.total, done.pricingParam)
    case 'set-flags': {
      const { deviceAssignable, revocable } = done
      return control.setFlags(done.location, done.adamId, { deviceAssignable, revocable }, done.pricingParam)
    }
    case 'set-retired':
      return control.setRetired(done.location, done.adamId, done.retired, done.pricingParam)
    case 'assign':
      return { refused: control.assignOutside(done.location, done.adamId, targetsOf(done), done.pricingParam) }
    case 'free':
      return { refused: control.freeOutside(done.location, done.adamId, targetsOf(done), done.pricingParam) }
    case 'register-user': {
      const email = said(done.email)
      const managedAppleId = said(done.managedAppleId)
      return {
        errorNumber: control.registerUser(done.location, {
          clientUserId: done.clientUserId,
          ...(email === undefined ? {} : { email }),
          ...(managedAppleId === undefined ? {} : { managedAppleId }),
        }),
      }
    }
    case 'retire-user':
      return { errorNumber: control.retireUser(done.location, done.clientUserId) }
    case 'accept-invitation':
      return { errorNumber: control.acceptInvitation(done.location, done.clientUserId, done.account) }
    case 'set-owner':
      return control.setOwner(done.location, { id: done.id, name: done.name, metadata: done.metadata })
    case 'clear-owner':
      return control.setOwner(done.location, null)
    case 'new-token':
      return { tokenFile: control.newToken(done.location, { privilege: done.privilege }) }
    case 'revoke-token':
      return control.revokeToken(done.location)
    case 'expire-token':
      return control.expireToken(done.location, done.at)
    case 'set-privilege':
      return control.setPrivilege(done.location, done.privilege)
    case 'forget-versions':
      return control.forgetVersions(done.location)
    case 'arm-fault': {
      const { act: _, ...armed } = done
      const checked: ArmedFault & { readonly fault: Fault } = armed
      return { id: control.faults.arm(checked) }
    }
    case 'clear-faults':
      return control.faults.clear(done.id)
    case 'set-switches': {
      const changes: Partial<Switches> = Object.fromEntries(Object.entries(done.changes).filter(([, value]) => value !== undefined))
      return control.setSwitches(changes)
    }
    case 'set-limits':
      return control.setLimits(done.changes)
    case 'add-device-account':
      return control.addDeviceAccount(done.organisation, done.program)
    case 'set-device-role':
      return control.setDeviceRole(done.organisation, done.role)
    case 'revoke-device-keys':
      return control.revokeDeviceKeys(done.organisation)
    case 'expire-access-tokens':
      return control.expireAccessTokens()
    case 'add-device': {
      const { serialNumber, productFamily, deviceModel } = done
      return control.addDevice(done.organisation, {
        serialNumber,
        productFamily,
        ...(deviceModel === undefined ? {} : { deviceModel }),
      })
    }
    case 'release-device':
      return control.releaseDevice(done.organisation, done.serialNumber)
    case 'forget-device':
      return control.forgetDevice(done.organisation, done.serialNumber)
    case 'set-subscriptions-enabled':
      return control.setSubscriptionsEnabled(done.location, done.enabled)
    case 'own-subscription': {
      const { parentAdamId, renewing, expiring, status, periodEndsOn } = done
      const name = said(done.name)
      return control.ownSubscription(done.location, done.adamId, {
        parentAdamId,
        total: { renewing, expiring },
        ...(status === undefined ? {} : { status }),
        ...(periodEndsOn === undefined ? {} : { periodEndsOn }),
        ...(name === undefined ? {} : { name }),
      })
    }
    case 'subscribe':
      return { refused: control.subscribeOutside(done.location, done.adamId, done.clientUserIds, done.renewing) }
    case 'unsubscribe':
      return { refused: control.unsubscribeOutside(done.location, done.adamId, done.clientUserIds, done.deferred) }
    case 'subscribe-by-group':
      return control.subscribeByGroup(done.location, done.adamId, done.clientUserIds)
    case 'finish-events':
      return { finished: control.finishEvents() }
    case 'clear-requests':
      return control.clearRequests()
    default:
      return exhaustive(done)
  }
}

/**
 * A form's fields as an act: `a.b` becomes a member of a member, and an empty field is one left out, except among switches and
 * limits, where it says "none".
 */
export const actOfForm = (fields: Iterable<readonly [string, string]>): Record<string, unknown> => {
  const top: Record<string, unknown> = {}
  for (const [name, value] of fields) {
    const path = name.split('.')
    if (path.includes('__proto__')) continue
    if (value === '' && path[0] !== 'changes') continue
    let into = top
    for (const step of path.slice(0, -1)) {
      const inner = into[step]
      const next: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {}
      into[step] = next
      into = next
    }
    const last = path.at(-1)
    if (last !== undefined) into[last] = value
  }
  return top
}
