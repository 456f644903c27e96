import * as v from 'valibot'
import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { assetKey, seatKey } from './state.ts'
import type { AppleEvent, AppleState, Asset, LocationState, Product, Seat, UserRecord } from './state.ts'

const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const pricingParam = v.picklist(['STDQ', 'PLUS'])
const texts = v.array(v.string())
const ref = v.object({ adamId: v.string(), pricingParam })
const target = v.variant('kind', [
  v.object({ kind: v.literal('device'), serialNumber: v.string() }),
  v.object({ kind: v.literal('user'), clientUserId: v.string() }),
])
const versions = v.object({ assets: count, assignments: count, users: count })
const userInput = v.object({ clientUserId: v.string(), email: v.exactOptional(v.string()), managedAppleId: v.exactOptional(v.string()) })

/** A seat is `[serial, version]` or `[clientUserId, version, record]`: a million of them have to fit. */
const seat = v.union([v.tuple([v.string(), count]), v.tuple([v.string(), count, count])])

const asset = v.object({
  adamId: v.string(),
  pricingParam,
  productType: v.string(),
  total: count,
  retired: count,
  deviceAssignable: v.boolean(),
  revocable: v.boolean(),
  supportedPlatforms: texts,
  unlimited: v.boolean(),
  seats: v.array(seat),
})

const user = v.object({
  record: count,
  clientUserId: v.string(),
  status: v.picklist(['Registered', 'Associated', 'Retired', 'Deleted']),
  version: count,
  email: v.exactOptional(v.string()),
  inviteCode: v.exactOptional(v.string()),
  idHash: v.exactOptional(v.string()),
  managedAppleId: v.exactOptional(v.string()),
})

const event = v.object({
  id: v.string(),
  type: v.picklist(['ASSOCIATE', 'DISASSOCIATE', 'REVOKE', 'CREATE', 'UPDATE', 'RETIRE']),
  acceptedAt: v.number(),
  latencyMs: count,
  taskMs: count,
  assets: v.array(ref),
  targets: v.array(target),
  users: v.array(userInput),
  subscription: v.exactOptional(v.object({ adamIds: v.array(count), renewing: v.boolean(), deferred: v.boolean() })),
  pairs: v.array(v.object({ asset: ref, target })),
  held: v.boolean(),
  next: count,
  completed: count,
  failures: v.array(v.object({ task: count, errorNumber: count })),
  done: v.array(count),
  finishedAt: v.nullable(v.number()),
  tampering: v.object({
    failEvery: v.exactOptional(v.object({ every: count, errorNumber: count })),
    failTargets: v.exactOptional(v.object({ keys: texts, errorNumber: count })),
    fallShortBy: v.exactOptional(count),
    bareFailures: v.exactOptional(v.boolean()),
    saysComplete: v.exactOptional(v.boolean()),
    withoutEffect: v.exactOptional(v.boolean()),
    servesAnother: v.exactOptional(v.boolean()),
    neverEnds: v.exactOptional(v.boolean()),
  }),
})

const renewals = v.object({ renewing: count, expiring: count })
const subscription = v.object({
  adamId: count,
  parentAdamId: count,
  name: v.nullable(v.string()),
  status: v.picklist(['ACTIVE', 'INACTIVE', 'PAUSED']),
  periodEndsOn: v.nullable(v.string()),
  total: renewals,
  seats: v.array(v.object({ clientUserId: v.string(), renewing: v.boolean(), leaving: v.boolean() })),
  admins: texts,
  heldByGroup: texts,
})
// Of an earlier release: none.
const subscriptions = v.optional(v.object({ enabled: v.boolean(), version: count, owned: v.array(subscription) }), {
  enabled: false,
  version: 0,
  owned: [],
})

const location = v.object({
  uId: v.string(),
  name: v.string(),
  organisation: v.string(),
  country: v.string(),
  platform: v.picklist(['enterprisestore', 'volumestore']),
  managedDomain: v.string(),
  tokens: v.array(
    v.object({ secret: v.string(), expiresAt: v.number(), revoked: v.boolean(), privilege: v.picklist(['manage', 'read-only']) }),
  ),
  mdmInfo: v.nullable(v.object({ id: v.string(), name: v.string(), metadata: v.string() })),
  notificationUrl: v.nullable(v.string()),
  notificationAuthToken: v.nullable(v.string()),
  notificationTypes: texts,
  versions,
  versionFloors: versions,
  assets: v.array(asset),
  users: v.array(user),
  events: v.array(event),
  subscriptions,
  nextRecord: count,
})

const product = v.object({
  adamId: v.string(),
  name: v.string(),
  publisher: v.string(),
  kind: v.picklist(['iosSoftware', 'desktopApp', 'epubBook']),
  genres: texts,
  price: v.number(),
  bundleId: v.exactOptional(v.string()),
  deviceFamilies: v.exactOptional(texts),
  storefronts: v.exactOptional(texts),
  customFor: v.exactOptional(texts),
})

const organisation = v.object({
  name: v.string(),
  program: v.picklist(['business', 'school']),
  accounts: v.array(
    v.object({
      clientId: v.string(),
      keyId: v.string(),
      privateKey: v.string(),
      role: v.picklist(['may-read', 'no-rights']),
      revoked: v.boolean(),
    }),
  ),
  servers: v.array(v.object({ id: v.string(), name: v.string(), createdAt: v.number() })),
  devices: v.array(
    v.object({
      serialNumber: v.string(),
      productFamily: v.string(),
      productType: v.string(),
      deviceModel: v.string(),
      addedAt: v.number(),
      updatedAt: v.number(),
      releasedAt: v.nullable(v.number()),
      server: v.nullable(v.string()),
    }),
  ),
})

const snapshot = v.object({
  is: v.literal('apple-sandbox'),
  format: v.literal(1),
  limits: v.record(v.string(), count),
  catalogue: v.array(product),
  locations: v.array(location),
  // A snapshot of an earlier release has none.
  organisations: v.optional(v.array(organisation), []),
})

/** The whole state as JSON, the sandbox's own token secrets among it. Faults, lags and the request log are not part of it. */
export type AppleSnapshot = v.InferOutput<typeof snapshot>

export interface SnapshotMalformed {
  readonly is: 'snapshot-malformed'
  readonly where: string
}

export const parseSnapshot = (given: unknown): Result<AppleSnapshot, SnapshotMalformed> => {
  const parsed = v.safeParse(snapshot, given)
  if (parsed.success) return ok(parsed.output)
  const [issue] = parsed.issues
  return err({ is: 'snapshot-malformed', where: `${v.getDotPath(issue) ?? 'the whole'}: ${issue.message}` })
}

const seatOf = (row: v.InferOutput<typeof seat>): Seat =>
  row.length === 2 ? { serialNumber: row[0], version: row[1] } : { clientUserId: row[0], version: row[1], record: row[2] }

const rowOf = (held: Seat): v.InferOutput<typeof seat> =>
  held.serialNumber === undefined ? [held.clientUserId ?? '', held.version, held.record ?? 0] : [held.serialNumber, held.version]

export const writeSnapshot = (state: AppleState): AppleSnapshot => ({
  is: 'apple-sandbox',
  format: 1,
  limits: Object.fromEntries(state.limits),
  organisations: Array.from(state.organisations.values(), ({ accounts, servers, devices, ...head }) => ({
    ...head,
    accounts: Array.from(accounts.values(), (account) => ({ ...account })),
    servers: [...servers.values()],
    devices: Array.from(devices.values(), (device) => ({ ...device })),
  })),
  catalogue: Array.from(state.catalogue.values(), (known) => ({
    ...known,
    genres: [...known.genres],
    ...(known.deviceFamilies === undefined ? {} : { deviceFamilies: [...known.deviceFamilies] }),
    ...(known.storefronts === undefined ? {} : { storefronts: [...known.storefronts] }),
    ...(known.customFor === undefined ? {} : { customFor: [...known.customFor] }),
  })) as AppleSnapshot['catalogue'],
  locations: Array.from(state.locations.values(), (place) => ({
    ...place,
    tokens: place.tokens.map((token) => ({ ...token })),
    notificationTypes: [...place.notificationTypes],
    versions: { ...place.versions },
    versionFloors: { ...place.versionFloors },
    assets: Array.from(place.assets.values(), (owned) => ({
      ...owned,
      supportedPlatforms: [...owned.supportedPlatforms],
      seats: Array.from(owned.seats.values(), rowOf),
    })),
    users: [...place.users.values()].flat().map((known) => ({ ...known })),
    events: Array.from(place.events.values(), (known) => structuredClone(known)),
    subscriptions: {
      ...place.subscriptions,
      owned: Array.from(place.subscriptions.owned.values(), (owned) => ({
        ...owned,
        total: { ...owned.total },
        seats: Array.from(owned.seats.values(), (held) => ({ ...held })),
        admins: [...owned.admins],
        heldByGroup: [...owned.heldByGroup],
      })),
    },
  })) as AppleSnapshot['locations'],
})

export const readSnapshot = (given: AppleSnapshot): AppleState => ({
  limits: new Map(Object.entries(given.limits)),
  organisations: new Map(
    given.organisations.map(({ accounts, servers, devices, ...head }) => [
      head.name,
      {
        ...head,
        accounts: new Map(accounts.map((account) => [account.clientId, { ...account }])),
        servers: new Map(servers.map((server) => [server.id, server])),
        devices: new Map(devices.map((device) => [device.serialNumber, { ...device }])),
      },
    ]),
  ),
  catalogue: new Map(given.catalogue.map((known): [string, Product] => [known.adamId, known])),
  locations: new Map(given.locations.map((place): [string, LocationState] => [place.uId, readLocation(place)])),
})

const readLocation = (place: AppleSnapshot['locations'][number]): LocationState => {
  const assets = new Map<string, Asset>()
  for (const owned of place.assets) {
    const seats = new Map(owned.seats.map(seatOf).map((held): [string, Seat] => [seatKey(held), held]))
    assets.set(assetKey(owned), { ...owned, seats })
  }
  const users = new Map<string, UserRecord[]>()
  for (const known of place.users) users.set(known.clientUserId, [...(users.get(known.clientUserId) ?? []), { ...known }])
  const events = new Map(place.events.map((known): [string, AppleEvent] => [known.id, structuredClone(known)]))
  return {
    ...place,
    tokens: place.tokens.map((token) => ({ ...token })),
    versions: { ...place.versions },
    versionFloors: { ...place.versionFloors },
    assets,
    users,
    events,
    subscriptions: {
      ...place.subscriptions,
      owned: new Map(
        place.subscriptions.owned.map((owned) => [
          owned.adamId,
          { ...owned, seats: new Map(owned.seats.map((held) => [held.clientUserId, { ...held }])) },
        ]),
      ),
    },
  }
}
