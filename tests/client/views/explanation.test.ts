import { expect, test } from 'vitest'
import { explanationPage, type ExplanationPage } from '../../../client/views/explanation.ts'
import { columnsFact, columnsOfMembers, membersKey, rowsFact } from '../../../shared/facts.ts'
import { principalIdOf, type LicenseId, type PrincipalId } from '../../../shared/ids.ts'
import { createDesk, furnish, group, putSeats, target, type Desk, type Tab } from '../desk.ts'

const give = { mode: 'include', intent: 'required', licenseType: 'device' } as const

const sitDown = async () => {
  const desk = createDesk()
  const furniture = furnish(desk.server)
  const tab = desk.openTab()
  await desk.settle()
  return { desk, tab, ...furniture }
}
const looked = async (desk: Desk, tab: Tab, license: LicenseId, id: PrincipalId): Promise<ExplanationPage | undefined> => {
  const sources = { facts: tab.console.facts, directory: tab.directory, foretelling: tab.foretelling, now: () => desk.clock.now() }
  for (let round = 0; round < 20; round += 1) {
    explanationPage(sources, license, id)
    await desk.settle()
  }
  const read = explanationPage(sources, license, id)
  if (read.is === 'loading') throw new Error('still loading')
  return read.value
}
const d3 = principalIdOf('device', 3)

test('an edit that the server does not have yet is explained, and marked as foretold', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  desk.server.online = false
  await desk.settle()
  await tab.edits.assign({ license: keynote, targets: [tablets], ...give })
  const page = await looked(desk, tab, keynote, d3)
  expect(page).toMatchObject({ foretold: true, principal: { name: 'DMP3' }, explanation: { has: false, verdict: { state: 'waiting' } } })
  expect(page?.answer).toMatch(/^DMP3 has no seat of Keynote\. No seat left\. Place 1 on the waiting list/)
  expect(page?.lines.map(({ text }) => text)).toContain('First on the waiting list: nobody is served before')
  tab.console.close()
})

test('whom no assignment names is told so, and a seat that is there is said to be found', async () => {
  const { desk, tab, keynote } = await sitDown()
  expect((await looked(desk, tab, keynote, d3))?.answer).toBe('DMP3 has no seat of Keynote. No assignment names them, alone or by a group.')
  putSeats(desk.server, keynote, [3])
  await desk.settle()
  expect((await looked(desk, tab, keynote, d3))?.answer).toMatch(/^DMP3 has a seat of Keynote since .*It was found at the store/)
  tab.console.close()
})

test('the way leads through the groups that lie in one another', async () => {
  const { desk, tab, keynote, tablets } = await sitDown()
  desk.server.record(
    rowsFact('groups', [
      { id: group('tablets'), name: 'Grade 7 tablets', kind: 'device', memberCount: 3, sources: ['csv'] },
      { id: group('school'), name: 'School', kind: 'device', memberCount: 0, sources: ['csv'], groups: [group('tablets')] },
    ]),
  )
  desk.server.record(columnsFact(membersKey(group('school')), columnsOfMembers([])))
  await desk.settle()
  expect(tablets).toBe('gtablets')
  const done = await tab.edits.assign({ license: keynote, targets: [target('gschool')], ...give })
  expect(done.ok).toBe(true)
  await desk.settle()
  const page = await looked(desk, tab, keynote, d3)
  expect(page?.lines[0]?.text).toMatch(/^School \(through Grade 7 tablets\): required, by device/)
  tab.console.close()
})

test('of a license or somebody that nobody knows there is nothing to say', async () => {
  const { desk, tab, keynote } = await sitDown()
  expect(await looked(desk, tab, keynote, principalIdOf('device', 99))).toBeUndefined()
  expect(await looked(desk, tab, 'l99' as LicenseId, d3)).toBeUndefined()
  tab.console.close()
})
