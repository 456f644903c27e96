/**
 * Apple Apps and Books (Apple Business Manager, Apple School Manager), as a Store.
 * Source: docs/stores/apple-apps-and-books.md; the sections are named where they are followed.
 */
import type { Capabilities } from '../../../shared/connector.ts'
import { err, exhaustive, ok, type Result } from '../../../shared/result.ts'
import type { Secret } from '../../secret.ts'
import type {
  ConnectionDeps,
  LicenseRead,
  OwnerMark,
  SeatRead,
  SeatSink,
  SeatsRead,
  Store,
  StoreConnection,
  StoreFailure,
  WriteFailure,
  WriteLimits,
  WriteRequest,
} from '../store.ts'
import { licenseOf, standardPricing } from './asset.ts'
import { createAppleClient, type RequestFailure } from './client.ts'
import { openCredential, readContentToken } from './content-token.ts'
import { createDeviceApi, type DeviceAddresses } from './device-api.ts'
import { orderStatusOf } from './event-status.ts'
import { eventNotFound, failureOfRefusal, isOverLimit } from './failures.ts'
import { holderName, holderOf, seatsOf, targetsOf } from './holder.ts'
import type { Method } from '../http.ts'
import { createLookupTurns, createMetadata, type LookupTurns } from './metadata.ts'
import { readNotice } from './notice.ts'
import { createNoticeTarget } from './notice-target.ts'
import { createOwnership, type OwnerFailure } from './ownership.ts'
import { createPeople } from './people.ts'
import { peopleCall, type WriteCall } from './people-writes.ts'
import { createServiceConfig, type Limits } from './service-config.ts'
import { createSubscriptions, subscriptionCall } from './subscriptions.ts'
import { mostPages, mostRepeats, pagesLost, walkOnce, walkSettled, type WalkEnd, type WalkFailure } from './walk.ts'
import { parseAssetsPage, parseAssignmentsPage, parseEventId, parseEventStatus, type Asset, type Page } from './wire.ts'

/** Of the device API they may be left out: then they are Apple's own. */
export interface AppleAddresses extends Partial<DeviceAddresses> {
  /** Up to and including `/mdm/v2`. Every path is appended to it; addresses that Apple's answers tell are not followed. */
  readonly appsBooksUrl: string
  readonly metadataUrl: string
  /** The public iTunes look-up, asked for what the other one does not tell. Left out or null: never asked. */
  readonly publicLookupUrl?: string | null
}

const capabilities: Capabilities = {
  counts: 'live',
  assign: true,
  revoke: true,
  deviceLicenses: true,
  userLicenses: true,
  books: true,
  push: true,
  retired: null,
}

export const createAppleStore = (addresses: AppleAddresses): Store => {
  const turns = createLookupTurns()
  return {
    kind: 'apple-apps-books',
    store: 'apple',
    capabilities,
    readCredential: readContentToken,
    readNotice,
    connect: (deps, secret, owner) => connect(deps, addresses, turns, secret, owner),
  }
}

/** A longer list that changed under its walk is not walked again at once: on a busy Location it would never hold still. */
const mostPagesToWalkAgain = 50

const connect = (deps: ConnectionDeps, addresses: AppleAddresses, turns: LookupTurns, secret: Secret, mark: OwnerMark): StoreConnection => {
  const { clock, chance, fetch } = deps
  const { token, devices: account } = openCredential(secret)
  const client = createAppleClient({
    clock,
    chance,
    fetch,
    baseUrl: addresses.appsBooksUrl,
    bearer: token.bearer,
    onAnswer: (json) => ownership.note(json),
  })
  const config = createServiceConfig({ clock, client })
  const ownership = createOwnership({ client, config, token, mark, onOwner: deps.onOwner })
  const noticeTarget = createNoticeTarget({ client, config, ownership })
  const metadata = createMetadata({
    clock,
    fetch,
    lookupUrl: addresses.metadataUrl,
    publicLookupUrl: addresses.publicLookupUrl ?? null,
    bearer: token.bearer,
    turns,
  })

  const failureOf = (failure: OwnerFailure | WalkFailure, method: Method = 'GET'): StoreFailure => {
    switch (failure.is) {
      case 'refused':
        return failureOfRefusal(failure, method, config.messageOf)
      case 'busy':
        return { is: 'store-busy', retryAfterMs: failure.retryAfterMs }
      case 'unreachable':
      case 'outcome-unknown':
        return { is: 'store-unreachable', text: failure.text }
      case 'unreadable':
        return { is: 'store-answer-unreadable', text: failure.text }
      case 'changed-meanwhile':
        return { is: 'store-changed-meanwhile' }
      case 'foreign-owner':
        return failure
    }
    return exhaustive(failure)
  }
  const told = <T>(result: Result<T, OwnerFailure | WalkFailure>, method?: Method): Result<T, StoreFailure> =>
    result.ok ? result : err(failureOf(result.error, method))

  // ---- Lists ----

  type Query = Readonly<Record<string, string | undefined>>
  const page = (index: number): string | undefined => (index === 0 ? undefined : String(index))

  const assetsPage =
    (query: Query) =>
    async (index: number): Promise<Result<Page<Asset>, RequestFailure>> => {
      await config.refresh()
      return await client.get('/assets', { ...query, pageIndex: page(index) }, parseAssetsPage)
    }
  const seatsPage =
    (query: Query) =>
    async (index: number): Promise<Result<Page<SeatRead>, RequestFailure>> => {
      await config.refresh()
      const answer = await client.get('/assignments', { ...query, pageIndex: page(index) }, parseAssignmentsPage)
      return answer.ok ? ok({ ...answer.value, items: seatsOf(answer.value.items) }) : answer
    }

  /** Each license once. Filters of the request are not relied on: an unfiltered answer must not pass for the one that was asked for. */
  const readAssets = async (
    query: Query,
    isWanted: (read: LicenseRead) => boolean,
  ): Promise<Result<readonly LicenseRead[], StoreFailure>> =>
    told(
      await walkSettled(assetsPage(query), (asset) => {
        const read = licenseOf(asset)
        return isWanted(read) ? [`${read.productId}/${read.pricing}`, read] : undefined
      }),
    )

  const filterOf = (productId: string, pricing: string | null): Query => ({ adamId: productId, pricingParam: pricing ?? undefined })
  const isOf =
    (productId: string, pricing: string | null) =>
    (read: { readonly productId: string; readonly pricing: string | null }): boolean =>
      read.productId === productId && read.pricing === (pricing ?? standardPricing)

  const walkSeats = (since: string | undefined, sink: SeatSink): Promise<Result<WalkEnd, RequestFailure>> =>
    walkOnce(seatsPage({ sinceVersionId: since }), ({ items, totalPages }) =>
      // An absurd number of pages is no measure of progress.
      sink.page(items, totalPages !== undefined && totalPages <= mostPages ? totalPages : null),
    )

  /** What was added since `version`, into the same sink. Gives the version to go on from; undefined: there is none. What changes under this walk too is in the next increment. */
  const catchUp = async (version: string, sink: SeatSink): Promise<Result<string | undefined, RequestFailure>> => {
    const walked = await walkSeats(version, sink)
    if (!walked.ok) return walked
    if (walked.value.is === 'version-invalid') return ok(undefined)
    return ok(walked.value.is === 'end' ? (walked.value.firstVersion ?? version) : version)
  }

  /**
   * 1. An increment where there is a cursor; a full walk where there is none or Apple no longer takes it (9721).
   * 2. Pages that lead nowhere: begin again, bounded. 3. A list that changed under the walk: what was added is in the
   * increment since its first page; what a page boundary passed over is in none, so a short list is walked again and a
   * long one is given as proof of additions only.
   */
  const readSeats = async (cursor: string | null, sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>> => {
    let since = cursor ?? undefined
    let failure: WalkFailure = { is: 'changed-meanwhile' }
    for (let walks = 0; walks <= mostRepeats; walks += 1) {
      const full = since === undefined
      sink.begin(full)
      const walked = await walkSeats(since, sink)
      if (!walked.ok) return err(failureOf(walked.error))
      if (walked.value.is === 'version-invalid') {
        since = undefined
        failure = { is: 'changed-meanwhile' }
        continue
      }
      if (walked.value.is !== 'end') {
        failure = walked.value.is === 'lost' ? pagesLost : { is: 'changed-meanwhile' }
        continue
      }
      const { firstVersion, moved, pages } = walked.value
      if (!moved) return ok({ cursor: firstVersion ?? since ?? null, full })
      if (full && pages <= mostPagesToWalkAgain && walks < mostRepeats) continue
      const caughtUp = firstVersion === undefined ? ok(undefined) : await catchUp(firstVersion, sink)
      if (!caughtUp.ok) return err(failureOf(caughtUp.error))
      return ok({ cursor: caughtUp.value ?? null, full: false })
    }
    return err(failureOf(failure))
  }

  // ---- Writes ----

  /** 1. The limits that are known. 2. Who holds the Location. 3. One POST, never repeated. */
  const write = async (request: WriteRequest): Promise<Result<{ readonly reference: string }, WriteFailure>> => {
    const call = callOf(request, config.known())
    if (!call.ok) return call
    const owner = await ownership.assertOurs()
    if (!owner.ok) return err(failureOf(owner.error))
    const sent = await client.post(call.value.path, call.value.body, parseEventId)
    if (sent.ok) return ok({ reference: sent.value })
    if (sent.error.is === 'outcome-unknown') return err(sent.error)
    if (sent.error.is === 'refused' && isOverLimit(sent.error.errorNumber)) {
      config.forget()
      return err({ is: 'over-limit' })
    }
    return err(failureOf(sent.error, 'POST'))
  }

  return {
    identify: async () => told(await ownership.identify()),
    claim: async () => told(await ownership.claim(), 'POST'),
    readLicenses: () => readAssets({}, () => true),
    readLicense: async (productId, pricing) => {
      const read = await readAssets(filterOf(productId, pricing), isOf(productId, pricing))
      return read.ok ? ok(read.value[0]) : read
    },
    readSeats,
    readSeatsOf: async (productId, pricing) => {
      const isWanted = isOf(productId, pricing)
      return told(
        await walkSettled(seatsPage(filterOf(productId, pricing)), (seat) =>
          isWanted(seat) ? [holderName(seat.holder), seat] : undefined,
        ),
      )
    },
    readSeatsOfHolder: async (holder) => {
      const name = holderName(holderOf(holder.kind, holder.key) ?? holder)
      const filter = holder.kind === 'device' ? { serialNumber: holder.key } : { clientUserId: holder.key }
      return told(
        await walkSettled(seatsPage(filter), (seat) =>
          holderName(seat.holder) === name ? [`${seat.productId}/${seat.pricing}`, seat] : undefined,
        ),
      )
    },
    people: createPeople({ client, config, appsBooksUrl: addresses.appsBooksUrl, failureOf }),
    subscriptions: createSubscriptions({ client, config, ownership, failureOf }),
    devices: account === undefined ? undefined : createDeviceApi({ clock, chance, fetch, addresses, account }),
    describe: (productIds, country) => metadata.describe(productIds, country, ownership.platform()),
    limits: async () => {
      const limits = await config.read()
      return limits.ok ? ok(mostOf(limits.value)) : told(limits)
    },
    write,
    listen: async (target) => told(await noticeTarget.listen(target), 'POST'),
    orderStatus: async (reference, products) => {
      const answer = await client.get('/status', { eventId: reference }, parseEventStatus)
      if (answer.ok) return ok(orderStatusOf(answer.value, products, config.messageOf))
      if (answer.error.is === 'refused' && answer.error.errorNumber === eventNotFound) return ok({ is: 'gone' })
      return told(answer)
    },
  }
}

const mostOf = (limits: Limits): WriteLimits => ({
  mostProducts: limits.maxAssets,
  mostUsers: limits.maxClientUserIds,
  mostDevices: limits.maxSerialNumbers,
  mostUsersRevoked: limits.maxRevokeClientUserIds,
  mostDevicesRevoked: limits.maxRevokeSerialNumbers,
  mostPeople: limits.maxUsers,
  mostSubscribers: limits.maxSubscriptionClientUserIds,
})

/** Throws for a request that names nobody or nothing. */
const callOf = (request: WriteRequest, limits: Limits): Result<WriteCall, { readonly is: 'over-limit' }> => {
  switch (request.action) {
    case 'associate':
    case 'disassociate':
      return seatsCall(request, limits)
    case 'register-user':
    case 'update-user':
    case 'retire-user':
    case 'revoke':
      return peopleCall(request, limits)
    case 'assign-subscription':
    case 'remove-subscription':
      return subscriptionCall(request, limits)
  }
}

/** Every product to every holder. */
const seatsCall = (
  request: Extract<WriteRequest, { readonly action: 'associate' | 'disassociate' }>,
  { maxAssets, maxClientUserIds, maxSerialNumbers }: Limits,
): Result<WriteCall, { readonly is: 'over-limit' }> => {
  const { clientUserIds, serialNumbers } = targetsOf(request.holders)
  if (clientUserIds.length + serialNumbers.length === 0) throw new Error('apple: a write that names nobody')
  if (request.products.length === 0) throw new Error('apple: a write that names no product')
  if (request.products.length > maxAssets || clientUserIds.length > maxClientUserIds || serialNumbers.length > maxSerialNumbers)
    return err({ is: 'over-limit' })
  return ok({
    path: request.action === 'associate' ? '/assets/associate' : '/assets/disassociate',
    body: {
      // Always with its pricing: for books another one is another edition.
      assets: request.products.map(({ productId, pricing }) => ({ adamId: productId, pricingParam: pricing ?? standardPricing })),
      ...(clientUserIds.length === 0 ? {} : { clientUserIds }),
      ...(serialNumbers.length === 0 ? {} : { serialNumbers }),
    },
  })
}
