import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { waitForInstalled, waitForOffline, waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

interface Items<T> {
  readonly items: readonly T[]
}
interface GroupView {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly memberCount: number
  readonly transitiveMemberCount: number | null
  readonly groups?: readonly string[]
  readonly rule?: { readonly conditions: readonly unknown[] }
}
const must = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new Error(`no ${what}`)
  return value
}
const groupNamed = async (town: Town, name: string): Promise<GroupView> => {
  const { items } = (await town.ask('GET', '/groups?limit=500')).body as Items<GroupView>
  const { id } = must(
    items.find((group) => group.name === name),
    name,
  )
  return (await town.ask('GET', `/groups/${id}`)).body as GroupView
}
const openGroups = async (page: Page): Promise<void> => {
  await page.getByRole('link', { name: 'People' }).filter({ visible: true }).first().click()
  await page.getByRole('link', { name: /^Groups/ }).click()
  await page.getByPlaceholder('Find a group by name or rule').waitFor()
}
const heading = (page: Page, name: string) => page.getByRole('heading', { level: 1, name })

test('a group is made and filled with keys alone, with people and a whole group, whose members count with the way that leads to them', async () => {
  await using town = await openTown()
  const teachers = await groupNamed(town, 'Teachers')
  const { items: people } = (await town.ask('GET', '/users?limit=1&q=IT')).body as Items<{ displayName: string; userName: string }>
  const one = must(people[0], 'person')
  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await openGroups(page)

  await page.getByRole('button', { name: 'New group' }).focus()
  await page.keyboard.press('Enter')
  const make = page.getByRole('dialog', { name: 'New group' })
  await make.getByRole('textbox', { name: 'Name' }).waitFor()
  // The field for the name has the focus.
  await page.keyboard.type('All who teach')
  await page.keyboard.press('Enter')
  await make.waitFor({ state: 'detached' })
  await heading(page, 'All who teach').waitFor()
  await page.getByText('Nobody is in this group.').waitFor()

  await page.getByRole('button', { name: 'Add members' }).first().focus()
  await page.keyboard.press('Enter')
  const add = page.getByRole('dialog', { name: 'Add members to All who teach' })
  await add.getByRole('combobox').waitFor()
  await page.keyboard.type('Teachers')
  await add.getByRole('option', { name: /^Teachers/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.keyboard.type(one.userName)
  await add.getByRole('option', { name: new RegExp(one.userName) }).waitFor()
  await page.keyboard.press('Enter')
  await add.getByText('Who is in the nested group counts as a member too').waitFor()
  await page.keyboard.press('Enter')
  await add.waitFor({ state: 'detached' })

  await page.getByText('1 person, and 1 group').first().waitFor()
  const made = await groupNamed(town, 'All who teach')
  expect(made).toMatchObject({ memberCount: 1, groups: [teachers.id] })
  await page.getByRole('heading', { name: `Members ${made.transitiveMemberCount}` }).waitFor()
  const list = page.getByRole('region', { name: 'List of members' })
  await page.getByPlaceholder(/^Find by name, user name/).fill(one.userName)
  await list.getByRole('row').filter({ hasText: one.displayName }).getByText('This group').waitFor()
  await page.getByPlaceholder(/^Find by name, user name/).fill('')
  await list.getByRole('row').filter({ hasText: 'Teachers' }).first().waitFor()

  // A member through a nested group is taken out there, and its box says so.
  const nested = list.getByRole('row').filter({ hasText: 'Teachers' }).first().getByRole('checkbox')
  expect(await nested.isDisabled()).toBe(true)
  expect(await nested.getAttribute('title')).toContain('through a nested group')
  await page.getByPlaceholder(/^Find by name, user name/).fill(one.userName)
  await list.getByRole('link', { name: one.displayName }).focus()
  await page.keyboard.press('Space')
  await page.getByRole('toolbar').getByRole('button', { name: 'Take out' }).click()
  await page.getByPlaceholder(/^Find by name, user name/).fill('')
  await page.getByRole('heading', { name: `Members ${teachers.memberCount}` }).waitFor()
  expect(await groupNamed(town, 'All who teach')).toMatchObject({ memberCount: 0 })

  // Taken out of the tree, and the group removed; what it contained stays.
  await page.getByRole('button', { name: 'Actions for Teachers' }).click()
  await page.getByRole('menuitem', { name: 'Take out of All who teach' }).click()
  await page.getByText('Nobody is in this group.').waitFor()
  await page.getByRole('button', { name: 'More for All who teach' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Remove the group' }).click()
  await page.getByPlaceholder('Find a group by name or rule').waitFor()
  await page.getByPlaceholder('Find a group by name or rule').fill('All who')
  await page.getByText('No group fits this filter').waitFor()
  expect(await groupNamed(town, 'Teachers')).toMatchObject({ memberCount: teachers.memberCount })
})

test('a rule says how many fit while it is written, the server fills the group as said, and nobody is put in by hand', async () => {
  await using town = await openTown()
  const { context, page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await openGroups(page)
  await page.getByRole('button', { name: 'New group' }).click()
  const make = page.getByRole('dialog', { name: 'New group' })
  await make.getByRole('textbox', { name: 'Name' }).fill('iPads that nobody owns')
  await make.getByText('Devices', { exact: true }).click()
  await make.getByText('By a rule').click()
  // Without a text, a rule that all would fit can't be made.
  await make.getByLabel('How it is compared, condition 1').selectOption('contains')
  await make.getByRole('status').filter({ hasText: 'Condition 1 has no text to compare with' }).waitFor()
  await make.getByRole('button', { name: 'Make the group' }).click({ force: true })
  expect(await make.isVisible()).toBe(true)
  await make.getByLabel('The text, condition 1').fill('ipad')
  await make.getByRole('button', { name: 'Add a condition' }).click()
  await make.getByLabel('What is looked at, condition 2').selectOption('owner')
  const now = make.getByRole('status').filter({ hasText: 'fit now' })
  await now.getByText('Platform contains “ipad” and owner is empty.').waitFor()
  const foretold = Number(/([\d\u202f]+) devices fit now/.exec((await now.textContent()) ?? '')?.[1]?.replaceAll('\u202f', ''))
  expect(foretold).toBeGreaterThan(10)
  await make.getByRole('button', { name: 'Make the group' }).click()
  await heading(page, 'iPads that nobody owns').waitFor()
  await page.getByRole('heading', { name: new RegExp(`^Members ${String(foretold).replace(/\B(?=(\d{3})+$)/g, '\\s')}$`) }).waitFor()
  expect(await groupNamed(town, 'iPads that nobody owns')).toMatchObject({ memberCount: foretold, kind: 'device' })
  expect(await page.getByRole('button', { name: 'Add members' }).count()).toBe(0)
  expect(await page.getByRole('region', { name: 'List of members' }).getByRole('checkbox').count()).toBe(0)

  // Somebody gets one of them: it goes out by itself.
  const { items } = (await town.ask('GET', '/devices?limit=500')).body as Items<{ id: string; ownerId: string | null; platform: string }>
  const free = must(
    items.find(({ ownerId, platform }) => ownerId === null && /ipad/i.test(platform)),
    'device without an owner',
  )
  const { items: people } = (await town.ask('GET', '/users?limit=1')).body as Items<{ id: string }>
  await town.ask('PATCH', `/devices/${free.id}`, { ownerId: must(people[0], 'person').id })
  await page.getByRole('heading', { name: new RegExp(`^Members ${String(foretold - 1).replace(/\B(?=(\d{3})+$)/g, '\\s')}$`) }).waitFor()

  // Without a network the page is read, and the acts say why not.
  await waitForInstalled(page)
  await context.setOffline(true)
  await waitForOffline(page)
  const change = page.getByRole('button', { name: 'Change the rule' })
  await change.click({ force: true })
  expect(await page.getByRole('dialog').count()).toBe(0)
  expect(await change.getAttribute('title')).toContain('Nothing is queued')
})

test('a ring that a directory brought comes to its end on the page, and an assignment through an outer group keeps the group from being removed', async () => {
  await using town = await openTown()
  const key = ((await town.ask('POST', '/api-keys', { name: 'SCIM', role: 'directory' })).body as { key: string }).key
  const scim = async (method: string, path: string, body: unknown): Promise<{ readonly id: string }> => {
    const response = await fetch(`${town.address}/scim/v2${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/scim+json' },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (response.status >= 300) throw new Error(text)
    return text === '' ? { id: '' } : (JSON.parse(text) as { readonly id: string })
  }
  const schemas = ['urn:ietf:params:scim:schemas:core:2.0:Group']
  const inner = await scim('POST', '/Groups', { schemas, displayName: 'Ring inner' })
  const outer = await scim('POST', '/Groups', { schemas, displayName: 'Ring outer', members: [{ value: inner.id }] })
  await scim('PATCH', `/Groups/${inner.id}`, {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: 'add', path: 'members', value: [{ value: outer.id }] }],
  })
  const hand = (await town.ask('POST', '/groups', { name: 'By hand', kind: 'user' })).body as { id: string }
  const holder = (await town.ask('POST', '/groups', { name: 'Holder', kind: 'user' })).body as { id: string }
  await town.ask('PATCH', `/groups/${holder.id}/members`, { add: [hand.id] })
  const { items: licenses } = (await town.ask('GET', '/licenses?limit=200')).body as Items<{
    id: string
    licenseTypes: readonly string[]
    revocable: boolean
    product: { name: string }
  }>
  const license = must(
    licenses.find(({ licenseTypes, revocable }) => revocable && licenseTypes.includes('user')),
    'license',
  )
  const assigned = await town.ask('POST', '/assignments', {
    licenseId: license.id,
    target: { kind: 'group', id: holder.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'user',
  })
  expect(assigned.status).toBe(201)

  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await page.goto(`${town.address}/people/groups/${outer.id}`)
  await heading(page, 'Ring outer').waitFor()
  await page.getByText('Contains this group again').waitFor()
  await page.locator('.hint').filter({ hasText: 'Identity provider (SCIM) keeps this group. Change it there' }).waitFor()
  await page.getByRole('link', { name: 'Ring inner' }).first().click()
  await heading(page, 'Ring inner').waitFor()

  await page.goto(`${town.address}/people/groups/${hand.id}`)
  await heading(page, 'By hand').waitFor()
  const named = page
    .getByRole('region', { name: /^Assignments/ })
    .getByRole('row')
    .filter({ hasText: license.product.name })
  await named.getByRole('link', { name: 'Holder' }).waitFor()
  await page.getByRole('button', { name: 'More for By hand' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  const dialog = page.getByRole('dialog', { name: 'Remove By hand?' })
  await dialog.getByText('1 assignment names it, or a group that it is nested in.').waitFor()
  await dialog.getByRole('button', { name: 'Remove the group' }).click({ force: true })
  await dialog.getByText('Assignments reach its members.').first().waitFor()
  expect(await groupNamed(town, 'By hand')).toMatchObject({ id: hand.id })
})
