import { expect, test } from 'vitest'
import { createLimit } from '../../server/limit.ts'
import { handClock } from '../world/hand-clock.ts'

const rule = { most: 2, windowMs: 1_000 }

test('a key has so many tries, and gets each back a window after it was made', () => {
  const clock = handClock(0)
  const limit = createLimit(clock, rule)
  expect(limit.take('a').ok).toBe(true)
  clock.pass(400)
  expect(limit.take('a').ok).toBe(true)
  expect(limit.take('a')).toEqual({ ok: false, error: { retryAfterMs: 600 } })
  expect(limit.take('b').ok).toBe(true)
  clock.pass(600)
  expect(limit.take('a').ok).toBe(true)
  expect(limit.take('a')).toEqual({ ok: false, error: { retryAfterMs: 400 } })
})

test('a refused try is not counted against the next', () => {
  const clock = handClock(0)
  const limit = createLimit(clock, rule)
  for (let n = 0; n < 50; n++) limit.take('a')
  clock.pass(1_000)
  expect(limit.take('a').ok).toBe(true)
})

test('a try that is given back never was', () => {
  const limit = createLimit(handClock(0), rule)
  for (let n = 0; n < 50; n++) {
    const taken = limit.take('a')
    if (!taken.ok) throw new Error('taken')
    taken.value()
    taken.value()
  }
  limit.take('a')
  limit.take('a')
  expect(limit.take('a').ok).toBe(false)
})

test('ever new keys do not fill the memory, and push out only the quietest', () => {
  const limit = createLimit(handClock(0), rule)
  limit.take('old')
  limit.take('old')
  limit.take('busy')
  for (let n = 0; n < 60_000; n++) {
    limit.take(`k${n}`)
    if (n === 30_000) limit.take('busy')
  }
  expect(limit.take('busy').ok).toBe(false)
  expect(limit.take('old').ok).toBe(true)
})
