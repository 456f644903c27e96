/** Which orders leave together: every pair once, no call above a limit, and few calls. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextCut, type Cuttable, type CutLimits } from '../../server/order-cut.ts'
import { parseOrderId, type OrderId } from '../../shared/ids.ts'
import { must } from '../shared/weighing.ts'

const orderId = (n: number): OrderId => must(parseOrderId(`o${n}`))
const isUser = (ordinal: number): boolean => ordinal >= 10_000
const published: CutLimits = { mostProducts: 25, mostUsers: 1000, mostDevices: 1000 }
const devices = (count: number, from = 1): readonly number[] => Array.from({ length: count }, (_, at) => from + at)
const users = (count: number): readonly number[] => devices(count, 10_000)
const ordersFor = (count: number, targets: readonly number[]): readonly Cuttable[] =>
  devices(count).map((n) => ({ id: orderId(n), targets }))

interface Call {
  readonly orders: readonly OrderId[]
  readonly targets: readonly number[]
}

/** Every call, as if each were answered before the next is cut. */
const allCalls = (orders: readonly Cuttable[], limits: CutLimits = published): readonly Call[] => {
  const calls: Call[] = []
  let left = orders
  for (;;) {
    const cut = nextCut(left, isUser, limits)
    if (cut === undefined) return calls
    calls.push(cut)
    if (calls.length > 10_000) throw new Error('the cutting does not end')
    const served = new Set(cut.targets)
    left = left
      .map((order) =>
        cut.orders.includes(order.id) ? { ...order, targets: order.targets.filter((target) => !served.has(target)) } : order,
      )
      .filter(({ targets }) => targets.length > 0)
  }
}

test('25 products for 1,000 devices are one call', () => {
  expect(allCalls(ordersFor(25, devices(1000)))).toHaveLength(1)
})

test('case 23: 26 products for 1,001 devices are four calls, none above a limit', () => {
  const calls = allCalls(ordersFor(26, devices(1001)))
  expect(calls).toHaveLength(4)
  for (const { orders, targets } of calls) {
    expect(orders.length).toBeLessThanOrEqual(25)
    expect(targets.length).toBeLessThanOrEqual(1000)
  }
})

test('people and devices have limits of their own and share a call', () => {
  expect(allCalls(ordersFor(25, [...devices(1000), ...users(1000)]))).toHaveLength(1)
  expect(allCalls(ordersFor(25, [...devices(1000), ...users(1001)]))).toHaveLength(2)
})

test('a few who have some of the products already cost no more calls than there are products', () => {
  const orders = ordersFor(25, devices(1000)).map(({ id, targets }, at) => ({
    id,
    targets: targets.filter((target) => target > 40 || (target + at) % 3 !== 0),
  }))
  expect(allCalls(orders).length).toBeLessThanOrEqual(4)
})

test('devices that have some already, in four ways, are a call for each way and one for all the others', () => {
  const holds = (target: number, product: number): boolean => target <= 40 && (product + (target % 4) * 5) % 25 < 10
  const orders = ordersFor(25, devices(1000)).map(({ id, targets }, at) => ({
    id,
    targets: targets.filter((target) => !holds(target, at)),
  }))
  expect(allCalls(orders)).toHaveLength(5)
})

test('targets of one call are in the order of serving of its oldest order', () => {
  const [call] = allCalls([
    { id: orderId(1), targets: [5, 3, 4] },
    { id: orderId(2), targets: [3, 4, 5] },
  ])
  expect(call?.targets).toEqual([5, 3, 4])
})

test('whatever is planned: each pair is asked once, nothing else is, and no call is above a limit', () => {
  const planned = fc
    .array(fc.uniqueArray(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 10_000, max: 10_006 })), { minLength: 1 }), {
      minLength: 1,
      maxLength: 9,
    })
    .map((lists) => lists.map((targets, at) => ({ id: orderId(at), targets })))
  const someLimits = fc.record({
    mostProducts: fc.integer({ min: 1, max: 5 }),
    mostUsers: fc.integer({ min: 1, max: 4 }),
    mostDevices: fc.integer({ min: 1, max: 6 }),
  })
  fc.assert(
    fc.property(planned, someLimits, (orders, limits) => {
      const calls = allCalls(orders, limits)
      const asked = calls.flatMap((call) => call.orders.flatMap((id) => call.targets.map((target) => `${id} ${target}`)))
      const wanted = orders.flatMap(({ id, targets }) => targets.map((target) => `${id} ${target}`))
      expect(asked.toSorted()).toEqual(wanted.toSorted())
      for (const call of calls) {
        expect(call.orders.length).toBeLessThanOrEqual(limits.mostProducts)
        const people = call.targets.filter(isUser).length
        expect(people).toBeLessThanOrEqual(limits.mostUsers)
        expect(call.targets.length - people).toBeLessThanOrEqual(limits.mostDevices)
      }
      // No worse than each order by itself.
      const alone = orders.reduce((sum, { targets }) => {
        const people = targets.filter(isUser).length
        return sum + Math.max(Math.ceil(people / limits.mostUsers), Math.ceil((targets.length - people) / limits.mostDevices))
      }, 0)
      expect(calls.length).toBeLessThanOrEqual(alone)
    }),
    { numRuns: 1000, seed: 20261124 },
  )
}, 60_000)
