import type { NewLocation, Owned } from './apple/control.ts'
import type { MdmInfo, PricingParam, Product, Target, UserInput } from './apple/state.ts'
import type { NewSubscription } from './apple/subscription-control.ts'
import { sampleDeviceList } from './sample-device-list.ts'
import type { SampleDeviceList } from './sample-device-list.ts'
import { outsideSerial, sampleDevices, sampleGroups, samplePeople } from './sample-people.ts'
import type { SampleDevice, SampleGroup, SampleMembership, SampleUser } from './sample-people.ts'
import {
  CAMPUS_APPS,
  CAMPUS_SHARED,
  CLINIC_APPS,
  CLINIC_BOOKS,
  CUSTOM,
  RETIRED,
  SCHOOL_APPS,
  SCHOOL_BOOKS,
  USER_ONLY,
  WISHES,
} from './sample-products.ts'
import type { AppRow, BookRow, Platforms } from './sample-products.ts'

export interface SampleLocation extends NewLocation {
  readonly uId: string
  readonly tokenExpiresAt: number
  /** Users Apple knows from before. */
  readonly registered: readonly UserInput[]
  readonly owned: readonly (Owned & { readonly adamId: string })[]
  readonly owner: MdmInfo | null
  readonly subscriptions: readonly (NewSubscription & { readonly adamId: number })[]
}

/** A wish an administrator of Eastmere has. `location` is the uId. */
export interface SuggestedAssignment {
  readonly location: string
  readonly adamId: string
  readonly pricingParam: PricingParam
  readonly target: { readonly kind: 'group'; readonly name: string }
  readonly mode: 'include' | 'exclude'
  readonly intent: 'required' | 'available'
  readonly licenseType: 'device' | 'user'
}

export interface SampleOrganisation {
  readonly name: string
  readonly users: readonly SampleUser[]
  readonly devices: readonly SampleDevice[]
  readonly groups: readonly SampleGroup[]
  readonly memberships: readonly SampleMembership[]
  /** The same as CSV, with the heads of the directory import. */
  readonly csv: { readonly users: string; readonly devices: string; readonly groups: string; readonly memberships: string }
  readonly locations: readonly SampleLocation[]
  /** What the device API tells; organisations without one have no device API account. */
  readonly deviceLists: readonly SampleDeviceList[]
  readonly assignments: readonly SuggestedAssignment[]
  /** Notability at the schools: 30 of 31 seats are in use, and no assignment asks for the last. */
  readonly lastSeat: { readonly location: string; readonly adamId: string; readonly pricingParam: PricingParam }
}

export const SCHOOLS_UID = '7700000000000123'
export const CLINIC_UID = '7700000000000456'
export const CAMPUS_UID = '7700000000000789'

const UID = { schools: SCHOOLS_UID, clinic: CLINIC_UID, campus: CAMPUS_UID } as const
type Place = keyof typeof UID

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

const PLATFORMS: Readonly<Record<Platforms, readonly string[]>> = {
  i: ['iOS'],
  im: ['iOS', 'macOS'],
  m: ['macOS'],
  it: ['iOS', 'tvOS'],
  iv: ['iOS', 'visionOS'],
}

const FAMILIES: Readonly<Record<Platforms, readonly string[]>> = {
  i: ['iphone', 'ipad'],
  im: ['iphone', 'ipad', 'mac'],
  m: ['mac'],
  it: ['iphone', 'ipad', 'tvos'],
  iv: ['iphone', 'ipad', 'vision'],
}

const SITES: Readonly<Record<Place, readonly string[]>> = { schools: ['NS', 'WF', 'HL', 'LB'], clinic: ['CL'], campus: ['LB', 'NS'] }

const csvOf = <Row extends object>(head: readonly (keyof Row & string)[], rows: readonly Row[]): string => {
  const cell = (value: unknown): string => {
    const text = String(value)
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return `${head.join(',')}\n${rows.map((row) => `${head.map((name) => cell(row[name])).join(',')}\n`).join('')}`
}

/** Ids by name, in the order of the lists: the same product has one id wherever it is owned. */
const idsByName = (): ReadonlyMap<string, string> => {
  const ids = new Map<string, string>()
  const names = [SCHOOL_APPS, SCHOOL_BOOKS, CLINIC_APPS, CLINIC_BOOKS, CAMPUS_APPS].flatMap((rows) => rows.map((row) => row[0]))
  for (const name of names) if (!ids.has(name)) ids.set(name, String(6_440_000_000 + ids.size * 7_919))
  return ids
}

const slug = (name: string): string =>
  name
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '')

const mustFind = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`sample organisation: ${what} is missing from its own lists`)
  return value
}

/**
 * Eastmere: schools, a clinic and a campus abroad, about 600 people and 900 devices.
 *
 * The same for the same `now`, on which only the tokens' ends depend: the schools' in five days, the others' far off.
 */
export const sampleOrganisation = (now: number): SampleOrganisation => {
  const people = samplePeople()
  const fleet = sampleDevices(people.users)
  const memberships = [...people.memberships, ...fleet.memberships]
  const groups = sampleGroups(memberships, people.users)
  const groupKinds = new Map(groups.map(({ name, kind }) => [name, kind]))
  const ids = idsByName()
  const idOf = (name: string): string => mustFind(ids.get(name), name)

  const members = new Map<string, string[]>()
  for (const { group, member } of memberships) members.set(group, [...(members.get(group) ?? []), member])
  const membersOf = (group: string): readonly string[] => mustFind(members.get(group), group)

  // Apple knows most of the pupils' and teachers' accounts, the last few of each group not yet.
  const unregistered = new Set([
    ...membersOf('Grade 8 students').slice(-5),
    ...membersOf('Teachers').slice(-14),
    ...membersOf('Therapists').slice(-6),
  ])
  const registeredAt = (place: Place): readonly UserInput[] => {
    if (place === 'campus') return []
    return people.users
      .filter(({ userName, department, active }) => {
        if (!active || unregistered.has(userName)) return false
        if (place === 'clinic') return department === 'Clinic, therapists'
        return !department.startsWith('Clinic') && department !== 'Hillcrest School, Grade 11' && department !== 'IT'
      })
      .map(({ userName, email, managedAppleAccount }) => ({
        clientUserId: userName,
        email,
        ...(managedAppleAccount === '' ? {} : { managedAppleId: managedAppleAccount }),
      }))
  }
  const registered: Readonly<Record<Place, readonly UserInput[]>> = {
    schools: registeredAt('schools'),
    clinic: registeredAt('clinic'),
    campus: registeredAt('campus'),
  }

  const isRegistered = (place: Place, userName: string): boolean => registered[place].some(({ clientUserId }) => clientUserId === userName)
  const targetOf = (kind: 'user' | 'device', key: string): Target =>
    kind === 'user' ? { kind, clientUserId: key } : { kind, serialNumber: key }

  /** The seats that were there before Quartermaster came, the wished ones first. */
  const heldBy = (place: Place, name: string, platforms: Platforms, found: number, outside: number): readonly Target[] => {
    const targets = new Map<string, Target>()
    const asked = new Set<string>()
    for (const [at, product, group, held, mode] of WISHES) {
      if (at !== place || product !== name) continue
      const kind = groupKinds.get(group) ?? 'device'
      for (const member of membersOf(group)) asked.add(member)
      if (mode === 'exclude') continue
      const able = membersOf(group).filter((member) => kind === 'device' || isRegistered(place, member))
      for (const member of able.slice(0, held)) targets.set(member, targetOf(kind, member))
    }
    const wanted = platforms === 'm' ? 'macOS' : 'iPadOS'
    const pool = fleet.devices.filter(
      (device) => device.platform === wanted && SITES[place].includes(device.name.slice(0, 2)) && !asked.has(device.serialNumber),
    )
    const start = Number(idOf(name)) % Math.max(1, pool.length)
    for (let k = 0; k < Math.min(found, pool.length); k += 1) {
      const device = pool[(start + k * 7) % pool.length]
      if (device !== undefined) targets.set(device.serialNumber, targetOf('device', device.serialNumber))
    }
    for (let k = 0; k < outside; k += 1) {
      const serial = outsideSerial((Number(idOf(name)) + k) % 4_000)
      targets.set(serial, targetOf('device', serial))
    }
    return [...targets.values()]
  }

  const customFor = (name: string, place: Place) => (CUSTOM.includes(name) ? { customFor: [UID[place]] } : {})

  const app = (place: Place, row: AppRow): Owned & { readonly adamId: string } => {
    const [name, publisher, platforms, genre, price, total, found, outside] = row
    const product: Omit<Product, 'adamId'> = {
      name,
      publisher,
      kind: platforms === 'm' ? 'desktopApp' : 'iosSoftware',
      bundleId: `example.${slug(publisher)}.${slug(name)}`,
      deviceFamilies: FAMILIES[platforms],
      genres: [genre],
      price,
      ...customFor(name, place),
    }
    return {
      adamId: idOf(name),
      total,
      productType: 'App',
      pricingParam: 'STDQ',
      retired: place === 'campus' ? 0 : (RETIRED[name] ?? 0),
      deviceAssignable: !USER_ONLY.includes(name),
      revocable: true,
      supportedPlatforms: PLATFORMS[platforms],
      heldBy: USER_ONLY.includes(name) ? heldBy(place, name, platforms, 0, 0) : heldBy(place, name, platforms, found, outside),
      product,
    }
  }

  const book = (place: Place, row: BookRow): Owned & { readonly adamId: string } => {
    const [name, publisher, pricingParam, price, total, held] = row
    const wished = pricingParam === 'STDQ' ? heldBy(place, name, 'i', 0, 0) : []
    const first = (Number(idOf(name)) * (pricingParam === 'PLUS' ? 3 : 1)) % registered[place].length
    const others = registered[place].map((_, k) => registered[place][(first + k) % registered[place].length])
    const taken = new Map(wished.map((target) => [JSON.stringify(target), target]))
    for (const reader of others) {
      if (taken.size >= held) break
      if (reader === undefined) continue
      const target = targetOf('user', reader.clientUserId)
      taken.set(JSON.stringify(target), target)
    }
    return {
      adamId: idOf(name),
      total,
      productType: 'Book',
      pricingParam,
      deviceAssignable: false,
      revocable: false,
      supportedPlatforms: ['iOS', 'macOS'],
      heldBy: [...taken.values()],
      product: { name, publisher, kind: 'epubBook', genres: ['Textbooks'], price, ...customFor(name, place) },
    }
  }

  const shared = (row: (typeof CAMPUS_SHARED)[number]): Owned & { readonly adamId: string } => {
    const [name, total, outside] = row
    const source = mustFind(
      SCHOOL_APPS.find(([known]) => known === name),
      name,
    )
    const [, publisher, platforms, genre, price] = source
    return app('campus', [name, publisher, platforms, genre, price, total, 0, outside])
  }

  const dayIn = (days: number): string => new Date(now + days * DAY_MS).toISOString().slice(0, 10)
  /** One app, two subscriptions: the first with the counts of Apple's own sample, 5 of its people leaving at the period's end. */
  const subscriptions: SampleLocation['subscriptions'] = [
    {
      adamId: 6_500_000_101,
      parentAdamId: Number(idOf('Explain Everything')),
      total: { renewing: 100, expiring: 20 },
      periodEndsOn: dayIn(12),
      heldBy: registered.schools
        .slice(0, 100)
        .map(({ clientUserId }, at) => ({ clientUserId, renewing: at < 85, leaving: at >= 80 && at < 85 })),
    },
    {
      adamId: 6_500_000_102,
      parentAdamId: Number(idOf('Explain Everything')),
      total: { renewing: 6, expiring: 0 },
      periodEndsOn: dayIn(41),
      heldBy: registered.schools.slice(-4).map(({ clientUserId }) => ({ clientUserId, renewing: true, leaving: false })),
    },
  ]

  const locations: readonly SampleLocation[] = [
    {
      uId: SCHOOLS_UID,
      name: 'Eastmere Schools',
      organisation: 'Eastmere Schools',
      country: 'US',
      platform: 'volumestore',
      managedDomain: 'eastmere.example',
      tokenExpiresAt: now + 5 * DAY_MS + 2 * HOUR_MS,
      registered: registered.schools,
      owned: [...SCHOOL_APPS.map((row) => app('schools', row)), ...SCHOOL_BOOKS.map((row) => book('schools', row))],
      owner: null,
      subscriptions,
    },
    {
      uId: CLINIC_UID,
      name: 'Eastmere Clinic',
      organisation: 'Eastmere Clinic',
      country: 'US',
      platform: 'enterprisestore',
      managedDomain: 'eastmere.example',
      tokenExpiresAt: now + 240 * DAY_MS,
      registered: registered.clinic,
      owned: [...CLINIC_APPS.map((row) => app('clinic', row)), ...CLINIC_BOOKS.map((row) => book('clinic', row))],
      owner: null,
      subscriptions: [],
    },
    {
      uId: CAMPUS_UID,
      name: 'Eastmere Schools',
      organisation: 'Eastmere Schools, exchange campus',
      country: 'CA',
      platform: 'volumestore',
      managedDomain: 'eastmere.example',
      tokenExpiresAt: now + 310 * DAY_MS,
      registered: registered.campus,
      owned: [...CAMPUS_APPS.map((row) => app('campus', row)), ...CAMPUS_SHARED.map(shared)],
      owner: null,
      subscriptions: [],
    },
  ]

  const holdersAt = (place: Place): ReadonlySet<string> => {
    const { owned } = mustFind(
      locations.find(({ uId }) => uId === UID[place]),
      place,
    )
    return new Set(owned.flatMap(({ heldBy: held = [] }) => held.flatMap((at) => (at.kind === 'device' ? [at.serialNumber] : []))))
  }
  // The campus has no device API account, as many organisations have none.
  const schoolSites = [...SITES.schools, 'IT']
  const deviceLists = [
    sampleDeviceList({ organisation: 'Eastmere Schools', program: 'school' }, now, schoolSites, fleet.devices, holdersAt('schools')),
    sampleDeviceList({ organisation: 'Eastmere Clinic', program: 'business' }, now, SITES.clinic, fleet.devices, holdersAt('clinic')),
  ]

  const assignments = WISHES.map(([place, name, group, , mode, intent]): SuggestedAssignment => ({
    location: UID[place],
    adamId: idOf(name),
    pricingParam: 'STDQ',
    target: { kind: 'group', name: group },
    mode: mode ?? 'include',
    intent: intent ?? 'required',
    licenseType: groupKinds.get(group) ?? 'device',
  }))

  return {
    name: 'Eastmere Schools',
    users: people.users,
    devices: fleet.devices,
    groups,
    memberships,
    csv: {
      users: csvOf(['userName', 'displayName', 'email', 'department', 'active', 'managedAppleAccount'], people.users),
      devices: csvOf(['serialNumber', 'name', 'platform', 'model', 'ownerUserName'], fleet.devices),
      groups: csvOf(['name', 'kind'], groups),
      memberships: csvOf(['group', 'member'], memberships),
    },
    locations,
    deviceLists,
    assignments,
    lastSeat: { location: SCHOOLS_UID, adamId: idOf('Notability'), pricingParam: 'STDQ' },
  }
}
