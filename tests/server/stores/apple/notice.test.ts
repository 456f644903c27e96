/** What a notice of Apple's is read as. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readNotice } from '../../../../server/stores/apple/notice.ts'

const uId = '7700000000000123'
const notice = (notificationType: string, notification: unknown) =>
  readNotice({ notification, notificationId: 'n-1', notificationType, uId })
const news = (notificationType: string, notification: unknown) => notice(notificationType, notification)?.news

const pair = { adamId: '900000011', pricingParam: 'STDQ', serialNumber: ' c02zz0aaaa01 ' }
const product = { productId: '900000011', pricing: 'STDQ' }
const holder = { kind: 'device', key: 'C02ZZ0AAAA01' }

describe('each kind that Apple names', () => {
  test('the test notice', () => {
    expect(notice('TEST_NOTIFICATION', {})).toEqual({ id: 'n-1', location: uId, kind: 'TEST_NOTIFICATION', news: { is: 'test' } })
  })

  test.each([
    ['ASSOCIATE', 'associate'],
    ['DISASSOCIATE', 'disassociate'],
    ['REVOKE', 'revoke'],
    ['SOMETHING_NEW', null],
  ])('seats: %s is %s', (type, action) => {
    expect(
      news('ASSET_MANAGEMENT', { eventId: 'e-1', type, result: 'SUCCESS', assignments: [pair, { ...pair, clientUserId: 'x' }] }),
    ).toEqual({
      is: 'order-news',
      subject: 'seats',
      reference: 'e-1',
      action,
      outcome: 'success',
      parts: 2,
      products: [product],
      holders: [holder],
      failures: [],
    })
  })

  test('people: made known, and who accepted', () => {
    expect(
      news('USER_MANAGEMENT', {
        eventId: 'e-2',
        type: 'CREATE',
        result: 'SUCCESS',
        users: [{ clientUserId: 'ada', inviteCode: 'never-told-on' }, { clientUserId: 'ben' }],
      }),
    ).toMatchObject({
      is: 'order-news',
      subject: 'people',
      action: 'register-user',
      parts: 2,
      holders: [
        { kind: 'user', key: 'ada' },
        { kind: 'user', key: 'ben' },
      ],
    })
    expect(news('USER_ASSOCIATED', { associatedUsers: [{ clientUserId: 'ada', status: 'Associated' }] })).toEqual({
      is: 'people-changed',
      keys: ['ada'],
    })
  })

  test('counts: which product, and the difference as it is told', () => {
    expect(news('ASSET_COUNT', { adamId: '900000011', pricingParam: 'PLUS', countDelta: -12 })).toEqual({
      is: 'count-changed',
      product: { productId: '900000011', pricing: 'PLUS' },
      delta: -12,
    })
    expect(news('ASSET_COUNT', { adamId: 900000011, countDelta: 'many' })).toEqual({ is: 'count-changed', product, delta: null })
    expect(news('ASSET_COUNT', {})).toEqual({ is: 'licenses-changed' })
  })

  test('subscriptions, and assets without a limit', () => {
    expect(news('SUBSCRIPTION_COUNT', { parentAdamId: 55501, adamId: 55502, counts: {} })).toEqual({ is: 'subscriptions-changed' })
    expect(
      news('SUBSCRIPTION_MANAGEMENT', {
        eventId: 'e-3',
        type: 'ASSOCIATE',
        result: 'SUCCESS',
        assignments: [{ adamId: 55502, clientUserId: 'ada', renewing: true }],
      }),
    ).toMatchObject({ is: 'order-news', subject: 'subscriptions', action: 'assign-subscription', holders: [{ kind: 'user', key: 'ada' }] })
    expect(news('UNLIMITED_ASSET', { any: 'body' })).toEqual({ is: 'licenses-changed' })
  })

  test('a kind that nobody knows is kept as one', () => {
    expect(notice('SOMETHING_NEW', { of: 2031 })).toEqual({ id: 'n-1', location: uId, kind: 'SOMETHING_NEW', news: { is: 'unknown' } })
    expect(readNotice({})).toEqual({ id: null, location: null, kind: '', news: { is: 'unknown' } })
  })
})

describe('case 43: a failure', () => {
  const failed = (members: object) =>
    news('ASSET_MANAGEMENT', { eventId: 'e-1', type: 'ASSOCIATE', result: 'FAILURE', assignments: [pair], ...members })

  test('with one error: all that it lists failed of it', () => {
    expect(failed({ error: { errorNumber: 9709, errorMessage: 'none' } })).toMatchObject({
      outcome: 'failure',
      failures: [{ holders: [holder], products: [product], code: 'no-seat-left', retryable: true }],
    })
  })

  test('with a list of failures: each with those that it names', () => {
    expect(
      failed({
        failures: [
          { errorNumber: 9709, errorInfo: { serialNumbers: ['S1'], assets: [{ adamId: '900000012' }] } },
          { errorNumber: 9609, errorInfo: { clientUserIds: ['nobody'] } },
        ],
      }),
    ).toMatchObject({
      outcome: 'failure',
      failures: [
        { holders: [{ kind: 'device', key: 'S1' }], products: [{ productId: '900000012', pricing: 'STDQ' }], code: 'no-seat-left' },
        { holders: [{ kind: 'user', key: 'nobody' }], products: [product], code: 'user-not-registered' },
      ],
    })
  })

  test('with neither: failed, for a reason that nobody told', () => {
    expect(failed({})).toMatchObject({ outcome: 'failure', failures: [{ holders: [holder], products: [product], code: 'unnamed' }] })
  })

  test('with nobody named: whom it struck is for the store to say', () => {
    expect(failed({ assignments: undefined })).toMatchObject({ outcome: 'failure', failures: [{ holders: null, products: null }] })
  })

  test('without a result, but with an error', () => {
    expect(news('ASSET_MANAGEMENT', { eventId: 'e-1', assignments: [pair], error: { errorNumber: 9602 } })).toMatchObject({
      outcome: 'failure',
    })
  })
})

test('what is no object is no notice', () => {
  for (const body of [undefined, null, 1, 'text', [], [{}]]) expect(readNotice(body)).toBeUndefined()
})

test('a name that no database would take is no name', () => {
  expect(news('ASSET_COUNT', { adamId: '9\u0000', countDelta: 1 })).toEqual({ is: 'licenses-changed' })
  expect(
    news('USER_ASSOCIATED', {
      associatedUsers: [{ clientUserId: 'ada\u0000' }, { clientUserId: 'x'.repeat(2000) }, { clientUserId: 'ben' }],
    }),
  ).toEqual({
    is: 'people-changed',
    keys: ['ben'],
  })
})

test('whatever comes is read without a throw', () => {
  const members = [
    'notification',
    'notificationId',
    'notificationType',
    'uId',
    'eventId',
    'type',
    'result',
    'assignments',
    'users',
    'error',
    'failures',
    'associatedUsers',
    'adamId',
    'countDelta',
    'errorInfo',
  ]
  const key = fc.oneof(fc.constantFrom(...members), fc.string())
  const kinds = fc.constantFrom('ASSET_MANAGEMENT', 'USER_MANAGEMENT', 'ASSET_COUNT', 'USER_ASSOCIATED', 'SUBSCRIPTION_MANAGEMENT')
  const anything = fc.object({ key: fc.constantFrom(...members), maxDepth: 4 })
  fc.assert(
    fc.property(kinds, anything, fc.dictionary(key, fc.jsonValue()), (notificationType, notification, more) => {
      readNotice({ ...more, notificationType, notification })
    }),
    { numRuns: 300 },
  )
})
