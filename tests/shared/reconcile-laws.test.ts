/** The laws of `reconcile`, for whatever wishes and facts come together. */
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { gives, termsOf, type PlacedWish } from '../../shared/assignment.ts'
import { columnsOfSeats, foldColumns, indexOfOrdinal, isByAssignment, noColumns, seatAt, type Columns } from '../../shared/facts.ts'
import { ordinalOf } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { LicenseOrder } from '../../shared/order.ts'
import { reconcile, type ReconcileInput } from '../../shared/reconcile.ts'
import { ordinalsOf } from '../../shared/touching.ts'
import { organisation } from './organisations.ts'
import { hoursFromNoon } from './weighing.ts'

// Ten thousand organisations take a few seconds a law, and longer beside others.
vi.setConfig({ testTimeout: 120_000 })

/** Generated anew for each law. */
const organisations = 10_000
const holds = (law: (given: ReconcileInput) => void): void =>
  fc.assert(fc.property(organisation, law), { numRuns: organisations, seed: 20261124 })

const openOf = (given: ReconcileInput, action: 'associate' | 'disassociate', state?: LicenseOrder['state']): ReadonlySet<number> =>
  new Set(
    given.orders.filter((order) => order.action === action && (state === undefined || order.state === state)).flatMap(({ open }) => open),
  )

const touchedBy = (given: ReconcileInput, says: (placed: PlacedWish) => boolean): ReadonlySet<number> =>
  new Set(given.wishes.filter(says).flatMap(({ key }) => [...ordinalsOf(key, given.directory)]))

const isAssigned = (seats: Columns, ordinal: number): boolean => {
  const at = indexOfOrdinal(seats.ordinals, ordinal)
  return at >= 0 && isByAssignment(seats, at)
}

test('no wish, no release: a seat is taken only where a wish says so, and a found one only by uninstalling', () => {
  holds((given) => {
    const says = new Set([
      ...touchedBy(given, ({ wish: wanted }) => !gives(wanted) || (termsOf(wanted).endsAt ?? '9') <= hoursFromNoon(0)),
      ...given.claims.filter(({ wants }) => wants === 'return').map(({ id }) => ordinalOf(id)),
    ])
    const uninstalls = touchedBy(given, ({ wish: wanted }) => wanted.mode === 'include' && wanted.intent === 'uninstall')
    for (const ordinal of reconcile(given).steps.disassociate) {
      expect(says).toContain(ordinal)
      expect(indexOfOrdinal(given.seats.ordinals, ordinal)).toBeGreaterThanOrEqual(0)
      if (!isAssigned(given.seats, ordinal)) expect(uninstalls).toContain(ordinal)
    }
  })
})

test('what can not be taken back is never asked back', () => {
  holds((given) => {
    if (!given.license.revocable) expect(reconcile(given).steps.disassociate).toEqual([])
  })
})

test('never more than owned: seats, what is on its way and what is asked now', () => {
  holds((given) => {
    const { steps } = reconcile(given)
    const { license } = given
    if (license.unlimited || license.total === null || license.available === null) return
    const dropped = new Set(steps.drop)
    const open = new Set([...openOf(given, 'associate')].filter((ordinal) => !dropped.has(ordinal)))
    const taken = new Set([...given.seats.ordinals, ...open])
    // Who is registered first has a seat kept.
    const asked = steps.associate.length + steps.register.length
    expect(asked).toBeLessThanOrEqual(Math.max(0, license.total - (license.retired ?? 0) - taken.size))
    expect(asked).toBeLessThanOrEqual(Math.max(0, license.available - open.size))
    // What is planned and stays planned is covered too: it has not left yet.
    const sent = [...open].filter(
      (ordinal) => !openOf(given, 'associate', 'planned').has(ordinal) && indexOfOrdinal(given.seats.ordinals, ordinal) < 0,
    )
    const planned = [...openOf(given, 'associate', 'planned')].filter((ordinal) => !dropped.has(ordinal))
    const held = given.seats.ordinals.length
    expect(planned.length + asked).toBeLessThanOrEqual(Math.max(0, license.total - (license.retired ?? 0) - held - sent.length))
  })
})

test('nobody is asked for twice, and nobody both given and taken', () => {
  holds((given) => {
    const { associate, disassociate, drop } = reconcile(given).steps
    expect(new Set(associate).size).toBe(associate.length)
    expect(new Set(disassociate).size).toBe(disassociate.length)
    expect(new Set(drop).size).toBe(drop.length)
    const giving = openOf(given, 'associate')
    const taking = openOf(given, 'disassociate')
    for (const ordinal of associate) {
      expect(giving).not.toContain(ordinal)
      expect(taking).not.toContain(ordinal)
      expect(disassociate).not.toContain(ordinal)
      expect(indexOfOrdinal(given.seats.ordinals, ordinal)).toBe(-1)
    }
    const stillComing = openOf(given, 'associate')
    for (const ordinal of disassociate) {
      expect(taking).not.toContain(ordinal)
      expect(stillComing.has(ordinal) && !drop.includes(ordinal)).toBe(false)
    }
    const planned = new Set([...openOf(given, 'associate', 'planned'), ...openOf(given, 'disassociate', 'planned')])
    for (const ordinal of drop) expect(planned).toContain(ordinal)
  })
})

test('only people who are not on the list are registered, and nobody before that is given a seat', () => {
  holds((given) => {
    const { associate, register } = reconcile(given).steps
    if (given.people === undefined) {
      expect(register).toEqual([])
      return
    }
    const underWay = new Set(given.locationOrders.filter(({ action }) => action === 'register-user').flatMap(({ open }) => open))
    for (const ordinal of register) {
      expect(given.people.stateOf(ordinal)).toBeUndefined()
      expect(underWay).not.toContain(ordinal)
      expect(ordinal === 31 || given.people.invites).toBe(true)
    }
    for (const ordinal of associate) if (ordinal > 30) expect(['registered', 'associated']).toContain(given.people.stateOf(ordinal))
  })
})

test('from whom everything is being taken is asked for nothing meanwhile', () => {
  holds((given) => {
    const leaving = given.locationOrders.filter(({ action }) => action !== 'register-user').flatMap(({ open }) => open)
    const { associate, disassociate, register } = reconcile(given).steps
    for (const ordinal of leaving) expect([...associate, ...disassociate, ...register]).not.toContain(ordinal)
  })
})

test('one more seat takes nothing from anybody', () => {
  holds((given) => {
    const { license } = given
    if (license.total === null || license.available === null) return
    const more: License = { ...license, total: license.total + 1, available: license.available + 1 }
    const before = reconcile(given)
    const after = reconcile({ ...given, license: more })
    const served = new Set(after.verdicts.filter(({ state }) => state === 'placed' || state === 'pending').map(({ ordinal }) => ordinal))
    for (const { ordinal, state } of before.verdicts) if (state === 'placed' || state === 'pending') expect(served).toContain(ordinal)
    for (const ordinal of before.steps.associate) expect(after.steps.associate).toContain(ordinal)
    expect(after.steps.disassociate).toEqual(before.steps.disassociate)
    for (const ordinal of after.steps.drop) expect(before.steps.drop).toContain(ordinal)
  })
})

test('the order in which wishes and orders arrived does not matter', () => {
  fc.assert(
    fc.property(organisation, fc.nat(), (given, turn) => {
      const turned = <T>(list: readonly T[]): readonly T[] =>
        list.length === 0 ? list : [...list.slice(turn % list.length), ...list.slice(0, turn % list.length)].toReversed()
      const one = reconcile(given)
      const other = reconcile({
        ...given,
        wishes: turned(given.wishes),
        claims: turned(given.claims),
        orders: turned(given.orders),
        locationOrders: turned(given.locationOrders),
      })
      const sorted = <T extends { readonly ordinal: number }>(list: readonly T[]): readonly T[] =>
        list.toSorted((a, b) => a.ordinal - b.ordinal)
      expect(sorted(other.verdicts)).toEqual(sorted(one.verdicts))
      expect(other.steps.associate).toEqual(one.steps.associate)
      expect(other.steps.register).toEqual(one.steps.register)
      expect(other.steps.disassociate.toSorted()).toEqual(one.steps.disassociate.toSorted())
      expect(other.steps.keepAsFound).toEqual(one.steps.keepAsFound)
      expect(other.steps.drop.toSorted()).toEqual(one.steps.drop.toSorted())
      expect(other.steps.settled.toSorted()).toEqual(one.steps.settled.toSorted())
      expect(other.steps.settledClaims.map(({ id }) => id).toSorted()).toEqual(one.steps.settledClaims.map(({ id }) => id).toSorted())
      expect(other.tally).toEqual(one.tally)
    }),
    { numRuns: organisations, seed: 20261124 },
  )
})

test('steps and verdicts say the same', () => {
  holds((given) => {
    const { verdicts, steps, tally } = reconcile(given)
    const said = new Map(verdicts.map((verdict) => [verdict.ordinal, verdict]))
    expect(said.size).toBe(verdicts.length)
    for (const ordinal of steps.associate) expect(said.get(ordinal)).toMatchObject({ state: 'pending', because: { code: 'order-to-come' } })
    for (const ordinal of steps.disassociate)
      expect(said.get(ordinal)).toMatchObject({ state: 'pending', because: { code: 'release-to-come' } })
    const toCome = verdicts.filter(({ because }) => because.code === 'order-to-come').map(({ ordinal }) => ordinal)
    expect(toCome).toEqual(steps.associate)
    const positions = verdicts.flatMap(({ because }) => ('position' in because ? [because.position] : []))
    expect(positions).toEqual(positions.map((_, at) => at + 1))
    // Who is not to have a seat yet asks for none.
    const states = (state: string): number =>
      verdicts.filter((verdict) => verdict.state === state && verdict.because.code !== 'starts-later').length
    expect(tally).toMatchObject({
      placed: states('placed'),
      waiting: states('waiting'),
      refused: states('refused'),
      pending: states('pending'),
    })
    expect(tally.assigned + tally.found).toBe(given.seats.ordinals.length)
  })
})

describe('what the steps lead to', () => {
  /** The store does all that is asked and all that is under way, and tells of it. */
  const afterwards = (given: ReconcileInput): ReconcileInput => {
    const { steps } = reconcile(given)
    const dropped = new Set(steps.drop)
    const kind = (ordinal: number) => (ordinal > 30 ? ('user' as const) : ('device' as const))
    const registered = new Set([
      ...steps.register,
      ...given.locationOrders.filter(({ action }) => action === 'register-user').flatMap(({ open }) => open),
    ])
    const leaving = given.locationOrders.filter(({ action }) => action === 'revoke' || action === 'retire-user')
    const retired = new Set(leaving.filter(({ action }) => action === 'retire-user').flatMap(({ open }) => open))
    const { people: before } = given
    const gives = [...steps.associate, ...[...openOf(given, 'associate')].filter((ordinal) => !dropped.has(ordinal))]
    const takes = [
      ...steps.disassociate,
      ...openOf(given, 'disassociate'),
      ...(given.license.revocable ? leaving.flatMap(({ open }) => open) : []),
    ]
    let seats = foldColumns(
      given.seats,
      columnsOfSeats(
        steps.keepAsFound.map((ordinal) => ({
          ...seatAt(given.seats, indexOfOrdinal(given.seats.ordinals, ordinal)),
          origin: 'found' as const,
        })),
      ),
      new Uint32Array(0),
    )
    seats = foldColumns(seats, noColumns, Uint32Array.from(takes))
    seats = foldColumns(
      seats,
      columnsOfSeats(gives.map((ordinal) => ({ ordinal, licenseType: kind(ordinal), origin: 'assignment' as const, sinceS: 2 }))),
      new Uint32Array(0),
    )
    const { license } = given
    const settled = new Set<string>(steps.settled)
    const settledClaims = new Set(steps.settledClaims)
    return {
      ...given,
      claims: given.claims.filter((claim) => !settledClaims.has(claim)),
      seats,
      orders: given.orders.filter(({ open }) => open.length === 0),
      locationOrders: given.locationOrders.filter(({ open }) => open.length === 0),
      people:
        before === undefined
          ? undefined
          : {
              ...before,
              stateOf: (ordinal) => (retired.has(ordinal) ? 'retired' : registered.has(ordinal) ? 'registered' : before.stateOf(ordinal)),
            },
      wishes: given.wishes.filter(({ key }) => !settled.has(key)),
      license:
        license.total === null
          ? license
          : {
              ...license,
              inUse: seats.ordinals.length,
              available: Math.max(0, license.total - (license.retired ?? 0) - seats.ordinals.length),
            },
    }
  }

  test('is a rest: after a few rounds nothing is left to ask', () => {
    holds((given) => {
      // Failures that pass are asked for again for ever by design; here the store serves them.
      let state: ReconcileInput = { ...given, writingBlocked: undefined }
      for (let round = 0; round < 5; round += 1) state = afterwards(state)
      const { steps } = reconcile(state)
      expect({ ...steps, settled: [] }).toEqual({
        register: [],
        associate: [],
        disassociate: [],
        keepAsFound: [],
        drop: [],
        settled: [],
        settledClaims: [],
      })
    })
  })
})
