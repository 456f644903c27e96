/**
 * Which planned orders leave together, and with how many of their targets. A store gives every product of a call to
 * every target of it, so orders that share targets go in one call as far as the store's limits reach.
 *
 * A call is a rectangle of products and targets. To cover what is planned with the fewest of them is a hard problem; three
 * simple ways of cutting are tried, and the one that comes out with the fewest calls is gone. Where all orders want the same
 * targets that is the least number there is; it is never more than each order by itself would need.
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

/** More different sets of orders than this are not weighed against one another. */
const mostCandidates = 100

/** The next call, undefined when nothing is left. `orders` are of one action, the oldest first. */
export const nextCut = (orders: readonly Cuttable[], isUser: (ordinal: number) => boolean, limits: CutLimits): Cut | undefined => {
  const largest = cutAll(orders, isUser, limits, ({ orders: some, users, devices }) => some.length * (users + devices))
  const ways =
    largest.length <= 1
      ? [largest]
      : [largest, cutAll(orders, isUser, limits, (shape, left) => callsSaved(shape, left, limits)), cutByClass(orders, isUser, limits)]
  const [first] = ways.reduce((fewest, way) => (way.length < fewest.length ? way : fewest))
  if (first === undefined) return undefined
  const served = new Set(first.targets)
  return {
    orders: first.orders.map((at) => (orders[at] as Cuttable).id),
    // In the order of serving of the oldest of them.
    targets: (orders[first.orders[0] as number] as Cuttable).targets.filter((target) => served.has(target)),
  }
}

/** Targets that the same orders name. `orders` are places, ascending. */
interface TargetClass {
  readonly orders: readonly number[]
  readonly users: number[]
  readonly devices: number[]
}

/** What a call would be: how many people and devices of how many orders. */
interface Shape {
  readonly orders: readonly number[]
  readonly users: number
  readonly devices: number
}

interface Left {
  readonly users: Uint32Array
  readonly devices: Uint32Array
}

interface CutPlaces {
  readonly orders: readonly number[]
  readonly targets: readonly number[]
}

/** All calls, cut one after another, each worth the most of what is then left. */
const cutAll = (
  orders: readonly Cuttable[],
  isUser: (ordinal: number) => boolean,
  limits: CutLimits,
  worthOf: (shape: Shape, left: Left) => number,
): readonly CutPlaces[] => {
  const classes = classesOf(orders, isUser)
  const left: Left = { users: new Uint32Array(orders.length), devices: new Uint32Array(orders.length) }
  for (const { orders: places, users, devices } of classes.values()) add(left, places, users.length, devices.length)
  const cuts: CutPlaces[] = []
  for (;;) {
    let best: { readonly shape: Shape; readonly worth: number } | undefined
    for (const candidate of candidatesOf(orders.length, classes, left)) {
      const shape = shapeOf(candidate.slice(0, limits.mostProducts), classes, limits)
      const worth = worthOf(shape, left)
      if (shape.users + shape.devices > 0 && (best === undefined || worth > best.worth)) best = { shape, worth }
    }
    // Nothing is left, or the limits are zero and nothing of it can be asked for.
    if (best === undefined) return cuts
    const { shape } = best
    cuts.push({ orders: shape.orders, targets: takeOut(classes, shape) })
    add(left, shape.orders, -shape.users, -shape.devices)
  }
}

/** Targets that the same orders name leave together, and with no others. */
const cutByClass = (orders: readonly Cuttable[], isUser: (ordinal: number) => boolean, limits: CutLimits): readonly CutPlaces[] => {
  const { mostProducts, mostUsers, mostDevices } = limits
  const cuts: CutPlaces[] = []
  for (const { orders: places, users, devices } of classesOf(orders, isUser).values())
    for (let at = 0; at < places.length && mostProducts > 0; at += mostProducts)
      for (let call = 0; ; call += 1) {
        const targets = [
          ...users.slice(call * mostUsers, (call + 1) * mostUsers),
          ...devices.slice(call * mostDevices, (call + 1) * mostDevices),
        ]
        if (targets.length === 0) break
        cuts.push({ orders: places.slice(at, at + mostProducts), targets })
      }
  return cuts
}

const add = ({ users, devices }: Left, places: readonly number[], moreUsers: number, moreDevices: number): void => {
  for (const place of places) {
    users[place] = (users[place] as number) + moreUsers
    devices[place] = (devices[place] as number) + moreDevices
  }
}

const classesOf = (orders: readonly Cuttable[], isUser: (ordinal: number) => boolean): Map<string, TargetClass> => {
  const placesByTarget = new Map<number, number[]>()
  orders.forEach(({ targets }, at) => {
    for (const target of targets) {
      const places = placesByTarget.get(target)
      if (places === undefined) placesByTarget.set(target, [at])
      else places.push(at)
    }
  })
  const classes = new Map<string, TargetClass>()
  for (const [target, places] of placesByTarget) {
    const some = classOf(classes, places)
    ;(isUser(target) ? some.users : some.devices).push(target)
  }
  return classes
}

const classOf = (classes: Map<string, TargetClass>, places: readonly number[]): TargetClass => {
  const name = places.join()
  const held = classes.get(name)
  if (held !== undefined) return held
  const made: TargetClass = { orders: places, users: [], devices: [] }
  classes.set(name, made)
  return made
}

/** Each order by itself, and each set of orders that some targets are named by, the weightiest first. */
const candidatesOf = (orders: number, classes: ReadonlyMap<string, TargetClass>, left: Left): readonly (readonly number[])[] => {
  const singles = Array.from({ length: orders }, (_, at) => [at]).filter(
    ([at]) => (left.users[at as number] ?? 0) + (left.devices[at as number] ?? 0) > 0,
  )
  const weightOf = (some: TargetClass): number => some.orders.length * (some.users.length + some.devices.length)
  const sets = [...classes.values()].filter(({ orders: places }) => places.length > 1)
  if (sets.length > mostCandidates) sets.sort((a, b) => weightOf(b) - weightOf(a)).splice(mostCandidates)
  return [...singles, ...sets.map((some) => some.orders)]
}

const shapeOf = (places: readonly number[], classes: ReadonlyMap<string, TargetClass>, limits: CutLimits): Shape => {
  let users = 0
  let devices = 0
  for (const some of classes.values())
    if (includesAll(some.orders, places)) {
      users += some.users.length
      devices += some.devices.length
    }
  return { orders: places, users: Math.min(users, limits.mostUsers), devices: Math.min(devices, limits.mostDevices) }
}

/** Takes the targets of a call out of their classes; who is named by more orders moves to the class of the others. */
const takeOut = (classes: Map<string, TargetClass>, shape: Shape): readonly number[] => {
  const taken: number[] = []
  let { users, devices } = shape
  for (const [name, some] of classes) {
    if (!includesAll(some.orders, shape.orders)) continue
    const outUsers = some.users.splice(0, users)
    const outDevices = some.devices.splice(0, devices)
    users -= outUsers.length
    devices -= outDevices.length
    if (some.users.length + some.devices.length === 0) classes.delete(name)
    for (const target of outUsers) taken.push(target)
    for (const target of outDevices) taken.push(target)
    const others = some.orders.filter((place) => !shape.orders.includes(place))
    if (others.length === 0 || outUsers.length + outDevices.length === 0) continue
    const rest = classOf(classes, others)
    for (const target of outUsers) rest.users.push(target)
    for (const target of outDevices) rest.devices.push(target)
  }
  return taken
}

/** Both ascending. */
const includesAll = (places: readonly number[], some: readonly number[]): boolean => {
  if (places.length < some.length) return false
  let at = 0
  for (const place of places) if (place === some[at]) at += 1
  return at === some.length
}

/** How many fewer calls the orders need by themselves afterwards; of two that save as many, the larger. */
const callsSaved = (shape: Shape, left: Left, limits: CutLimits): number => {
  let saved = 0
  for (const place of shape.orders) {
    const users = left.users[place] ?? 0
    const devices = left.devices[place] ?? 0
    saved += callsOf(users, devices, limits) - callsOf(users - shape.users, devices - shape.devices, limits)
  }
  return saved + (shape.orders.length * (shape.users + shape.devices)) / (limits.mostProducts * (limits.mostUsers + limits.mostDevices) + 1)
}

const callsOf = (users: number, devices: number, limits: CutLimits): number =>
  Math.max(
    users === 0 ? 0 : Math.ceil(users / Math.max(1, limits.mostUsers)),
    devices === 0 ? 0 : Math.ceil(devices / Math.max(1, limits.mostDevices)),
  )
