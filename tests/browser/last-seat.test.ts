import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { assignTo, badge, openLicense, waitForOffline, waitForOnline } from './acts.ts'
import { openTown } from './town.ts'

/** The assignment's own row says that its one device has a seat: the fourth cell is Placed. */
const waitForPlaced = (page: Page, device: string): Promise<void> =>
  page
    .getByRole('region', { name: /Assignments/ })
    .getByRole('row')
    .filter({ hasText: device })
    .getByRole('cell')
    .nth(3)
    .filter({ hasText: /^1$/ })
    .waitFor()

test('two administrators offline both give away the last seat: one device gets it, the other waits with the reason on both screens, and a freed seat serves it by itself', async () => {
  await using town = await openTown()
  const { location, adamId } = town.organisation.lastSeat
  const { control } = town.sandbox
  expect(control.counts(location, adamId)).toMatchObject({ total: 31, assigned: 30, available: 1 })
  const ana = await town.person()
  const ben = await town.person()
  for (const { page } of [ana, ben]) await openLicense(page, 'Notability')

  await ana.context.setOffline(true)
  await ben.context.setOffline(true)
  for (const { page } of [ana, ben]) await waitForOffline(page)
  await assignTo(ana.page, 'HL-IPAD-0001')
  await assignTo(ben.page, 'HL-IPAD-0002')
  for (const { page } of [ana, ben]) await badge(page, '1 unsent').waitFor()
  expect(control.counts(location, adamId).assigned).toBe(30)

  await ana.context.setOffline(false)
  await waitForOnline(ana.page)
  await ben.context.setOffline(false)
  await waitForOnline(ben.page)

  for (const { page } of [ana, ben]) {
    const waiting = page.getByRole('region', { name: /Waiting list/ })
    await waiting.getByText('HL-IPAD-0002').first().waitFor()
    await waiting.getByText(/No seat left/).waitFor()
    await waitForPlaced(page, 'HL-IPAD-0001')
  }
  expect(control.counts(location, adamId)).toMatchObject({ assigned: 31, available: 0 })

  // Somebody takes a found seat back in the store. Here nobody does anything but sync.
  const [found] = control.holders(location, adamId)
  if (found === undefined) throw new Error('nobody holds a seat')
  control.freeOutside(location, adamId, [found])
  await ana.page.getByRole('button', { name: 'Sync now' }).first().click()
  for (const { page } of [ana, ben]) {
    await waitForPlaced(page, 'HL-IPAD-0002')
    await page.getByRole('region', { name: /Waiting list/ }).waitFor({ state: 'detached' })
  }
  expect(control.counts(location, adamId)).toMatchObject({ assigned: 31, available: 0 })
})
