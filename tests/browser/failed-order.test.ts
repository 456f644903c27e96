import { expect, test } from 'vitest'
import { openLicense, waitForOnline } from './acts.ts'
import { openTown } from './town.ts'

interface Items<T> {
  readonly items: readonly T[]
}

test('a partly failed order says who was not served, why and what to do, and a retry asks again for those alone', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  const [schools] = town.organisation.locations
  if (schools === undefined) throw new Error('no location')
  const groups = (await town.ask('GET', '/groups?limit=500')).body as Items<{ id: string; name: string; kind: string; memberCount: number }>
  const tablets = groups.items.find(({ kind, memberCount }) => kind === 'device' && memberCount > 5 && memberCount < 30)
  if (tablets === undefined) throw new Error('no small group of devices')
  const members = (await town.ask('GET', `/groups/${tablets.id}/members?limit=500`)).body as Items<{ name: string; key: string }>
  const failing = members.items.slice(0, 2)
  const cargo = ((await town.ask('GET', '/licenses?q=Cargo-Bot')).body as Items<{ id: string; product: { id: string } }>).items[0]
  if (cargo === undefined) throw new Error('no license')
  const before = control.counts(schools.uId, cargo.product.id).assigned
  control.faults.arm({
    fault: { is: 'targets-fail', errorNumber: 9628, keys: failing.map(({ key }) => key) },
    endpoint: 'associate',
    times: 1,
  })
  await town.ask('POST', '/assignments', {
    licenseId: cargo.id,
    target: { kind: 'group', id: tablets.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'device',
  })

  const { page } = await town.person()
  await waitForOnline(page)
  await page.goto(`${town.address}/activity?state=failed`)
  const served = tablets.memberCount - failing.length
  const row = page.getByRole('row').filter({ hasText: 'Cargo-Bot' })
  await row.getByText(`Partly done: ${served} of ${tablets.memberCount}`).waitFor()
  await row.getByText(/2 × Apple does not give this product to this device\./).waitFor()
  await row.getByText('Assign it to the person instead.').waitFor()
  for (const { name } of failing) await row.getByText(name, { exact: true }).waitFor()
  expect(control.counts(schools.uId, cargo.product.id).assigned).toBe(before + served)

  // The same stands at the license, and is mended there.
  await openLicense(page, 'Cargo-Bot')
  const orders = page.getByRole('region', { name: /^Orders/ })
  await orders.getByText('2 were not served:').waitFor()
  const asked = control.requests().filter(({ path }) => path.endsWith('/assets/associate')).length
  await orders.getByRole('button', { name: 'Retry the 2 that failed' }).click()
  await orders.getByText('Give 2 seats').waitFor()
  await orders.getByRole('row').filter({ hasText: 'Give 2 seats' }).getByText('Done', { exact: true }).waitFor()
  await orders.getByText('2 were not served:').waitFor({ state: 'detached' })
  expect(control.counts(schools.uId, cargo.product.id).assigned).toBe(before + tablets.memberCount)
  expect(control.requests().filter(({ path }) => path.endsWith('/assets/associate'))).toHaveLength(asked + 1)
})

test('an order whose connection was cut says that it is being read, and is not sent twice', async () => {
  await using town = await openTown()
  const { control } = town.sandbox
  control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'associate', times: 1 })
  // What it came to can not be read at once.
  control.faults.arm({ fault: { is: 'unavailable' }, endpoint: 'assignments' })
  const { page } = await town.person()
  await waitForOnline(page)
  const cargo = ((await town.ask('GET', '/licenses?q=Cargo-Bot')).body as Items<{ id: string }>).items[0]
  const devices = ((await town.ask('GET', '/devices?limit=1')).body as Items<{ id: string }>).items[0]
  await town.ask('POST', '/assignments', {
    licenseId: cargo?.id,
    target: { kind: 'device', id: devices?.id },
    mode: 'include',
    intent: 'required',
    licenseType: 'device',
  })
  await page.goto(`${town.address}/activity?state=open`)
  const row = page.getByRole('row').filter({ hasText: 'Cargo-Bot' })
  await row.getByText('Asked, not yet known').waitFor()
  await row.getByText(/nothing is sent twice/).waitFor()
  expect(control.requests().filter(({ path }) => path.endsWith('/assets/associate'))).toHaveLength(1)
})
