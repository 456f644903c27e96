import { expect, test } from 'vitest'
import { searchTargets } from '../../client/directory.ts'
import { principalsKey, principalsPerChunk, rowsBytes } from '../../shared/facts.ts'
import type { Principal } from '../../shared/principal.ts'
import { createDesk, device, furnish, person, target } from './desk.ts'

const ready = async (text: string, most = 50) => {
  const desk = createDesk()
  furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  await tab.directory.load()
  const people = tab.directory.people()
  const groups = tab.directory.groups()
  if (people.is === 'loading' || groups.is === 'loading') throw new Error('still loading')
  tab.console.close()
  return searchTargets(groups.value, people.value, text, most).map(({ key }) => key)
}

test('a target is found by the name of a group, a person or a device, by user name and by serial number', async () => {
  expect(await ready('grade')).toEqual(['gtablets'])
  expect(await ready('ana')).toEqual(['u5'])
  expect(await ready('ben.ott@')).toEqual(['u6'])
  expect(await ready('dmp3')).toEqual(['d3'])
  expect(await ready('IPAD-2')).toEqual(['d2'])
  expect(await ready('all')).toEqual(['all-users', 'all-devices'])
  expect(await ready('nobody at all')).toEqual([])
})

test('those that begin with the text come before those that hold it, and no more than wanted', async () => {
  expect(await ready('ruiz')).toEqual(['u5'])
  expect(await ready('dmp', 3)).toEqual(['d1', 'd2', 'd3'])
  expect((await ready('', 4)).slice(0, 3)).toEqual(['gtablets', 'all-users', 'all-devices'])
})

test('a target is named by its own name, and one that has gone says so', async () => {
  const desk = createDesk()
  furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  await tab.directory.load()
  expect(tab.directory.nameOfTarget(target('gtablets'))).toMatchObject({ name: 'Grade 7 tablets', detail: 'Group, 3 devices', known: true })
  expect(tab.directory.nameOfTarget(target('d3'))).toMatchObject({ name: 'DMP3', known: true })
  expect(tab.directory.nameOfTarget(target('u99'))).toMatchObject({ name: 'u99', detail: 'No longer in the directory', known: false })
  tab.console.close()
})

test('50,000 people and devices are searched while one types', async () => {
  const desk = createDesk()
  const rows: Principal[] = Array.from({ length: 50_000 }, (_, at) =>
    at % 2 === 0 ? person(at, `Person ${at}`) : device(at, `SERIAL${at}`, `tablet ${at}`),
  )
  for (let from = 0; from < rows.length; from += principalsPerChunk) {
    const key = principalsKey(from)
    desk.store.kept.chunks.set(key, { key, seq: 1, bytes: rowsBytes(key, rows.slice(from, from + principalsPerChunk)) })
  }
  desk.server.online = false
  const tab = desk.openTab()
  await desk.settle()
  const begun = performance.now()
  await tab.directory.load()
  const people = tab.directory.people()
  if (people.is === 'loading') throw new Error('still loading')
  people.value.search('first look', 50)
  const decoded = performance.now()
  expect(people.value.search('serial4999', 50).map(({ key }) => key)).toEqual(['d4999', 'd49991', 'd49993', 'd49995', 'd49997', 'd49999'])
  expect(people.value.search('tablet 777', 50)[0]?.key).toBe('d777')
  const searched = performance.now()
  // Some 300 ms and 15 ms on a quiet machine; the bounds are for a busy one.
  expect(decoded - begun).toBeLessThan(3000)
  expect(searched - decoded).toBeLessThan(300)
  tab.console.close()
})
