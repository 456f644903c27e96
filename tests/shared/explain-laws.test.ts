/** Explaining and deciding agree, for whatever wishes and facts come together. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { explainer, type Explanation, type PathOf } from '../../shared/explain.ts'
import { indexOfOrdinal } from '../../shared/facts.ts'
import { reconcile, type Reconciled, type ReconcileInput } from '../../shared/reconcile.ts'
import { ordinalsOf } from '../../shared/touching.ts'
import { DEVICES, organisation, USERS } from './organisations.ts'

const organisations = 10_000
// Each law looks at ten people of each organisation.
vi.setConfig({ testTimeout: 120_000 })
const alone: PathOf = (group) => [group]
const holds = (law: (given: ReconcileInput, reconciled: Reconciled, explanations: readonly Explanation[]) => void): void =>
  fc.assert(
    fc.property(organisation, (given) => {
      const reconciled = reconcile(given)
      const explain = explainer(given, reconciled, alone)
      law(given, reconciled, [...DEVICES, ...USERS].map(explain))
    }),
    { numRuns: organisations, seed: 20261124 },
  )

test('the assignment that the explanation says decides is the one that decided', () => {
  holds((_, { verdicts }, explanations) => {
    for (const { ordinal, verdict, steps } of explanations) {
      const decides = steps.flatMap((step) => (step.code === 'assignment' && step.yields === undefined ? [step.placed.key] : []))
      expect(verdict).toBe(verdicts.find((one) => one.ordinal === ordinal))
      if (verdict !== undefined) expect(decides).toEqual([verdict.key])
      else expect(decides.length).toBeLessThanOrEqual(1)
    }
  })
})

test('every assignment that touches somebody is named once, and whom none touches is told so', () => {
  holds(({ wishes, directory }, _, explanations) => {
    for (const { ordinal, steps } of explanations) {
      const named = steps.flatMap((step) => (step.code === 'assignment' ? [step.placed.key] : []))
      const touching = wishes.filter(({ key }) => [...ordinalsOf(key, directory)].includes(ordinal)).map(({ key }) => key)
      expect(named.toSorted()).toEqual(touching.toSorted())
      expect(steps.some(({ code }) => code === 'no-assignment')).toBe(touching.length === 0)
    }
  })
})

test('the last step is the verdict, and what it rests on is among the steps before', () => {
  holds(({ seats, directory }, _, explanations) => {
    for (const { ordinal, verdict, steps, has } of explanations) {
      const codes = steps.map(({ code }) => code)
      expect(steps.at(-1)).toEqual({ code: 'verdict', verdict })
      expect(has).toBe(indexOfOrdinal(seats.ordinals, ordinal) >= 0)
      expect(codes.filter((code) => code === 'seat' || code === 'no-seat')).toEqual([has ? 'seat' : 'no-seat'])
      if (verdict === undefined) continue
      const { because, state } = verdict
      if (state === 'placed') expect(codes).toContain('seat')
      if ('orderId' in because)
        expect(steps.filter((step) => step.code === 'order').map(({ order }) => order.id)).toContain(because.orderId)
      if ('storeCode' in because)
        expect(steps.filter((step) => step.code === 'failure').map(({ failure }) => failure.text)).toContain(because.text)
      if ('position' in because) {
        const queue = steps.find((step) => step.code === 'queue')
        expect(queue?.position).toBe(because.position)
        expect(queue?.ahead.length).toBe(Math.min(3, because.position - 1))
        expect(queue?.ahead).not.toContain(ordinal)
        expect(codes).toContain('free-seats')
      }
      if (because.code === 'no-seat-left' || because.code === 'order-to-come') {
        const free = steps.find((step) => step.code === 'free-seats')
        if (because.code === 'order-to-come') expect(free?.free).not.toBe(0)
      }
      if (because.code === 'principal-left') expect(steps).toContainEqual({ code: 'directory', is: 'left' })
      if (because.code === 'principal-inactive') expect(steps).toContainEqual({ code: 'directory', is: 'inactive' })
      if (because.code === 'not-device-assignable' || because.code === 'not-user-assignable')
        expect(steps).toContainEqual({ code: 'license-type', type: directory.principal(ordinal)?.kind, fits: false })
      if (because.code === 'kept-for-owner') expect(codes).toContain('owner')
      if (because.code === 'user-retired') expect(steps).toContainEqual({ code: 'registration', state: 'retired' })
    }
  })
})

test('who is served before somebody waits too, or is before in the order of serving', () => {
  holds((_, { verdicts }, explanations) => {
    const place = new Map(verdicts.map(({ ordinal }, at) => [ordinal, at]))
    for (const { ordinal, steps } of explanations)
      for (const step of steps)
        if (step.code === 'queue') for (const one of step.ahead) expect(place.get(one)).toBeLessThan(place.get(ordinal) ?? -1)
  })
})
