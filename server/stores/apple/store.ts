/** Apple Apps and Books (Apple Business Manager, Apple School Manager), as a Store. Source: docs/stores/apple-apps-and-books.md. */
import type { Capabilities } from '../../../shared/connector.ts'
import type { LicenseType, ProductKind } from '../../../shared/license.ts'
import { normalSerialNumber } from '../../../shared/principal.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../secret.ts'
import type {
  ConnectionDeps,
  HolderKey,
  LicenseRead,
  LocationIdentity,
  OrderStatus,
  OwnerMark,
  SeatRead,
  SeatSink,
  SeatsRead,
  Store,
  StoreConnection,
  StoreFailure,
  TargetFailure,
  WriteFailure,
  WriteLimits,
  WriteRequest,
} from '../store.ts'
import { createAppleClient, type RequestFailure } from './client.ts'
import { openCredential, parseAppleDate, readContentToken } from './content-token.ts'
import { isAlreadyAsAsked, isOverLimit, isUnknownEvent, targetFailureOf } from './failures.ts'
import { createMetadata } from './metadata.ts'
import { mostWalks, storeFailureOf, walkOnce } from './walk.ts'
import {
  assetsPage,
  assignmentsPage,
  clientConfig,
  eventAccepted,
  eventStatus,
  serviceConfig,
  type Asset,
  type Assignment,
  type Envelope,
  type EventStatus,
} from './wire.ts'

export interface AppleAddresses {
  /** Up to and including `/mdm/v2`. */
  readonly appsBooksUrl: string
  readonly metadataUrl: string
}

const capabilities: Capabilities = {
  counts: 'live',
  assign: true,
  revoke: true,
  deviceLicenses: true,
  userLicenses: true,
  books: true,
  push: false,
  retired: null,
}

/** Free apps have this total: no limit. */
const unlimitedTotal = 2_147_483_647
const configMaxAgeMs = 5 * 60_000
const defaultLimits = {
  maxSerialNumbers: 1000,
  maxClientUserIds: 1000,
  maxRequestPerSecond: 10,
  maxMdmIdLength: 100,
  maxMdmNameLength: 100,
  maxMdmMetadataLength: 255,
}
type Limits = typeof defaultLimits

export const createAppleStore = (addresses: AppleAddresses): Store => ({
  kind: 'apple-apps-books',
  store: 'apple',
  capabilities,
  readCredential: readContentToken,
  connect: (deps, secret, owner) => connect(deps, addresses, secret, owner),
})

const connect = (deps: ConnectionDeps, addresses: AppleAddresses, secret: Secret, mark: OwnerMark): StoreConnection => {
  const { clock } = deps
  /** Who held the Location in the last answer that said so. */
  let holder: LocationIdentity['owner'] = null
  let platform = 'enterprisestore'
  let limits: { readonly values: Limits; readonly readAt: number } | undefined

  const noteHolder = ({ mdmInfo }: Envelope): void => {
    // Some answers leave it out; only one that carries it tells anything.
    if (mdmInfo !== undefined && mdmInfo !== null) holder = { id: mdmInfo.id, name: mdmInfo.name ?? '', metadata: mdmInfo.metadata ?? '' }
  }
  const client = createAppleClient({
    clock,
    chance: deps.chance,
    fetch: deps.fetch,
    baseUrl: addresses.appsBooksUrl,
    secret,
    onEnvelope: noteHolder,
  })
  const metadata = createMetadata({ clock, fetch: deps.fetch, lookupUrl: addresses.metadataUrl })

  const readLimits = async (): Promise<Result<Limits, StoreFailure>> => {
    if (limits !== undefined && clock.now() - limits.readAt < configMaxAgeMs) return ok(limits.values)
    const answer = await client.get('/service/config', {}, serviceConfig)
    if (!answer.ok) return err(storeFailureOf(answer.error))
    const told = answer.value.limits ?? {}
    const limit = (name: keyof Limits): number => {
      const value = told[name]
      return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : defaultLimits[name]
    }
    const values: Limits = {
      maxSerialNumbers: limit('maxSerialNumbers'),
      maxClientUserIds: limit('maxClientUserIds'),
      maxRequestPerSecond: limit('maxRequestPerSecond'),
      maxMdmIdLength: limit('maxMdmIdLength'),
      maxMdmNameLength: limit('maxMdmNameLength'),
      maxMdmMetadataLength: limit('maxMdmMetadataLength'),
    }
    limits = { values, readAt: clock.now() }
    client.setRate(values.maxRequestPerSecond)
    return ok(values)
  }

  const identify = async (): Promise<Result<LocationIdentity, StoreFailure>> => {
    const answer = await client.get('/client/config', {}, clientConfig)
    if (!answer.ok) return err(storeFailureOf(answer.error))
    const config = answer.value
    if (config.uId === undefined || config.uId === null || config.uId === '')
      return err({
        is: 'store-answer-unreadable',
        text: 'Apple did not say which location this token belongs to. The old data is kept. It is tried again by itself.',
      })
    if (typeof config.defaultPlatform === 'string') platform = config.defaultPlatform
    // Here, and only here, absence means that nobody holds the Location.
    if (config.mdmInfo === undefined || config.mdmInfo === null) holder = null
    const credential = openCredential(secret)
    return ok({
      location: {
        key: config.uId,
        name: config.locationName ?? config.uId,
        country: (config.countryISO2ACode ?? '').toUpperCase(),
        organization: credential.organization,
      },
      expiresAt:
        (typeof config.tokenExpirationDate === 'string' ? parseAppleDate(config.tokenExpirationDate) : undefined) ?? credential.expiresAt,
      owner: holder,
    })
  }

  const readLicenses = async (): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
    let last: readonly LicenseRead[] = []
    for (let walks = 0; walks < mostWalks; walks += 1) {
      const byKey = new Map<string, LicenseRead>()
      const walked = await walkOnce(
        (pageIndex) => client.get('/assets', { pageIndex: String(pageIndex) }, assetsPage),
        (page) => {
          for (const asset of page.assets ?? []) byKey.set(`${asset.adamId}/${asset.pricingParam ?? 'STDQ'}`, licenseOf(asset))
        },
      )
      if (!walked.ok) return walked
      last = [...byKey.values()]
      if (walked.value.is === 'end' && !walked.value.moved) return ok(last)
    }
    return err({ is: 'store-changed-meanwhile' })
  }

  const readSeats = async (cursor: string | null, sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>> => {
    let since = cursor
    for (let walks = 0; walks < mostWalks; walks += 1) {
      const full = since === null
      sink.begin(full)
      const walked = await walkAssignments(since, sink)
      if (!walked.ok) return walked
      switch (walked.value.is) {
        case 'stale-version':
          since = null
          continue
        case 'start-over':
          continue
        case 'end': {
          if (!walked.value.moved) return ok({ cursor: walked.value.firstVersion, full })
          // It moved under the walk: what was added meanwhile is in the increment since its first page.
          const rest = walked.value.firstVersion === null ? undefined : await walkAssignments(walked.value.firstVersion, sink)
          if (rest !== undefined && !rest.ok) return rest
          // What a page boundary passed over is in no increment: walk again, and in the end prove additions only.
          if (full && walks < mostWalks - 1) continue
          return ok({ cursor: rest?.value.is === 'end' ? rest.value.firstVersion : null, full: false })
        }
      }
    }
    return err({ is: 'store-changed-meanwhile' })
  }

  const walkAssignments = (since: string | null, sink: SeatSink) =>
    walkOnce(
      (pageIndex) =>
        client.get('/assignments', { pageIndex: String(pageIndex), ...(since === null ? {} : { sinceVersionId: since }) }, assignmentsPage),
      (page) => sink.page((page.assignments ?? []).flatMap(seatOf), page.totalPages ?? null),
    )

  const readSeatsOf = async (productId: string, pricing: string | null): Promise<Result<readonly SeatRead[], StoreFailure>> => {
    const query = { adamId: productId, ...(pricing === null ? {} : { pricingParam: pricing }) }
    for (let walks = 0; walks < mostWalks; walks += 1) {
      const byHolder = new Map<string, SeatRead>()
      const walked = await walkOnce(
        (pageIndex) => client.get('/assignments', { ...query, pageIndex: String(pageIndex) }, assignmentsPage),
        (page) => {
          for (const seat of (page.assignments ?? []).flatMap(seatOf))
            if (seat.productId === productId && seat.pricing === (pricing ?? 'STDQ'))
              byHolder.set(`${seat.holder.kind}/${seat.holder.key}`, seat)
        },
      )
      if (!walked.ok) return walked
      if (walked.value.is === 'end' && !walked.value.moved) return ok([...byHolder.values()])
    }
    return err({ is: 'store-changed-meanwhile' })
  }

  const write = async (request: WriteRequest): Promise<Result<{ readonly reference: string }, WriteFailure>> => {
    const identity = await identify()
    if (!identity.ok) return identity
    if (identity.value.owner !== null && identity.value.owner.id !== mark.id)
      return err({ is: 'foreign-owner', owner: identity.value.owner })
    const answer = await client.post(
      request.action === 'associate' ? '/assets/associate' : '/assets/disassociate',
      { assets: [{ adamId: request.productId, pricingParam: request.pricing ?? 'STDQ' }], ...targetsOf(request.holders) },
      eventAccepted,
    )
    if (answer.ok) return ok({ reference: answer.value.eventId })
    if (answer.error.is === 'error-number' && isOverLimit(answer.error.errorNumber)) {
      limits = undefined
      return err({ is: 'over-limit' })
    }
    return err(writeFailureOf(answer.error))
  }

  return {
    identify,
    claim: async () => {
      const before = await identify()
      if (!before.ok) return before
      const cut = await readLimits()
      if (!cut.ok) return cut
      const mdmInfo = {
        id: mark.id.slice(0, cut.value.maxMdmIdLength),
        name: mark.name.slice(0, cut.value.maxMdmNameLength),
        metadata: mark.metadata.slice(0, cut.value.maxMdmMetadataLength),
      }
      const claimed = await client.post('/client/config', { mdmInfo }, clientConfig)
      if (!claimed.ok && claimed.error.is !== 'outcome-unknown') return err(claimed.error.failure)
      // Read back in any case: another service may have written its name between.
      const after = await identify()
      if (!after.ok) return after
      return after.value.owner?.id === mark.id
        ? after
        : err(
            after.value.owner === null
              ? { is: 'store-unreachable', text: 'Apple did not keep our claim on the location. Try again.' }
              : { is: 'foreign-owner', owner: after.value.owner },
          )
    },
    readLicenses,
    readLicense: async (productId, pricing) => {
      const answer = await client.get('/assets', { adamId: productId, ...(pricing === null ? {} : { pricingParam: pricing }) }, assetsPage)
      if (!answer.ok) return err(storeFailureOf(answer.error))
      const asset = (answer.value.assets ?? []).find(
        ({ adamId, pricingParam }) => adamId === productId && (pricingParam ?? 'STDQ') === (pricing ?? 'STDQ'),
      )
      return ok(asset === undefined ? undefined : licenseOf(asset))
    },
    readSeats,
    readSeatsOf,
    describe: (productIds, country) => metadata.describe(productIds, country, platform),
    limits: async (): Promise<Result<WriteLimits, StoreFailure>> => {
      const read = await readLimits()
      return read.ok ? ok({ mostUsers: read.value.maxClientUserIds, mostDevices: read.value.maxSerialNumbers }) : read
    },
    write,
    orderStatus: async (reference) => {
      const answer = await client.get('/status', { eventId: reference }, eventStatus)
      if (answer.ok) return ok(orderStatusOf(answer.value))
      if (answer.error.is === 'error-number' && isUnknownEvent(answer.error.errorNumber)) return ok({ is: 'gone' })
      return err(storeFailureOf(answer.error))
    },
  }
}

const writeFailureOf = (failure: RequestFailure): WriteFailure => (failure.is === 'outcome-unknown' ? failure : failure.failure)

const targetsOf = (
  holders: readonly HolderKey[],
): { readonly clientUserIds?: readonly string[]; readonly serialNumbers?: readonly string[] } => {
  const clientUserIds = holders.filter(({ kind }) => kind === 'user').map(({ key }) => key)
  const serialNumbers = holders.filter(({ kind }) => kind === 'device').map(({ key }) => normalSerialNumber(key))
  return { ...(clientUserIds.length === 0 ? {} : { clientUserIds }), ...(serialNumbers.length === 0 ? {} : { serialNumbers }) }
}

const kindOf = (productType: string | null | undefined): ProductKind => (productType === 'Book' ? 'book' : 'app')

/** Counts as told, even when they disagree. A kind that we do not know is shown, and is not assignable until we do. */
const licenseOf = (asset: Asset): LicenseRead => {
  const known = asset.productType === 'App' || asset.productType === 'Book'
  const unlimited = asset.totalCount === unlimitedTotal
  const licenseTypes: readonly LicenseType[] =
    asset.productType !== 'Book' && asset.deviceAssignable === true ? ['device', 'user'] : ['user']
  return {
    productId: asset.adamId,
    pricing: asset.pricingParam ?? 'STDQ',
    kind: kindOf(asset.productType),
    platforms: asset.supportedPlatforms ?? [],
    licenseTypes,
    assignable: known,
    revocable: asset.productType !== 'Book' && asset.revocable === true,
    total: unlimited ? null : (asset.totalCount ?? null),
    inUse: asset.assignedCount ?? 0,
    available: unlimited ? null : (asset.availableCount ?? null),
    retired: asset.retiredCount ?? null,
    unlimited,
  }
}

const seatOf = (assignment: Assignment): readonly SeatRead[] => {
  const { adamId: productId, serialNumber, clientUserId } = assignment
  const pricing = assignment.pricingParam ?? 'STDQ'
  if (typeof serialNumber === 'string' && serialNumber.trim() !== '')
    return [{ productId, pricing, holder: { kind: 'device', key: normalSerialNumber(serialNumber) } }]
  if (typeof clientUserId === 'string' && clientUserId.trim() !== '')
    return [{ productId, pricing, holder: { kind: 'user', key: clientUserId.trim() } }]
  return []
}

/** FAILED says that at least one task failed, not that nothing happened. An unknown status is read as still pending. */
const orderStatusOf = (status: EventStatus): OrderStatus => {
  if (status.eventStatus !== 'COMPLETE' && status.eventStatus !== 'FAILED') return { is: 'pending' }
  const failures = (status.failures ?? [])
    .filter(({ errorNumber }) => !isAlreadyAsAsked(errorNumber))
    .map(({ errorNumber, errorInfo }): TargetFailure => {
      const holders: readonly HolderKey[] = [
        ...(errorInfo?.clientUserIds ?? []).map((key) => ({ kind: 'user' as const, key: key.trim() })),
        ...(errorInfo?.serialNumbers ?? []).map((key) => ({ kind: 'device' as const, key: normalSerialNumber(key) })),
      ]
      return { holders: holders.length === 0 ? null : holders, ...targetFailureOf(errorNumber) }
    })
  const already = (status.failures ?? []).filter(({ errorNumber }) => isAlreadyAsAsked(errorNumber))
  const requested = status.numRequested ?? undefined
  const completed = status.numCompleted ?? undefined
  if (failures.length === 0 && status.eventStatus === 'COMPLETE' && requested !== undefined && requested === completed)
    return { is: 'done' }
  if (failures.length === 0 && already.length > 0 && already.every(({ errorInfo }) => errorInfo !== undefined && errorInfo !== null)) {
    const named = already.reduce(
      (sum, { errorInfo }) => sum + (errorInfo?.clientUserIds?.length ?? 0) + (errorInfo?.serialNumbers?.length ?? 0),
      0,
    )
    if (requested !== undefined && completed !== undefined && completed + named === requested) return { is: 'done' }
  }
  const namedFailures = failures.reduce((sum, { holders }) => sum + (holders?.length ?? 0), 0)
  const namedAlready = already.reduce(
    (sum, { errorInfo }) => sum + (errorInfo?.clientUserIds?.length ?? 0) + (errorInfo?.serialNumbers?.length ?? 0),
    0,
  )
  const addsUp = requested !== undefined && completed !== undefined && completed + namedFailures + namedAlready === requested
  return { is: 'failed', failures, complete: failures.every(({ holders }) => holders !== null) && addsUp }
}
