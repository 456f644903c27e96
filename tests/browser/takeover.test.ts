import { expect, test } from 'vitest'
import { waitForOnline } from './acts.ts'
import { openTown } from './town.ts'

test('a location that another service holds says who and since when, is taken over only when that is confirmed, and is read anew', async () => {
  await using town = await openTown()
  const [schools] = town.organisation.locations
  if (schools === undefined) throw new Error('no location')
  const { control } = town.sandbox
  control.setOwner(schools.uId, { id: 'another', name: 'Fleetline', metadata: 'fleetline.example' })
  const { body } = await town.ask('GET', '/connectors')
  const connectors = (body as { readonly items: readonly { id: string; name: string; location: { key: string } }[] }).items
  const connector = connectors.find(({ location }) => location.key === schools.uId)
  if (connector === undefined) throw new Error('no connector')
  await town.ask('POST', `/connectors/${connector.id}/sync`, {})
  await town.serving.idle()

  const { page } = await town.person()
  await waitForOnline(page)
  await page.getByRole('link', { name: 'Connectors and tokens' }).first().click()
  const row = page.getByRole('row').filter({ hasText: connector.name })
  await row.getByText('Held by Fleetline', { exact: true }).waitFor()
  await row.getByRole('link', { name: connector.name }).click()

  const takeOver = page.getByRole('region', { name: 'Take over this location' })
  await takeOver.getByText('fleetline.example').waitFor()
  await takeOver.getByText(/^Noticed today/).waitFor()
  await takeOver.getByText(/nobody loses one/).waitFor()
  const button = takeOver.getByRole('button', { name: /^Take over/ })
  await button.focus()
  await page.keyboard.press('Enter')
  await takeOver.getByText('Tick the box first.').filter({ visible: true }).first().waitFor()
  expect(control.locations().find(({ uId }) => uId === schools.uId)?.mdmInfo?.name).toBe('Fleetline')

  await page.keyboard.press('Escape')
  await takeOver.getByRole('checkbox').check()
  await button.click()
  await page.getByRole('heading', { level: 2, name: /is yours$/ }).waitFor()
  await page.getByText(/Everything was read anew; what waits is served from now on/).waitFor()
  expect(control.locations().find(({ uId }) => uId === schools.uId)?.mdmInfo?.name).not.toBe('Fleetline')
  await page.getByText('is held by Fleetline').waitFor({ state: 'detached' })
  // The read that came of it stands under Activity.
  await page.goto(`${town.address}/activity?kind=syncs`)
  await page.getByRole('cell', { name: 'Read everything anew' }).first().waitFor()
})
