import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createFacts, foldFeed, keepChunks } from '../../client/facts.ts'
import type { KeptChunk, Meta } from '../../client/local-db.ts'
import { firstMeta } from '../../client/outbox.ts'
import {
  columnsFact,
  columnsOfSeats,
  factBytes,
  foldFact,
  licenseIdOf,
  licensesKey,
  readRows,
  rowsFact,
  seatsKey,
  type ChunkKey,
  type Fact,
} from '../../shared/facts.ts'
import type { FedChunk, ServerFrame } from '../../shared/protocol.ts'
import { seededChance } from '../world/hand-clock.ts'
import { createMemoryStore } from '../world/memory-local-db.ts'
import { createDesk, furnish, license, putLicense } from './desk.ts'

type FeedFrame = Extract<ServerFrame, { readonly is: 'feed' }>

const facts: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ n: fc.integer({ min: 0, max: 3 }), total: fc.integer({ min: 0, max: 9 }) }).map(({ n, total }) => {
    const row = license(n, `App ${n}`, { total })
    return rowsFact(licensesKey(row.id), [row])
  }),
  fc.integer({ min: 0, max: 3 }).map((n) => rowsFact(licensesKey(licenseIdOf(n)), [], [licenseIdOf(n)])),
  fc
    .record({
      n: fc.integer({ min: 0, max: 2 }),
      put: fc.uniqueArray(fc.integer({ min: 0, max: 9 })),
      remove: fc.uniqueArray(fc.integer({ min: 0, max: 9 })),
    })
    .map(({ n, put, remove }) =>
      columnsFact(
        seatsKey(licenseIdOf(n)),
        columnsOfSeats(put.map((ordinal) => ({ ordinal, licenseType: 'device', origin: 'found', sinceS: 1 }))),
        Uint32Array.from(remove),
      ),
    ),
)

const chunksAt = (all: readonly Fact[], upTo: number): Map<ChunkKey, KeptChunk> => {
  const chunks = new Map<ChunkKey, KeptChunk>()
  all.slice(0, upTo).forEach((fact, at) => {
    chunks.set(fact.chunk, { key: fact.chunk, seq: at + 1, bytes: foldFact(chunks.get(fact.chunk)?.bytes, fact) })
  })
  return chunks
}

test('folding what is fed leads to the same bytes as fetching the chunks, also when the fetched ones were ahead of their point', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(facts, { minLength: 1, maxLength: 30 }), fc.nat(), fc.nat(), fc.nat(), async (all, a, b, c) => {
      const start = a % (all.length + 1)
      // A chunk that was read while later facts were being committed holds some of them already.
      const ahead = start + (b % (all.length - start + 1))
      const store = createMemoryStore()
      const localDb = store.open()
      let meta: Meta = firstMeta(seededChance(1))
      const behind = chunksAt(all, start)
      const read: FedChunk[] = [...chunksAt(all, ahead).values()].map((chunk, at) =>
        (at + c) % 2 === 0 ? chunk : (behind.get(chunk.key) ?? chunk),
      )
      const kept = await localDb.write(['chunks'], (writing) =>
        keepChunks(writing, meta, { is: 'chunks', chunks: read, upTo: start, done: true }, 1),
      )
      if (!kept.ok) throw new Error(kept.error.is)
      meta = kept.value
      for (let from = start; from < all.length;) {
        const to = Math.min(all.length, from + 1 + (c % 4))
        const frame: FeedFrame = {
          is: 'feed',
          from: from + 1,
          to,
          changes: all.slice(from, to).map((fact, at) => ({ key: fact.chunk, seq: from + at + 1, bytes: factBytes(fact) })),
        }
        // Twice: the second one is old news.
        const folded = await localDb.write(['chunks'], (writing) => foldFeed(writing, meta, [frame, frame], 1))
        if (!folded.ok) throw new Error(folded.error.is)
        expect(folded.value.mustPull).toBe(false)
        meta = folded.value.meta
        from = to
      }
      expect(meta.seq).toBe(all.length)
      for (const [key, chunk] of chunksAt(all, all.length)) expect([key, store.kept.chunks.get(key)]).toEqual([key, chunk])
    }),
    { numRuns: 300 },
  )
})

test('a feed that leaves something out is not folded: the browser asks for the chunks again', async () => {
  const localDb = createMemoryStore().open()
  const meta = { ...firstMeta(seededChance(1)), seq: 5 }
  const row = license(1, 'Keynote')
  const frame: FeedFrame = {
    is: 'feed',
    from: 7,
    to: 7,
    changes: [{ key: licensesKey(row.id), seq: 7, bytes: factBytes(rowsFact(licensesKey(row.id), [row])) }],
  }
  const folded = await localDb.write(['chunks'], (writing) => foldFeed(writing, meta, [frame], 1))
  expect(folded).toMatchObject({ ok: true, value: { mustPull: true, meta: { seq: 5 } } })
  const chunk = await localDb.read(['chunks'], (reading) => reading.chunk(licensesKey(row.id)))
  expect(chunk).toEqual({ ok: true, value: undefined })
})

test('a chunk that can not be read is dropped and fetched anew, and the list is whole again', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const first = desk.openTab()
  await desk.settle()
  first.console.close()
  const key = licensesKey(keynote)
  const chunk = desk.store.kept.chunks.get(key)
  if (chunk === undefined) throw new Error('no chunk')
  desk.store.kept.chunks.set(key, { ...chunk, bytes: chunk.bytes.slice(0, 20) })
  const second = desk.openTab()
  await desk.settle()
  await second.console.facts.load([key])
  second.console.facts.rows(key)
  await desk.settle()
  const read = second.console.facts.rows(key)
  await desk.settle()
  expect(read.is).toBe('ready')
  const again = second.console.facts.rows(key)
  expect(again.is === 'ready' && again.value.map(({ product }) => product.name)).toEqual(['Keynote', 'Algebra'])
  expect(desk.store.kept.chunks.get(key)?.bytes).toEqual(desk.server.chunk(key))
  second.console.close()
})

test('a chunk of a newer kind that this build can not read is fetched anew once, and not for ever', async () => {
  const desk = createDesk()
  furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  const key = licensesKey(licenseIdOf(1))
  const chunk = desk.store.kept.chunks.get(key)
  if (chunk === undefined) throw new Error('no chunk')
  const unreadable = new TextEncoder().encode('{"form":2}')
  desk.store.kept.chunks.set(key, { ...chunk, bytes: unreadable })
  tab.console.facts.changed([{ key, chunk: 'unknown' }])
  // The server holds the same bytes: what comes back is no better.
  desk.server.spoil(key, unreadable)
  desk.server.received.length = 0
  for (let look = 0; look < 10; look += 1) {
    await tab.console.facts.load([key])
    tab.console.facts.rows(key)
    await desk.settle()
  }
  expect(desk.server.received.filter(({ is }) => is === 'pull').length).toBe(1)
  tab.console.close()
})

test('what is asked for while a change comes in is never older than the change', async () => {
  const store = createMemoryStore()
  const localDb = store.open()
  const key = licensesKey(licenseIdOf(1))
  const bytesOf = (name: string) => foldFact(undefined, rowsFact(key, [license(1, name)]))
  store.kept.chunks.set(key, { key, seq: 1, bytes: bytesOf('old') })
  const read = createFacts({ localDb, onLoaded: () => undefined, onUnreadable: () => undefined, onTrouble: () => undefined })
  const loading = read.load([key])
  read.changed([{ key, chunk: { key, seq: 2, bytes: bytesOf('new') } }])
  await loading
  const rows = read.rows(key)
  expect(rows.is === 'ready' && rows.value.map(({ product }) => product.name)).toEqual(['new'])
})

test('a run is read at one go, and stays whole when another tab has changed one of its chunks', async () => {
  const store = createMemoryStore()
  const localDb = store.open()
  const keys = [1, 2, 10].map((n) => seatsKey(licenseIdOf(n)))
  const bytesOf = (ordinal: number) =>
    foldFact(
      undefined,
      columnsFact(seatsKey(licenseIdOf(1)), columnsOfSeats([{ ordinal, licenseType: 'device', origin: 'found', sinceS: 1 }])),
    )
  for (const key of keys) store.kept.chunks.set(key, { key, seq: 1, bytes: bytesOf(5) })
  const read = createFacts({ localDb, onLoaded: () => undefined, onUnreadable: () => undefined, onTrouble: () => undefined })
  expect(read.run('seats/')).toEqual({ is: 'loading' })
  await read.loaded()
  expect(read.run('seats/')).toEqual({ is: 'ready', value: keys })
  const [first] = keys
  if (first === undefined) throw new Error('no key')
  const fourth = seatsKey(licenseIdOf(4))
  for (const key of [first, fourth]) store.kept.chunks.set(key, { key, seq: 2, bytes: bytesOf(6) })
  read.changed([
    { key: first, chunk: 'unknown' },
    { key: fourth, chunk: 'unknown' },
  ])
  expect(read.run('seats/')).toMatchObject({ is: 'ready', value: ['seats/l1', 'seats/l2', 'seats/l4', 'seats/l10'] })
  expect(read.columns(first)).toEqual({ is: 'loading' })
  await read.loaded()
  const columns = read.columns(first)
  expect(columns.is === 'ready' && [...columns.value.ordinals]).toEqual([6])
})

test('a first fetch in many parts goes on where it broke off', async () => {
  const desk = createDesk()
  for (let n = 0; n < 400; n += 1) putLicense(desk.server, license(n, `App ${n}`))
  let parts = 0
  desk.server.lets = (frame) => frame.is !== 'chunks' || (parts += 1) <= 2
  const tab = desk.openTab()
  await desk.settle()
  expect(tab.console.connection()).toMatchObject({ is: 'pulling' })
  const reached = desk.store.kept.meta?.seq ?? 0
  expect(reached).toBeGreaterThan(0)
  desk.server.lets = () => true
  desk.server.received.length = 0
  await desk.pass(60_000)
  expect(desk.server.received.find(({ is }) => is === 'pull')).toEqual({ is: 'pull', after: reached })
  expect(tab.console.connection()).toEqual({ is: 'online' })
  for (const key of desk.server.chunkKeys)
    expect(readRows(key as `licenses/${number}`, desk.store.kept.chunks.get(key)?.bytes)).toHaveLength(key === 'licenses/6' ? 16 : 64)
  tab.console.close()
})
