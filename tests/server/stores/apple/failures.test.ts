import { expect, test } from 'vitest'
import { failureOfRefusal, senseOf, targetFailureOf } from '../../../../server/stores/apple/failures.ts'
import type { Method } from '../../../../server/stores/http.ts'

const none = (): undefined => undefined
const of = (errorNumber: number | undefined, status: number, method: Method = 'GET') =>
  failureOfRefusal({ is: 'refused', errorNumber, status }, method, none)

test.each([
  [9621, 'credential-expired'],
  [9622, 'credential-invalid'],
  [9625, 'credential-invalid'],
  [9601, 'credential-invalid'],
  [9647, 'credential-invalid'],
  [9722, 'credential-invalid'],
])('%s means %s, also when it comes with status 200', (errorNumber, is) => {
  for (const status of [200, 401, 403]) expect(of(errorNumber, status)).toMatchObject({ is, text: expect.stringMatching(/upload it here/) })
})

test('a token that may only read is one when a write is refused; one that may not even read is no such thing', () => {
  expect(of(9637, 403, 'POST').is).toBe('read-only-token')
  expect(of(undefined, 403, 'POST').is).toBe('read-only-token')
  expect(of(9637, 403, 'GET')).toMatchObject({ is: 'store-refused', code: '9637' })
})

test('a status without a number goes by its class', () => {
  expect(of(undefined, 401).is).toBe('credential-invalid')
  expect(of(undefined, 404)).toMatchObject({ is: 'store-refused', code: 'http-404' })
  expect(senseOf(undefined, 429)).toBe('busy')
  expect(senseOf(undefined, 502)).toBe('trouble')
  expect(senseOf(undefined, 404)).toBe('refused')
})

test('the number wins over the status, and a number in no list goes by the status', () => {
  expect(senseOf(9646, 200)).toBe('busy')
  expect(senseOf(9603, 200)).toBe('trouble')
  expect(senseOf(9706, 500)).toBe('refused')
  expect(senseOf(9999, 503)).toBe('trouble')
  expect(senseOf(9999, 429)).toBe('busy')
  expect(senseOf(9999, 200)).toBe('refused')
  expect(of(9999, 401).is).toBe('credential-invalid')
})

test("a number in no list shows its number and Apple's published message, on one line and not at length", () => {
  const told = failureOfRefusal({ is: 'refused', errorNumber: 9999, status: 400 }, 'GET', () => ` Too\nmany  cooks.${'x'.repeat(500)}`)
  expect(told).toMatchObject({ is: 'store-refused', code: '9999', text: expect.stringContaining('9999 (“Too many cooks.') })
  expect(told.is === 'store-refused' ? told.text.length : 0).toBeLessThan(400)
})

test('targets: what passes may be tried again, what a person must mend may not', () => {
  for (const errorNumber of [9709, 9603, 9644, 9729, 9646, 9626]) expect(targetFailureOf(errorNumber, none).retryable).toBe(true)
  for (const errorNumber of [9609, 9602, 9707, 9706, 9628, 9642, 9999]) expect(targetFailureOf(errorNumber, none).retryable).toBe(false)
  expect(targetFailureOf(9709, none).code).toBe('no-seat-left')
  expect(targetFailureOf(9609, none).code).toBe('user-not-registered')
  expect(targetFailureOf(undefined, none)).toMatchObject({ code: 'unnamed', retryable: false })
})

test('what a person reads is plain: no plea, no cheer, no shouting, and a sentence to its end', () => {
  for (let errorNumber = 9600; errorNumber < 9820; errorNumber += 1) {
    const { text } = targetFailureOf(errorNumber, none)
    expect(text).not.toMatch(/please|success|!|undefined/i)
    expect(text).toMatch(/^[A-Z].*\.$/)
  }
})
