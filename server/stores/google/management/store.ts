/**
 * Managed Google Play through the Android Management API, as a Store. Google keeps no licenses here: apps are given to
 * devices through their policies, without a limit, and which apps the organisation gives is kept by us.
 * Source: docs/stores/android-management.md.
 */
import { randomId, type Clock } from '../../../../shared/clock.ts'
import type { Capabilities } from '../../../../shared/connector.ts'
import { normalSerialNumber } from '../../../../shared/principal.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Secret } from '../../../secret.ts'
import type {
  ConnectionDeps,
  LicenseRead,
  LocationIdentity,
  OwnerMark,
  ProductDescription,
  SeatRead,
  Store,
  StoreConnection,
  StoreFailure,
  WriteLimits,
} from '../../store.ts'
import { createGoogleClient, type GoogleFailure } from '../client.ts'
import { openGoogleCredential, readGoogleCredential } from '../service-account.ts'
import { createGoogleSignIn, managementScope } from '../sign-in.ts'
import { createManagementApi } from './api.ts'
import { createProjectBudget, type ProjectBudget } from './budget.ts'
import { enterpriseLost, failureOf, isRefused, setUpFailure } from './failures.ts'
import { deviceRead, holderOf, policyOf, readFleet, seatsOf, type Fleet, type FleetDevice } from './fleet.ts'
import { descriptionOf, licenseOf, tally, type Known } from './licenses.ts'
import { lastOf } from './wire.ts'
import { createWrites } from './writes.ts'

export interface ManagementAddresses {
  /** The root of the Android Management API; every path is appended to it. */
  readonly managementUrl: string
  readonly tokenUrl: string
}

const capabilities: Capabilities = {
  counts: 'kept',
  assign: true,
  revoke: true,
  deviceLicenses: true,
  userLicenses: false,
  books: false,
  push: false,
  retired: null,
}

/** Some five requests for each device, at nine in a second. */
const limits: WriteLimits = {
  mostProducts: 25,
  mostUsers: 25,
  mostDevices: 25,
  mostUsersRevoked: 25,
  mostDevicesRevoked: 10,
  mostPeople: 0,
  mostSubscribers: 0,
}

/** A reading of a moment ago serves the next step of the same sync. */
const fleetKeptMs = 60_000
/** Names and kinds change seldom, and each costs a request of the project's quota. */
const applicationKeptMs = 23 * 60 * 60_000
const pagesOfSeats = 500

/** The project is in the account's name; an account of another form has a quota to itself. */
const projectOf = (clientEmail: string): string => /@([^.]+)\.iam\.gserviceaccount\.com$/i.exec(clientEmail)?.[1] ?? clientEmail

export const createManagementStore = (addresses: ManagementAddresses): Store => {
  const budgets = new Map<string, ProjectBudget>()
  const budgetOf = (clientEmail: string, clock: Clock): ProjectBudget => {
    const project = projectOf(clientEmail)
    const budget = budgets.get(project) ?? createProjectBudget(clock)
    budgets.set(project, budget)
    return budget
  }
  return {
    kind: 'google-android-management',
    store: 'google',
    capabilities,
    readCredential: (input, _now, held) => {
      const read = readGoogleCredential(input, held)
      // The same key reads the list of devices.
      return read.ok ? ok({ ...read.value, given: { ...read.value.given, devices: true }, hasDevices: true }) : read
    },
    // Its notices go to a Pub/Sub topic of the project, which is not read.
    readNotice: () => undefined,
    connect: (deps, secret, mark) =>
      connect(deps, addresses, secret, mark, budgetOf(openGoogleCredential(secret).key.clientEmail, deps.clock)),
  }
}

const connect = (
  deps: ConnectionDeps,
  addresses: ManagementAddresses,
  secret: Secret,
  mark: OwnerMark,
  budget: ProjectBudget,
): StoreConnection => {
  const { clock } = deps
  const { key, enterpriseId } = openGoogleCredential(secret)
  const signIn = createGoogleSignIn({ ...deps, tokenUrl: addresses.tokenUrl, key, scope: managementScope })
  const client = createGoogleClient({
    ...deps,
    baseUrl: addresses.managementUrl,
    setting: 'QM_GOOGLE_MANAGEMENT_URL',
    signIn,
    turnOfProject: budget.share(),
  })
  const api = createManagementApi(client, enterpriseId)
  let kept: { readonly fleet: Fleet; readonly at: number } | undefined
  const known = new Map<string, { readonly what: Known; readonly at: number }>()

  const isFresh = (at: number, keptMs: number): boolean => Math.abs(clock.now() - at) < keptMs

  const whyRefused = async (): Promise<StoreFailure | undefined> => {
    const enterprise = await api.enterprise()
    if (enterprise.ok) return undefined
    const { error } = enterprise
    return isRefused(error, 403, 404, 410) ? (setUpFailure(error) ?? enterpriseLost(error, enterpriseId)) : failureOf(error)
  }

  /** Of a call that was refused: is it the enterprise, or this one request? */
  const told = async <T>(result: Result<T, GoogleFailure>): Promise<Result<T, StoreFailure>> => {
    if (result.ok) return result
    if (!isRefused(result.error, 403, 404, 410)) return err(failureOf(result.error))
    return err((await whyRefused()) ?? failureOf(result.error))
  }

  const identify = async (): Promise<Result<LocationIdentity, StoreFailure>> => {
    const enterprise = await api.enterprise()
    if (!enterprise.ok) return await told(enterprise)
    const id = enterprise.value.name.slice('enterprises/'.length)
    if (id !== enterpriseId)
      return err({
        is: 'store-answer-unreadable',
        text: 'Google answered for another enterprise than was asked for. Nothing of it was kept.',
      })
    const name = enterprise.value.enterpriseDisplayName?.trim() || id
    return ok({
      location: { key: id, name, country: '', organization: name },
      expiresAt: null,
      // An enterprise belongs to one project: whom Google answers, manages it.
      owner: { id: mark.id, name: mark.name, metadata: mark.metadata },
    })
  }

  const readAnew = async (): Promise<Result<Fleet, GoogleFailure>> => {
    const read = await readFleet(api)
    if (read.ok) kept = { fleet: read.value, at: clock.now() }
    return read
  }
  const fleetNow = async (): Promise<Result<Fleet, GoogleFailure>> =>
    kept !== undefined && isFresh(kept.at, fleetKeptMs) ? ok(kept.fleet) : await readAnew()

  const deviceOf = async (holderKey: string): Promise<Result<FleetDevice | undefined, GoogleFailure>> => {
    const wanted = normalSerialNumber(holderKey)
    const device = kept?.fleet.byKey.get(wanted)
    if (device !== undefined) return ok(device)
    const read = await readAnew()
    return read.ok ? ok(read.value.byKey.get(wanted)) : read
  }

  const knownOf = async (packageName: string, urgent = false): Promise<Result<Known, GoogleFailure>> => {
    const before = known.get(packageName)
    if (before !== undefined && isFresh(before.at, applicationKeptMs) && before.what.is === 'app') return ok(before.what)
    const read = await api.application(packageName, urgent)
    if (!read.ok && !isRefused(read.error, 404)) return read
    const what: Known = read.ok ? { is: 'app', application: read.value } : { is: 'absent' }
    known.set(packageName, { what, at: clock.now() })
    return ok(what)
  }

  /** What an administrator has added, and the organisation's web apps; every other app is named by a policy. */
  const approved = async (): Promise<Result<readonly string[], GoogleFailure>> => {
    const webApps = await api.webApps()
    if (!webApps.ok) return webApps
    for (const { name, title } of webApps.value)
      known.set(lastOf(name), {
        at: clock.now(),
        what: {
          is: 'app',
          application: {
            name,
            title,
            author: undefined,
            iconUrl: undefined,
            appPricing: 'FREE',
            distributionChannel: undefined,
            appVersions: [],
          },
        },
      })
    return ok([...((await deps.settings?.())?.packages ?? []), ...webApps.value.map(({ name }) => lastOf(name))])
  }

  const readLicenses = async (): Promise<Result<readonly LicenseRead[], StoreFailure>> => {
    const fleet = await readAnew()
    if (!fleet.ok) return await told(fleet)
    const list = await approved()
    if (!list.ok) return await told(list)
    const licenses: LicenseRead[] = []
    for (const [packageName, standing] of tally(fleet.value, list.value)) {
      const what = await knownOf(packageName)
      if (!what.ok) return await told(what)
      licenses.push(licenseOf(packageName, standing, what.value))
    }
    return ok(licenses)
  }

  const writes = createWrites({
    api,
    deviceOf,
    defaultPolicy: async () => (await deps.settings?.())?.defaultPolicy || undefined,
    isApp: async (packageName) => {
      const what = await knownOf(packageName, true)
      return what.ok ? ok(what.value.is === 'app') : what
    },
    whyRefused,
  })

  return {
    identify,
    claim: identify,
    readLicenses,
    readLicense: async (productId) => {
      const fleet = await fleetNow()
      if (!fleet.ok) return await told(fleet)
      const standing = tally(fleet.value, [productId]).get(productId)
      return ok(standing === undefined ? undefined : licenseOf(productId, standing, known.get(productId)?.what))
    },
    readSeats: async (_cursor, sink) => {
      sink.begin(true)
      const fleet = await fleetNow()
      if (!fleet.ok) return await told(fleet)
      const { devices } = fleet.value
      const pages = Math.ceil(devices.length / pagesOfSeats)
      for (let page = 0; page < pages; page += 1)
        sink.page(
          devices
            .slice(page * pagesOfSeats, (page + 1) * pagesOfSeats)
            .flatMap((device) => seatsOf(policyOf(fleet.value, device), holderOf(device))),
          pages,
        )
      return ok({ cursor: null, full: true })
    },
    readSeatsOf: async (productId) => {
      const fleet = await fleetNow()
      if (!fleet.ok) return await told(fleet)
      return ok(
        fleet.value.devices.flatMap((device) =>
          seatsOf(policyOf(fleet.value, device), holderOf(device)).filter((seat) => seat.productId === productId),
        ),
      )
    },
    readSeatsOfHolder: async (holder): Promise<Result<readonly SeatRead[], StoreFailure>> => {
      if (holder.kind !== 'device') return ok([])
      const device = await deviceOf(holder.key)
      if (!device.ok) return await told(device)
      if (device.value === undefined) return ok([])
      const now = await api.device(device.value.id)
      if (!now.ok) return isRefused(now.error, 404) && (await whyRefused()) === undefined ? ok([]) : await told(now)
      if (now.value.state === 'DELETED' || now.value.policyName === undefined || now.value.policyName === '') return ok([])
      const policy = await api.policy(lastOf(now.value.policyName))
      if (policy.ok) return ok(seatsOf(policy.value, holderOf(device.value)))
      return isRefused(policy.error, 404) && (await whyRefused()) === undefined ? ok([]) : await told(policy)
    },
    people: undefined,
    subscriptions: undefined,
    devices: {
      check: async () => {
        const fleet = await fleetNow()
        return fleet.ok ? ok(undefined) : await told(fleet)
      },
      read: async (onPage) => {
        const fleet = await fleetNow()
        if (!fleet.ok) return await told(fleet)
        onPage(fleet.value.devices.map(deviceRead))
        return ok(undefined)
      },
      find: async (serialNumber) => {
        const fleet = await fleetNow()
        if (!fleet.ok) return await told(fleet)
        const device = fleet.value.byKey.get(normalSerialNumber(serialNumber))
        return ok(device === undefined ? undefined : deviceRead(device))
      },
    },
    describe: async (productIds) => {
      const found: ProductDescription[] = []
      for (const productId of productIds) {
        const what = await knownOf(productId)
        if (!what.ok) return await told(what)
        if (what.value.is === 'app') found.push(descriptionOf(productId, what.value.application))
      }
      return ok(found)
    },
    limits: () => Promise.resolve(ok(limits)),
    write: async (request) => {
      const written = await writes.write(request)
      // What was read before is old now.
      kept = undefined
      return written.ok ? ok({ reference: `devices-${randomId(deps.chance)}`, settled: written.value }) : written
    },
    // Every write is done when it is answered: of one that was not, only the policies tell.
    orderStatus: () => Promise.resolve(ok({ is: 'gone' })),
    listen: () => Promise.resolve(ok('silent')),
  }
}
