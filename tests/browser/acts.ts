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

/** All that this browser keeps of the console, as text. */
export const keptHere = (page: Page): Promise<string> =>
  page.evaluate(async () => {
    const texts: string[] = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]
    const decoder = new TextDecoder('latin1')
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name ?? '')
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      for (const store of database.objectStoreNames) {
        const rows = await new Promise<unknown[]>((resolve, reject) => {
          const request = database.transaction(store).objectStore(store).getAll()
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        texts.push(JSON.stringify(rows, (_key, value: unknown) => (value instanceof Uint8Array ? decoder.decode(value) : value)))
      }
      database.close()
    }
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys()) texts.push((await (await cache.match(request))?.text()) ?? '')
    }
    return texts.join('\n')
  })
