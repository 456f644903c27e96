/** A group of 1,000 is previewed, assigned without a network, comes back, is served in part, told why one by one, and taken back. */
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { badge, openLicense, waitForInstalled, waitForOffline, waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

const product = 'Hockey Statistics'
const serial = (at: number): string => `TRIP${String(at).padStart(4, '0')}`

interface Lists<T> {
  readonly items: readonly T[]
}

/** 1,000 devices in one group that lies in another, and 600 seats. */
const furnish = async (town: Town): Promise<{ readonly location: string; readonly adamId: string }> => {
  const campus = town.organisation.locations[2]
  if (campus === undefined) throw new Error('no third location')
  const devices = Array.from({ length: 1000 }, (_, at) => serial(at + 1))
  for (const [kind, csv] of [
    ['devices', ['serialNumber,name,platform,model,ownerUserName', ...devices.map((one) => `${one},Trip ${one.slice(4)},iOS,iPad,`)]],
    ['groups', ['name,kind', 'Whole campus,device']],
    ['memberships', ['group,member', ...devices.map((one) => `Whole campus,${one}`)]],
  ] as const) {
    const answer = await town.ask('POST', `/directory/import?kind=${kind}`, `${csv.join('\n')}\n`)
    expect([kind, answer.status, JSON.stringify(answer.body).slice(0, 300)]).toEqual([kind, 200, expect.any(String)])
  }
  const { items } = (await town.ask('GET', `/licenses?q=${encodeURIComponent(product)}`)).body as Lists<{
    readonly connectorId: string
    readonly product: { readonly id: string }
  }>
  const [license] = items
  if (license === undefined) throw new Error('no such license')
  town.sandbox.control.setTotal(campus.uId, license.product.id, 600)
  await town.ask('POST', `/connectors/${license.connectorId}/sync`, {})
  await town.serving.idle()
  return { location: campus.uId, adamId: license.product.id }
}

const cellOf = (page: Page, at: number) =>
  page
    .getByRole('region', { name: /^Assignments/ })
    .getByRole('row')
    .filter({ hasText: 'Whole campus' })
    .getByRole('cell')
    .nth(at)

test('a group of 1,000 is previewed and assigned without a network, served in part, explained one by one, and taken back', async () => {
  await using town = await openTown()
  const { location, adamId } = await furnish(town)
  const { control } = town.sandbox
  const { page, context } = await town.person()
  await waitForOnline(page)
  await waitForInstalled(page)
  await openLicense(page, product)
  await page.getByText('600 owned, 600 free.').waitFor()

  await context.setOffline(true)
  await waitForOffline(page)
  await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill('Whole campus')
  await dialog.getByRole('option', { name: /Whole campus/ }).click()
  await dialog.getByText(/600 get a seat, 400 wait: no seat left/).waitFor()
  const outcome = dialog.getByRole('region', { name: 'Who gains, who loses, who waits' })
  await outcome.getByText('600 get a seat').waitFor()
  await outcome.getByText('400 wait', { exact: true }).click()
  await outcome.getByText('Trip 0601', { exact: true }).waitFor()
  await outcome.getByText(/^Place 1\. No seat left/).waitFor()
  await dialog.getByRole('button', { name: 'Assign', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await badge(page, '1 unsent').waitFor()
  expect(control.counts(location, adamId)).toMatchObject({ total: 600, assigned: 0 })

  await context.setOffline(false)
  await waitForOnline(page)
  await cellOf(page, 3).filter({ hasText: /^600$/ }).waitFor({ timeout: 30_000 })
  await cellOf(page, 5).filter({ hasText: /^400$/ }).waitFor()
  expect(control.counts(location, adamId)).toMatchObject({ assigned: 600, available: 0 })
  await page.getByRole('heading', { level: 2, name: /^Holders 600$/ }).waitFor()
  await page.getByRole('heading', { level: 2, name: /^Waiting list 400$/ }).waitFor()

  // Somebody who has one, and why: by keyboard.
  const holder = page.getByRole('region', { name: 'List of holders' }).getByRole('link', { name: 'Trip 0001', exact: true })
  await holder.focus()
  await page.keyboard.press('Enter')
  await dialog.getByRole('heading', { name: `Why Trip 0001 has ${product}` }).waitFor()
  await dialog.getByText(/^Trip 0001 has a seat of Hockey Statistics since .*By the assignment of Whole campus, made by /).waitFor()
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })

  // Somebody who waits, and the place: the address says it again to whoever gets the link.
  await page
    .getByRole('region', { name: /Waiting list/ })
    .getByRole('link', { name: 'Trip 0602', exact: true })
    .click()
  await dialog.getByRole('heading', { name: `Why Trip 0602 does not have ${product}` }).waitFor()
  await dialog.getByText('Place 2 on the waiting list. Served before: Trip 0601').waitFor()
  await page.reload()
  await dialog.getByText('Place 2 on the waiting list. Served before: Trip 0601').waitFor()
  await dialog.getByRole('button', { name: 'Close' }).click()

  // Each of them, by the same words as the server's.
  const { items } = (await town.ask('GET', `/licenses?q=${encodeURIComponent(product)}`)).body as Lists<{ readonly id: string }>
  const states: Record<string, number> = {}
  let next: string | null = `/licenses/${items[0]?.id ?? ''}/verdicts?limit=200`
  while (next !== null) {
    const answer = (await town.ask('GET', next)).body as Lists<{ readonly state: string; readonly because: { readonly code: string } }> & {
      readonly next: string | null
    }
    for (const { state, because } of answer.items) states[`${state}: ${because.code}`] = (states[`${state}: ${because.code}`] ?? 0) + 1
    next = answer.next === null ? null : `/licenses/${items[0]?.id ?? ''}/verdicts?limit=200&cursor=${encodeURIComponent(answer.next)}`
  }
  expect(states).toEqual({ 'placed: has-seat': 600, 'waiting: no-seat-left': 400 })

  // Taken back: the seats are with the organisation again.
  await page.getByRole('link', { name: 'Outbox' }).filter({ visible: true }).first().click()
  await page
    .getByRole('button', { name: /^Undo edit/ })
    .first()
    .click()
  await expect.poll(() => control.counts(location, adamId).assigned, { timeout: 30_000 }).toBe(0)
  await openLicense(page, product)
  await page.getByText('600 owned, 600 free.').waitFor()
  await page.getByText('Nobody is assigned this license.').waitFor()
})
