/**
 * Pictures of every screen with the sample organisation at work: light, dark and narrow. They are for looking at (in
 * tests/browser/pictures); with QM_KEEP_PICTURES=1 the README's own are taken anew. What is asserted is that each screen
 * shows what it is for, and that nothing is written to the console as an error.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { moveIn } from '../../server/sandbox/move-in.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import { openLicense, waitForOnline } from './acts.ts'
import { openTown, root } from './town.ts'

const pictures = join(root, 'tests', 'browser', 'pictures')
const kept = join(root, 'docs', 'pictures')
mkdirSync(pictures, { recursive: true })

test('each screen shows what it is for, light, dark and narrow', async () => {
  await using town = await openTown({ connect: false })
  const tokenFiles = new Map(town.organisation.locations.map(({ uId }) => [uId, town.sandbox.control.tokenFileFor(uId)]))
  await moveIn(town.serving, town.organisation, tokenFiles, { clock: systemClock, chance: systemChance })
  const errors: string[] = []
  for (const { name, colorScheme, width } of [
    { name: 'light', colorScheme: 'light', width: 1440 },
    { name: 'dark', colorScheme: 'dark', width: 1440 },
    { name: 'narrow', colorScheme: 'light', width: 360 },
  ] as const) {
    const { page, context } = await town.person({ colorScheme, width, height: width === 360 ? 780 : 900 })
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    page.on('pageerror', (error) => void errors.push(error.message))
    await waitForOnline(page)
    const picture = (screen: string, folder = pictures) =>
      page.screenshot({ path: join(folder, `${screen}-${name}.png`), animations: 'disabled' })
    await page
      .getByText(/expires on/)
      .first()
      .waitFor()
    await picture('overview')
    await openLicense(page, 'Proloquo2Go')
    // The orders of the suggested wishes are answered one after another: the picture is of the end.
    await page.getByRole('region', { name: /Waiting list/ }).waitFor()
    await page.getByRole('region', { name: /Pending/ }).waitFor({ state: 'detached' })
    await picture('license')
    await page.getByRole('button', { name: 'Assign', exact: true }).filter({ visible: true }).first().click()
    await page.getByRole('dialog').getByRole('combobox').fill('Grade 7')
    await picture('assign')
    await page.keyboard.press('Escape')
    await page.goto(`${town.address}/licenses`)
    await page.getByText('Proloquo2Go').filter({ visible: true }).first().waitFor()
    await picture('licenses')
    if (name === 'light' && process.env['QM_KEEP_PICTURES'] === '1') {
      mkdirSync(kept, { recursive: true })
      await page.screenshot({ path: join(kept, 'licenses.png') })
    }
    await page.goto(`${town.address}/connectors`)
    await page.getByText('Eastmere Clinic').filter({ visible: true }).first().waitFor()
    await picture('connectors')
    await page.getByRole('link', { name: 'Eastmere Clinic' }).filter({ visible: true }).first().click()
    await page.getByRole('region', { name: 'What is read here' }).waitFor()
    await picture('connector')
    await page.goto(`${town.address}/activity`)
    await page.getByRole('region', { name: 'Orders and syncs' }).waitFor()
    await picture('activity')
    await page.goto(`${town.address}/assignments`)
    await page.getByText('Affinity Designer 2').filter({ visible: true }).first().waitFor()
    await picture('assignments')
    await page.goto(`${town.address}/people?kind=groups`)
    await page.getByRole('link', { name: 'Grade 7 students' }).waitFor()
    await picture('groups')
    await page.getByRole('link', { name: 'Grade 7 students' }).click()
    await page.getByRole('heading', { level: 1, name: 'Grade 7 students' }).waitFor()
    await page.getByRole('region', { name: 'List of members' }).getByRole('link').first().waitFor()
    await picture('group')
    await page.goto(`${town.address}/people/users/u1`)
    await page.getByRole('region', { name: 'Known from' }).getByText('CSV import').waitFor()
    await picture('person')
    await page.getByRole('link', { name: /^Why/ }).first().click()
    await page.getByRole('dialog').getByText('Verdict').first().waitFor()
    await picture('why')
    await page.keyboard.press('Escape')
    await page.goto(`${town.address}/people?kind=reclaim`)
    await page.getByRole('region', { name: 'Seats that could come back' }).or(page.getByText('No seat waits to come back')).waitFor()
    await picture('reclaim')
    await page.goto(`${town.address}/people/self-service`)
    await page.getByRole('heading', { level: 1, name: 'Self-service' }).waitFor()
    await page.getByRole('heading', { level: 2, name: 'Self-service is off' }).waitFor()
    await picture('self-service')
    await context.setOffline(true)
    await page.getByRole('link', { name: /^Offline/ }).click()
    await page.getByRole('heading', { level: 1, name: 'Outbox' }).waitFor()
    await picture('outbox')
    await context.close()
  }
  // Offline, the browser itself tells of each socket that can't be opened.
  expect(errors.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text))).toEqual([])
})
