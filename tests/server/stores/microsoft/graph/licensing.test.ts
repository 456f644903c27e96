import { expect, test } from 'vitest'
import { mustBeOk, failureIn } from '../../apple/apple-link.ts'
import { TENANT } from '../microsoft-link.ts'
import { give, openGraphLink, outcomeOf, person, seatsIn, take, type GraphLink } from './graph-link.ts'

const people = (link: GraphLink, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => link.control.addUser({ userPrincipalName: `person${n}@contoso.example` }).userPrincipalName)

test('the tenant tells who it is, and counts as ours', async () => {
  await using link = await openGraphLink()
  expect(mustBeOk(await link.run(link.connection.identify()))).toMatchObject({
    location: { key: TENANT, name: 'Contoso School', country: 'GB' },
    owner: { name: 'Quartermaster' },
  })
})

test('counts are those of the tenant, and everybody who has a license has a seat', async () => {
  await using link = await openGraphLink()
  const names = people(link, 150)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 200)
  for (const name of names) link.control.give(name, skuId)
  const [license] = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(license).toMatchObject({
    productId: skuId,
    kind: 'sku',
    total: 200,
    inUse: 150,
    available: 50,
    assignable: true,
    licenseTypes: ['user'],
  })
  expect((await seatsIn(link)).length).toBe(150)
  expect(mustBeOk(await link.run(link.connection.readSeatsOf(skuId, null))).length).toBe(150)
  expect(mustBeOk(await link.run(link.connection.describe([skuId], '')))).toMatchObject([
    { name: 'Microsoft 365 E3', publisher: 'Microsoft' },
  ])
})

test('licenses are given to twenty people in two requests, and taken again', async () => {
  await using link = await openGraphLink()
  const names = people(link, 20)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 20)
  expect(await outcomeOf(link, give(skuId, names))).toEqual({ complete: true, codes: {} })
  expect(link.control.consumed(skuId)).toBe(20)
  expect(link.asked('graph-batch')).toBe(2)
  expect(await outcomeOf(link, take(skuId, names))).toEqual({ complete: true, codes: {} })
  expect(link.control.consumed(skuId)).toBe(0)
})

test('what is refused is told of each person, and the others are served', async () => {
  await using link = await openGraphLink()
  const [ada = '', bo = '', cy = ''] = people(link, 3)
  link.control.changeUser(bo, { usageLocation: null })
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 1)
  const outcome = await outcomeOf(link, give(skuId, [ada, bo, cy, 'nobody@contoso.example']))
  expect(outcome).toEqual({
    complete: true,
    codes: { [bo]: 'no-usage-location', [cy]: 'no-seat-left', 'nobody@contoso.example': 'user-unknown' },
  })
  expect(link.control.consumed(skuId)).toBe(1)
})

test('who has the license already keeps the plans that were turned off in it', async () => {
  await using link = await openGraphLink()
  const [ada = ''] = people(link, 1)
  const sku = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  const off = sku.servicePlans[0]?.servicePlanId ?? ''
  link.control.give(ada, sku.skuId, [off])
  expect(await outcomeOf(link, give(sku.skuId, [ada]))).toEqual({ complete: true, codes: {} })
  expect(link.control.licensesOf(ada)).toEqual([{ skuId: sku.skuId, disabledPlans: [off] }])
  expect(link.asked('graph-batch')).toBe(1)
})

test('what is not there to be taken is as asked', async () => {
  await using link = await openGraphLink()
  const [ada = ''] = people(link, 1)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  expect(await outcomeOf(link, take(skuId, [ada]))).toEqual({ complete: true, codes: {} })
})

test('taking everything from somebody takes what is theirs directly', async () => {
  await using link = await openGraphLink()
  const [ada = ''] = people(link, 1)
  const { id } = link.control.state.users.values().next().value ?? { id: '' }
  const e3 = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  const pro = link.control.addSku({ skuPartNumber: 'POWER_BI_PRO' }, 5)
  const group = link.control.addGroup('Analysts', [{ id, type: 'user' }])
  link.control.give(ada, e3.skuId)
  link.control.licenseGroup(group.id, pro.skuId)
  expect(await outcomeOf(link, { action: 'revoke', holders: [person(ada)] })).toEqual({ complete: true, codes: {} })
  expect(mustBeOk(await link.run(link.connection.readSeatsOfHolder(person(ada)))).map(({ productId }) => productId)).toEqual([pro.skuId])
})

test('an app that may not write says so, and nothing was changed', async () => {
  await using link = await openGraphLink()
  link.app.roles.delete('LicenseAssignment.ReadWrite.All')
  const [ada = ''] = people(link, 1)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  const written = await link.run(link.connection.write(give(skuId, [ada])))
  expect(failureIn(written)).toMatchObject({
    is: 'read-only-token',
    text: expect.stringContaining('LicenseAssignment.ReadWrite.All') as string,
  })
})

test('an app that may not read says which permission it lacks', async () => {
  await using link = await openGraphLink()
  link.app.roles.delete('Organization.Read.All')
  expect(failureIn(await link.run(link.connection.identify()))).toMatchObject({
    is: 'store-refused',
    code: 'no-permission',
    text: expect.stringContaining('Organization.Read.All') as string,
  })
})

test('a batch whose answer is lost is a question, and is not sent again', async () => {
  await using link = await openGraphLink()
  const names = people(link, 3)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  link.world.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'graph-batch', skip: 1, times: 1 })
  expect(failureIn(await link.run(link.connection.write(give(skuId, names))))).toMatchObject({ is: 'outcome-unknown' })
  expect(link.asked('graph-batch')).toBe(2)
  expect(link.control.consumed(skuId)).toBe(3)
})

test('20,000 people are given a license in batches of twenty, and whoever could not have it is told by name', async () => {
  await using link = await openGraphLink()
  const names = people(link, 20_000)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 19_900)
  names.forEach((name, n) => {
    if (n % 1000 === 7) link.control.changeUser(name, { usageLocation: null })
  })
  const refused = new Map<string, number>()
  let told = 0
  for (let from = 0; from < names.length; from += 20) {
    const { codes, complete } = await outcomeOf(link, give(skuId, names.slice(from, from + 20)))
    expect(complete).toBe(true)
    for (const code of Object.values(codes)) {
      refused.set(code, (refused.get(code) ?? 0) + 1)
      told += 1
    }
  }
  expect(Object.fromEntries(refused)).toEqual({ 'no-usage-location': 20, 'no-seat-left': 80 })
  expect(link.control.consumed(skuId)).toBe(names.length - told)
  // The documented limit of 3000 writes in 150 seconds is kept to: nobody was throttled.
  expect(link.world.log.all().filter(({ status }) => status === 429)).toEqual([])
}, 120_000)
