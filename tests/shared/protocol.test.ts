import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseAdminId, parseDeviceId, parseDocId } from '../../shared/ids.ts'
import { mostIntents, mostNoteCharacters, type PlanIntent } from '../../shared/plan.ts'
import {
  byeCodes,
  decodeClientFrame,
  decodeServerFrame,
  encodeClientFrame,
  encodeServerFrame,
  mostFrameBytes,
  mostWordsCharacters,
  nackCodes,
  packIntents,
  parseIntents,
  resetReasons,
  type ClientFrame,
  type FedChunk,
  type ServerFrame,
} from '../../shared/protocol.ts'
import { syncPhases } from '../../shared/sync.ts'
import { parseChunkKey } from '../../shared/facts.ts'
import { seededChance } from '../world/hand-clock.ts'
import { include, keyOf, must, removed } from './weighing.ts'

const number = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const bytes = fc.uint8Array({ maxLength: 64 }).map((list) => Uint8Array.from(list))
const doc = fc.constantFrom('license:l1', 'license:l42').map((text) => must(parseDocId(text)))
const device = fc.constantFrom('abcdefgh', 'k2345672k2345672k234').map((text) => must(parseDeviceId(text)))
const text = fc.string({ maxLength: 60 })
const intents: fc.Arbitrary<readonly PlanIntent[]> = fc
  .uniqueArray(
    fc.record({
      target: fc.constantFrom('d1', 'u2', 'gtablets', 'all-devices').map(keyOf),
      note: fc.boolean(),
      baseRev: fc.nat(),
      confirmed: fc.boolean(),
      said: text,
      gives: fc.boolean(),
    }),
    { minLength: 1, selector: ({ target, note }) => `${target}${note}` },
  )
  .map((list) =>
    list.map(({ target, note, baseRev, confirmed, said, gives }): PlanIntent =>
      note ? { part: 'note', target, note: said } : { part: 'wish', target, wish: gives ? include() : removed(), baseRev, confirmed },
    ),
  )
const fed: fc.Arbitrary<readonly FedChunk[]> = fc.array(
  fc.record({
    key: fc.constantFrom('connectors', 'seats/l1', 'licenses/3', 'members/tablets').map((key) => must(parseChunkKey(key))),
    seq: number,
    bytes,
  }),
  { maxLength: 4 },
)

const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ is: fc.constant('hello' as const), protocol: fc.nat(), build: text, device }),
  fc.record({ is: fc.constant('pull' as const), after: number }),
  fc.record({ is: fc.constant('open' as const), doc, epoch: fc.nat(), stateVector: bytes }),
  fc.record({ is: fc.constant('close' as const), doc }),
  fc.record({ is: fc.constant('push' as const), n: number, doc, epoch: fc.nat(), words: text, intents, update: bytes, sum: bytes }),
  fc.constant({ is: 'ping' as const }),
)
const serverFrame: fc.Arbitrary<ServerFrame> = fc.oneof(
  fc.record({
    is: fc.constant('welcome' as const),
    protocol: fc.nat(),
    build: text,
    tenant: text,
    serverTime: number,
    lastN: number,
    seq: number,
    admin: fc.record({
      id: fc.constant(must(parseAdminId('ana'))),
      name: text,
      role: fc.constantFrom('owner' as const, 'administrator' as const, 'reader' as const),
    }),
  }),
  fc.record({ is: fc.constant('chunks' as const), chunks: fed, upTo: number, done: fc.boolean() }),
  fc.record({ is: fc.constant('feed' as const), from: number, to: number, changes: fed }),
  fc.constant({ is: 'lag' as const }),
  fc.record({ is: fc.constantFrom('doc' as const, 'update' as const), doc, epoch: fc.nat(), update: bytes }),
  fc.record({ is: fc.constant('ack' as const), n: number, seq: number }),
  fc.record({ is: fc.constant('nack' as const), n: number, code: fc.constantFrom(...nackCodes), text }),
  fc.record({ is: fc.constant('resend' as const), from: number }),
  fc.record({ is: fc.constant('reset' as const), doc, epoch: fc.nat(), why: fc.constantFrom(...resetReasons) }),
  fc.record({
    is: fc.constant('progress' as const),
    sync: text,
    connector: text,
    phase: fc.constantFrom(...syncPhases),
    done: fc.nat(),
    total: fc.option(fc.nat(), { nil: null }),
  }),
  fc.record({ is: fc.constant('pong' as const), serverTime: number }),
  fc.record({ is: fc.constant('bye' as const), code: fc.constantFrom(...byeCodes), text }),
)

describe('every message', () => {
  test('of a browser is read back as it was written', () => {
    fc.assert(
      fc.property(clientFrame, (frame) => void expect(decodeClientFrame(encodeClientFrame(frame))).toEqual(frame)),
      { numRuns: 1000 },
    )
  })
  test('of the server is read back as it was written', () => {
    fc.assert(
      fc.property(serverFrame, (frame) => void expect(decodeServerFrame(encodeServerFrame(frame))).toEqual(frame)),
      { numRuns: 1000 },
    )
  })
})

/** A frame with one to three of its bytes changed, cut off, or doubled; or bytes that never were one. */
const damaged = (chance: ReturnType<typeof seededChance>, samples: readonly Uint8Array[]): Uint8Array => {
  const pick = (count: number): number => Math.floor(chance.fraction() * count)
  if (chance.fraction() < 0.2) return chance.bytes(pick(80))
  const source = samples[pick(samples.length)] ?? new Uint8Array(0)
  const frame = Uint8Array.from(source)
  for (let times = 1 + pick(3); times > 0 && frame.length > 0; times -= 1) frame[pick(frame.length)] = pick(256)
  const kind = chance.fraction()
  return kind < 0.2 ? frame.subarray(0, pick(frame.length)) : kind < 0.3 ? Uint8Array.from([...frame, ...frame]) : frame
}

test('100,000 damaged messages never throw, and what is read of them can be written again', () => {
  const chance = seededChance(1)
  const fromBrowser = fc.sample(clientFrame, { numRuns: 200, seed: 3 }).map(encodeClientFrame)
  const fromServer = fc.sample(serverFrame, { numRuns: 200, seed: 4 }).map(encodeServerFrame)
  let read = 0
  for (let run = 0; run < 50_000; run += 1) {
    const client = decodeClientFrame(damaged(chance, fromBrowser))
    if (client !== undefined) expectSame(decodeClientFrame(encodeClientFrame(client)), client)
    const server = decodeServerFrame(damaged(chance, fromServer))
    if (server !== undefined) expectSame(decodeServerFrame(encodeServerFrame(server)), server)
    if (client !== undefined || server !== undefined) read += 1
  }
  // The form has no checksum of its own: many damaged messages are messages. The samples must reach that far.
  expect(read).toBeGreaterThan(1000)
}, 60_000)

/** Cheap; `expect` on each of a hundred thousand is not. */
const expectSame = (again: unknown, frame: unknown): void => {
  if (JSON.stringify(again) !== JSON.stringify(frame)) expect(again).toEqual(frame)
}

test('a claim of many chunks in a few bytes is no message, and costs nothing', () => {
  const bytesOfClaim = Uint8Array.from([1, 0xff, 0xff, 0xff, 0xff, 0x0f])
  const begun = performance.now()
  expect(decodeServerFrame(bytesOfClaim)).toBeUndefined()
  expect(performance.now() - begun).toBeLessThan(100)
})

describe('bounds', () => {
  const push = (given: Partial<Extract<ClientFrame, { readonly is: 'push' }>>): ClientFrame => ({
    is: 'push',
    n: 1,
    doc: must(parseDocId('license:l1')),
    epoch: 1,
    words: '',
    intents: [{ part: 'wish', target: keyOf('d1'), wish: include(), baseRev: 0, confirmed: false }],
    update: new Uint8Array(1),
    sum: new Uint8Array(32),
    ...given,
  })
  test('a message of more than 256 KiB is none', () => {
    expect(decodeClientFrame(encodeClientFrame(push({ update: new Uint8Array(mostFrameBytes) })))).toBeUndefined()
  })
  test('nothing is none', () => {
    expect(decodeClientFrame(new Uint8Array(0))).toBeUndefined()
    expect(decodeServerFrame(new Uint8Array(0))).toBeUndefined()
  })
  test('a page of a captive portal is none', () => {
    expect(decodeServerFrame(new TextEncoder().encode('<!doctype html><title>Sign in to the network</title>'))).toBeUndefined()
  })
  test('words have an end', () => {
    expect(decodeClientFrame(encodeClientFrame(push({ words: 'x'.repeat(mostWordsCharacters) })))).toBeDefined()
    expect(decodeClientFrame(encodeClientFrame(push({ words: 'x'.repeat(mostWordsCharacters + 1) })))).toBeUndefined()
  })
  test('an edit has at least one intent, at most 500, each target once', () => {
    const wishes = (count: number): readonly PlanIntent[] =>
      Array.from({ length: count }, (_, at) => ({ part: 'wish', target: keyOf(`d${at}`), wish: include(), baseRev: 0, confirmed: false }))
    expect(parseIntents(packIntents(wishes(mostIntents)))).toHaveLength(mostIntents)
    expect(parseIntents(packIntents(wishes(mostIntents + 1)))).toBeUndefined()
    expect(parseIntents([])).toBeUndefined()
    expect(parseIntents(packIntents([...wishes(1), ...wishes(1)]))).toBeUndefined()
  })
  test('a note has an end', () => {
    expect(parseIntents([['n', 'd1', 'x'.repeat(mostNoteCharacters)]])).toHaveLength(1)
    expect(parseIntents([['n', 'd1', 'x'.repeat(mostNoteCharacters + 1)]])).toBeUndefined()
  })
  test.each([
    null,
    1,
    'w',
    {},
    [1],
    [[]],
    [['w']],
    [['w', '__proto__', ['include', 'required', 'device', 1], 0]],
    [['w', 'd1', ['include', 'required', 'device', 1], -1]],
    [['x', 'd1', 'y']],
  ])('intents that are none are not read: %j', (value) => {
    expect(parseIntents(value)).toBeUndefined()
  })
})
