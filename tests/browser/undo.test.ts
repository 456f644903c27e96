import { expect, test } from 'vitest'
import { waitForOnline } from './acts.ts'
import { openTown } from './town.ts'

interface Items<T> {
  readonly items: readonly T[]
}

test('seats that could come back are chosen with the keys and reclaimed with a preview, and undoing gives them back', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  const [schools] = town.organisation.locations
  if (schools === undefined) throw new Error('no location')
  const connectors = (await town.ask('GET', '/connectors')).body as Items<{
    readonly id: string
    readonly location: { readonly key: string } | null
  }>
  const at = connectors.items.find(({ location }) => location?.key === schools.uId)?.id ?? ''
  type Row = {
    readonly licenseId: string
    readonly product: string
    readonly revocable: boolean
    readonly principal: { readonly name: string }
  }
  const rows = ((await town.ask('GET', `/reclaimable?reason=found&connector=${at}&limit=500`)).body as Items<Row>).items.filter(
    ({ revocable }) => revocable,
  )
  const [first] = rows
  if (first === undefined) throw new Error('nobody holds a seat that no assignment asks for')
  const license = (await town.ask('GET', `/licenses/${first.licenseId}`)).body as { product: { id: string; name: string } }
  const holders = (): number => control.holders(schools.uId, license.product.id).length
  const before = holders()

  const { page } = await town.person()
  await waitForOnline(page)
  await page.goto(`${town.address}/people?kind=reclaim&reason=found&license=${first.licenseId}`)
  await page.getByRole('row').filter({ hasText: first.principal.name }).first().waitFor()
  const name = page.getByRole('row').filter({ hasText: first.principal.name }).getByRole('link').first()
  await name.focus()
  await page.keyboard.press('Space')
  await page.getByRole('toolbar', { name: 'With those chosen' }).getByRole('button', { name: 'Reclaim' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('1 seat to gain').waitFor()
  await dialog.getByLabel('When').selectOption('24')
  await dialog.getByText(/can be cancelled until then/).waitFor()
  await dialog.getByLabel('When').selectOption('0')
  await dialog.getByRole('button', { name: 'Reclaim 1 seat' }).click()
  await expect.poll(holders, { timeout: 20_000 }).toBe(before - 1)

  await page.goto(`${town.address}/activity`)
  const row = page.getByRole('row').filter({ hasText: license.product.name }).filter({ hasText: 'Take back 1 seat' })
  await row.getByText('Done', { exact: true }).waitFor()
  await row.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('dialog').getByText('1 of 1 seat').waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Undo 1 seat' }).click()
  await page.getByRole('row').filter({ hasText: 'Undo: give 1 seat' }).waitFor()
  await row.getByText('It was undone.').waitFor()
  await expect.poll(holders, { timeout: 20_000 }).toBe(before)
})
