/** Each store is connected from nothing; what is wrong with what was given is told in words and keeps nothing. */
import { AxeBuilder } from '@axe-core/playwright'
import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { keptHere, waitForOnline } from './acts.ts'
import { clientSecret, COLLEGE_CLIENT, COLLEGE_TENANT, ENTERPRISE, openStores, type Stores } from './stores.ts'

const connectorsOf = async (stores: Stores): Promise<readonly { readonly name: string; readonly kind: string }[]> =>
  ((await stores.ask('GET', '/connectors')).body as { readonly items: readonly { name: string; kind: string }[] }).items

const visit = async (stores: Stores): Promise<Page> => {
  const { page } = await stores.person()
  page.setDefaultTimeout(15_000)
  await waitForOnline(page)
  return page
}
const choose = async (page: Page, store: string): Promise<Locator> => {
  await page.goto(`${new URL(page.url()).origin}/connectors`)
  await waitForOnline(page)
  await page.getByRole('button', { name: 'Add connector' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Choose ${store}` })
    .click()
  return page.getByRole('dialog', { name: `Add connector: ${store}` })
}
const fillMicrosoft = async (form: Locator, given: { tenant?: string; client?: string; secret?: string }): Promise<void> => {
  await form.getByLabel('Directory (tenant) ID').fill(given.tenant ?? COLLEGE_TENANT)
  await form.getByLabel('Application (client) ID').fill(given.client ?? COLLEGE_CLIENT)
  await form.getByLabel('Client secret, its Value').fill(given.secret ?? clientSecret)
}
const giveKey = (form: Locator, file: unknown) =>
  form.locator('input[type=file]').setInputFiles({
    name: 'key.json',
    mimeType: 'application/json',
    buffer: Buffer.from(typeof file === 'string' ? file : JSON.stringify(file)),
  })
const connectButton = (form: Locator) => form.getByRole('button', { name: 'Connect', exact: true })

const graphName = 'Microsoft 365 and Entra ID (Microsoft Graph)'
const businessName = 'Microsoft Store for Business and Education'
const googleName = 'Managed Google Play (Google Play EMM API)'

test('every store says what it can do and what its vendor has retired before anybody begins, and none that is not built is offered', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  await page.goto(`${stores.address}/connectors?add=true`)
  const dialog = page.getByRole('dialog', { name: 'Add connector' })
  await dialog.getByRole('heading', { name: 'Apple Apps and Books' }).waitFor()
  expect(await dialog.getByRole('heading', { level: 3 }).allInnerTexts()).toEqual([
    'Apple Apps and Books',
    googleName,
    'Managed Google Play (Android Management API)',
    businessName,
    graphName,
    'Ledger, kept by hand',
  ])
  await dialog.getByText(/turned its license calls off on 30 September 2025/).waitFor()
  await dialog.getByText(/retired this store, announced for 31 March 2023/).waitFor()
})

test('Microsoft 365 is connected with a pointer: wrong IDs are told beside their fields, a wrong tenant, secret and missing consent by the server, and nothing is kept until it works', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  const form = await choose(page, graphName)
  await form.getByText('Grant admin consent').first().waitFor()
  await form.getByText('LicenseAssignment.ReadWrite.All').waitFor()
  await form.getByLabel('Name').fill('College 365')

  await fillMicrosoft(form, { tenant: 'college.eastmere.example' })
  await form.getByText(/A domain name such as contoso\.com is none/).waitFor()
  await fillMicrosoft(form, { client: COLLEGE_TENANT })
  await form.getByText(/This is the directory \(tenant\) ID once more/).waitFor()
  await fillMicrosoft(form, { secret: '0a1b2c3d-1111-4222-8333-444455556666' })
  await form.getByLabel('Client secret, its Value').blur()
  await form.getByText(/This is the Secret ID, and not the secret itself/).waitFor()

  await fillMicrosoft(form, { tenant: '99999999-2222-4333-8444-555555555555' })
  await connectButton(form).click()
  await form.getByRole('alert').filter({ hasText: 'Microsoft knows no tenant with this directory (tenant) ID' }).waitFor()
  await fillMicrosoft(form, { secret: 'wrong~Client.Secret_8Q-value' })
  await connectButton(form).click()
  await form.getByRole('alert').filter({ hasText: 'Microsoft does not accept the client secret' }).waitFor()
  stores.app.roles.clear()
  await fillMicrosoft(form, {})
  await connectButton(form).click()
  await form.getByRole('alert').filter({ hasText: 'Grant admin consent' }).waitFor()
  expect(await connectorsOf(stores)).toEqual([])

  for (const role of ['Organization.Read.All', 'User.Read.All', 'GroupMember.Read.All', 'LicenseAssignment.ReadWrite.All'])
    stores.app.roles.add(role)
  await connectButton(form).click()
  await page.getByRole('heading', { level: 1, name: 'College 365' }).waitFor()
  await stores.serving.idle()
  await page.getByRole('rowheader', { name: /^Directory/ }).waitFor()
  expect(await connectorsOf(stores)).toMatchObject([{ name: 'College 365', kind: 'microsoft-graph' }])
})

test('the Store for Business is connected with the keyboard alone, and one that Microsoft has turned off is told as retired', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  stores.microsoft.business.setSwitches({ service: 'gone-410' })
  await page.goto(`${stores.address}/connectors`)
  await waitForOnline(page)
  const opener = page.getByRole('button', { name: 'Add connector' })
  await opener.focus()
  await page.keyboard.press('Enter')
  const button = page.getByRole('dialog').getByRole('button', { name: `Choose ${businessName}` })
  await button.waitFor()
  for (let presses = 0; presses < 12; presses += 1) {
    if (await button.evaluate((element) => element === document.activeElement)) break
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  const form = page.getByRole('dialog', { name: `Add connector: ${businessName}` })
  await form.getByText(/Its portal may be gone/).waitFor()
  await page.keyboard.press('Tab')
  for (const [label, text] of [
    ['Name', 'College store'],
    ['Directory (tenant) ID', COLLEGE_TENANT],
    ['Application (client) ID', COLLEGE_CLIENT],
    ['Client secret, its Value', clientSecret],
  ] as const) {
    expect(await form.getByLabel(label).evaluate((element) => element === document.activeElement)).toBe(true)
    await page.keyboard.type(text)
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Enter')
  await form
    .getByRole('alert')
    .filter({ hasText: /retired/ })
    .waitFor()
  expect(await connectorsOf(stores)).toEqual([])
  stores.microsoft.business.setSwitches({ service: 'live' })
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'College store' }).waitFor()
  await stores.serving.idle()
  await page.getByText('By Microsoft since 31 Mar 2023; where it still answers, it works').waitFor()
})

test('managed Google Play is connected by its key: files that are none are named, a voided key is told by Google, and what is retired later is kept with its date', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  const form = await choose(page, googleName)
  await form.getByLabel('Name').fill('Play, Eastmere')
  await giveKey(form, { type: 'authorized_user', client_id: 'x' })
  await form.getByText(/for signing in as a person/).waitFor()
  await giveKey(form, 'no json')
  await form.getByText(/This is no key file/).waitFor()
  await giveKey(form, { ...stores.keyFile, private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' })
  await form.getByText(`The key of ${stores.keyFile.client_email}.`).waitFor()
  await form.getByLabel('Id of the enterprise').fill(ENTERPRISE)
  await connectButton(form).click()
  await form.getByText(/The private key in this file is damaged/).waitFor()
  await giveKey(form, stores.keyFile)
  await form.getByLabel('Id of the enterprise').fill('LC0nobody')
  await connectButton(form).click()
  await form.getByRole('alert').waitFor()
  expect(await connectorsOf(stores)).toEqual([])
  await form.getByLabel('Id of the enterprise').fill(ENTERPRISE)
  await connectButton(form).click()
  await page.getByRole('heading', { level: 1, name: 'Play, Eastmere' }).waitFor()
  await stores.serving.idle()
  await page.getByText(/asks every minute/).waitFor()
  expect(await connectorsOf(stores)).toMatchObject([{ kind: 'google-play-emm' }])

  stores.google.setSwitches({ licenseApi: 'retired-410' })
  await page.getByRole('button', { name: 'Sync now' }).click()
  await page
    .getByText(/30 September 2025/)
    .first()
    .waitFor()
  await page.getByText(/^Kept as they were last read, as of /).waitFor()
  await page.getByText('Nothing: the vendor no longer serves it').waitFor()
})

test('an organisation is bound at Google on a page of its own, and the connector is made when its administrator is back', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  const form = await choose(page, googleName)
  await form.getByLabel('Name').fill('Bound today')
  await form.getByText('Is bound now, on a page of Google').click()
  await giveKey(form, stores.keyFile)
  await form.getByRole('button', { name: "To Google's page" }).click()
  await form.getByRole('alert').filter({ hasText: 'Google lets this service account bind no organisations' }).waitFor()
  await giveKey(form, stores.vendorKey)
  await form.getByRole('button', { name: "To Google's page" }).click()
  const link = form.getByRole('link', { name: "Open Google's page" })
  const opened = page.context().waitForEvent('page')
  await link.click()
  const there = await opened
  await there.getByRole('heading', { level: 1, name: 'Bound today' }).waitFor()
  await there.close()
  await page.bringToFront()
  await page.evaluate(() => dispatchEvent(new Event('focus')))
  await page.getByRole('heading', { level: 1, name: 'Bound today' }).waitFor()
})

test('neither the client secret nor the key is in anything the browser keeps or is sent', async () => {
  await using stores = await openStores()
  const page = await visit(stores)
  const seen: string[] = []
  page.on('response', (response) => {
    response.body().then(
      (body) => void seen.push(body.toString('latin1')),
      () => undefined,
    )
  })
  const graph = await choose(page, graphName)
  await graph.getByLabel('Name').fill('College 365')
  await fillMicrosoft(graph, {})
  await connectButton(graph).click()
  await page.getByRole('heading', { level: 1, name: 'College 365' }).waitFor()
  const google = await choose(page, googleName)
  await google.getByLabel('Name').fill('Play, Eastmere')
  await giveKey(google, stores.keyFile)
  await google.getByLabel('Id of the enterprise').fill(ENTERPRISE)
  await connectButton(google).click()
  await page.getByRole('heading', { level: 1, name: 'Play, Eastmere' }).waitFor()
  await stores.serving.idle()
  // Typed and left again: gone with the form.
  const again = await choose(page, graphName)
  await again.getByLabel('Client secret, its Value').fill(clientSecret)
  await again.getByRole('button', { name: 'Other store' }).click()
  await page
    .getByRole('dialog')
    .getByRole('button', { name: `Choose ${graphName}` })
    .click()
  expect(await again.getByLabel('Client secret, its Value').inputValue()).toBe('')
  const [, line = ''] = stores.keyFile.private_key.split('\n')
  expect(line.length).toBeGreaterThan(40)
  const everything = [...seen, await keptHere(page), stores.logged(), page.url()].join('\n')
  expect(everything).toContain('College 365')
  const canaries = [clientSecret, encodeURIComponent(clientSecret), Buffer.from(clientSecret).toString('base64').slice(0, 36), line]
  expect(canaries.filter((canary) => everything.includes(canary))).toEqual([])
})

test.each([
  ['light', 1440],
  ['dark', 1440],
  ['light', 360],
] as const)(
  'axe finds nothing in the chooser, the forms and the pages, %s, %i wide',
  async (colorScheme, width) => {
    await using stores = await openStores()
    await stores.ask('POST', '/connectors', {
      kind: 'microsoft-graph',
      name: 'College 365',
      credential: { tenantId: COLLEGE_TENANT, clientId: COLLEGE_CLIENT, clientSecret, secretEndsOn: '2027-06-30' },
    })
    await stores.ask('POST', '/connectors', {
      kind: 'microsoft-store-business',
      name: 'College store',
      credential: { tenantId: COLLEGE_TENANT, clientId: COLLEGE_CLIENT, clientSecret },
    })
    await stores.ask('POST', '/connectors', {
      kind: 'google-play-emm',
      name: 'Play, Eastmere',
      credential: { serviceAccountKey: stores.keyFile, enterpriseId: ENTERPRISE },
    })
    await stores.serving.idle()
    const items = ((await stores.ask('GET', '/connectors')).body as { readonly items: readonly { id: string }[] }).items
    const { page } = await stores.person({ colorScheme, width })
    await waitForOnline(page)
    const found: Record<string, readonly string[]> = {}
    const pictures = process.env['QM_PICTURES']
    for (const [name, path] of [
      ...[
        'true',
        'apple-apps-books',
        'google-play-emm',
        'google-android-management',
        'microsoft-store-business',
        'microsoft-graph',
        'ledger',
      ].map((kind) => [`add-${kind}`, `/connectors?add=${kind}`]),
      ...items.flatMap(({ id }, at) => [
        [`page-${at}`, `/connectors/${id}`],
        [`renew-${at}`, `/connectors/${id}?do=renew`],
      ]),
      ['list', '/connectors'],
    ] as const) {
      await page.goto(`${stores.address}${path ?? ''}`)
      await page
        .getByRole(path?.includes('add=') === true ? 'dialog' : 'heading')
        .first()
        .waitFor()
      await page.waitForLoadState('networkidle')
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'])
        .analyze()
      found[name ?? ''] = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`)
      const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      expect([name, sideways]).toEqual([name, 0])
      if (pictures !== undefined) await page.screenshot({ path: `${pictures}/${name}-${colorScheme}-${width}.png`, fullPage: true })
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((screen) => [screen, []])))
  },
  300_000,
)

test('a client secret and a key are renewed on the page of their connector: wrong ones are told in words, the right ones are checked, and the end of a secret is called to mind', async () => {
  await using stores = await openStores()
  for (const [kind, name, credential] of [
    ['microsoft-graph', 'College 365', { tenantId: COLLEGE_TENANT, clientId: COLLEGE_CLIENT, clientSecret }],
    ['google-play-emm', 'Play, Eastmere', { serviceAccountKey: stores.keyFile, enterpriseId: ENTERPRISE }],
  ] as const)
    await stores.ask('POST', '/connectors', { kind, name, credential })
  await stores.serving.idle()
  const page = await visit(stores)
  stores.app.secrets.splice(0, 1, { value: 'another~Client.Secret_9Q', expiresAt: Date.now() + 86_400_000 * 200 })
  stores.microsoft.world.accessTokens.clear()
  await page.goto(`${stores.address}/connectors`)
  await page.getByRole('link', { name: 'College 365' }).click()
  await page.getByRole('heading', { level: 1, name: 'College 365' }).waitFor()
  await waitForOnline(page)
  await page.getByRole('button', { name: 'Renew', exact: true }).click()
  const secretForm = page.getByRole('region', { name: 'Renew the client secret' })
  await secretForm.getByText(/Certificates & secrets, New client secret/).waitFor()
  await secretForm.getByLabel('Client secret, its Value').fill('wrong~Client.Secret_9Q')
  await secretForm.getByRole('button', { name: 'Renew now' }).click()
  await secretForm.getByRole('alert').filter({ hasText: 'Microsoft does not accept the client secret' }).waitFor()
  await secretForm.getByLabel('Client secret, its Value').fill('another~Client.Secret_9Q')
  const endsOn = new Date(Date.now() + 86_400_000 * 40).toISOString().slice(0, 10)
  await secretForm.getByLabel('The secret ends on (if you know)').fill(endsOn)
  await secretForm.getByRole('button', { name: 'Renew now' }).click()
  const renewed = page.getByRole('region', { name: 'The client secret is renewed' })
  await renewed.getByText(/It is of the same tenant:/).waitFor()
  await renewed.getByText(/It is a client secret; it ends on/).waitFor()
  // Within its reminders.
  await page.getByText(/The client secret for College 365 ends on .* Make a new client secret in the Entra admin center/).waitFor()

  await page.goto(`${stores.address}/connectors`)
  await page.getByRole('link', { name: 'Play, Eastmere' }).click()
  await page.getByRole('heading', { level: 1, name: 'Play, Eastmere' }).waitFor()
  await waitForOnline(page)
  const fresh = stores.google.newKey(stores.keyFile.client_email)
  await page.getByRole('button', { name: 'Renew', exact: true }).click()
  const keyForm = page.getByRole('region', { name: 'Renew the key' })
  await keyForm.getByText(/Add key, Create new key, JSON/).waitFor()
  await giveKey(keyForm, stores.vendorKey)
  await keyForm.getByRole('button', { name: 'Renew now' }).click()
  await keyForm.getByRole('alert').waitFor()
  await giveKey(keyForm, fresh)
  await keyForm.getByRole('button', { name: 'Renew now' }).click()
  await page
    .getByRole('region', { name: 'The key is renewed' })
    .getByText(/It is of the same enterprise:/)
    .waitFor()
  expect(await connectorsOf(stores)).toHaveLength(2)
})
