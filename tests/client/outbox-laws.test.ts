/**
 * The outbox' laws, under everything that may happen to it: refusals, resets, new histories, lost answers, lost networks,
 * a store that fails before or after it has kept something, tabs that die and are opened again.
 * - every edit that was shown as saved on this device ends at the server once, or refused with its reason, and nowhere else;
 * - no edit takes effect twice;
 * - the numbers that wait are gap-free and in the order of making, at every step;
 * - once the faults stop, nothing waits any more, and the chunks here are the server's, byte for byte.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LocalFailure } from '../../client/local-db.ts'
import { docOfLicense } from '../../shared/ids.ts'
import { planMap } from '../../shared/plan.ts'
import { seededChance } from '../world/hand-clock.ts'
import { createBrowser } from './browser-tabs.ts'
import { createDesk, furnish, target, type Tab } from './desk.ts'

const targets = ['d1', 'd2', 'd3', 'd4', 'u5', 'all-devices', 'gtablets']
const failures: readonly LocalFailure[] = [{ is: 'no-room' }, { is: 'failed', text: 'the disk is tired' }]

const live = async (seed: number, steps: number, faulty: boolean, mostTabs = 1): Promise<void> => {
  const chance = seededChance(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(chance.fraction() * items.length)] as T
  const desk = createDesk(seed)
  const { keynote, book } = furnish(desk.server)
  const docs = [docOfLicense(keynote), docOfLicense(book)]
  const browser = createBrowser(desk.clock)
  interface Open extends Tab {
    readonly end: { frozen: boolean }
  }
  const openTab = (): Open => {
    const { tabs, end } = browser.open()
    return { ...desk.openTab(tabs), end }
  }
  const open: Open[] = [openTab()]
  await desk.settle()
  const shown = new Set<string>()
  let made = 0

  const calm = (): void => {
    desk.server.lets = () => true
    desk.server.judge = () => ({ is: 'take' })
    desk.store.fault = () => undefined
  }
  const edit = async (): Promise<void> => {
    const words = `edit ${(made += 1)}`
    const key = target(pick(targets))
    const kept = pick(open).console.keep({
      doc: pick(docs),
      words,
      changes:
        chance.fraction() < 0.2
          ? [{ part: 'note', target: key, note: `${made}` }]
          : [
              {
                part: 'wish',
                target: key,
                wish: { mode: 'include', intent: pick(['required', 'available']), licenseType: 'device' },
                confirmed: true,
              },
            ],
    })
    void kept.then(({ ok }) => (ok ? shown.add(words) : undefined))
    if (chance.fraction() < 0.5) await kept
  }
  const acts: readonly (() => Promise<void> | void)[] = [
    edit,
    edit,
    edit,
    () => void (desk.server.online = false),
    () => {
      desk.server.online = true
      pick(open).console.tryNow()
    },
    () => desk.settle(),
    () => desk.pass(2000),
    () => desk.server.newEpoch(pick(docs)),
    () => desk.server.write(pick(docs), pick(targets), ['exclude', 'required', 'device', 1 + Math.floor(chance.fraction() * 9)]),
    () => {
      const share = chance.fraction()
      desk.server.judge = () => {
        const drawn = chance.fraction()
        return drawn < share / 3 ? { is: 'refuse', code: 'superseded', text: 'no' } : drawn < share / 2 ? { is: 'reset' } : { is: 'take' }
      }
    },
    () => {
      if (!faulty) return
      const mute = chance.fraction() * 0.1
      desk.server.lets = () => chance.fraction() >= mute
    },
    () => {
      if (!faulty) return
      const share = chance.fraction() * 0.3
      desk.store.fault = () =>
        chance.fraction() < share ? { when: pick(['before', 'after'] as const), failure: pick(failures) } : undefined
    },
    async () => {
      if (!faulty) return
      const at = Math.floor(chance.fraction() * open.length)
      const [dying] = open.splice(at, 1)
      dying?.handle.crash()
      dying?.console.close()
      if (open.length === 0) open.push(openTab())
      if (chance.fraction() < 0.5) await desk.settle()
    },
    () => {
      if (open.length < mostTabs) open.push(openTab())
    },
    () => {
      if (!faulty || open.length < 2) return
      const tab = pick(open)
      tab.end.frozen = !tab.end.frozen
    },
    calm,
  ]
  const check = (): void => {
    const numbers = [...desk.store.kept.outbox.values()].filter(({ state }) => state === 'waiting').map(({ n }) => n)
    const first = numbers[0] ?? 0
    const sorted = [...numbers].sort((a, b) => a - b)
    expect(sorted).toEqual(sorted.map((_, at) => (sorted[0] ?? first) + at))
    const words = desk.server.taken.map((taken) => taken.words)
    expect(new Set(words).size).toBe(words.length)
  }

  for (let step = 0; step < steps; step += 1) {
    await pick(acts)()
    check()
  }
  calm()
  for (const { end } of open) end.frozen = false
  desk.server.online = true
  await desk.pass(200_000)
  check()
  expect(open.filter(({ console }) => console.leads())).toHaveLength(1)
  for (const { console } of open) expect(console.connection()).toEqual({ is: 'online' })
  const outbox = [...desk.store.kept.outbox.values()]
  expect(outbox.filter(({ state }) => state === 'waiting')).toEqual([])
  for (const { console } of open) expect(console.outbox()).toEqual(outbox)
  const taken = new Set(desk.server.taken.map(({ words }) => words))
  const refused = new Set(outbox.map(({ words }) => words))
  for (const words of shown) expect([words, taken.has(words) !== refused.has(words)]).toEqual([words, true])
  for (const key of desk.server.chunkKeys) expect([key, desk.store.kept.chunks.get(key)?.bytes]).toEqual([key, desk.server.chunk(key)])
  // What this device holds of a document never says something the server does not: one more edit of each is taken at once.
  desk.server.received.length = 0
  for (const doc of docs) {
    const kept = await pick(open).console.keep({
      doc,
      words: `last ${doc}`,
      changes: [
        { part: 'wish', target: target('d9'), wish: { mode: 'exclude', intent: 'required', licenseType: 'device' }, confirmed: true },
      ],
    })
    expect(kept.ok).toBe(true)
  }
  await desk.settle()
  for (const { console } of open) expect(console.outbox().filter(({ state }) => state === 'waiting')).toEqual([])
  for (const doc of docs) expect(planMap(desk.server.doc(doc)).get('d9')).toEqual(['exclude', 'required', 'device', 1])
  for (const { console } of open) console.close()
}

test('without faults every edit reaches the server, whatever the server answers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => live(seed, 40, false)),
    { numRuns: 40, seed: 20261124 },
  )
}, 120_000)

test('with faults on every side no saved edit is lost and none takes effect twice', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => live(seed, 60, true)),
    { numRuns: 60, seed: 20261125 },
  )
}, 120_000)

test('with several tabs that are opened, frozen and killed, the same holds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => live(seed, 60, true, 3)),
    { numRuns: 60, seed: 20261126 },
  )
}, 120_000)
