/** The people's own page in a real browser: opened by a link, on a phone and on a desk, in both themes, by keyboard, without a network. */
import { AxeBuilder } from '@axe-core/playwright'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTown, type Town } from './town.ts'

interface LicenseTold {
  readonly id: string
  readonly product: { readonly name: string }
  readonly licenseTypes: readonly string[]
  readonly revocable: boolean
  readonly available: number | null
}

const violations = async (page: Page): Promise<readonly string[]> => {
  const { violations: found } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze()
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
}

/** A person to whom an app, a book and an app without free seats are offered, and one app is given. */
const offerTo = async (town: Town, at: number) => {
  await town.ask('PUT', '/self-service', { on: true })
  const { items: users } = (await town.ask('GET', '/users?limit=10')).body as {
    readonly items: readonly { readonly id: string; readonly displayName: string }[]
  }
  const person = users[at]
  if (person === undefined) throw new Error('no person')
  const { items } = (await town.ask('GET', '/licenses?limit=500')).body as { readonly items: readonly LicenseTold[] }
  const mustFind = (is: (license: LicenseTold) => boolean): LicenseTold => {
    const found = items.filter(({ licenseTypes }) => licenseTypes.includes('user')).find(is)
    if (found === undefined) throw new Error('the sample has no such license')
    return found
  }
  const free = mustFind(({ revocable, available }) => revocable && available !== null && available > 5)
  const given = mustFind(({ id, revocable, available }) => id !== free.id && revocable && available !== null && available > 5)
  const book = mustFind(({ revocable, available }) => !revocable && available !== null && available > 5)
  const short = mustFind(({ revocable, available }) => revocable && available === 0)
  for (const license of [free, given, book, short])
    await town.ask('POST', '/assignments', {
      licenseId: license.id,
      target: { kind: 'user', id: person.id },
      intent: license === given ? 'required' : 'available',
      licenseType: 'user',
      confirmIrreversible: true,
    })
  await town.serving.idle()
  const link = async (): Promise<string> => {
    const made = (await town.ask('POST', '/self-service/links', { users: [person.id] })).body as {
      readonly items: readonly { readonly link: string }[]
    }
    return made.items[0]?.link ?? ''
  }
  return { person, free, given, book, short, link }
}

let town: Town
beforeAll(async () => {
  town = await openTown()
})
afterAll(async () => {
  await town[Symbol.asyncDispose]()
})

const row = (page: Page, name: string) =>
  page.getByRole('listitem').filter({ has: page.getByRole('heading', { level: 3, name, exact: true }) })

/** Pictures are made only for whoever wants to look: `PICTURES=folder`. */
const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env['PICTURES']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
}

test.each([
  ['light', 1280, 0],
  ['dark', 1280, 1],
  ['light', 360, 2],
  ['dark', 360, 3],
] as const)('a person takes, waits and gives back, and axe finds nothing, %s, %i wide', async (colorScheme, width, at) => {
  const { person, free, given, book, short, link } = await offerTo(town, at)
  const context = await (
    await town.browser()
  ).newContext({ colorScheme, viewport: { width, height: 800 }, locale: 'en-GB', timezoneId: 'UTC' })
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('console', (message) => message.type() === 'error' && troubles.push(message.text()))
  page.on('pageerror', (error) => troubles.push(error.message))
  const address = await link()
  await page.goto(address)
  await page.getByRole('heading', { level: 1, name: 'Apps and books for you' }).waitFor()
  await page.getByText(person.displayName).waitFor()
  expect(page.url()).toBe(`${town.address}/self-service`)
  expect(await page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length])).toEqual(['', 0, 0])
  await picture(page, `offered-${colorScheme}-${width}`)
  const found: Record<string, readonly string[]> = { offered: await violations(page) }
  // What is under way is looked at again by the page itself.
  await row(page, given.product.name).getByText('Your organisation has given it to you.').waitFor()
  expect(await row(page, given.product.name).getByRole('button').count()).toBe(0)

  // A seat that is free, by keyboard alone.
  await row(page, free.product.name).getByRole('button', { name: /^Take/ }).focus()
  await page.keyboard.press('Enter')
  await row(page, free.product.name)
    .getByText(/On its way|Yours since/)
    .waitFor()
  // None is free: a place in the line.
  await row(page, short.product.name)
    .getByRole('button', { name: /^Get in line/ })
    .click()
  await row(page, short.product.name).getByText('Place 1 in the line').waitFor()
  // For good: asked once more, and Esc is no.
  await row(page, book.product.name).getByRole('button', { name: /^Take/ }).click()
  await page.getByRole('dialog', { name: `Take ${book.product.name} for good?` }).waitFor()
  found['question'] = await violations(page)
  await picture(page, `question-${colorScheme}-${width}`)
  await page.keyboard.press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
  await row(page, book.product.name).getByRole('button', { name: /^Take/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Take for good' }).click()
  await row(page, book.product.name)
    .getByText(/On its way|Yours since/)
    .waitFor()
  await picture(page, `coming-${colorScheme}-${width}`)
  await row(page, book.product.name).getByText('It is yours for good.').waitFor()
  await row(page, free.product.name)
    .getByText(/Yours since/)
    .waitFor()
  await picture(page, `held-${colorScheme}-${width}`)
  found['held'] = await violations(page)

  // Without a network it says so, and does nothing.
  await context.setOffline(true)
  await page.getByRole('button', { name: 'Look again' }).click()
  await page.getByText(/^No connection\./).waitFor()
  await picture(page, `offline-${colorScheme}-${width}`)
  found['offline'] = await violations(page)
  await row(page, free.product.name).getByRole('button').click({ force: true })
  expect(await page.getByRole('dialog').count()).toBe(0)
  await context.setOffline(false)
  await page.getByText(/^No connection\./).waitFor({ state: 'detached' })

  await row(page, free.product.name)
    .getByRole('button', { name: /^Give back/ })
    .click()
  await page.getByRole('dialog').getByRole('button', { name: 'Give back' }).click()
  await row(page, free.product.name)
    .getByText(/Going back|A seat is free/)
    .waitFor()
  await row(page, short.product.name)
    .getByRole('button', { name: /^Leave the line/ })
    .click()
  await row(page, short.product.name).getByText('No seat free now').waitFor()
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(sideways).toBe(0)
  if (width < 480)
    for (const button of await page.getByRole('button').all()) expect((await button.boundingBox())?.height ?? 0).toBeGreaterThanOrEqual(44)

  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('heading', { level: 1, name: 'Closed' }).waitFor()
  expect(await context.cookies()).toEqual([])
  found['closed'] = await violations(page)
  expect(found).toEqual({ offered: [], question: [], held: [], offline: [], closed: [] })
  expect(troubles.filter((text) => !/ERR_INTERNET_DISCONNECTED/.test(text))).toEqual([])
  expect(town.logged()).not.toContain(address.split('#')[1])
})

test('a link that holds no more says so on a plain page, and a console worker leaves the page alone', async () => {
  const { person, link } = await offerTo(town, 4)
  const address = await link()
  // An administrator's browser, whose worker answers for the whole console.
  const { page } = await town.person({ width: 1280 })
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
  await page.goto(address)
  await page.getByRole('heading', { level: 1, name: 'Apps and books for you' }).waitFor()
  await town.ask('PATCH', `/users/${person.id}`, { active: false })
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Your account is not active' }).waitFor()
  await picture(page, 'not-active')
  await town.ask('PATCH', `/users/${person.id}`, { active: true })
  await town.ask('DELETE', `/self-service/links/${person.id}`)
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'Open your link once more' }).waitFor()
  await page.goto('about:blank')
  await page.goto(address)
  await page.getByRole('heading', { level: 1, name: 'The link does not hold' }).waitFor()
  expect(await violations(page)).toEqual([])
  const headers = (await page.request.get(`${town.address}/self-service`)).headers()
  expect(headers['content-security-policy']).toContain(`default-src 'none'; script-src 'self'; style-src 'self'`)
  expect(headers['content-security-policy']).not.toContain('unsafe')
  expect(headers['referrer-policy']).toBe('no-referrer')
})

test.each([
  ['light', 1440],
  ['dark', 360],
] as const)('an administrator makes links for a group and ends them all, %s, %i wide', async (colorScheme, width) => {
  await town.ask('PUT', '/self-service', { on: false })
  await town.ask('DELETE', '/self-service/links')
  const { page } = await town.person({ colorScheme, width })
  await page.goto(`${town.address}/people`)
  await page.getByRole('link', { name: 'Self-service' }).click()
  await page.getByRole('heading', { level: 1, name: 'Self-service' }).waitFor()
  const found: Record<string, readonly string[]> = { off: await violations(page) }
  await picture(page, `console-off-${colorScheme}-${width}`)
  await page.getByRole('button', { name: 'Turn on' }).click()
  await page.getByText('Self-service is on.').waitFor()
  await page.getByRole('button', { name: 'Make links' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel(/^Group of people/).selectOption({ label: 'Library staff (20 people)' })
  await dialog.getByLabel('Good for how many days').fill('30')
  found['wanted'] = await violations(page)
  await dialog.getByRole('button', { name: 'Make the links' }).click()
  await dialog.getByText(/^19 links are made, good until/).waitFor()
  await dialog.getByText('1 person got none: Amir Tanaka is not active.').waitFor()
  const first = await dialog.getByRole('textbox').first().inputValue()
  expect(first).toMatch(/\/self-service#[A-Za-z0-9_-]{64}$/)
  found['made'] = await violations(page)
  await picture(page, `console-made-${colorScheme}-${width}`)
  const [file] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'CSV for a mail merge' }).click()])
  expect(file.suggestedFilename()).toBe('self-service-links.csv')
  await dialog.getByRole('button', { name: 'Done' }).click()
  await page.getByRole('heading', { level: 2, name: /Who holds a link 19/ }).waitFor()
  found['holders'] = await violations(page)
  await picture(page, `console-holders-${colorScheme}-${width}`)
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0)

  await page.getByRole('button', { name: 'End', exact: true }).first().click()
  await page.getByRole('heading', { level: 2, name: /Who holds a link 18/ }).waitFor()
  await page.getByRole('button', { name: 'End all links' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'End the links of 18 people' }).click()
  await page.getByText('Nobody holds a link').waitFor()
  expect(found).toEqual({ off: [], wanted: [], made: [], holders: [] })

  // One person's link, from their own page.
  await page.goto(`${town.address}/people/users/u1`)
  await page.getByRole('button', { name: /^More for/ }).click()
  await page.getByRole('menuitem', { name: 'Self-service link' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Make the link' }).click()
  await page
    .getByRole('dialog')
    .getByText(/^1 link is made/)
    .waitFor()
})
