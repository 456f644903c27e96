/** The numbered cases of docs/stores/microsoft-graph.md, section 8, that the connection itself survives. */
import { expect, test } from 'vitest'
import { failureIn, mustBeOk } from '../../../apple/apple-link.ts'
import { give, openGraphLink, outcomeOf, person, readGroups, readUsers, seatsIn, take, type GraphLink } from '../graph-link.ts'

const people = (link: GraphLink, count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => link.control.addUser({ userPrincipalName: `person${n}@contoso.example` }).userPrincipalName)

const licensed = (link: GraphLink, count: number): string => {
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, count)
  for (const name of people(link, count)) link.control.give(name, skuId)
  return skuId
}

test('case 2: token-expires-midway: a token that is refused on page 3 is renewed once, and nobody is told twice', async () => {
  await using link = await openGraphLink()
  licensed(link, 2500)
  link.world.faults.arm({ fault: { is: 'token-refused' }, endpoint: 'graph-users', skip: 2, times: 1 })
  const seats = await seatsIn(link)
  expect(seats.length).toBe(2500)
  expect(new Set(seats.map(({ holder }) => holder.key)).size).toBe(2500)
  expect(link.asked('token')).toBe(2)
})

test('case 2: token-expires-midway: a token that is refused again ends in a named failure', async () => {
  await using link = await openGraphLink()
  link.world.faults.arm({ fault: { is: 'token-refused' }, endpoint: 'graph-skus' })
  expect(failureIn(await link.run(link.connection.readLicenses()))).toMatchObject({ is: 'credential-invalid' })
  expect(link.asked('graph-skus')).toBe(2)
})

test.each([
  ['throttle-seconds', { is: 'throttled', retryAfter: '12' }, 12_000],
  ['throttle-date', { is: 'throttled', retryAfter: 'Tue, 24 Nov 2026 09:00:20 GMT' }, 20_000],
] as const)('case 20: %s: the pause that was asked for is kept', async (_, fault, ms) => {
  await using link = await openGraphLink()
  licensed(link, 3)
  link.world.faults.arm({ fault, endpoint: 'graph-users', times: 1 })
  expect((await seatsIn(link)).length).toBe(3)
  expect(Math.max(...link.clock.waits)).toBeGreaterThan(ms - 1000)
  expect(Math.max(...link.clock.waits)).toBeLessThanOrEqual(ms)
})

test('case 20: throttle-none: without a Retry-After the pauses grow, and the reading goes on', async () => {
  await using link = await openGraphLink()
  licensed(link, 3)
  link.world.faults.arm({ fault: { is: 'throttled' }, endpoint: 'graph-users', times: 3 })
  expect((await seatsIn(link)).length).toBe(3)
  expect(link.asked('graph-users')).toBe(4)
  const long = link.clock.waits.filter((ms) => ms >= 500)
  expect(long.length).toBe(3)
  expect([...long].sort((a, b) => a - b)).toEqual(long)
})

test('case 20: throttle-none: a pause that is too long is told and not sat out', async () => {
  await using link = await openGraphLink()
  link.world.faults.arm({ fault: { is: 'throttled', retryAfter: '900' }, endpoint: 'graph-skus' })
  expect(failureIn(await link.run(link.connection.readLicenses()))).toEqual({ is: 'store-busy', retryAfterMs: 900_000 })
})

test('case 21: html-502: a page of a gateway or a proxy is no answer and no empty list', async () => {
  await using link = await openGraphLink()
  licensed(link, 3)
  link.world.faults.arm({ fault: { is: 'bad-gateway', when: 'before' }, endpoint: 'graph-users', times: 1 })
  expect((await seatsIn(link)).length).toBe(3)
  link.world.faults.arm({ fault: { is: 'captive-page' }, endpoint: 'graph-users' })
  const read = await link.run(link.connection.readSeats(null, { begin: () => undefined, page: () => undefined }))
  expect(failureIn(read)).toMatchObject({ is: 'store-answer-unreadable' })
})

test('case 21: html-502: a write that a gateway answers is a question', async () => {
  await using link = await openGraphLink()
  const [ada = ''] = people(link, 1)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  link.world.faults.arm({ fault: { is: 'bad-gateway', when: 'after' }, endpoint: 'graph-batch', skip: 1, times: 1 })
  expect(failureIn(await link.run(link.connection.write(give(skuId, [ada]))))).toMatchObject({ is: 'outcome-unknown' })
  expect(mustBeOk(await link.run(link.connection.readSeatsOfHolder(person(ada)))).length).toBe(1)
})

test('case 25: unknown-enum: a subscription in a state that is new is kept, and nobody is given it', async () => {
  await using link = await openGraphLink()
  licensed(link, 3)
  link.world.faults.arm({
    fault: { is: 'odd-items', members: { capabilityStatus: 'unknownFutureValue' }, without: [] },
    endpoint: 'graph-skus',
    times: 1,
  })
  expect(mustBeOk(await link.run(link.connection.readLicenses()))).toMatchObject([{ total: 3, inUse: 3, assignable: false }])
})

test('case 31: foreign-nextlink: a next page on another host is refused, and the token is not sent there', async () => {
  await using link = await openGraphLink()
  await using elsewhere = await openGraphLink()
  licensed(link, 3)
  link.world.faults.arm({ fault: { is: 'foreign-next-link', origin: elsewhere.url }, endpoint: 'graph-users', times: 1 })
  const read = await link.run(link.connection.readSeats(null, { begin: () => undefined, page: () => undefined }))
  expect(failureIn(read)).toMatchObject({ is: 'store-answer-unreadable', text: expect.stringContaining('another host') as string })
  link.world.faults.arm({ fault: { is: 'foreign-next-link', origin: elsewhere.url }, endpoint: 'graph-users-delta', times: 1 })
  expect(failureIn((await readUsers(link)).result)).toMatchObject({ is: 'store-answer-unreadable' })
  expect(elsewhere.world.log.all()).toEqual([])
})

test('case 31: foreign-nextlink: nor is a mark of another host followed', async () => {
  await using link = await openGraphLink()
  await using elsewhere = await openGraphLink()
  const { result } = await readUsers(link, `${elsewhere.url}/v1.0/users/delta?$deltatoken=x`)
  expect(failureIn(result)).toMatchObject({ is: 'store-answer-unreadable' })
  expect(elsewhere.world.log.all()).toEqual([])
})

test('case 6: token-loop: pages that lead in a circle end the reading, and so do pages that lead to no end', async () => {
  await using link = await openGraphLink()
  licensed(link, 1500)
  const read = (): Promise<unknown> =>
    link.run(link.connection.readSeats(null, { begin: () => undefined, page: () => undefined })).then(failureIn)
  link.world.faults.arm({ fault: { is: 'page-loop' }, endpoint: 'graph-users' })
  expect(await read()).toMatchObject({ is: 'store-answer-unreadable', text: expect.stringContaining('circle') as string })
})

test('case 5: empty-page-with-token: an empty page that names a next one is gone past', async () => {
  await using link = await openGraphLink()
  licensed(link, 1500)
  link.world.faults.arm({ fault: { is: 'empty-page' }, endpoint: 'graph-users', skip: 1, times: 1 })
  expect((await seatsIn(link)).length).toBe(1500)
})

test('case 32: delta-410: everything is read anew', async () => {
  await using link = await openGraphLink()
  people(link, 5)
  const first = await readUsers(link)
  const { cursor } = mustBeOk(first.result)
  link.control.move()
  const again = await readUsers(link, cursor)
  expect(again.begins).toEqual([false, true])
  expect(mustBeOk(again.result).whole).toBe(true)
  expect(again.users.length).toBe(5)
})

test('case 32: delta-expired: after seven days everything is read anew', async () => {
  await using link = await openGraphLink()
  people(link, 5)
  const { cursor } = mustBeOk((await readGroups(link)).result)
  link.clock.jump(7 * 86_400_000 + 1)
  const again = await readGroups(link, cursor)
  expect(mustBeOk(again.result).whole).toBe(true)
  expect(again.begins).toEqual([false, true])
})

test('case 33: delta-partial: of a change only what changed is told, and a mail address that is gone is told as gone', async () => {
  await using link = await openGraphLink()
  const [ada = ''] = people(link, 3)
  const { cursor } = mustBeOk((await readUsers(link)).result)
  link.control.changeUser(ada, { mail: null })
  const { result, users } = await readUsers(link, cursor)
  expect(mustBeOk(result).whole).toBe(false)
  expect(users).toMatchObject([{ is: 'told', fields: { email: '' } }])
  expect(users[0]?.is === 'told' && 'userName' in users[0].fields).toBe(false)
})

test('case 33: delta-member-pages: a large group comes in several parts, with everybody in one of them', async () => {
  await using link = await openGraphLink({ deltaPageSize: 40 })
  people(link, 200)
  const members = [...link.control.state.users.keys()].map((id) => ({ id, type: 'user' as const }))
  link.control.addGroup('Everybody', members)
  const { groups } = await readGroups(link)
  expect(groups.length).toBeGreaterThan(4)
  const told = groups.flatMap((group) => (group.is === 'told' ? group.members.added : []))
  expect([...told].sort()).toEqual(members.map(({ id }) => id).sort())
})

test('case 33: delta-replay: who comes twice is told twice, with the same words', async () => {
  await using link = await openGraphLink({ deltaPageSize: 2, deltaReplay: true })
  people(link, 6)
  const { users } = await readUsers(link)
  expect(users.length).toBeGreaterThan(6)
  expect(new Set(users.map((user) => JSON.stringify(user))).size).toBe(6)
})

test('case 34: batch-shuffled: answers in reverse order go to whom they are about', async () => {
  await using link = await openGraphLink({ batchOrder: 'reversed' })
  const [ada = '', bo = '', cy = ''] = people(link, 3)
  link.control.changeUser(bo, { usageLocation: null })
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  expect((await outcomeOf(link, give(skuId, [ada, bo, cy]))).codes).toEqual({ [bo]: 'no-usage-location' })
  expect(link.control.licensesOf(ada).length).toBe(1)
  expect(link.control.licensesOf(cy).length).toBe(1)
})

test('case 34: batch-shuffled: only what was throttled inside a batch is sent again', async () => {
  await using link = await openGraphLink()
  const names = people(link, 20)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 20)
  link.world.faults.arm({ fault: { is: 'batch-part-throttled', every: 4, retryAfter: '5' }, endpoint: 'graph-batch', skip: 1, times: 1 })
  expect(await outcomeOf(link, give(skuId, names))).toEqual({ complete: true, codes: {} })
  const batches = link.world.log.all().filter(({ endpoint }) => endpoint === 'graph-batch')
  expect(batches.map(({ told }) => told?.['requests'])).toEqual([20, 20, 5])
  expect(link.clock.waits.some((ms) => ms > 4000 && ms <= 5000)).toBe(true)
  expect(link.control.consumed(skuId)).toBe(20)
})

test('case 34: batch-shuffled: a part that stays throttled is told by name, to be tried again', async () => {
  await using link = await openGraphLink()
  const names = people(link, 4)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 20)
  link.world.faults.arm({ fault: { is: 'batch-part-throttled', every: 4, retryAfter: '900' }, endpoint: 'graph-batch', skip: 1 })
  const { settled } = mustBeOk(await link.run(link.connection.write(give(skuId, names))))
  expect(settled).toMatchObject({ is: 'failed', complete: true, failures: [{ holders: [person(names[3] ?? '')], retryable: true }] })
})

test('case 34: batch-shuffled: whose answer is missing is not named, so that they are read', async () => {
  await using link = await openGraphLink()
  const names = people(link, 6)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 20)
  link.world.faults.arm({ fault: { is: 'batch-part-lost', every: 3 }, endpoint: 'graph-batch', skip: 1, times: 1 })
  expect(await outcomeOf(link, give(skuId, names))).toEqual({ complete: false, codes: {} })
  expect(link.asked('graph-batch')).toBe(2)
})

test('case 35: sku-negative, sku-warning, sku-company: numbers are kept as they are', async () => {
  await using link = await openGraphLink()
  const skuId = licensed(link, 4)
  link.control.changeSku(skuId, { prepaidUnits: { enabled: 1, warning: 1, suspended: 9, lockedOut: 0 }, capabilityStatus: 'Warning' })
  const company = link.control.addSku({ skuPartNumber: 'WINDOWS_STORE', appliesTo: 'Company', usedByTheTenant: 3 }, 25)
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  expect(licenses.find(({ productId }) => productId === skuId)).toMatchObject({ total: 2, inUse: 4, available: -2, assignable: true })
  expect(licenses.find(({ productId }) => productId === company.skuId)).toMatchObject({
    total: 25,
    inUse: 3,
    available: 22,
    assignable: false,
    licenseTypes: [],
  })
})

test('case 36: no-m365-seat, no-usage-location, inherited-licence: three refusals, three texts', async () => {
  await using link = await openGraphLink()
  const [ada = '', bo = '', cy = ''] = people(link, 3)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 1)
  const { id } = link.control.addUser({ userPrincipalName: 'di@contoso.example' })
  const other = link.control.addSku({ skuPartNumber: 'POWER_BI_PRO' }, 5)
  const group = link.control.addGroup('Analysts', [{ id, type: 'user' }])
  link.control.licenseGroup(group.id, other.skuId)
  link.control.changeUser(bo, { usageLocation: null })
  link.control.give(cy, skuId)
  const given = mustBeOk(await link.run(link.connection.write(give(skuId, [ada, bo])))).settled
  const taken = mustBeOk(await link.run(link.connection.write(take(other.skuId, ['di@contoso.example'])))).settled
  const failures = [given, taken].flatMap((settled) => (settled?.is === 'failed' ? settled.failures : []))
  expect(Object.fromEntries(failures.map(({ code, retryable }) => [code, retryable]))).toEqual({
    'no-seat-left': true,
    'no-usage-location': false,
    'inherited-license': false,
  })
  expect(new Set(failures.map(({ text }) => text)).size).toBe(3)
})

test('case 36: inherited-licence: somebody who has a license directly and through a group has one seat', async () => {
  await using link = await openGraphLink()
  const { id, userPrincipalName } = link.control.addUser({ userPrincipalName: 'di@contoso.example' })
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  link.control.licenseGroup(link.control.addGroup('Analysts', [{ id, type: 'user' }]).id, skuId)
  link.control.give(userPrincipalName, skuId)
  expect((await seatsIn(link)).length).toBe(1)
  expect(link.control.consumed(skuId)).toBe(1)
  expect(await outcomeOf(link, take(skuId, [userPrincipalName]))).toEqual({ complete: true, codes: {} })
  // The group still gives it: the seat stays, as found.
  expect((await seatsIn(link)).length).toBe(1)
})

test('case 19: guest-upn: a guest’s user name, with its signs, is given and taken a license', async () => {
  await using link = await openGraphLink()
  const name = "o'neil_fabrikam.example#EXT#@contoso.example"
  link.control.addUser({ userPrincipalName: name, userType: 'Guest' })
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  expect(await outcomeOf(link, give(skuId, [name]))).toEqual({ complete: true, codes: {} })
  expect(mustBeOk(await link.run(link.connection.readSeatsOfHolder(person(name)))).length).toBe(1)
  expect(await outcomeOf(link, take(skuId, [name]))).toEqual({ complete: true, codes: {} })
})

test('case 15: last-seat-race: of two administrators at once one gets the seat, and the other a clear refusal', async () => {
  await using link = await openGraphLink()
  const [ada = '', bo = ''] = people(link, 2)
  const { skuId } = link.control.addSku({ skuPartNumber: 'SPE_E3' }, 1)
  link.control.give(bo, skuId)
  expect(await outcomeOf(link, give(skuId, [ada]))).toEqual({ complete: true, codes: { [ada]: 'no-seat-left' } })
})

test('case 44: huge-ids: large counts, long names, signs of every script are kept as they are', async () => {
  await using link = await openGraphLink()
  const name = `عمر 🦆 ${'x'.repeat(200)}`
  link.control.addUser({ userPrincipalName: 'omar@contoso.example', displayName: name })
  link.control.addSku({ skuPartNumber: 'FLOW_FREE' }, 9_007_199_254_740_991)
  const { users } = await readUsers(link)
  expect(users).toMatchObject([{ fields: { displayName: name } }])
  expect(mustBeOk(await link.run(link.connection.readLicenses()))[0]?.total).toBe(9_007_199_254_740_991)
})

test('members that nobody documented are passed over, also in errors', async () => {
  await using link = await openGraphLink({ extraMembers: true, errorMember: 'innererror' })
  const skuId = licensed(link, 3)
  expect((await seatsIn(link)).length).toBe(3)
  expect((await outcomeOf(link, give(skuId, ['nobody@contoso.example']))).codes).toEqual({ 'nobody@contoso.example': 'user-unknown' })
})
