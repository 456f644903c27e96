import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { CLINIC_UID, SCHOOLS_UID } from '../../server/sandbox/sample-organisation.ts'
import { keptHere, waitForInstalled, waitForOffline, waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

interface Items<T> {
  readonly items: readonly T[]
}
interface LicenseView {
  readonly id: string
  readonly connectorId: string
  readonly product: { readonly id: string; readonly name: string }
  readonly pricing: string
  readonly revocable: boolean
  readonly available: number | null
  readonly licenseTypes: readonly string[]
}

const must = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`no ${what}`)
  return value
}

const licensesAt = async (town: Town, uId: string): Promise<readonly LicenseView[]> => {
  const connectors = (await town.ask('GET', '/connectors')).body as Items<{ id: string; location: { key: string } }>
  const connector = must(
    connectors.items.find(({ location }) => location.key === uId),
    'connector',
  )
  const { items } = (await town.ask('GET', `/licenses?limit=500`)).body as Items<LicenseView>
  return items.filter(({ connectorId }) => connectorId === connector.id)
}

const openPerson = async (page: Page, text: string, name: string): Promise<void> => {
  await page.getByRole('link', { name: 'People' }).filter({ visible: true }).first().click()
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor()
  await page.getByPlaceholder(/^Find by name/).fill(text)
  await page.getByRole('link', { name, exact: true }).click()
  await page.getByRole('heading', { level: 1, name }).waitFor()
}
const region = (page: Page, name: RegExp) => page.getByRole('region', { name })

test('a person is retired with a book that stays, and registered again with keys alone, upon which the seat that waits arrives', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  const owned = await licensesAt(town, SCHOOLS_UID)
  const holds = (key: string, { product, pricing }: LicenseView): boolean =>
    control.holders(SCHOOLS_UID, product.id, pricing as 'STDQ' | 'PLUS').some((one) => one.kind === 'user' && one.clientUserId === key)
  const book = must(
    owned.find(({ revocable, product }) => !revocable && control.holders(SCHOOLS_UID, product.id).length > 0),
    'book that is held',
  )
  const { items: people } = (await town.ask('GET', '/users?limit=500')).body as Items<{
    id: string
    userName: string
    displayName: string
    managedAppleAccount: string
  }>
  const reader = must(
    people.find(
      ({ userName, managedAppleAccount }) =>
        managedAppleAccount !== '' && holds(userName, book) && owned.some((license) => license.revocable && holds(userName, license)),
    ),
    'person with a book and an app',
  )
  const apps = owned.filter((license) => license.revocable && holds(reader.userName, license)).length
  const books = owned.filter((license) => !license.revocable && holds(reader.userName, license)).length

  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await openPerson(page, reader.userName, reader.displayName)
  await region(page, /^Seats held/)
    .getByText('Given for good, as every book is')
    .first()
    .waitFor()
  await page.getByRole('heading', { name: `Seats held ${apps + books}` }).waitFor()

  // Retired, after it was said what that does, and with a tick.
  const standing = region(page, /^At the stores/)
    .getByRole('listitem')
    .filter({ hasText: 'Registered, with an Apple Account' })
  await standing.getByRole('button', { name: 'Retire' }).click()
  const dialog = page.getByRole('dialog', { name: `Retire ${reader.displayName}?` })
  await dialog.getByText(`${books} ${books === 1 ? 'seat' : 'seats'}. What was given for good, as books are, stays`).waitFor()
  // It can be pressed, and says what is missing.
  await dialog.getByRole('button', { name: 'Retire 1 person' }).click({ force: true })
  await dialog.getByText('Confirm first.').waitFor()
  expect(control.users(SCHOOLS_UID).find(({ clientUserId }) => clientUserId === reader.userName)?.status).toBe('Associated')
  await dialog.getByRole('checkbox').check()
  await dialog.getByRole('button', { name: 'Retire 1 person' }).click()
  await dialog.waitFor({ state: 'detached' })
  await region(page, /^At the stores/)
    .getByText('Retired', { exact: true })
    .waitFor()
  await page.getByRole('heading', { name: `Seats held ${books}` }).waitFor()
  expect(holds(reader.userName, book)).toBe(true)

  // Somebody assigns an app: it waits, with the reason.
  const app = must(
    owned.find(
      (license) =>
        license.revocable && license.licenseTypes.includes('user') && (license.available ?? 0) > 5 && !holds(reader.userName, license),
    ),
    'app with free seats',
  )
  await town.ask('POST', '/assignments', {
    licenseId: app.id,
    target: { kind: 'user', id: reader.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'user',
  })
  const wished = region(page, /^Assigned, and not held/)
  await wished.getByRole('row').filter({ hasText: app.product.name }).getByText('Retired at the store.').waitFor()

  // Registered again, by keys alone.
  await region(page, /^At the stores/)
    .getByRole('button', { name: 'Register again' })
    .focus()
  await page.keyboard.press('Enter')
  const register = page.getByRole('dialog', { name: `Register ${reader.displayName}` })
  await register.getByText('with a managed Apple Account. Nothing is asked of them.').waitFor()
  for (let step = 0; step < 8; step += 1) {
    if (await register.getByRole('button', { name: 'Register 1 person' }).evaluate((button) => button === document.activeElement)) break
    await page.keyboard.press('Tab')
  }
  await page.keyboard.press('Enter')
  await register.waitFor({ state: 'detached' })
  await region(page, /^Seats held/)
    .getByRole('link', { name: app.product.name, exact: true })
    .waitFor()
  await wished.waitFor({ state: 'detached' })
  expect(holds(reader.userName, app)).toBe(true)

  // Another mail address: in the directory, and at the store.
  await region(page, /^At the stores/)
    .getByRole('button', { name: 'Tell what changed' })
    .click()
  const change = page.getByRole('dialog', { name: /^Tell .* about / })
  await change.getByLabel('Mail address').fill('another@eastmere.example')
  await change.getByRole('button', { name: 'Tell the store' }).click()
  await change.waitFor({ state: 'detached' })
  await page.getByText('another@eastmere.example', { exact: true }).first().waitFor()
  await expect
    .poll(
      () => control.users(SCHOOLS_UID).find(({ clientUserId, status }) => clientUserId === reader.userName && status !== 'Retired')?.email,
    )
    .toBe('another@eastmere.example')
})

test('an invitation link is shown to who asks for it, can be mailed, and is kept nowhere; without a network the list is read and the act says why not', async () => {
  await using town = await openTown()
  const { context, page } = await town.person({ width: 1280 })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await waitForOnline(page)
  await page.getByRole('link', { name: 'People' }).filter({ visible: true }).first().click()
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor()
  await page.getByLabel('State at the store').selectOption('Invited, not accepted')
  const first = page.getByRole('row').nth(1)
  const name = must((await first.getByRole('link').textContent()) ?? undefined, 'name')
  await first.getByRole('checkbox').check()
  await page.getByRole('toolbar').getByRole('button', { name: 'Invitation link' }).click()
  const dialog = page.getByRole('dialog', { name: `Invitation of ${name}` })
  const asked = town.sandbox.control.requests().length
  expect(await dialog.getByRole('textbox').count()).toBe(0)
  await dialog.getByRole('button', { name: 'Show the link' }).click()
  const link = await dialog.getByRole('textbox', { name }).inputValue()
  expect(new URL(link).search).toMatch(/code|invit/i)
  expect(town.sandbox.control.requests().length).toBeGreaterThan(asked)
  await dialog.getByRole('button', { name: 'Copy' }).click()
  await dialog.getByRole('button', { name: 'Copied' }).waitFor()
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link)
  const mail = new URL(must((await dialog.getByRole('link', { name: 'Mail' }).getAttribute('href')) ?? undefined, 'mail'))
  expect(mail.protocol).toBe('mailto:')
  expect(mail.searchParams.get('body')).toContain(link)
  await page.keyboard.press('Escape')

  const code = new URL(link).searchParams.values().next().value ?? link
  const kept = await keptHere(page)
  expect(kept).toContain('eastmere')
  expect([kept.includes(link), kept.includes(code)]).toEqual([false, false])

  await waitForInstalled(page)
  await context.setOffline(true)
  await waitForOffline(page)
  await page.getByLabel('State at the store').selectOption('any')
  await page.getByPlaceholder(/^Find by name/).fill(name)
  await page.getByRole('link', { name, exact: true }).waitFor()
  const retire = page.getByRole('toolbar').getByRole('button', { name: 'Retire' })
  await retire.click({ force: true })
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await retire.getAttribute('title')).toContain('Nothing is queued')
  await page.getByRole('link', { name, exact: true }).click()
  await region(page, /^At the stores/)
    .getByText('Invited, not accepted', { exact: true })
    .waitFor()
})

test('everything is taken back from a lost device after what goes was read afresh, and the list says from whom there is something to gain', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  const owned = await licensesAt(town, CLINIC_UID)
  const { items: devices } = (await town.ask('GET', '/devices?limit=500&q=CL-IPAD-0001')).body as Items<{
    id: string
    name: string
    serialNumber: string
  }>
  const lost = must(
    devices.find(({ name }) => name === 'CL-IPAD-0001'),
    'device',
  )
  const held = (): number =>
    owned.filter(({ product, pricing }) =>
      control
        .holders(CLINIC_UID, product.id, pricing as 'STDQ' | 'PLUS')
        .some((one) => one.kind === 'device' && one.serialNumber === lost.serialNumber),
    ).length
  const before = held()
  expect(before).toBeGreaterThan(1)

  // It is taken out of the directory: it has left, and holds what it holds.
  expect((await town.ask('DELETE', `/devices/${lost.id}`)).status).toBeLessThan(300)
  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await page.goto(`${town.address}/people?kind=devices`)
  await page.getByText(`1 released device still holds ${before} seats that can come back.`).waitFor()
  await page.getByRole('button', { name: 'Show these devices' }).click()
  const row = page.getByRole('row').filter({ hasText: lost.serialNumber })
  await row.getByText(`${before} seats to gain`).waitFor()
  expect(await page.getByRole('row').count()).toBe(2)
  await row.getByRole('link', { name: lost.name }).click()

  await page.getByRole('button', { name: 'Take everything back' }).click()
  const dialog = page.getByRole('dialog', { name: `Take everything back from ${lost.name}?` })
  await dialog.getByText(`${before} seats`, { exact: true }).waitFor()
  await dialog.getByRole('checkbox').check()
  expect(held()).toBe(before)
  await dialog.getByRole('button', { name: `Take back ${before} seats` }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByText('No seat is held, at any location.').waitFor()
  expect(held()).toBe(0)
  await page.goto(`${town.address}/people?kind=devices&gain=true`)
  await page.getByText('No device fits this filter').waitFor()
})
