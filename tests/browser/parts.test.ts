/**
 * The parts, shown with literals in a real Chromium: what they look like to axe in both themes, and what the keyboard
 * and a screen reader find. The gallery is served from source, so no build is needed.
 */
import { fileURLToPath } from 'node:url'
import AxeBuilder from '@axe-core/playwright'
import { chromium, type Browser, type Page } from 'playwright-core'
import { createServer, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'

let server: ViteDevServer
let browser: Browser
let address: string

beforeAll(async () => {
  server = await createServer({
    configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
    cacheDir: fileURLToPath(new URL('../../node_modules/.vite-gallery', import.meta.url)),
    logLevel: 'error',
    optimizeDeps: { entries: ['gallery.html'] },
    server: { host: '127.0.0.1', port: 0, hmr: false },
  })
  await server.listen()
  const url = server.resolvedUrls?.local[0]
  if (url === undefined) throw new Error('parts: vite listens nowhere')
  address = url
  browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox'] })
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

const faults: string[] = []
const openGallery = async (theme: 'light' | 'dark', width = 1200): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width, height: 900 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.on('pageerror', (cause) => faults.push(String(cause)))
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text())
  })
  await page.goto(`${address}gallery.html?theme=${theme}`)
  await page.getByRole('heading', { level: 1, name: 'Parts' }).waitFor()
  return page
}

// Three banners stand at once only in the gallery, so their landmarks share a name there.
const broken = async (page: Page): Promise<readonly string[]> => {
  const { violations } = await new AxeBuilder({ page }).disableRules('landmark-unique').analyze()
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary ?? ''}`))
}

for (const theme of ['light', 'dark'] as const)
  test(`axe finds nothing on any part in the ${theme} theme, nor in a dialog, a menu or a message`, async () => {
    const page = await openGallery(theme)
    expect(await broken(page)).toEqual([])
    await page.getByRole('button', { name: 'Say something' }).click()
    await page.getByRole('button', { name: 'More actions' }).click()
    expect(await page.getByRole('menu').isVisible()).toBe(true)
    expect(await broken(page)).toEqual([])
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Give a book' }).click()
    expect(await page.getByRole('dialog').isVisible()).toBe(true)
    expect(await broken(page)).toEqual([])
    await page.context().close()
    expect(faults).toEqual([])
  })

test('nothing is wider than a phone of 360 pixels', async () => {
  const page = await openGallery('light', 360)
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
  await page.getByRole('button', { name: 'Give a book' }).click()
  const box = await page.getByRole('dialog').boundingBox()
  expect(box?.x).toBeGreaterThanOrEqual(0)
  expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(360)
  await page.context().close()
})

test('a button that can not be used now says why, stays reachable and does nothing', async () => {
  const page = await openGallery('light')
  const blocked = page.getByRole('button', { name: 'Reclaim' }).first()
  await blocked.focus()
  await page.keyboard.press('Enter')
  expect(await page.locator('output').textContent()).toBe('')
  const reason = await blocked.getAttribute('aria-describedby')
  expect(await page.locator(`[id="${reason}"]`).textContent()).toBe('Reclaim needs at least one selected holder')
  await page.getByRole('button', { name: 'Assign' }).first().click()
  expect(await page.locator('output').textContent()).toBe('primary')
  await page.context().close()
})

test('a menu is walked with the arrows, passes over nothing, and gives the focus back', async () => {
  const page = await openGallery('light')
  const button = page.getByRole('button', { name: 'More actions' })
  await button.focus()
  await page.keyboard.press('Enter')
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.replace(/\s+/g, ' ').trim() ?? '')
  expect(await focused()).toBe('Light theme')
  await page.keyboard.press('ArrowUp')
  expect(await focused()).toBe('Export')
  await page.keyboard.press('ArrowUp')
  expect(await focused()).toContain('seats are still given')
  await page.keyboard.press('Enter')
  expect(await page.locator('output').textContent()).toBe('')
  await page.keyboard.press('End')
  await page.keyboard.press('Enter')
  expect(await page.locator('output').textContent()).toBe('export')
  expect(await button.evaluate((element) => element === document.activeElement)).toBe(true)
  await page.context().close()
})

test('a dialog takes the focus, closes with Escape and gives the focus back; its form does the deed', async () => {
  const page = await openGallery('light')
  const opener = page.getByRole('button', { name: 'Give a book' })
  await opener.click()
  const dialog = page.getByRole('dialog', { name: 'Give The Night Library to 48 people for good?' })
  expect(await dialog.evaluate((element) => element.contains(document.activeElement))).toBe(true)
  await page.keyboard.press('Escape')
  expect(await dialog.count()).toBe(0)
  expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true)
  await opener.click()
  await page.getByRole('button', { name: 'Give 48 books for good' }).click()
  expect(await dialog.count()).toBe(0)
  expect(await page.locator('output').textContent()).toBe('given')
  await page.context().close()
})

test('a seat bar says in words what it draws, and a shortage hangs over its end', async () => {
  const page = await openGallery('light')
  const short = page.getByRole('img', { name: '240 seats: 226 in use by assignment, 14 found, 0 free, short by 19' })
  const bar = await short.boundingBox()
  const over = await short.locator('.short').boundingBox()
  expect(over?.x).toBeGreaterThan((bar?.x ?? 0) + (bar?.width ?? 0))
  expect(await page.getByRole('img', { name: /6.120 in use, no limit/ }).count()).toBe(1)
  await page.context().close()
})

test('a message is read out, offers the way back and goes when it is taken', async () => {
  const page = await openGallery('light')
  await page.getByRole('button', { name: 'Say something' }).click()
  expect(await page.getByRole('status').filter({ hasText: 'Procreate given to Art, Grade 9' }).count()).toBe(1)
  await page.getByRole('button', { name: 'Take back' }).last().click()
  expect(await page.locator('output').textContent()).toBe('taken back')
  expect(await page.locator('.toast').count()).toBe(0)
  await page.context().close()
})

test('the head that sorts tells in which way', async () => {
  const page = await openGallery('light')
  const head = page.getByRole('columnheader', { name: 'Waiting' })
  expect(await head.getAttribute('aria-sort')).toBe('descending')
  await head.getByRole('button').click()
  expect(await head.getAttribute('aria-sort')).toBe('ascending')
  await page.context().close()
})
