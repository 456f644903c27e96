/**
 * Managed Google Play through the Google Play EMM API, as a Store. Google sells no licenses any more, takes no new
 * registrations for this API, and turned its license calls off on 30 September 2025: what answers is told, what does not is
 * kept. Source: docs/stores/managed-google-play.md.
 */
import { randomId } from '../../../../shared/clock.ts'
import type { Capabilities } from '../../../../shared/connector.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Secret } from '../../../secret.ts'
import type {
  ConnectionDeps,
  LicenseRead,
  LocationIdentity,
  OwnerMark,
  ProductDescription,
  SeatRead,
  SeatsRead,
  SeatSink,
  Store,
  StoreConnection,
  StoreFailure,
  WriteLimits,
} from '../../store.ts'
import { createGoogleClient, type GoogleFailure } from '../client.ts'
import { openGoogleCredential, readGoogleCredential } from '../service-account.ts'
import { createGoogleSignIn, playScope } from '../sign-in.ts'
import { createAccountNames } from './account-names.ts'
import { createPlayApi } from './api.ts'
import { createPlayBinding } from './binding.ts'
import { bindingLost, failureOf, isGone, isOfSetUp, licensesRetired } from './failures.ts'
import { createHolders } from './holders.ts'
import { descriptionOf, licenseOf, licensesOf, noCatalogue, readCatalogue, readGroupLicenses, type Catalogue } from './licenses.ts'
import { noticeOf } from './notices.ts'
import { parseNotification, type Enterprise, type GroupLicense, type PlayProduct, type PlayUser } from './wire.ts'
import { createWrites } from './writes.ts'

export interface GoogleAddresses {
  /** The root of the Play EMM API; every path is appended to it. */
  readonly playUrl: string
  readonly tokenUrl: string
}

const capabilities: Capabilities = {
  counts: 'live',
  assign: true,
  revoke: true,
  deviceLicenses: false,
  userLicenses: true,
  books: false,
  push: false,
  retired: null,
}

/** One request for each target: so many are done in some seconds. */
const limits: WriteLimits = {
  mostProducts: 5,
  mostUsers: 50,
  mostDevices: 50,
  mostUsersRevoked: 10,
  mostDevicesRevoked: 10,
  mostPeople: 50,
  mostSubscribers: 0,
}

/** A list that was read a moment ago serves the next step of the same sync. */
const listKeptMs = 60_000
/** Names from the list of products are told without asking again for so long. */
const productsKeptMs = 60 * 60_000

export const createPlayStore = (addresses: GoogleAddresses): Store => ({
  kind: 'google-play-emm',
  store: 'google',
  capabilities,
  readCredential: (input, _now, held) => readGoogleCredential(input, held),
  handsOutNotices: true,
  binding: createPlayBinding(addresses),
  readNotice: (body) => {
    const read = parseNotification(body)
    return read.ok ? noticeOf(read.value) : undefined
  },
  connect: (deps, secret, owner) => connect(deps, addresses, secret, owner),
})

const connect = (deps: ConnectionDeps, addresses: GoogleAddresses, secret: Secret, mark: OwnerMark): StoreConnection => {
  const { clock } = deps
  const { key, enterpriseId } = openGoogleCredential(secret)
  const signIn = createGoogleSignIn({ ...deps, tokenUrl: addresses.tokenUrl, key, scope: playScope })
  const client = createGoogleClient({ ...deps, baseUrl: addresses.playUrl, setting: 'QM_GOOGLE_PLAY_URL', signIn })
  const api = createPlayApi(client, enterpriseId)
  let enterprise: Enterprise | undefined
  let listed: { readonly licenses: readonly GroupLicense[]; readonly at: number } | undefined
  let catalogue: Catalogue & { readonly at: number } = { ...noCatalogue, at: Number.NEGATIVE_INFINITY }

  const isFresh = (at: number, keptMs: number): boolean => Math.abs(clock.now() - at) < keptMs

  const readEnterprise = async (): Promise<Result<Enterprise, GoogleFailure>> => {
    const read = await api.enterprise()
    if (read.ok) enterprise = read.value
    return read
  }

  const list = async (): Promise<Result<readonly GroupLicense[], GoogleFailure>> => {
    if (listed !== undefined && isFresh(listed.at, listKeptMs)) return ok(listed.licenses)
    const read = await api.groupLicenses()
    if (!read.ok) return read
    listed = { licenses: read.value.groupLicense, at: clock.now() }
    return ok(listed.licenses)
  }

  const told = <T>(result: Result<T, GoogleFailure>): Result<T, StoreFailure> => (result.ok ? result : err(failureOf(result.error)))

  /** Of a license call that was refused: is it the binding, the whole of the license calls, or this one request? */
  const toldOfLicenses = async <T>(result: Result<T, GoogleFailure>): Promise<Result<T, StoreFailure>> => {
    if (result.ok || !isGone(result.error) || isOfSetUp(result.error)) return told(result)
    return err((await whyRefused()) ?? { is: 'store-changed-meanwhile' })
  }

  const whyRefused = async (): Promise<StoreFailure | undefined> => {
    const whole = await readEnterprise()
    if (!whole.ok) return isGone(whole.error) && !isOfSetUp(whole.error) ? bindingLost(whole.error, enterpriseId) : failureOf(whole.error)
    listed = undefined
    const licenses = await list()
    if (licenses.ok) return undefined
    return isGone(licenses.error) && !isOfSetUp(licenses.error) ? licensesRetired : failureOf(licenses.error)
  }

  /** Whether the licenses answer belongs to the question: without them there is nothing to do here. */
  const identify = async (): Promise<Result<LocationIdentity, StoreFailure>> => {
    listed = undefined
    const why = await whyRefused()
    if (why !== undefined) return err(why)
    if (enterprise === undefined) throw new Error('google: an enterprise that answered is not known')
    const { id, name, primaryDomain } = enterprise
    if (id !== enterpriseId)
      return err({
        is: 'store-answer-unreadable',
        text: 'Google answered for another enterprise than was asked for. Nothing of it was kept.',
      })
    const called = name?.trim() || primaryDomain || id
    return ok({
      location: { key: id, name: called, country: '', organization: called },
      expiresAt: null,
      // An enterprise is bound to one management service: whom Google answers, holds it.
      owner: { id: mark.id, name: mark.name, metadata: mark.metadata },
    })
  }

  const readWhole = async (): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
    const licenses = await list()
    if (!licenses.ok) return await toldOfLicenses(licenses)
    const read = await readGroupLicenses(api, licenses.value)
    if (!read.ok) return await toldOfLicenses(read)
    catalogue = { ...(await readCatalogue(api, catalogue)), at: clock.now() }
    return ok(licensesOf(read.value, catalogue))
  }

  // ---- Seats ----

  const seatsOf = (productId: string, users: readonly PlayUser[]): readonly SeatRead[] => {
    const byKey = new Map(users.map((user) => [user.id, { productId, pricing: null, holder: holders.holderOf(user) }]))
    return [...byKey.values()]
  }

  /** Every license's holders, some licenses at a time, in no order. A license that nobody holds is not asked for. */
  const walk = async (
    onLicense: (productId: string, users: readonly PlayUser[], total: number) => void,
  ): Promise<Result<undefined, GoogleFailure>> => {
    const licenses = await list()
    if (!licenses.ok) return licenses
    const held = licenses.value.filter(({ numProvisioned }) => numProvisioned !== 0)
    let next = 0
    let failure: GoogleFailure | undefined
    const worker = async (): Promise<void> => {
      while (failure === undefined) {
        const license = held[next]
        next += 1
        if (license === undefined) return
        const users = await api.licenseUsers(license.productId)
        if (users.ok) onLicense(license.productId, users.value.user, held.length)
        else failure ??= users.error
      }
    }
    await Promise.all(Array.from({ length: licensesAtOnce }, worker))
    return failure === undefined ? ok(undefined) : err(failure)
  }

  const holders = createHolders({
    api,
    names: createAccountNames(mark.id),
    isDomain: async () => {
      if (enterprise === undefined) {
        const read = await readEnterprise()
        if (!read.ok) return read
      }
      return ok(enterprise?.primaryDomain !== undefined)
    },
    readAll: () =>
      walk((_, users) => {
        for (const user of users) holders.holderOf(user)
      }),
  })
  const writes = createWrites({ api, holders, whyRefused })

  const readSeats = async (_cursor: string | null, sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>> => {
    sink.begin(true)
    const walked = await walk((productId, users, total) => sink.page(seatsOf(productId, users), total))
    return walked.ok ? ok({ cursor: null, full: true }) : await toldOfLicenses(walked)
  }

  // ---- Products ----

  const describe = async (productIds: readonly string[]): Promise<Result<readonly ProductDescription[], StoreFailure>> => {
    const known: ReadonlyMap<string, PlayProduct> = isFresh(catalogue.at, productsKeptMs) ? catalogue.products : new Map()
    const described = await Promise.all(
      productIds.map(async (productId): Promise<Result<ProductDescription | undefined, GoogleFailure>> => {
        const product = known.get(productId)
        if (product !== undefined) return ok(descriptionOf(product))
        const read = await api.product(productId)
        if (read.ok) return ok(descriptionOf({ ...read.value, productId }))
        // Gone from the store, while its license goes on: what was told before stays.
        return read.error.is === 'refused' && read.error.status === 404 ? ok(undefined) : read
      }),
    )
    const found: ProductDescription[] = []
    for (const one of described) {
      if (!one.ok) return told(one)
      if (one.value !== undefined) found.push(one.value)
    }
    return ok(found)
  }

  return {
    identify,
    claim: identify,
    readLicenses: readWhole,
    readLicense: async (productId) => {
      const read = await api.groupLicense(productId)
      if (read.ok) return ok(licenseOf(read.value, catalogue))
      // One that was never given has no group license: the list tells.
      if (read.error.is !== 'refused' || read.error.status !== 404) return await toldOfLicenses(read)
      listed = undefined
      const whole = await readWhole()
      return whole.ok ? ok(whole.value.find((license) => license.productId === productId)) : whole
    },
    readSeats,
    readSeatsOf: async (productId) => {
      const users = await api.licenseUsers(productId)
      if (users.ok) return ok(seatsOf(productId, users.value.user))
      if (users.error.is !== 'refused' || users.error.status !== 404) return await toldOfLicenses(users)
      const why = await whyRefused()
      return why === undefined ? ok([]) : err(why)
    },
    readSeatsOfHolder: async (holder) => {
      if (holder.kind !== 'user') return ok([])
      const id = await holders.find(holder.key)
      if (!id.ok) return await toldOfLicenses(id)
      if (id.value === undefined) return ok([])
      const held = await api.entitlements(id.value)
      if (held.ok) return ok(held.value.entitlement.map(({ productId }) => ({ productId, pricing: null, holder })))
      if (held.error.is !== 'refused' || held.error.status !== 404) return await toldOfLicenses(held)
      const why = await whyRefused()
      return why === undefined ? ok([]) : err(why)
    },
    notices: {
      pull: async () => {
        const set = await api.pull()
        if (!set.ok) return told(set)
        const { notificationSetId, notification } = set.value
        return ok({
          notices:
            notificationSetId === undefined ? [] : notification.map((each) => ({ notice: noticeOf(each), body: JSON.stringify(each) })),
          acknowledge: async () => (notificationSetId === undefined ? ok(undefined) : told(await api.acknowledge(notificationSetId))),
        })
      },
    },
    people: undefined,
    subscriptions: undefined,
    devices: undefined,
    describe,
    limits: () => Promise.resolve(ok(limits)),
    write: async (request) => {
      const written = await writes.write(request)
      // What was listed before is old now.
      listed = undefined
      return written.ok ? ok({ reference: `play-${randomId(deps.chance)}`, settled: written.value }) : written
    },
    // Every write is done when it is answered: of one that was not, only the seats tell.
    orderStatus: () => Promise.resolve(ok({ is: 'gone' })),
    listen: () => Promise.resolve(ok('silent')),
  }
}

const licensesAtOnce = 10
