/**
 * Which planned orders leave together, and with how many of their targets. A store gives every product of a call to
 * every target of it, so orders that share targets go in one call as far as the store's limits reach.
 *
 * The largest rectangle of products and targets is cut out first, then the largest of what is left. Where all orders
 * want the same targets that is the least number of calls there is.
 */
import type { OrderId } from '../shared/ids.ts'

export interface Cuttable {
  readonly id: OrderId
  /** Ordinals in the order of serving. */
  readonly targets: readonly number[]
}

export interface CutLimits {
  readonly mostProducts: number
  readonly mostUsers: number
  readonly mostDevices: number
}

/** One call: each of these orders, with all of these targets. */
export interface Cut {
  readonly orders: readonly OrderId[]
  readonly targets: readonly number[]
}

/** More different sets of products than this are not weighed against one another. */
const mostCandidates = 200

/** The next call, undefined when nothing is left. `orders` are of one action, the oldest first. */
export const nextCut = (orders: readonly Cuttable[], isUser: (ordinal: number) => boolean, limits: CutLimits): Cut | undefined => {
  /** Targets by the set of orders that name them, written as their places. */
  const classes = targetsByOrders(orders)
  let best: { readonly orders: readonly number[]; readonly targets: readonly number[] } | undefined
  for (const candidate of candidatesOf(orders, classes)) {
    const some = candidate.slice(0, limits.mostProducts)
    const targets = withinLimits(sharedTargets(orders, classes, some), isUser, limits)
    if (best === undefined || some.length * targets.length > best.orders.length * best.targets.length) best = { orders: some, targets }
  }
  if (best === undefined || best.targets.length === 0) return undefined
  return { orders: best.orders.map((at) => (orders[at] as Cuttable).id), targets: best.targets }
}

interface TargetClass {
  readonly orders: readonly number[]
  readonly targets: number[]
}

const targetsByOrders = (orders: readonly Cuttable[]): readonly TargetClass[] => {
  const placesByTarget = new Map<number, number[]>()
  orders.forEach(({ targets }, at) => {
    for (const target of targets) {
      const places = placesByTarget.get(target)
      if (places === undefined) placesByTarget.set(target, [at])
      else places.push(at)
    }
  })
  const classByName = new Map<string, TargetClass>()
  for (const [target, places] of placesByTarget) {
    const name = places.join()
    const held = classByName.get(name)
    if (held === undefined) classByName.set(name, { orders: places, targets: [target] })
    else held.targets.push(target)
  }
  return [...classByName.values()].sort((a, b) => b.targets.length * b.orders.length - a.targets.length * a.orders.length)
}

/** Each order by itself, and each set of orders that some targets are named by. */
const candidatesOf = (orders: readonly Cuttable[], classes: readonly TargetClass[]): readonly (readonly number[])[] => [
  ...orders.map((_, at) => [at]),
  ...classes.slice(0, mostCandidates).map((some) => some.orders),
]

/** Targets that all of these orders name, in the order of serving of the first. */
const sharedTargets = (orders: readonly Cuttable[], classes: readonly TargetClass[], some: readonly number[]): readonly number[] => {
  const [first] = some
  if (first === undefined) return []
  const own = orders[first]?.targets ?? []
  if (some.length === 1) return own
  const shared = new Set<number>()
  for (const { orders: places, targets } of classes) if (includesAll(places, some)) for (const target of targets) shared.add(target)
  return shared.size === own.length ? own : own.filter((target) => shared.has(target))
}

/** Both ascending. */
const includesAll = (places: readonly number[], some: readonly number[]): boolean => {
  if (places.length < some.length) return false
  let at = 0
  for (const place of places) if (place === some[at]) at += 1
  return at === some.length
}

const withinLimits = (targets: readonly number[], isUser: (ordinal: number) => boolean, limits: CutLimits): readonly number[] => {
  let users = 0
  let devices = 0
  return targets.filter((target) => (isUser(target) ? (users += 1) <= limits.mostUsers : (devices += 1) <= limits.mostDevices))
}
