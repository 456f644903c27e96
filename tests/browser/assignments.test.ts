/** The assignments' own screen, terms made without a network, what can't be refused at once, and why somebody has it or not. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { badge, openLicense, waitForInstalled, waitForOffline, waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

const violations = async (page: Page): Promise<readonly string[]> => {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

/** Pictures are made only for whoever wants to look: `PICTURES=folder`. */
const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['PICTURES']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), animations: 'disabled' })
}

interface Lists<T> {
  readonly items: readonly T[]
}
const idOf = async (town: Town, path: string): Promise<string> => {
  const [first] = ((await town.ask('GET', path)).body as Lists<{ readonly id: string }>).items
  if (first === undefined) throw new Error(`nothing at ${path}`)
  return first.id
}
/** One device has the last seat of Notability, one waits, and one app is offered to all people. */
const furnish = async (town: Town): Promise<{ readonly notability: string; readonly waits: string }> => {
  const notability = await idOf(town, '/licenses?q=Notability')
  const has = await idOf(town, '/devices?q=HL-IPAD-0001')
  const waits = await idOf(town, '/devices?q=HL-IPAD-0002')
  for (const id of [has, waits]) {
    await town.ask('POST', '/assignments', { licenseId: notability, target: { kind: 'device', id } })
    await town.serving.idle()
  }
  const offered = await idOf(town, '/licenses?q=Explain%20Everything')
  await town.ask('POST', '/assignments', { licenseId: offered, target: { kind: 'all-users' }, intent: 'available', licenseType: 'user' })
  await town.serving.idle()
  return { notability, waits }
}

test('an assignment with priority, dates and reserved seats is made without a network, changed there, and comes back as it was said', async () => {
  await using town = await openTown()
  await furnish(town)
  const { page, context } = await town.person()
  await waitForOnline(page)
  await waitForInstalled(page)
  await openLicense(page, 'Cargo-Bot')
  await context.setOffline(true)
  await waitForOffline(page)
  await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill('HL-IPAD-0003')
  await dialog.getByRole('option', { name: 'HL-IPAD-0003' }).first().click()
  await dialog.getByText('More: priority, dates, reserved seats').click()
  await dialog.getByText('First', { exact: true }).click()
  await dialog.getByLabel('Begins').fill('2027-03-01T08:00')
  await dialog.getByLabel('Ends').fill('2027-02-01T08:00')
  // Refused at once, and told where.
  await dialog
    .getByRole('alert')
    .getByText(/The end must come after the beginning/)
    .waitFor()
  await dialog.getByLabel('Ends').press('Enter')
  expect(await dialog.isVisible()).toBe(true)
  await dialog.getByLabel('Ends').fill('2027-06-30T18:00')
  await dialog.getByText('Times are in UTC, kept as 2027-03-01 08:00 UTC and 2027-06-30 18:00 UTC').waitFor()
  await dialog.getByLabel('Reserved seats').fill('2')
  await dialog.getByText('1 is asked for later').waitFor()
  await dialog.getByRole('button', { name: 'Assign', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await badge(page, '1 unsent').waitFor()
  const words = 'begins 1 Mar 2027, 08:00 · ends 30 Jun 2027, 18:00 · served first, priority 5 · 2 seats reserved, lent while unused'
  await page.getByText(words).first().waitFor()

  // Changed where all of them stand, still without a network.
  await page.getByRole('link', { name: 'Assignments' }).filter({ visible: true }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Assignments' }).waitFor()
  await page.getByLabel('Filter by license, target or person').fill('Cargo')
  await page.getByRole('button', { name: 'Actions for HL-IPAD-0003, Cargo-Bot' }).click()
  await page.getByRole('menuitem', { name: 'Priority, dates, reserved seats' }).click()
  expect(new URL(page.url()).searchParams.get('edit')).toMatch(/^l\d+~d\d+$/)
  await dialog.getByLabel(/^Priority/).fill('-2')
  await dialog.getByLabel('Reserved seats').fill('')
  await dialog.getByRole('button', { name: 'Save' }).click()
  await dialog.waitFor({ state: 'detached' })
  await badge(page, '2 unsent').waitFor()
  await page.getByRole('link', { name: 'Outbox' }).filter({ visible: true }).first().click()
  await page
    .getByText(/Give Cargo-Bot to HL-IPAD-0003, required, from 2027-03-01 08:00 UTC, until 2027-06-30 18:00 UTC, priority -2/)
    .first()
    .waitFor()

  await context.setOffline(false)
  await waitForOnline(page)
  const license = await idOf(town, '/licenses?q=Cargo-Bot')
  const kept = (await town.ask('GET', `/assignments?license=${license}`)).body as Lists<object>
  expect(kept.items[0]).toMatchObject({
    priority: -2,
    startsAt: '2027-03-01T08:00:00.000Z',
    endsAt: '2027-06-30T18:00:00.000Z',
    reservation: null,
  })
})

test('people are not excluded from devices: refused with the reason before anything is kept', async () => {
  await using town = await openTown()
  await furnish(town)
  const { page } = await town.person()
  await waitForOnline(page)
  await openLicense(page, 'Notability')
  await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill('Library staff')
  await dialog.getByRole('option', { name: /Library staff/ }).click()
  await dialog.getByText('Exclude', { exact: true }).click()
  await dialog.getByText(/People are not excluded from devices, nor devices from people/).waitFor()
  await dialog.getByLabel('Note (optional)').press('Enter')
  expect(await dialog.isVisible()).toBe(true)
  await page.keyboard.press('Escape')
  await badge(page, 'all saved').waitFor()
})

test.each([
  ['light', 1440],
  ['dark', 1440],
  ['light', 360],
] as const)(
  'all assignments are found, filtered and walked by keyboard, each person is explained, and axe finds nothing, %s, %i wide',
  async (colorScheme, width) => {
    await using town = await openTown()
    const { notability, waits } = await furnish(town)
    const { page } = await town.person({ colorScheme, width })
    await waitForOnline(page)
    const found: Record<string, readonly string[]> = {}
    await page.goto(`${town.address}/assignments`)
    await page.getByText('Explain Everything').first().waitFor()
    await picture(page, `assignments-${colorScheme}-${width}`)
    found['assignments'] = await violations(page)
    await page.getByRole('button', { name: 'Somebody waits' }).click()
    await page.getByRole('link', { name: 'Notability' }).waitFor()
    expect(new URL(page.url()).search).toBe('?waiting=true')
    expect(await page.getByRole('link', { name: 'Explain Everything' }).count()).toBe(0)
    await page.goto(`${town.address}/assignments?intent=available`)
    await page.getByText('All people').waitFor()
    expect(await page.getByRole('link', { name: 'Notability' }).count()).toBe(0)
    await page.goto(`${town.address}/assignments?q=nobody+at+all`)
    await page.getByRole('heading', { name: 'No assignment fits this filter' }).waitFor()
    await page.getByRole('button', { name: 'Clear the filter' }).click()
    await page.getByRole('link', { name: 'Explain Everything' }).first().focus()
    await page.keyboard.press('ArrowDown')
    await page.waitForFunction(() => document.activeElement?.textContent === 'Notability')

    await page.goto(`${town.address}/licenses/${notability}?why=${waits}`)
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/HL-IPAD-0002 has no seat of Notability\. No seat left\. Place 1/).waitFor()
    await dialog.getByText('First on the waiting list: nobody is served before').waitFor()
    await picture(page, `why-${colorScheme}-${width}`)
    found['why'] = await violations(page)
    await dialog.getByRole('link', { name: 'All about HL-IPAD-0002' }).click()
    await page.getByRole('heading', { level: 1, name: 'HL-IPAD-0002' }).waitFor()
    await page.getByRole('link', { name: /^Why\W+Notability$/ }).click()
    await dialog.getByRole('heading', { name: 'Why HL-IPAD-0002 does not have Notability' }).waitFor()
    await page.keyboard.press('Escape')
    // Of a license that nobody asked for.
    await page.getByLabel(/^Why does HL-IPAD-0002 have a license/).fill('Hockey')
    await page.getByRole('link', { name: 'Hockey Statistics' }).click()
    await dialog.getByText('HL-IPAD-0002 has no seat of Hockey Statistics. No assignment names them, alone or by a group.').waitFor()
    await picture(page, `why-not-${colorScheme}-${width}`)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await picture(page, `person-${colorScheme}-${width}`)

    await page.goto(`${town.address}/licenses/${notability}`)
    await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
    await dialog.getByRole('combobox').fill('HL-IPAD-000')
    for (const at of [3, 4, 5]) {
      await dialog.getByRole('combobox').fill(`HL-IPAD-000${at}`)
      await dialog.getByRole('option', { name: `HL-IPAD-000${at}` }).click()
    }
    await dialog.getByText('More: priority, dates, reserved seats').click()
    await dialog.getByText('First', { exact: true }).click()
    await dialog.getByText('3 wait', { exact: true }).click()
    await picture(page, `assign-${colorScheme}-${width}`)
    await dialog.getByText('3 wait', { exact: true }).scrollIntoViewIfNeeded()
    await picture(page, `assign-below-${colorScheme}-${width}`)
    found['assign'] = await violations(page)
    expect(await dialog.evaluate((element) => element.scrollWidth - element.clientWidth)).toBe(0)
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((name) => [name, []])))
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(sideways).toBe(0)
  },
)
