/** Icons as a person meets them: there, there without a network, and gone with whoever signs out. */
import { expect, test } from 'vitest'
import { openTown } from './town.ts'

const patient = { timeout: 20_000 }

test('a list shows icons of our own server, without a network too; where none is to be had letters stand, and signing out takes them along', async () => {
  await using town = await openTown()
  const { address, serving, sandbox } = town
  await serving.house.metadata.idle()
  const { page, context } = await town.person()
  const elsewhere: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(address) && !request.url().startsWith('data:')) elsewhere.push(request.url())
  })
  const pictured = page.locator('.tile.pictured')
  const kept = (): Promise<number> =>
    page.evaluate(async (name) => ((await caches.has(name)) ? (await (await caches.open(name)).keys()).length : 0), 'quartermaster-icons')

  // The worker serves pages from the second one on.
  await page.evaluate(async () => void (await navigator.serviceWorker.ready))
  await page.goto(`${address}/licenses`)
  await expect.poll(() => pictured.count(), patient).toBeGreaterThan(15)
  const sources = await page.locator('.tile > img').evaluateAll((images) => images.map((image) => image.getAttribute('src') ?? ''))
  expect(sources.filter((source) => !/^\/icons\/[0-9a-f]{32}-64\.webp$/.test(source))).toEqual([])
  // Who is not signed in gets nothing.
  expect((await fetch(`${address}${sources[0]}`)).status).toBe(404)
  await expect.poll(kept, patient).toBeGreaterThan(15)

  await context.setOffline(true)
  await page.reload()
  await expect.poll(() => pictured.count(), patient).toBeGreaterThan(15)
  await context.setOffline(false)

  await page.getByRole('button', { name: /theme and sign out/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByLabel('Password').waitFor()
  await expect.poll(kept, patient).toBe(0)

  // Pictures that can not be had: letters stand in their place.
  await serving.house.journal.write((write) => write.trx.deleteFrom('product_icons').execute())
  const other = await town.person()
  await other.page.goto(`${address}/licenses`)
  const tiles = other.page.locator('.tile')
  await expect.poll(() => tiles.count(), patient).toBeGreaterThan(15)
  await expect.poll(() => tiles.locator('img').count(), patient).toBe(0)
  expect((await tiles.allInnerTexts()).filter((letters) => !/^\S{1,2}$/.test(letters))).toEqual([])
  expect(elsewhere).toEqual([])
  expect(sandbox.control.requests().filter(({ endpoint, status }) => endpoint === 'artwork' && status === 200).length).toBeGreaterThan(100)
})
