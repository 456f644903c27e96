/**
 * How many calls it takes to give many products to many people and devices, against the least that the store's limits make
 * necessary. Through the whole house: an administrator assigns product after product at a console, each an act of its own;
 * the calls are those that the sandbox store has seen.
 */
import { knowPrincipals, membersFact } from '../../server/directory/directory.ts'
import { columnsOfMembers, noColumns, rowsFact } from '../../shared/facts.ts'
import { parseGroupId, targetKeyOf, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import { createWorld, locationId, type World } from '../world/world.ts'

export interface CallScenario {
  readonly name: string
  readonly products: number
  readonly users: number
  readonly devices: number
  /** The store's limits, where they are not the published ones. */
  readonly limits?: { readonly maxAssets?: number; readonly maxSerialNumbers?: number; readonly maxClientUserIds?: number }
  /** So many of the devices hold so many of the products already, in so many different ways. */
  readonly holding?: { readonly devices: number; readonly products: number; readonly ways: number }
  /** Between one act of the administrator and the next. */
  readonly gapMs?: number
  /** It takes more calls than need be, as tests/bench/README.md says. */
  readonly isOpen?: boolean
}

export const callScenarios: readonly CallScenario[] = [
  { name: '25 products for 1,000 devices', products: 25, users: 0, devices: 1000 },
  { name: 'one product and one device more than the limits: 26 for 1,001', products: 26, users: 0, devices: 1001 },
  {
    name: '25 products for 1,000 devices, 40 of which hold some already',
    products: 25,
    users: 0,
    devices: 1000,
    holding: { devices: 40, products: 10, ways: 1 },
  },
  {
    name: '25 products for 1,000 devices, 40 of which hold some already, in four ways',
    products: 25,
    users: 0,
    devices: 1000,
    holding: { devices: 40, products: 10, ways: 4 },
    isOpen: true,
  },
  { name: '25 products for 800 people and 1,000 devices', products: 25, users: 800, devices: 1000 },
  {
    name: '25 products for 300 devices, where the store takes 10 and 100',
    products: 25,
    users: 0,
    devices: 300,
    limits: { maxAssets: 10, maxSerialNumbers: 100 },
  },
  { name: '60 products for 5,000 devices', products: 60, users: 0, devices: 5000 },
]

export interface CallCount {
  readonly calls: number
  readonly least: number
  readonly aboveLimit: number
  /** Seats that the store gave, and those that were asked for. */
  readonly given: number
  readonly asked: number
}

const published = { maxAssets: 25, maxSerialNumbers: 1000, maxClientUserIds: 1000 }

export const countCalls = async (scenario: CallScenario): Promise<CallCount> => {
  await using world = await createWorld({ seed: 1 })
  const { control } = world.store
  const { products, users, devices, holding, gapMs = 20 } = scenario
  const limits = { ...published, ...scenario.limits }
  control.setLimits(limits)
  const serials = Array.from({ length: devices }, (_, n) => `SERIAL${n}`)
  const names = Array.from({ length: users }, (_, n) => `person${n}`)
  for (const clientUserId of names) control.registerUser(locationId, { clientUserId })
  const adamIds = Array.from({ length: products }, (_, n) => String(800_000_000 + n))
  const heldAt = (product: number, device: number): boolean => {
    if (holding === undefined || device >= holding.devices) return false
    const way = device % holding.ways
    return (product + way * 5) % products < holding.products
  }
  for (const [product, adamId] of adamIds.entries())
    control.own(locationId, adamId, {
      total: users + devices,
      heldBy: serials.flatMap((serialNumber, device) => (heldAt(product, device) ? [{ kind: 'device' as const, serialNumber }] : [])),
      product: { name: `Product ${product}`, publisher: 'Somebody', kind: 'iosSoftware', genres: [], price: 0 },
    })
  const targets = await furnishGroups(world, names, serials)
  await world.syncNow(true)
  await world.settle()
  const licenseByProduct = new Map<string, LicenseId>()
  const { house } = world.mustServer()
  for (const key of await house.journal.store.keys('licenses/'))
    for (const license of await house.journal.rows(key as `licenses/${number}`)) licenseByProduct.set(license.product.id, license.id)

  control.clearRequests()
  const seatsBefore = seatsOf(world, adamIds)
  for (const adamId of adamIds)
    for (const [kind, target] of targets) {
      const license = licenseByProduct.get(adamId)
      if (license === undefined) throw new Error(`fewest calls: no license of ${adamId}`)
      const done = await world.ana.edits().assign({ license, targets: [target], mode: 'include', intent: 'required', licenseType: kind })
      if (!done.ok) throw new Error(`fewest calls: an edit was refused, ${JSON.stringify(done.error)}`)
      await world.pass(gapMs)
    }
  await world.settle(3 * 60 * 60_000)
  const calls = control.requests().filter(({ endpoint }) => endpoint === 'associate')
  const sizes = calls.map(({ body }) => ({
    assets: Number(body?.['assets'] ?? 0),
    users: Number(body?.['clientUserIds'] ?? 0),
    serials: Number(body?.['serialNumbers'] ?? 0),
  }))
  return {
    calls: calls.length,
    least: leastCalls(
      adamIds.map((_, product) => ({ users, devices: serials.flatMap((__, device) => (heldAt(product, device) ? [] : [device])) })),
      limits,
    ),
    aboveLimit: sizes.filter(
      (size) => size.assets > limits.maxAssets || size.users > limits.maxClientUserIds || size.serials > limits.maxSerialNumbers,
    ).length,
    given: seatsOf(world, adamIds),
    asked:
      seatsBefore + adamIds.reduce((sum, _, product) => sum + users + serials.filter((__, device) => !heldAt(product, device)).length, 0),
  }
}

const seatsOf = (world: World, adamIds: readonly string[]): number =>
  adamIds.reduce((sum, adamId) => sum + world.store.control.holders(locationId, adamId).length, 0)

/** Two groups, as an administrator has them: everybody, and all devices. */
const furnishGroups = async (
  world: World,
  names: readonly string[],
  serials: readonly string[],
): Promise<readonly (readonly ['user' | 'device', TargetKey])[]> => {
  const { house } = world.mustServer()
  const given: (readonly ['user' | 'device', readonly string[]])[] = []
  if (names.length > 0) given.push(['user', names])
  if (serials.length > 0) given.push(['device', serials])
  const targets: (readonly ['user' | 'device', TargetKey])[] = []
  await world.schedule.run(
    house.journal.write(async (write) => {
      for (const [kind, keys] of given) {
        const known = await knowPrincipals(
          write,
          house.directory,
          'csv',
          keys.map((key) => ({ kind, key })),
        )
        const id = parseGroupId(`all-${kind}s-here`)
        if (id === undefined) throw new Error('fewest calls: made an id that is none')
        await write.record(rowsFact('groups', [{ id, name: `All ${kind}s`, kind, memberCount: keys.length, sources: ['csv'] }]))
        const fact = membersFact(id, noColumns, columnsOfMembers(keys.map((key) => known.ordinalOf(kind, key))))
        if (fact !== undefined) await write.record(fact)
        targets.push([kind, targetKeyOf({ kind: 'group', id })])
      }
    }),
  )
  return targets
}

interface Need {
  readonly users: number
  readonly devices: readonly number[]
}

/**
 * A number that no plan can stay below which asks for each pair once, the largest of four bounds. 1. Each product needs as
 * many calls as its people or its devices fill, and a call takes so many products. 2. Each person and device needs as many
 * calls as their products fill, and a call takes so many of them. 3. The rank of the table of what is wanted: a call adds one
 * to it at most. 4. A full table that is too long and too wide for one call needs four (Alon, Bohman, Holzman and Kleitman).
 */
export const leastCalls = (needs: readonly Need[], limits: typeof published): number => {
  const { maxAssets, maxClientUserIds, maxSerialNumbers } = limits
  const byProduct = needs.reduce(
    (sum, { users, devices }) => sum + Math.max(Math.ceil(users / maxClientUserIds), Math.ceil(devices.length / maxSerialNumbers)),
    0,
  )
  const productsByDevice = new Map<number, number>()
  for (const { devices } of needs) for (const device of devices) productsByDevice.set(device, (productsByDevice.get(device) ?? 0) + 1)
  const byDevice = [...productsByDevice.values()].reduce((sum, count) => sum + Math.ceil(count / maxAssets), 0)
  const byUser = Math.max(0, ...needs.map(({ users }) => users)) * Math.ceil(needs.filter(({ users }) => users > 0).length / maxAssets)
  const isFull = needs.every(({ devices }) => devices.length === productsByDevice.size)
  const isTooLarge = needs.length > maxAssets && productsByDevice.size > maxSerialNumbers
  return Math.max(
    Math.ceil(byProduct / maxAssets),
    Math.ceil(byDevice / maxSerialNumbers),
    Math.ceil(byUser / maxClientUserIds),
    rank(needs),
    isFull && isTooLarge ? 4 : 0,
  )
}

/** Of the table of products and devices, counted modulo a large prime: never more than the true one. */
const rank = (needs: readonly Need[]): number => {
  const prime = 1_000_003
  const wants = needs.map(({ devices }) => new Set(devices))
  // Devices that want the same are one column.
  const columns = new Map<string, number[]>()
  for (const device of new Set(needs.flatMap(({ devices }) => devices))) {
    const column = wants.map((devices) => (devices.has(device) ? 1 : 0))
    columns.set(column.join(''), column)
  }
  const inverse = (value: number): number => {
    let [result, base, power] = [1, value, prime - 2]
    for (; power > 0; power = Math.floor(power / 2)) {
      if (power % 2 === 1) result = (result * base) % prime
      base = (base * base) % prime
    }
    return result
  }
  let rows = [...columns.values()]
  let found = 0
  for (let at = 0; at < needs.length && rows.length > 0; at += 1) {
    const pivot = rows.find((row) => row[at] !== 0)
    if (pivot === undefined) continue
    found += 1
    const factor = inverse(pivot[at] ?? 0)
    rows = rows
      .filter((row) => row !== pivot)
      .map((row) => {
        const times = ((row[at] ?? 0) * factor) % prime
        return row.map((value, place) => (((value - times * (pivot[place] ?? 0)) % prime) + prime) % prime)
      })
  }
  return found
}

if (process.argv[1] === import.meta.filename)
  for (const scenario of callScenarios) {
    const begun = performance.now()
    const count = await countCalls(scenario)
    process.stdout.write(`${scenario.name}: ${JSON.stringify(count)} (${((performance.now() - begun) / 1000).toFixed(1)} s)\n`)
  }
