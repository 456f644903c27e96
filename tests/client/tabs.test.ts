import { expect, test } from 'vitest'
import type { Tabs } from '../../client/tabs.ts'
import { handClock } from '../world/hand-clock.ts'
import { createBrowser } from './browser-tabs.ts'
import { createDesk, furnish, target } from './desk.ts'

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

const join = (tabs: Tabs) => {
  const state = { leads: 0, follows: 0, pokes: [] as string[] }
  tabs.join({
    leads: () => void (state.leads += 1),
    follows: () => void (state.follows += 1),
    poked: ({ is }) => void state.pokes.push(is),
    beats: () => undefined,
  })
  return state
}

test('one tab leads, and the next one takes over when it leaves', async () => {
  const clock = handClock()
  const browser = createBrowser(clock)
  const first = browser.open()
  const second = browser.open()
  const a = join(first.tabs)
  const b = join(second.tabs)
  await turns()
  expect([a.leads, b.leads]).toEqual([1, 0])
  first.tabs.poke({ is: 'outbox' })
  await turns()
  expect(b.pokes).toEqual(['outbox'])
  first.tabs.leave()
  await turns()
  expect(b.leads).toBe(1)
})

test('a frozen leader is replaced by a tab that is looked at, and follows when it wakes', async () => {
  const clock = handClock()
  const browser = createBrowser(clock)
  const first = browser.open()
  const second = browser.open()
  const a = join(first.tabs)
  const b = join(second.tabs)
  await turns()
  for (let s = 0; s < 20; s += 1) {
    clock.pass(1000)
    await turns()
  }
  expect([a.leads, b.leads]).toEqual([1, 0])
  first.end.frozen = true
  for (let s = 0; s < 8; s += 1) {
    clock.pass(1000)
    await turns()
  }
  expect([a.follows, b.leads]).toEqual([1, 1])
})

test('a tab in the background takes nothing over', async () => {
  const clock = handClock()
  const browser = createBrowser(clock)
  const first = browser.open()
  const second = browser.open(() => false)
  join(first.tabs)
  const b = join(second.tabs)
  await turns()
  first.end.frozen = true
  for (let s = 0; s < 20; s += 1) {
    clock.pass(1000)
    await turns()
  }
  expect(b.leads).toBe(0)
})

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

test('an edit made in a following tab is sent by the leading one, and both see it saved', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const browser = createBrowser(desk.clock)
  const first = desk.openTab(browser.open().tabs)
  await desk.settle()
  const second = desk.openTab(browser.open().tabs)
  await desk.settle()
  expect([first.console.leads(), second.console.leads()]).toEqual([true, false])
  expect(second.console.connection()).toEqual({ is: 'online' })
  await second.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await first.edits.assign({ license: keynote, targets: [target('d2')], ...give })
  await desk.settle()
  expect(desk.server.taken.map(({ n, words }) => [n, words])).toEqual([
    [1, 'Give Keynote to iPad-1, required'],
    [2, 'Give Keynote to iPad-2, required'],
  ])
  for (const tab of [first, second]) {
    expect(tab.console.outbox()).toEqual([])
    const state = await tab.foretelling.load(keynote, desk.clock.now())
    expect(state?.wishes.map(({ key }) => key)).toEqual(['d1', 'd2'])
  }
  first.console.close()
  await desk.settle()
  await desk.pass(5000)
  expect(second.console.leads()).toBe(true)
  expect(second.console.connection()).toEqual({ is: 'online' })
  second.console.close()
})

test('what an old leader still writes is refused by its term, and it follows', async () => {
  const desk = createDesk()
  const { keynote } = furnish(desk.server)
  const browser = createBrowser(desk.clock)
  const opened = browser.open()
  const first = desk.openTab(opened.tabs)
  await desk.settle()
  const second = desk.openTab()
  await desk.settle()
  // Both think that they lead: the second one has the later term.
  expect([first.console.leads(), second.console.leads()]).toEqual([true, true])
  await second.edits.assign({ license: keynote, targets: [target('d1')], ...give })
  await desk.settle()
  expect(first.console.leads()).toBe(false)
  expect(desk.server.taken).toHaveLength(1)
  expect(desk.store.kept.outbox.size).toBe(0)
  first.console.close()
  second.console.close()
})
