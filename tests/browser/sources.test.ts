import { expect, test } from 'vitest'
import { waitForOnline } from './acts.ts'
import { openTown, type Town } from './town.ts'

interface Items<T> {
  readonly items: readonly T[]
}
interface Person {
  readonly id: string
  readonly userName: string
  readonly displayName: string
}

const heads = 'userName,displayName,email,department,active,managedAppleAccount'

/** As the identity provider's client, with a key of its own. */
const scimUser = async (town: Town, body: object): Promise<string> => {
  const { key } = (await town.ask('POST', '/api-keys', { name: 'Entra ID', role: 'directory' })).body as { readonly key: string }
  const answer = await fetch(`${town.address}/scim/v2/Users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/scim+json' },
    body: JSON.stringify({ schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], ...body }),
  })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { readonly id: string }).id
}

test('a person’s page tells what each source says; a record is split off, and two people are joined again', async () => {
  await using town = await openTown({ connect: false })
  await town.ask('POST', '/directory/import?kind=users', `${heads}\nzoe.file,Zoe File,zoe@x.example,Archive,,\n`)
  const id = await scimUser(town, {
    userName: 'zoe.angstrom',
    displayName: 'Zoe Angstrom',
    emails: [{ value: 'zoe@x.example', type: 'work', primary: true }],
  })
  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await page.goto(`${town.address}/people/users/${id}`)
  await page.getByRole('heading', { level: 1, name: 'Zoe Angstrom' }).waitFor()
  const known = page.getByRole('region', { name: 'Known from' })
  const file = known.getByRole('listitem').filter({ hasText: 'CSV import' })
  const provider = known.getByRole('listitem').filter({ hasText: 'Identity provider (SCIM)' })
  await provider.getByText('The same mail address, which nobody else has').waitFor()
  await file.getByText('Zoe File').waitFor()
  // The identity provider's name stands, and the department that the file alone says.
  expect(await provider.locator('dd').filter({ hasText: 'Zoe Angstrom' }).getByText('stands').count()).toBe(1)
  expect(await file.locator('dd').filter({ hasText: 'Zoe File' }).getByText('stands').count()).toBe(0)
  expect(await file.locator('dd').filter({ hasText: 'Archive' }).getByText('stands').count()).toBe(1)

  await provider.getByRole('button', { name: 'Not the same person' }).click()
  const dialog = page.getByRole('dialog', { name: 'Not the same person?' })
  await dialog.getByRole('button', { name: 'Split off' }).click()
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('heading', { level: 1, name: 'Zoe File' }).waitFor()
  await known.getByText('Identity provider (SCIM)').waitFor({ state: 'detached' })
  const found = (await town.ask('GET', '/users?q=zoe')).body as Items<Person>
  expect(found.items.map(({ userName }) => userName).sort()).toEqual(['zoe.angstrom', 'zoe.file'])

  await known.getByRole('button', { name: 'The same as somebody else' }).click()
  const join = page.getByRole('dialog', { name: 'Zoe File is the same person as' })
  await join.getByRole('combobox').fill('zoe.angstrom')
  await join.getByRole('option', { name: /Zoe Angstrom/ }).click()
  await join.getByRole('button', { name: 'Join', exact: true }).click()
  await join.waitFor({ state: 'detached' })
  await page.getByRole('heading', { level: 1, name: 'Zoe Angstrom' }).waitFor()
  await provider.getByText('Joined by an administrator').waitFor()
  await known.getByText('Further account').waitFor()
})

test('a file is looked at first: what will change field by field, which rows are wrong, and that nothing is imported yet', async () => {
  await using town = await openTown({ connect: false })
  await town.ask('POST', '/directory/import?kind=users', `${heads}\nzoe,Zoe,zoe@x.example,Archive,,\n`)
  const { page } = await town.person({ width: 1280 })
  await waitForOnline(page)
  await page.goto(`${town.address}/people`)
  await page
    .getByRole('button', { name: /Import/ })
    .first()
    .click()
  const dialog = page.getByRole('dialog', { name: 'Import people and devices' })
  const text = `${heads}\r\nzoe,Zoë Ångström,zoe@x.example,Archive,,\r\nyan,Yan,,,perhaps,\r\nxia,Xia,,,,\r\n`
  // As Excel saves “Unicode Text”: UTF-16, with tabs.
  const buffer = Buffer.from(`\uFEFF${text.replaceAll(',', '\t')}`, 'utf16le')
  await dialog.locator('input[type=file]').setInputFiles({ name: 'people.txt', mimeType: 'text/plain', buffer })
  await dialog.getByText('3 rows read: 1 new, 1 changed, 0 as they were, 1 with a fault. Nothing is imported yet.').waitFor()
  const changes = dialog.getByRole('region', { name: 'What will change' })
  expect(await changes.getByRole('row').filter({ hasText: 'zoe' }).innerText()).toMatch(/Changed\s+Name\s+Zoe\s+Zoë Ångström/)
  expect(await changes.getByRole('row').filter({ hasText: 'xia' }).innerText()).toMatch(/New/)
  expect(await dialog.getByRole('region', { name: 'Rows with a fault' }).innerText()).toMatch(/3\s+active\s+active must be true or false/)
  await dialog.getByText('As it stands nothing will be imported: a file is taken whole, or not at all.').waitFor()
  const names = async (): Promise<readonly string[]> =>
    ((await town.ask('GET', '/users?q=xia')).body as Items<Person>).items.map(({ userName }) => userName)
  expect(await names()).toEqual([])
  await dialog.getByRole('checkbox').check()
  await dialog.getByText('Import takes over 2 rows.').waitFor()
  await dialog.getByRole('button', { name: 'Import', exact: true }).click()
  await dialog.getByText('People: 1 new, 1 changed').waitFor()
  expect(await names()).toEqual(['xia'])
})
