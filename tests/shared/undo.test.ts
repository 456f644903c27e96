import { describe, expect, test } from 'vitest'
import type { Order } from '../../shared/order.ts'
import { undoOf, type UndoTarget } from '../../shared/undo.ts'
import { aLicense, aLocationOrder, anOrder } from './weighing.ts'

const done = { state: 'done', done: 3, open: [], total: 3 } as const
const of = (order: Order, given: Partial<Parameters<typeof undoOf>[0]> = {}) =>
  undoOf({ order, license: aLicense(), writingBlocked: undefined, ...given })

describe('what undoes an order', () => {
  test.each([
    ['seats that were taken are given back', anOrder('o1', { ...done, action: 'disassociate' }), 'give-back'],
    ['assignments that asked are removed', anOrder('o1', done), 'remove-assignments'],
    ['what an undo gave is taken back', anOrder('o1', { ...done, cause: 'undo' }), 'take-back'],
    ['who was registered is retired', aLocationOrder('o1', done), 'retire-user'],
    ['who was retired is registered', aLocationOrder('o1', { ...done, action: 'retire-user' }), 'register-user'],
    ['all that was taken is given back', aLocationOrder('o1', { ...done, action: 'revoke' }), 'give-back'],
    ['a subscription is taken back', aLocationOrder('o1', { ...done, action: 'assign-subscription' }), 'remove-subscription'],
  ] as const)('%s', (_, order, act) => {
    expect(of(order)).toMatchObject({ is: 'some', act, of: 3, can: 3, waiting: 0, blocked: [] })
  })
})

describe('nothing undoes an order', () => {
  test.each([
    ['that has not left: it is cancelled', anOrder('o1', { state: 'planned', open: [1] }), {}, 'not-sent'],
    ['that is under way', anOrder('o1', { state: 'pending', open: [1], done: 1 }), {}, 'under-way'],
    ['that did nothing', anOrder('o1', { state: 'failed' }), {}, 'nothing-done'],
    ['that was undone', anOrder('o1', { ...done, undoneBy: [] }), {}, 'undone-already'],
    ['of what is given for good', anOrder('o1', done), { license: aLicense({ revocable: false }) }, 'irrevocable'],
    ['of a license that is gone', anOrder('o1', done), { license: aLicense({ gone: true }) }, 'license-gone'],
    ['that changed what the store knows of somebody', aLocationOrder('o1', { ...done, action: 'update-user' }), {}, 'not-kept'],
    ['while nothing can be asked of the store', anOrder('o1', done), { writingBlocked: 'credential-expired' }, 'credential-expired'],
  ] as const)('%s', (_, order, given, code) => {
    const told = of(order, given)
    expect(told).toMatchObject({ is: 'none', code })
    expect(told.is === 'none' && told.text).toMatch(/^[A-Z].+\.$/)
  })
})

test('of some it says how many of how many, and why not the rest', () => {
  const target = (ordinal: number, obstacle: UndoTarget['obstacle']): UndoTarget => ({ ordinal, licenseId: null, obstacle })
  const targets = [
    target(1, undefined),
    target(2, 'no-seat-free'),
    target(3, 'no-seat-free'),
    target(4, 'has-seat'),
    target(5, 'waits'),
    target(6, undefined),
  ]
  expect(of(anOrder('o1', { ...done, action: 'disassociate' }), { targets })).toMatchObject({
    of: 6,
    can: 2,
    waiting: 1,
    blocked: [
      { code: 'no-seat-free', count: 2 },
      { code: 'has-seat', count: 1 },
    ],
  })
})
