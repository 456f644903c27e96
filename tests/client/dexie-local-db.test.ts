import { IDBDatabase, IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { expect, test } from 'vitest'
import { createConsole } from '../../client/console.ts'
import { openDexieLocalDb } from '../../client/dexie-local-db.ts'
import { NotLeading, type KeptChunk, type LocalDb, type OutboxRow } from '../../client/local-db.ts'
import { firstMeta } from '../../client/outbox.ts'
import { rowsBytes } from '../../shared/facts.ts'
import { docOfLicense, type LicenseId } from '../../shared/ids.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'
import { createMemoryStore } from '../world/memory-local-db.ts'
import { furnish, license, target } from './desk.ts'
import { createWireServer } from './wire-server.ts'

const meta = firstMeta(seededChance(1))
const row = (id: number, license: string): OutboxRow => ({
  id,
  form: 1,
  n: id,
  doc: docOfLicense(license as LicenseId),
  epoch: 1,
  words: `edit ${id}`,
  intents: [{ part: 'note', target: target('d1'), note: 'x' }],
  before: [],
  update: new Uint8Array([1, 2, 3]),
  madeAt: 1,
  by: { id: 'ana' as never, name: 'Ana', role: 'owner' },
  state: 'waiting',
  refusal: null,
})
const chunk = (key: KeptChunk['key'], seq: number): KeptChunk => ({ key, seq, bytes: rowsBytes('licenses/0', [license(1, 'Keynote')]) })

const openBoth = (): readonly (readonly [string, LocalDb])[] => [
  ['IndexedDB', openDexieLocalDb({ indexedDB: new IDBFactory(), IDBKeyRange })],
  ['memory', createMemoryStore().open()],
]

for (const [name, localDb] of openBoth())
  test(`what a transaction puts is read back as it was, in ${name}`, async () => {
    const stores = ['meta', 'outbox', 'saved', 'docs', 'chunks'] as const
    const written = await localDb.write(stores, async (writing) => {
      await writing.putMeta(meta)
      await writing.putRows([row(2, 'l2'), row(1, 'l1')])
      await writing.putDocBase({ doc: docOfLicense('l1' as LicenseId), epoch: 3, state: new Uint8Array([0, 0]) })
      await writing.putChunks([chunk('licenses/10', 5), chunk('licenses/2', 4), chunk('principals/0', 3)])
      return await writing.rows()
    })
    expect(written.ok && written.value.map(({ id }) => id)).toEqual([1, 2])
    const read = await localDb.read(stores, async (reading) => ({
      meta: await reading.meta(),
      rows: await reading.rowsOfDoc(docOfLicense('l2' as LicenseId)),
      base: await reading.docBase(docOfLicense('l1' as LicenseId)),
      chunks: await reading.chunksWithPrefix('licenses/'),
    }))
    expect(read).toEqual({
      ok: true,
      value: {
        meta,
        rows: [row(2, 'l2')],
        base: { doc: 'license:l1', epoch: 3, state: new Uint8Array([0, 0]) },
        chunks: [chunk('licenses/10', 5), chunk('licenses/2', 4)],
      },
    })
    await localDb.write(['outbox', 'chunks'], async (writing) => {
      await writing.removeRows([1])
      await writing.removeChunks(['licenses/2'])
    })
    const left = await localDb.read(['outbox', 'chunks'], async (reading) => [
      (await reading.rows()).length,
      (await reading.chunksWithPrefix('')).map(({ key }) => key),
    ])
    expect(left).toEqual({ ok: true, value: [1, ['licenses/10', 'principals/0']] })
  })

for (const [name, localDb] of openBoth())
  test(`a transaction that fails keeps nothing, in ${name}`, async () => {
    const failed = await localDb.write(['meta', 'outbox'], async (writing) => {
      await writing.putMeta(meta)
      await writing.putRows([row(1, 'l1')])
      throw new Error('the act broke')
    })
    expect(failed).toEqual({ ok: false, error: { is: 'failed', text: 'the act broke' } })
    const replaced = await localDb.write(['meta'], () => Promise.reject(new NotLeading()))
    expect(replaced).toEqual({ ok: false, error: { is: 'not-leading' } })
    expect(await localDb.read(['meta', 'outbox'], async (reading) => [await reading.meta(), await reading.rows()])).toEqual({
      ok: true,
      value: [undefined, []],
    })
  })

test('a store that is full is told as such', async () => {
  const factory = new IDBFactory()
  const localDb = openDexieLocalDb({ indexedDB: factory, IDBKeyRange })
  const full = Object.assign(new Error('no space left'), { name: 'QuotaExceededError' })
  const failed = await localDb.write(['meta'], () => Promise.reject(full))
  expect(failed).toEqual({ ok: false, error: { is: 'no-room' } })
})

test('every transaction asks for the disk, not for the memory of the system', async () => {
  const durabilities: unknown[] = []
  const { prototype } = IDBDatabase
  const original = prototype.transaction
  prototype.transaction = function (...args: Parameters<IDBDatabase['transaction']>) {
    if (args[1] === 'readwrite') durabilities.push(args[2]?.durability)
    return original.apply(this, args)
  }
  const localDb = openDexieLocalDb({ indexedDB: new IDBFactory(), IDBKeyRange })
  const written = await localDb.write(['meta', 'outbox'], (writing) => writing.putRows([row(1, 'l1')]))
  prototype.transaction = original
  expect(written.ok).toBe(true)
  expect(durabilities).toEqual(['strict'])
})

test('a newer tab that changes the tables is let in, and this one says that its store is closed', async () => {
  const factory = new IDBFactory()
  const localDb = openDexieLocalDb({ indexedDB: factory, IDBKeyRange })
  await localDb.write(['meta'], (writing) => writing.putMeta(meta))
  let told: string | undefined
  localDb.onClosed((why) => (told ??= why))
  await new Promise<void>((resolve, reject) => {
    const request = factory.open('quartermaster', 1000)
    request.onsuccess = () => {
      request.result.close()
      resolve()
    }
    request.onerror = () => reject(request.error)
  })
  expect(told).toBe('upgrade')
  expect(await localDb.write(['meta'], (writing) => writing.putMeta(meta))).toEqual({ ok: false, error: { is: 'closed' } })
})

test('the whole console runs on it: an edit is kept, the tab dies, and the next one sends it', async () => {
  const factory = new IDBFactory()
  const clock = handClock()
  const chance = seededChance(3)
  const server = createWireServer()
  const { keynote } = furnish(server)
  const open = () =>
    createConsole({
      clock,
      chance,
      localDb: openDexieLocalDb({ indexedDB: factory, IDBKeyRange }),
      openSocket: server.openSocket,
      build: 'test',
    })
  const until = async (holds: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 5000 && !holds(); turn += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      if (turn % 50 === 49) clock.pass(1000)
    }
    expect(holds()).toBe(true)
  }
  const first = open()
  await until(() => first.connection().is === 'online')
  server.online = false
  await until(() => first.connection().is === 'offline')
  const kept = await first.keep({
    doc: docOfLicense(keynote),
    words: 'Give Keynote to iPad-1, required',
    changes: [
      { part: 'wish', target: target('d1'), wish: { mode: 'include', intent: 'required', licenseType: 'device' }, confirmed: false },
    ],
  })
  expect(kept.ok).toBe(true)
  first.close()
  server.online = true
  const second = open()
  await until(() => second.connection().is === 'online' && second.outbox().length === 0)
  expect(server.taken).toMatchObject([{ n: 1, words: 'Give Keynote to iPad-1, required' }])
  second.close()
})
