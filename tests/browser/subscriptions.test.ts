import { expect, test } from 'vitest'
import { SCHOOLS_UID, CLINIC_UID } from '../../server/sandbox/sample-organisation.ts'
import { openTown } from './town.ts'

const YEARLY = 6_500_000_101

test('a subscription is given with the keyboard after its preview, taken back at the end of the period, and turned on elsewhere only with a tick', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  const { page } = await town.person({ width: 1280 })
  const { items } = (await town.ask('GET', '/connectors')).body as { items: { id: string; location: { key: string } }[] }
  const connectorAt = (uId: string): string => items.find(({ location }) => location.key === uId)?.id ?? ''

  await page.goto(`${town.address}/connectors/${connectorAt(SCHOOLS_UID)}`)
  await page.getByRole('link', { name: 'Show who has them' }).click()
  await page.getByRole('heading', { level: 1, name: 'Subscriptions' }).waitFor()
  await page.getByRole('heading', { name: /^Who has Explain Everything.*100$/ }).waitFor()
  await page.getByText('20 of 100 people lose').waitFor()

  // Given, by keys alone from the open dialog on.
  const before = control.subscribers(SCHOOLS_UID, YEARLY).length
  await page.getByRole('button', { name: 'Give', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').pressSequentially('ada')
  await dialog.getByRole('option').first().waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await dialog.getByText('14 of this kind').waitFor()
  expect(control.subscribers(SCHOOLS_UID, YEARLY)).toHaveLength(before)
  await dialog.getByRole('button', { name: 'Give it to 1 person' }).press('Enter')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: /^Who has Explain Everything.*101$/ }).waitFor()
  expect(control.subscribers(SCHOOLS_UID, YEARLY)).toHaveLength(before + 1)

  // Taken back when the period ends.
  const person = page
    .getByRole('region', { name: /^People who have/ })
    .getByRole('checkbox')
    .nth(1)
  await person.check()
  await page.getByRole('button', { name: 'Take back from 1 person' }).click()
  await dialog.getByText('Maybe not').waitFor()
  await dialog.getByRole('button', { name: 'Take it from 1 person at the end' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('21 of 101 people lose').waitFor()
  expect(control.subscribers(SCHOOLS_UID, YEARLY).filter(({ leaving }) => leaving)).toHaveLength(6)

  // The clinic has none, and they are not turned on.
  await page.goto(`${town.address}/connectors/${connectorAt(CLINIC_UID)}`)
  await page.getByRole('link', { name: 'About turning them on' }).click()
  await page.getByRole('button', { name: 'Turn on', exact: true }).click()
  await dialog.getByRole('button', { name: 'Turn on', exact: true }).press('Enter')
  await dialog.getByRole('button', { name: 'Turn on', exact: true }).and(page.locator('[aria-disabled]')).waitFor()
  expect(control.subscriptionsEnabled(CLINIC_UID)).toBe(false)
  await dialog.getByLabel('I know that this may not be undone.').check()
  await dialog.getByRole('button', { name: 'Turn on', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('No subscriptions are owned yet').waitFor()
  expect(control.subscriptionsEnabled(CLINIC_UID)).toBe(true)
})
