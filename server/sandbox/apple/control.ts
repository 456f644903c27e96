import { ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { finishEvents, runOutside, settleEvents, taskCount, wakeFor } from './events.ts'
import type { EventRequest } from './events.ts'
import type { Faults } from './faults.ts'
import { userBody } from './lists.ts'
import type { SentNotice } from './notices.ts'
import type { LoggedRequest, RequestLog } from './request-log.ts'
import { parseSnapshot, readSnapshot, writeSnapshot } from './snapshot.ts'
import type { AppleSnapshot, SnapshotMalformed } from './snapshot.ts'
import { UNLIMITED, activeUser, assetKey, availableOf, seatKey } from './state.ts'
import type {
  Asset,
  EventType,
  LocationState,
  MdmInfo,
  PricingParam,
  Product,
  Target,
  TokenRecord,
  UserInput,
  UserRecord,
} from './state.ts'
import type { Switches } from './switches.ts'
import { acceptInvitation } from './users.ts'
import { appleTime, randomHex } from './world.ts'
import type { AppleWorld } from './world.ts'

export interface NewLocation {
  readonly name: string
  /** Digits. Absent = made from chance. */
  readonly uId?: string
  readonly organisation?: string
  readonly country?: string
  readonly platform?: 'enterprisestore' | 'volumestore'
  readonly managedDomain?: string
  /** Milliseconds since 1970. Absent = a year from now. */
  readonly tokenExpiresAt?: number
  readonly privilege?: 'manage' | 'read-only'
}

export interface Owned {
  readonly total: number | 'unlimited'
  readonly pricingParam?: PricingParam
  readonly productType?: string
  readonly retired?: number
  readonly deviceAssignable?: boolean
  readonly revocable?: boolean
  readonly supportedPlatforms?: readonly string[]
  /** In use from the start. Users must be registered already. */
  readonly heldBy?: readonly Target[]
  /** What the shop tells of it; absent leaves the shop without an answer for this id. */
  readonly product?: Omit<Product, 'adamId'>
}

/** `total` null = unlimited. */
export interface Counts {
  readonly total: number | null
  readonly assigned: number
  readonly available: number | null
  readonly retired: number
}

export interface Refusal {
  readonly target: Target
  readonly errorNumber: number
}

export interface LocationSummary {
  readonly uId: string
  readonly name: string
  readonly country: string
  readonly platform: 'enterprisestore' | 'volumestore'
  readonly mdmInfo: MdmInfo | null
  readonly notificationUrl: string | null
  readonly tokens: readonly { readonly expiresAt: number; readonly revoked: boolean; readonly privilege: 'manage' | 'read-only' }[]
  readonly assets: number
  readonly seats: number
  readonly users: number
  readonly openEvents: number
}

export interface OwnedSummary extends Counts {
  readonly adamId: string
  readonly pricingParam: PricingParam
  readonly productType: string
  readonly name: string | null
  readonly deviceAssignable: boolean
  readonly revocable: boolean
}

export interface EventSummary {
  readonly id: string
  readonly type: EventType
  readonly acceptedAt: number
  readonly requested: number
  readonly completed: number
  readonly failed: number
  readonly held: boolean
  readonly finishedAt: number | null
}

/**
 * What happens outside the protocol: purchases, other administrators, other MDMs, trouble. Locations are named by uId, products by
 * adamId with STDQ unless said otherwise. A location or asset that does not exist is the caller's mistake and throws.
 */
export interface AppleControl {
  addLocation(input: NewLocation): { readonly uId: string; readonly tokenFile: string }
  locations(): readonly LocationSummary[]
  renameLocation(location: string, name: string): void
  /** The text of the `.vpptoken` file of the newest token. */
  tokenFileFor(location: string): string
  /** One more token, as downloaded by another administrator. Earlier ones stay as they are. */
  newToken(location: string, options?: { readonly expiresAt?: number; readonly privilege?: 'manage' | 'read-only' }): string
  /** Revokes all tokens of the location: 9625. */
  revokeToken(location: string): void
  /** All tokens of the location end now, or at the given time: 9621. */
  expireToken(location: string, at?: number): void
  setPrivilege(location: string, privilege: 'manage' | 'read-only'): void
  /** Somebody else's claim, or null for a location nobody holds. */
  setOwner(location: string, owner: MdmInfo | null): void

  addProduct(product: Product): void
  own(location: string, adamId: string, owned: Owned): void
  owned(location: string): readonly OwnedSummary[]
  /** A purchase, refund or transfer. May go below what is in use. */
  setTotal(location: string, adamId: string, total: number, pricingParam?: PricingParam): void
  setRetired(location: string, adamId: string, retired: number, pricingParam?: PricingParam): void
  counts(location: string, adamId: string, pricingParam?: PricingParam): Counts
  /** In the order in which they got it. */
  holders(location: string, adamId: string, pricingParam?: PricingParam): readonly Target[]
  assignOutside(location: string, adamId: string, targets: readonly Target[], pricingParam?: PricingParam): readonly Refusal[]
  freeOutside(location: string, adamId: string, targets: readonly Target[], pricingParam?: PricingParam): readonly Refusal[]

  /** 0, or the number with which it was refused. */
  registerUser(location: string, user: UserInput): number
  retireUser(location: string, clientUserId: string): number
  /** The person follows the invitation with this Apple Account. */
  acceptInvitation(location: string, clientUserId: string, account: string): number
  users(location: string): readonly Readonly<UserRecord>[]

  events(location: string): readonly EventSummary[]
  /** Does every open event now, held or not yet due. Gives how many. */
  finishEvents(): number
  requests(): readonly LoggedRequest[]
  clearRequests(): void
  notices(): readonly SentNotice[]
  /** From now on every `sinceVersionId` given so far is answered with 9721. */
  forgetVersions(location: string): void

  readonly faults: Faults
  switches(): Switches
  setSwitches(changes: Partial<Switches>): void
  /** `null` leaves a limit out of service/config; it is kept at its published value all the same. */
  setLimits(changes: Readonly<Record<string, number | null>>): void

  snapshot(): AppleSnapshot
  restore(given: unknown): Result<void, SnapshotMalformed>
}

const YEAR_MS = 365 * 86_400_000

export const createControl = (world: AppleWorld, log: RequestLog): AppleControl => {
  const mustGet = (uId: string): LocationState => {
    const location = world.state.locations.get(uId)
    if (location === undefined) throw new Error(`sandbox: no location ${uId}`)
    settleEvents(world)
    return location
  }

  const mustGetAsset = (location: LocationState, adamId: string, pricingParam: PricingParam): Asset => {
    const asset = location.assets.get(assetKey({ adamId, pricingParam }))
    if (asset === undefined) throw new Error(`sandbox: location ${location.uId} does not own ${adamId} ${pricingParam}`)
    return asset
  }

  const tokenText = (location: LocationState, token: TokenRecord): string =>
    Buffer.from(JSON.stringify({ token: token.secret, expDate: appleTime(token.expiresAt), orgName: location.organisation })).toString(
      'base64',
    )

  const addToken = (location: LocationState, expiresAt: number, privilege: 'manage' | 'read-only'): string => {
    const secret = Buffer.from(randomHex(world.chance, 24), 'hex').toString('base64')
    const token = { secret, expiresAt, revoked: false, privilege }
    location.tokens.push(token)
    return tokenText(location, token)
  }

  const outside = (uId: string, request: EventRequest): readonly number[] => {
    const event = runOutside(world, mustGet(uId), request)
    const outcomes = Array.from({ length: taskCount(event) }, () => 0)
    for (const { task, errorNumber } of event.failures) outcomes[task] = errorNumber
    return outcomes
  }

  const outsideSeats = (
    type: 'ASSOCIATE' | 'DISASSOCIATE',
    uId: string,
    adamId: string,
    targets: readonly Target[],
    pricingParam: PricingParam,
  ): readonly Refusal[] => {
    mustGetAsset(mustGet(uId), adamId, pricingParam)
    const outcomes = outside(uId, { type, assets: [{ adamId, pricingParam }], targets, users: [] })
    return targets.flatMap((target, at) => {
      const errorNumber = outcomes[at] ?? 0
      return errorNumber === 0 ? [] : [{ target, errorNumber }]
    })
  }

  const outsideUser = (type: 'CREATE' | 'RETIRE', uId: string, user: UserInput): number =>
    outside(uId, { type, assets: [], targets: [], users: [user] })[0] ?? 0

  const countsOf = (asset: Asset): Counts => ({
    total: asset.unlimited ? null : asset.total,
    assigned: asset.seats.size,
    available: asset.unlimited ? null : availableOf(asset),
    retired: asset.retired,
  })

  const resumeEvents = (): void => {
    world.openEvents.clear()
    for (const location of world.state.locations.values()) {
      for (const event of location.events.values()) {
        if (event.finishedAt !== null) continue
        world.openEvents.set(event.id, { location, event })
        wakeFor(world, location, event)
      }
    }
  }

  return {
    addLocation(input) {
      const uId =
        input.uId ??
        `77${String(Number.parseInt(randomHex(world.chance, 6), 16))
          .padStart(14, '0')
          .slice(-14)}`
      const platform = input.platform ?? 'enterprisestore'
      const location: LocationState = {
        uId,
        name: input.name,
        organisation: input.organisation ?? input.name,
        country: input.country ?? 'US',
        platform,
        managedDomain: input.managedDomain ?? 'example.org',
        tokens: [],
        mdmInfo: null,
        notificationUrl: null,
        notificationAuthToken: null,
        notificationTypes: [],
        versions: { assets: 1, assignments: 1, users: 1 },
        versionFloors: { assets: 0, assignments: 0, users: 0 },
        assets: new Map(),
        users: new Map(),
        events: new Map(),
        nextRecord: 0,
      }
      world.state.locations.set(uId, location)
      const tokenFile = addToken(location, input.tokenExpiresAt ?? world.clock.now() + YEAR_MS, input.privilege ?? 'manage')
      return { uId, tokenFile }
    },
    locations() {
      settleEvents(world)
      return Array.from(world.state.locations.values(), (location) => ({
        uId: location.uId,
        name: location.name,
        country: location.country,
        platform: location.platform,
        mdmInfo: location.mdmInfo,
        notificationUrl: location.notificationUrl,
        tokens: location.tokens.map(({ expiresAt, revoked, privilege }) => ({ expiresAt, revoked, privilege })),
        assets: location.assets.size,
        seats: [...location.assets.values()].reduce((sum, asset) => sum + asset.seats.size, 0),
        users: [...location.users.keys()].filter((id) => activeUser(location, id) !== undefined).length,
        openEvents: [...location.events.values()].filter(({ finishedAt }) => finishedAt === null).length,
      }))
    },
    renameLocation(uId, name) {
      mustGet(uId).name = name
    },
    tokenFileFor(uId) {
      const location = mustGet(uId)
      const token = location.tokens.at(-1)
      if (token === undefined) throw new Error(`sandbox: location ${uId} has no token`)
      return tokenText(location, token)
    },
    newToken: (uId, { expiresAt = world.clock.now() + YEAR_MS, privilege = 'manage' } = {}) => addToken(mustGet(uId), expiresAt, privilege),
    revokeToken(uId) {
      for (const token of mustGet(uId).tokens) token.revoked = true
    },
    expireToken(uId, at = world.clock.now()) {
      for (const token of mustGet(uId).tokens) token.expiresAt = at
    },
    setPrivilege(uId, privilege) {
      for (const token of mustGet(uId).tokens) token.privilege = privilege
    },
    setOwner(uId, owner) {
      mustGet(uId).mdmInfo = owner
    },

    addProduct: (product) => void world.state.catalogue.set(product.adamId, product),
    own(uId, adamId, owned) {
      const location = mustGet(uId)
      const isBook = owned.productType === 'Book' || owned.product?.kind === 'epubBook'
      const asset: Asset = {
        adamId,
        pricingParam: owned.pricingParam ?? 'STDQ',
        productType: owned.productType ?? (isBook ? 'Book' : 'App'),
        total: owned.total === 'unlimited' ? UNLIMITED : owned.total,
        retired: owned.retired ?? 0,
        deviceAssignable: owned.deviceAssignable ?? !isBook,
        revocable: owned.revocable ?? !isBook,
        supportedPlatforms: owned.supportedPlatforms ?? ['iOS'],
        unlimited: owned.total === 'unlimited',
        seats: new Map(),
      }
      world.views.moveOn(location, ['assets', 'assignments'])
      location.assets.set(assetKey(asset), asset)
      for (const target of owned.heldBy ?? []) {
        const user = target.kind === 'user' ? activeUser(location, target.clientUserId) : undefined
        if (target.kind === 'user' && user === undefined) throw new Error(`sandbox: ${target.clientUserId} is not registered at ${uId}`)
        const version = location.versions.assignments
        const seat =
          target.kind === 'device'
            ? { serialNumber: target.serialNumber, version }
            : { clientUserId: target.clientUserId, record: user?.record ?? 0, version }
        asset.seats.set(seatKey(seat), seat)
      }
      if (owned.product !== undefined) world.state.catalogue.set(adamId, { ...owned.product, adamId })
      if (!asset.unlimited) world.notices.countChanged(location, asset, asset.total)
    },
    owned(uId) {
      return Array.from(mustGet(uId).assets.values(), (asset) => ({
        adamId: asset.adamId,
        pricingParam: asset.pricingParam,
        productType: asset.productType,
        name: world.state.catalogue.get(asset.adamId)?.name ?? null,
        deviceAssignable: asset.deviceAssignable,
        revocable: asset.revocable,
        ...countsOf(asset),
      }))
    },
    setTotal(uId, adamId, total, pricingParam = 'STDQ') {
      const location = mustGet(uId)
      const asset = mustGetAsset(location, adamId, pricingParam)
      const countDelta = total - asset.total
      if (countDelta === 0) return
      world.views.moveOn(location, ['assets'])
      asset.total = total
      asset.unlimited = total === UNLIMITED
      world.notices.countChanged(location, asset, countDelta)
    },
    setRetired(uId, adamId, retired, pricingParam = 'STDQ') {
      const location = mustGet(uId)
      const asset = mustGetAsset(location, adamId, pricingParam)
      world.views.moveOn(location, ['assets'])
      asset.retired = retired
    },
    counts: (uId, adamId, pricingParam = 'STDQ') => countsOf(mustGetAsset(mustGet(uId), adamId, pricingParam)),
    holders: (uId, adamId, pricingParam = 'STDQ') =>
      Array.from(mustGetAsset(mustGet(uId), adamId, pricingParam).seats.values(), ({ serialNumber, clientUserId }): Target =>
        serialNumber === undefined ? { kind: 'user', clientUserId: clientUserId ?? '' } : { kind: 'device', serialNumber },
      ),
    assignOutside: (uId, adamId, targets, pricingParam = 'STDQ') => outsideSeats('ASSOCIATE', uId, adamId, targets, pricingParam),
    freeOutside: (uId, adamId, targets, pricingParam = 'STDQ') => outsideSeats('DISASSOCIATE', uId, adamId, targets, pricingParam),

    registerUser: (uId, user) => outsideUser('CREATE', uId, user),
    retireUser: (uId, clientUserId) => outsideUser('RETIRE', uId, { clientUserId }),
    acceptInvitation(uId, clientUserId, account) {
      const location = mustGet(uId)
      const outcome = acceptInvitation(world, location, clientUserId, account)
      const user = activeUser(location, clientUserId)
      if (outcome === 0 && user !== undefined) world.notices.usersAssociated(location, [userBody(user)])
      return outcome
    },
    users: (uId) => [...mustGet(uId).users.values()].flat(),

    events: (uId) =>
      Array.from(mustGet(uId).events.values(), (event) => ({
        id: event.id,
        type: event.type,
        acceptedAt: event.acceptedAt,
        requested: taskCount(event),
        completed: event.completed,
        failed: event.failures.length,
        held: event.held,
        finishedAt: event.finishedAt,
      })),
    finishEvents: () => finishEvents(world),
    requests: () => log.all(),
    clearRequests: () => log.clear(),
    notices: () => world.notices.sent(),
    forgetVersions(uId) {
      const location = mustGet(uId)
      world.views.moveOn(location, ['assets', 'assignments', 'users'])
      Object.assign(location.versionFloors, location.versions)
    },

    faults: world.faults,
    switches: () => world.switches,
    setSwitches(changes) {
      world.switches = { ...world.switches, ...changes }
    },
    setLimits(changes) {
      for (const [key, value] of Object.entries(changes)) {
        if (value === null) world.state.limits.delete(key)
        else world.state.limits.set(key, value)
      }
    },

    snapshot() {
      settleEvents(world)
      return writeSnapshot(world.state)
    },
    restore(given) {
      const parsed = parseSnapshot(given)
      if (!parsed.ok) return parsed
      world.state = readSnapshot(parsed.value)
      world.views.forget()
      resumeEvents()
      return ok(undefined)
    },
  }
}
