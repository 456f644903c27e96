import { expect, test } from 'vitest'
import { waitForOnline } from './acts.ts'
import { openTown } from './town.ts'

interface Listed {
  readonly items: readonly { readonly id: string; readonly name: string; readonly owned: number | null }[]
}

test('a ledger is added without a credential; a product, a purchase and a file of purchases are put down by hand', async () => {
  await using town = await openTown({ connect: false })
  const { page, context } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await page.goto(`${town.address}/connectors?add=ledger`)
  const choose = page.getByRole('dialog')
  await choose.getByLabel('Name', { exact: true }).fill('Licenses on paper')
  await choose.getByRole('button', { name: 'Add', exact: true }).click()
  await choose.waitFor({ state: 'detached' })
  await page.getByRole('heading', { level: 1, name: 'Licenses on paper' }).waitFor()

  await page.getByRole('button', { name: 'Add product' }).click()
  const product = page.getByRole('dialog', { name: 'Add a product' })
  await product.getByLabel('Name', { exact: true }).fill('Sketchpad')
  await product.getByLabel('Devices').check()
  await product.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('heading', { level: 1, name: 'Sketchpad' }).waitFor()

  const purchases = page.getByRole('region', { name: /^Purchases/ }).first()
  await purchases.getByText('Nothing was bought yet').waitFor()
  await purchases.getByRole('button', { name: 'Add purchase' }).click()
  const lot = page.getByRole('dialog', { name: 'A purchase of Sketchpad' })
  await lot.getByLabel('Seats').fill('12')
  await lot.getByLabel('Price of the whole purchase').fill('1.250,00')
  await lot.getByRole('button', { name: 'Add', exact: true }).click()
  // A comma is a decimal in half of the world: it is not guessed.
  await lot.getByText('without marks of thousands').waitFor()
  await lot.getByLabel('Price of the whole purchase').fill('1250.50')
  await lot.getByLabel('Last day').fill(new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10))
  await lot.getByRole('button', { name: 'Add', exact: true }).click()
  await lot.waitFor({ state: 'detached' })
  await purchases.getByText('1250.50 EUR').first().waitFor()
  await purchases.getByText('12 seats of 1 purchase will count no more within 30 days').waitFor()
  await page.getByText('12 owned, 12 free.').waitFor()

  await page.goto(`${town.address}/connectors`)
  await page.getByRole('link', { name: 'Licenses on paper' }).first().click()
  await page.getByRole('button', { name: 'Import' }).click()
  const dialog = page.getByRole('dialog', { name: 'Import into Licenses on paper' })
  await dialog.locator('input[type=file]').setInputFiles({
    name: 'purchases.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('product,seats,price,currency\nSketchpad,3,100,EUR\nReader,5,,\nReader,many,,\n'),
  })
  await dialog.getByText('3 rows read: 3 changes').waitFor()
  await dialog.getByText('Leave these rows out').click()
  await dialog.getByRole('button', { name: 'Import' }).click()
  await dialog.waitFor({ state: 'detached' })
  const [ledger] = ((await town.ask('GET', '/connectors')).body as Listed).items
  const kept = (await town.ask('GET', `/connectors/${ledger?.id}/ledger/licenses`)).body as Listed
  expect(kept.items.map(({ name, owned }) => [name, owned])).toEqual([
    ['Reader', 5],
    ['Sketchpad', 15],
  ])
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export purchases' }).click()
  expect((await download).suggestedFilename()).toBe('ledger-licenses.csv')

  // Without a network the page still shows what is on the device, and says why nothing can be changed.
  await context.setOffline(true)
  await page.getByText('Files are made by the server').waitFor()
  await expect.poll(() => page.getByRole('button', { name: 'Add product' }).getAttribute('aria-disabled')).toBe('true')
})
