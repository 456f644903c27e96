import { expect, test } from 'vitest'
import { intentsOf } from '../../server/undo-weighing.ts'
import { usualTerms, type PlacedWish, type Wish } from '../../shared/assignment.ts'
import type { ConnectorId, GroupId, LicenseId, OrderId, TargetKey } from '../../shared/ids.ts'
import type { LicenseOrder } from '../../shared/order.ts'
import type { Members } from '../../shared/touching.ts'

const now = Date.parse('2026-11-24T09:00:00Z')
const directory: Members = {
  members: (group: GroupId) => Uint32Array.from(group.endsWith('b') ? [7, 8] : [1, 2, 3]),
  all: () => Uint32Array.from([1, 2, 3, 7, 8]),
  ownerOf: () => undefined,
}
const order: LicenseOrder = {
  id: 'o1' as OrderId,
  connectorId: 'c1' as ConnectorId,
  licenseId: 'l1' as LicenseId,
  action: 'associate',
  cause: 'plan',
  state: 'done',
  total: 1,
  done: 1,
  open: [],
  failures: [],
  unknown: false,
  storeReference: 'e1',
  createdAt: '2026-11-24T08:00:00.000Z',
  sentAt: '2026-11-24T08:00:01.000Z',
  finishedAt: '2026-11-24T08:00:02.000Z',
  by: 'Ana',
}
const placed = (
  key: string,
  changes: { readonly intent?: 'required' | 'available' | 'uninstall'; readonly startsAt?: string } = {},
): PlacedWish => {
  const wish: Wish = {
    mode: 'include',
    intent: changes.intent ?? 'required',
    licenseType: 'device',
    rev: 1,
    ...(changes.startsAt === undefined ? {} : { terms: { ...usualTerms, startsAt: changes.startsAt } }),
  }
  return { key: key as TargetKey, wish, note: '', by: 'Ana', at: '2026-11-24T08:00:00.000Z', taken: 1 }
}
const removed = (standing: readonly PlacedWish[]): readonly string[] =>
  intentsOf(order, standing, [2], directory, now).map((intent) =>
    intent.part === 'wish' ? `${intent.target} ${intent.wish.mode}` : intent.part,
  )

test('the assignments that asked for the seat are removed, and no others', () => {
  expect(removed([placed('ggroupa'), placed('ggroupb'), placed('d2'), placed('d3')])).toEqual(['ggroupa removed', 'd2 removed'])
})

test('an assignment whose day is still to come asked for no seat, and stays', () => {
  expect(removed([placed('ggroupa', { startsAt: '2026-11-25T08:00:00.000Z' }), placed('d2')])).toEqual(['d2 removed'])
  expect(removed([placed('ggroupa', { startsAt: '2026-11-23T08:00:00.000Z' })])).toEqual(['ggroupa removed'])
})

test('what is offered to a whole group is not taken from all of them for the seat that one of them took', () => {
  expect(removed([placed('ggroupa', { intent: 'available' })])).toEqual([])
})
