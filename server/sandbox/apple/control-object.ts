import { ok } from '../../../shared/result.ts'
import type { AppleControl, Counts, Refusal } from './control.ts'
import { createDeviceControl } from './device-control.ts'
import { finishEvents, runOutside, settleEvents, wakeFor } from './events.ts'
import { taskCount } from './tasks.ts'
import type { EventRequest } from './events.ts'
import { userBody } from './lists.ts'
import type { RequestLog } from './request-log.ts'
import { parseSnapshot, readSnapshot, writeSnapshot } from './snapshot.ts'
import { UNLIMITED, activeUser, assetKey, availableOf, seatKey } from './state.ts'
import type { Asset, LocationState, PricingParam, Target, TokenRecord, UserInput } from './state.ts'
import { createSubscriptionControl } from './subscription-control.ts'
import { acceptInvitation } from './users.ts'
import { appleTime, randomHex } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

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
    ...createDeviceControl(world),
    ...createSubscriptionControl(world, mustGet),
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
        subscriptions: { enabled: false, version: 0, owned: new Map() },
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
    setFlags(uId, adamId, flags, pricingParam = 'STDQ') {
      const location = mustGet(uId)
      const asset = mustGetAsset(location, adamId, pricingParam)
      world.views.moveOn(location, ['assets'])
      asset.deviceAssignable = flags.deviceAssignable ?? asset.deviceAssignable
      asset.revocable = flags.revocable ?? asset.revocable
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
      if (outcome === 0 && user !== undefined) world.notices.usersAssociated(location, [userBody(world, user)])
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
      world.accessTokens.clear()
      resumeEvents()
      return ok(undefined)
    },
  }
}
