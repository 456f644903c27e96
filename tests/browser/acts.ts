/** What a person does in the console, by the words on its screens. */
import type { Page } from 'playwright-core'

export const openLicense = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('link', { name: 'Licenses' }).filter({ visible: true }).first().click()
  await page.getByRole('heading', { level: 1, name: 'Licenses' }).waitFor()
  await page.getByPlaceholder('Filter by name, publisher or id').fill(name)
  await page.getByText(name, { exact: true }).filter({ visible: true }).first().click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}

/** On a license's page: gives it to one device, person or group. */
export const assignTo = async (page: Page, target: string): Promise<void> => {
  await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill(target)
  await dialog.getByRole('option', { name: target }).first().click()
  await dialog.getByRole('button', { name: 'Assign', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

export const badge = (page: Page, text: RegExp | string) => page.getByRole('status').filter({ hasText: text }).first()

export const waitForOnline = (page: Page): Promise<void> => badge(page, /Online\s*all saved/).waitFor()
export const waitForOffline = (page: Page): Promise<void> => badge(page, 'Offline').waitFor()

/** The service worker holds the whole console: from here on the page opens without a network. */
export const waitForInstalled = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    const { active } = await navigator.serviceWorker.ready
    if (active === null || active.state === 'activated') return
    await new Promise<void>((resolve) => active.addEventListener('statechange', () => active.state === 'activated' && resolve()))
  })
