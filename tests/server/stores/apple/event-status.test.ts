import { describe, expect, test } from 'vitest'
import { orderStatusOf } from '../../../../server/stores/apple/event-status.ts'
import { parseEventStatus } from '../../../../server/stores/apple/wire.ts'

const statusOf = (body: unknown, products = [{ productId: '1', pricing: 'STDQ' }]) => {
  const parsed = parseEventStatus(body)
  if (!parsed.ok) throw new Error(parsed.error.where)
  return orderStatusOf(parsed.value, products, () => undefined)
}
const failure = (errorNumber: number, serialNumbers?: readonly string[]) => ({
  errorNumber,
  errorMessage: 'Some words.',
  ...(serialNumbers === undefined ? {} : { errorInfo: { assets: [{ adamId: '1', pricingParam: 'STDQ' }], serialNumbers } }),
})

test('COMPLETE with everything completed is done', () => {
  expect(statusOf({ eventStatus: 'COMPLETE', numRequested: 3, numCompleted: 3 })).toEqual({ is: 'done' })
})

test('what is not known to be over is pending', () => {
  for (const eventStatus of ['PENDING', 'PAUSED_FOR_LUNCH', undefined])
    expect(statusOf({ eventStatus, numRequested: 3, numCompleted: 3 })).toEqual({ is: 'pending' })
})

test('case 24: a failure that names half of the devices leaves the others served', () => {
  const status = statusOf({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [failure(9709, [' c01', 'C02'])] })
  expect(status).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [
      {
        code: 'no-seat-left',
        retryable: true,
        holders: [
          { kind: 'device', key: 'C01' },
          { kind: 'device', key: 'C02' },
        ],
      },
    ],
  })
})

test.each([
  ['a failure that names nobody', { eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [failure(9603)] }],
  ['a failure that names only the product', { eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [failure(9603, [])] }],
  ['COMPLETE that falls short', { eventStatus: 'COMPLETE', numRequested: 4, numCompleted: 3 }],
  [
    'COMPLETE with a failure that does not add up',
    { eventStatus: 'COMPLETE', numRequested: 4, numCompleted: 4, failures: [failure(9709, ['C1'])] },
  ],
  ['COMPLETE without numbers', { eventStatus: 'COMPLETE' }],
  ['FAILED without a failure', { eventStatus: 'FAILED', numRequested: 4, numCompleted: 4 }],
  ['numbers that do not add up', { eventStatus: 'FAILED', numRequested: 9, numCompleted: 2, failures: [failure(9709, ['C1'])] }],
  ['a target that is named twice', { eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [failure(9709, ['C1', 'c1'])] }],
  [
    'one failure that names its target and one that names nobody',
    { eventStatus: 'FAILED', numRequested: 3, numCompleted: 2, failures: [failure(9709, ['C1']), failure(9603)] },
  ],
  ['failures of an unknown form', { eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: ['9709', null, 7] }],
])('case 25: after %s the seats have to be read', (_what, body) => {
  expect(statusOf(body)).toMatchObject({ is: 'failed', complete: false })
})

test('a failure that names nobody keeps its reason, with null for the targets', () => {
  const status = statusOf({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [failure(9603)] })
  expect(status.is === 'failed' && status.failures).toEqual([
    {
      holders: null,
      products: [{ productId: '1', pricing: 'STDQ' }],
      code: '9603',
      text: "Apple's service had trouble. It is tried again by itself.",
      retryable: true,
    },
  ])
})

test('case 31: assigned already and not assigned are as asked, and count as served when they are named', () => {
  expect(statusOf({ eventStatus: 'FAILED', numRequested: 3, numCompleted: 1, failures: [failure(9616, ['C1', 'C2'])] })).toEqual({
    is: 'done',
  })
  expect(statusOf({ eventStatus: 'COMPLETE', numRequested: 1, numCompleted: 0, failures: [failure(9619, ['C1'])] })).toEqual({ is: 'done' })
  expect(statusOf({ eventStatus: 'FAILED', numRequested: 3, numCompleted: 1, failures: [failure(9616)] })).toEqual({
    is: 'failed',
    failures: [],
    complete: false,
  })
  const mixed = statusOf({
    eventStatus: 'FAILED',
    numRequested: 3,
    numCompleted: 1,
    failures: [failure(9616, ['C1']), failure(9709, ['C2'])],
  })
  expect(mixed).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [{ code: 'no-seat-left', holders: [{ kind: 'device', key: 'C2' }] }],
  })
})

test('people are named apart from devices, and one whom Apple does not know is told what to do', () => {
  const status = statusOf({
    eventStatus: 'FAILED',
    numRequested: 2,
    numCompleted: 1,
    failures: [{ errorNumber: 9609, errorInfo: { clientUserIds: ['Ada.Lovelace'] } }],
  })
  expect(status).toMatchObject({
    complete: true,
    failures: [{ code: 'user-not-registered', retryable: false, holders: [{ kind: 'user', key: 'Ada.Lovelace' }] }],
  })
  expect(status.is === 'failed' && status.failures[0]?.text).toMatch(/Register the person/)
})

describe('a call of several products', () => {
  const both = [
    { productId: '1', pricing: 'STDQ' },
    { productId: '2', pricing: 'STDQ' },
  ]
  const asset = (adamId: string) => ({ adamId, pricingParam: 'STDQ' })
  const about = (assets: readonly string[], serialNumbers: readonly string[]) => ({
    errorNumber: 9709,
    errorInfo: { assets: assets.map(asset), serialNumbers },
  })

  test('a failure is that of the product it names', () => {
    const status = statusOf({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [about(['2'], ['C1', 'C2'])] }, both)
    expect(status).toMatchObject({ is: 'failed', complete: true, failures: [{ products: [{ productId: '2' }] }] })
  })

  test('products and targets that are put together may name more than failed: the seats have to be read', () => {
    const status = statusOf({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 2, failures: [about(['1', '2'], ['C1', 'C2'])] }, both)
    expect(status).toMatchObject({ is: 'failed', complete: false })
  })

  test('a failure that names no product may be about any', () => {
    const status = statusOf({ eventStatus: 'FAILED', numRequested: 4, numCompleted: 3, failures: [about([], ['C1'])] }, both)
    expect(status).toMatchObject({ is: 'failed', complete: false, failures: [{ products: null }] })
  })
})
