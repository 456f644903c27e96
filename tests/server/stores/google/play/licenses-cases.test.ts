/** Cases of docs/stores/managed-google-play.md that are about reading licenses and what holds them. */
import { expect, test } from 'vitest'
import { failureIn, held, MATHLAB, mustBeOk, openPlayLink, READER, collectSeats } from './play-link.ts'

test('case 1: an organisation without licenses is read as one, and is no failure', async () => {
  await using link = await openPlayLink()
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toEqual([])
  const { read, seats } = await collectSeats(link)
  expect([mustBeOk(read).full, seats]).toEqual([true, []])
})

test('case 2: a free app has no limit, and never 0 left', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, READER)
  held(link, READER, 3)
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toMatchObject([
    { productId: READER, total: null, available: null, inUse: 3, unlimited: true, assignable: true, licenseTypes: ['user'] },
  ])
})

test('a bought app of which Google leaves the counts out is asked for by itself', async () => {
  await using link = await openPlayLink({ groupLicenseList: 'ids-only' })
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 120 })
  held(link, MATHLAB, 2)
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toMatchObject([
    { total: 120, inUse: 2, available: 118, unlimited: false },
  ])
  expect(link.asked('grouplicenses.get')).toBe(1)
})

test('case 4: a refund leaves a deficit that is told, and nobody loses a seat', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 120 })
  held(link, MATHLAB, 97)
  link.control.setPurchased(link.enterpriseId, MATHLAB, 90)
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toMatchObject([{ total: 90, inUse: 97, available: -7 }])
  expect((await collectSeats(link)).seats).toHaveLength(97)
})

test('case 7: an app that is not approved any more stays, says so, and is given to nobody new', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  held(link, MATHLAB, 2)
  link.control.setApproval(link.enterpriseId, MATHLAB, 'unapproved')
  const [license] = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(license).toMatchObject({ total: 5, inUse: 2, assignable: false, revocable: true })
  expect(license?.remark).toContain('not approved')
  expect((await collectSeats(link)).seats).toHaveLength(2)
})

test('case 8: an app with new permissions is given to nobody new, with a message of its own', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5, permissions: 'needsReapproval' })
  const [license] = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(license?.assignable).toBe(false)
  expect(license?.remark).toContain('new permissions')
})

test.each(['retired-403', 'retired-404', 'retired-410'] as const)(
  'case 9: license calls that answered yesterday and are %s today are told as retired, with the day, by whatever asks',
  async (licenseApi) => {
    await using link = await openPlayLink()
    link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
    held(link, MATHLAB, 1)
    expect((await link.run(link.connection.identify())).ok).toBe(true)
    link.control.setSwitches({ licenseApi })
    link.clock.jump(120_000)
    const retired = { is: 'store-retired', since: '2025-09-30' }
    expect(failureIn(await link.run(link.connection.identify()))).toMatchObject(retired)
    expect(failureIn(await link.run(link.connection.readLicenses()))).toMatchObject(retired)
    expect(failureIn((await collectSeats(link)).read)).toMatchObject(retired)
    expect(failureIn(await link.run(link.connection.readLicense(MATHLAB, null)))).toMatchObject(retired)
    expect(failureIn(await link.run(link.connection.readSeatsOf(MATHLAB, null)))).toMatchObject(retired)
    expect(failureIn(await link.run(link.connection.readSeatsOfHolder({ kind: 'user', key: 'staff-0' })))).toMatchObject(retired)
    link.control.setSwitches({ licenseApi: 'alive' })
    expect((await link.run(link.connection.identify())).ok).toBe(true)
  },
)

test('case 10: an enterprise that was unbound in the admin console is a lost binding, and not a retired store', async () => {
  await using link = await openPlayLink()
  link.control.setStatus(link.enterpriseId, 'unenrolled')
  const asking = [() => link.connection.identify(), () => link.connection.readLicenses(), () => link.connection.readSeatsOf(MATHLAB, null)]
  for (const ask of asking) {
    const failure = failureIn(await link.run<{ readonly ok: boolean }>(ask()))
    expect(failure).toMatchObject({ is: 'credential-invalid' })
    expect(JSON.stringify(failure)).toContain('no longer bound')
  }
})

test('case 11: an enterprise that was deleted says so', async () => {
  await using link = await openPlayLink()
  link.control.setStatus(link.enterpriseId, 'deleted')
  const failure = failureIn(await link.run(link.connection.identify()))
  expect(failure).toMatchObject({ is: 'credential-invalid' })
  expect(JSON.stringify(failure)).toContain('it was deleted')
})

test('case 12: a token that ends between two pages is made anew, and the list goes on at the next page', async () => {
  await using link = await openPlayLink({ pageSize: 2 })
  for (let n = 0; n < 7; n += 1) link.control.addLicense(link.enterpriseId, `app:com.example.n${n}`)
  link.control.faults.arm({ fault: { is: 'error', status: 401, reason: 'authError' }, method: 'products.list', skip: 2, times: 1 })
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toHaveLength(7)
  expect(link.asked('products.list')).toBe(5)
  expect(link.asked('token')).toBe(2)
})

test('case 13: a page that is refused begins the list anew, once, and nothing of the half list is kept', async () => {
  await using link = await openPlayLink({ pageSize: 2 })
  for (let n = 0; n < 9; n += 1) link.control.addLicense(link.enterpriseId, `app:com.example.n${n}`)
  link.control.faults.arm({ fault: { is: 'error', status: 400, reason: 'invalid' }, method: 'products.list', skip: 3, times: 1 })
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toHaveLength(9)
  expect(link.asked('products.list')).toBe(4 + 5)
  // One that never ends costs the names, and not the counts.
  link.clock.jump(120_000)
  link.control.faults.arm({ fault: { is: 'error', status: 400, reason: 'invalid' }, method: 'products.list', skip: 1 })
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toHaveLength(9)
})

test('case 14: a page that tells an app twice and a total that is wrong make no license twice', async () => {
  await using link = await openPlayLink({ pageSize: 2 })
  for (let n = 0; n < 5; n += 1) link.control.addLicense(link.enterpriseId, `app:com.example.n${n}`)
  link.control.faults.arm({ fault: { is: 'page-repeats' }, method: 'products.list' })
  const ids = mustBeOk(await link.run(link.connection.readLicenses())).map(({ productId }) => productId)
  expect(ids.toSorted()).toEqual(Array.from({ length: 5 }, (_, n) => `app:com.example.n${n}`))
})

test('case 22: a product that is gone from the store keeps its license, and is marked', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5, product: null })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5, product: { productPricing: 'unknown', title: 'Reader' } })
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(licenses.map(({ productId, total }) => [productId, total])).toEqual([
    [MATHLAB, 5],
    [READER, 5],
  ])
  expect(licenses[1]?.remark).toContain('no longer offered')
  // Told nothing new of the first: its name stays as it was told before.
  expect(mustBeOk(await link.run(link.connection.describe([MATHLAB, READER], ''))).map(({ name }) => name)).toEqual(['Reader'])
})

test('case 23: apps of our own, hosted by Google or by us, are private apps without a price', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, 'app:school.timetable', {
    product: { distributionChannel: 'privateGoogleHosted', title: 'Timetable' },
  })
  link.control.addLicense(link.enterpriseId, 'app:school.gate', { product: { distributionChannel: 'privateSelfHosted', title: 'Gate' } })
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(licenses.map(({ kind }) => kind)).toEqual(['private-app', 'private-app'])
  expect(mustBeOk(await link.run(link.connection.describe(['app:school.timetable'], '')))).toMatchObject([
    { name: 'Timetable', kind: 'private-app', price: null, bundleId: 'school.timetable', iconSource: null },
  ])
})

test('case 24: a web app is a license once Google tells of it, can be given once it is published, and its version makes no difference', async () => {
  await using link = await openPlayLink()
  const token = mustBeOk(await link.run(link.signIn().token()))
  const made = await fetch(`${link.google.url}/androidenterprise/v1/enterprises/${link.enterpriseId}/webApps`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
    body: JSON.stringify({ title: 'Timetable', startUrl: 'https://tt.school.example', displayMode: 'standalone' }),
  })
  expect(await made.json()).toMatchObject({ isPublished: false, versionCode: '1' })
  const before = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(before).toMatchObject([{ kind: 'web-app', unlimited: true, inUse: 0 }])
  link.clock.jump(10 * 60_000)
  const webApps = link.control.enterprise(link.enterpriseId).webApps
  for (const app of Object.values(webApps)) app.versionCode += 5
  const [published] = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(published?.assignable).toBe(true)
  expect({ ...published, assignable: true }).toEqual({ ...before[0], assignable: true })
  expect(mustBeOk(await link.run(link.connection.describe([published?.productId ?? ''], '')))).toMatchObject([
    { name: 'Timetable', kind: 'web-app' },
  ])
})

test('case 25: package names are told apart by capital letters', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, 'app:com.Slack')
  link.control.addLicense(link.enterpriseId, 'app:com.slack')
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(licenses.map(({ productId }) => productId)).toEqual(['app:com.Slack', 'app:com.slack'])
})

test('case 26: words and members of a later release of Google are no failure', async () => {
  await using link = await openPlayLink({ extraMembers: true })
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.faults.arm({
    fault: {
      is: 'odd-members',
      members: {
        groupLicense: [{ productId: MATHLAB, acquisitionKind: 'rental', numProvisioned: 1, approval: 'pending', laterMember: {} }],
      },
    },
    method: 'grouplicenses.list',
  })
  // What is neither free nor counted has no limit that we know of, and is not called unlimited.
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toMatchObject([
    { total: null, unlimited: false, inUse: 1, assignable: true },
  ])
})

test('case 32: what a person bought is shown among what they hold, and is in no count of ours', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5 })
  const [id = ''] = held(link, MATHLAB, 1)
  link.control.entitle(link.enterpriseId, id, READER, 'userPurchase')
  expect((await collectSeats(link)).keys).toEqual(['mathlab staff-0'])
  const held1 = mustBeOk(await link.run(link.connection.readSeatsOfHolder({ kind: 'user', key: 'staff-0' })))
  expect(held1.map(({ productId }) => productId)).toEqual([MATHLAB, READER])
  expect(mustBeOk(await link.run(link.connection.readLicenses())).find(({ productId }) => productId === READER)?.inUse).toBe(0)
})

test('case 45: titles in another language change no identity', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5, product: { title: 'Math Lab' } })
  const before = mustBeOk(await link.run(link.connection.readLicenses()))
  link.control.setProduct(link.enterpriseId, MATHLAB, { title: 'Rechenlabor' })
  link.clock.jump(120_000)
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toEqual(before)
})

test("the organisation's own store front tells in which collections an app stands, and a front that fails costs no count", async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER)
  const { pages } = link.control.enterprise(link.enterpriseId)
  const name = (text: string) => [
    { locale: 'de', text: `${text} (de)` },
    { locale: 'en', text },
  ]
  pages['p1'] = {
    members: { name: name('Home') },
    clusters: {
      c2: { name: name('Later'), productId: [MATHLAB], orderInPage: 'b' },
      c1: { name: name('Maths'), productId: [MATHLAB, 'app:other'], orderInPage: 'a' },
    },
  }
  const collections = async () =>
    mustBeOk(await link.run(link.connection.readLicenses())).map((license) => [license.productId, license.collections ?? []])
  const told = [
    [MATHLAB, ['Maths', 'Later']],
    [READER, []],
  ]
  expect(await collections()).toEqual(told)
  for (const method of ['storelayoutpages.list', 'webapps.list', 'products.list'])
    link.control.faults.arm({ fault: { is: 'error', status: 400, reason: 'invalid' }, method })
  link.clock.jump(120_000)
  expect(await collections()).toEqual(told)
})
