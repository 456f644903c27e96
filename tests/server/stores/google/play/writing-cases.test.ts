/** Cases of docs/stores/managed-google-play.md that are about giving and taking seats, and about whom they are given to. */
import { expect, test } from 'vitest'
import { collectSeats, failureIn, give, held, MATHLAB, mustBeOk, openPlayLink, people, READER, take } from './play-link.ts'

const settledIn = (result: Awaited<ReturnType<Awaited<ReturnType<typeof openPlayLink>>['connection']['write']>>) => mustBeOk(result).settled

test('a seat is given and taken back within the call, to an account that tells Google nothing of the person', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  expect(settledIn(await link.run(link.connection.write(give(MATHLAB, 'Ana.Kern@school.example', 'ben'))))).toEqual({ is: 'done' })
  const identifiers = link.control.holders(link.enterpriseId, MATHLAB)
  expect(identifiers).toHaveLength(2)
  for (const identifier of identifiers)
    expect(Buffer.from(identifier.slice(4), 'base64url').toString('latin1') + identifier).not.toMatch(/ana|kern|school|ben/i)
  // Another process, which knows nobody yet.
  const later = link.connect()
  expect((await collectSeats(link, later)).keys).toEqual(['mathlab ana.kern@school.example', 'mathlab ben'])
  expect(settledIn(await link.run(link.connect().write(take(MATHLAB, 'ana.kern@school.example'))))).toEqual({ is: 'done' })
  expect((await collectSeats(link)).keys).toEqual(['mathlab ben'])
})

test('case 3: with none left nothing is sent; what is there already counts as given', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 2 })
  mustBeOk(await link.run(link.connection.write(give(MATHLAB, 'ana'))))
  held(link, MATHLAB, 1)
  link.control.clearRequests()
  const settled = settledIn(await link.run(link.connection.write(give(MATHLAB, 'ana', 'ben'))))
  expect(settled).toMatchObject({
    is: 'failed',
    complete: true,
    failures: [{ holders: people('ben'), code: 'no-seat-left', retryable: true }],
  })
  expect(link.asked('entitlements.update')).toBe(0)
})

test.each(['403', '400'] as const)(
  'case 3: somebody else takes the last one between reading and giving: Google refuses with %s, and it is told as no seat left',
  async (exhaustedAnswer) => {
    await using link = await openPlayLink({ exhaustedAnswer })
    link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 1 })
    // The line is slow enough for another to come first.
    const fetch = link.clock.fetch
    let isTaken = false
    const other = async (): Promise<void> => {
      if (isTaken) return
      isTaken = true
      held(link, MATHLAB, 1, 'other')
    }
    const patched = Object.assign(link.clock, {
      fetch: async (input: Parameters<typeof fetch>[0], init?: RequestInit) => {
        if (init?.method === 'PUT') await other()
        return await fetch(input, init)
      },
    })
    expect(patched).toBe(link.clock)
    const settled = settledIn(await link.run(link.connect().write(give(MATHLAB, 'ana'))))
    expect(link.asked('entitlements.update')).toBe(1)
    expect(settled).toMatchObject({ is: 'failed', failures: [{ code: 'no-seat-left' }] })
  },
)

test('case 5: an answer that is lost costs no second license', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, method: 'entitlements.update', times: 2 })
  expect(settledIn(await link.run(link.connection.write(give(MATHLAB, 'ana'))))).toEqual({ is: 'done' })
  expect(link.asked('entitlements.update')).toBe(3)
  expect(link.control.counts(link.enterpriseId, MATHLAB)).toMatchObject({ numProvisioned: 1 })
})

test('a request of which nobody ever says what became of it is a question, and is answered by reading', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.faults.arm({ fault: { is: 'bad-gateway', when: 'after' }, method: 'entitlements.update' })
  expect(failureIn(await link.run(link.connection.write(give(MATHLAB, 'ana', 'ben'))))).toMatchObject({ is: 'outcome-unknown' })
  link.control.faults.clear()
  expect(mustBeOk(await link.run(link.connection.readSeatsOf(MATHLAB, null))).map(({ holder }) => holder.key)).toEqual(['ana'])
})

test('case 7 and case 8: what is not approved is refused for its own reason, also when it was approved a moment ago', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5, approval: 'unapproved' })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5, permissions: 'needsReapproval' })
  expect(settledIn(await link.run(link.connection.write(give(MATHLAB, 'ana'))))).toMatchObject({
    failures: [{ code: 'license-unapproved', retryable: false }],
  })
  const again = settledIn(await link.run(link.connection.write(give(READER, 'ana'))))
  expect(again).toMatchObject({ failures: [{ code: 'needs-reapproval' }] })
  expect(link.asked('entitlements.update')).toBe(0)
})

test.each(['retired-403', 'retired-404', 'retired-410'] as const)(
  'case 9: a seat that is asked for when the license calls are %s is told as retired',
  async (licenseApi) => {
    await using link = await openPlayLink()
    link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
    held(link, MATHLAB, 1)
    await collectSeats(link)
    link.control.setSwitches({ licenseApi })
    expect(failureIn(await link.run(link.connection.write(give(MATHLAB, 'staff-0'))))).toMatchObject({ is: 'store-retired' })
    expect(failureIn(await link.run(link.connection.write(take(MATHLAB, 'staff-0'))))).toMatchObject({ is: 'store-retired' })
    expect(link.control.counts(link.enterpriseId, MATHLAB)).toMatchObject({ numProvisioned: 1 })
  },
)

test('case 18: 503 to an entitlement is tried again', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.faults.arm({ fault: { is: 'unavailable', when: 'before' }, method: 'entitlements.update', times: 2 })
  expect(settledIn(await link.run(link.connection.write(give(MATHLAB, 'ana'))))).toEqual({ is: 'done' })
  expect(link.asked('entitlements.update')).toBe(3)
})

test('case 25: an app that is not found is answered with a word on capital letters', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, 'app:com.Slack')
  const settled = settledIn(await link.run(link.connection.write(give('app:com.slack', 'ana'))))
  expect(settled).toMatchObject({ is: 'failed', failures: [{ code: 'notFound', retryable: false }] })
  expect(JSON.stringify(settled)).toContain('capital letters')
})

test('case 30: an account that is gone is made anew under the same identifier: the same person', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5 })
  mustBeOk(await link.run(link.connection.write(give(MATHLAB, 'ana'))))
  const [before] = Object.values(link.control.enterprise(link.enterpriseId).users)
  delete link.control.enterprise(link.enterpriseId).users[before?.id ?? '']
  expect(settledIn(await link.run(link.connection.write(give(READER, 'ana'))))).toEqual({ is: 'done' })
  const after = Object.values(link.control.enterprise(link.enterpriseId).users)
  expect(after).toMatchObject([{ accountIdentifier: before?.accountIdentifier }])
  expect((await collectSeats(link)).keys).toEqual(['reader ana'])
})

test('case 31: the same person asked for by two processes is one account', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  const [one, other] = [link.connect(), link.connect()]
  await link.run(Promise.all([one.write(give(MATHLAB, 'ana')), other.write(give(MATHLAB, 'ANA'))]))
  expect(Object.keys(link.control.enterprise(link.enterpriseId).users)).toHaveLength(1)
  expect(link.control.counts(link.enterpriseId, MATHLAB)).toMatchObject({ numProvisioned: 1 })
})

test('an account that another service made under a name of its own is found, and not made twice', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5 })
  held(link, MATHLAB, 1, 'ana.kern')
  expect(settledIn(await link.run(link.connect().write(give(READER, 'ana.kern-0'))))).toEqual({ is: 'done' })
  expect(Object.keys(link.control.enterprise(link.enterpriseId).users)).toHaveLength(1)
})

test('case 32: what a person bought is not taken, and says why', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5 })
  const [id = ''] = held(link, MATHLAB, 1)
  link.control.entitle(link.enterpriseId, id, READER, 'userPurchase')
  expect(settledIn(await link.run(link.connection.write({ action: 'revoke', holders: people('staff-0') })))).toMatchObject({
    is: 'failed',
    failures: [{ code: 'bought-by-the-person', retryable: false }],
  })
  expect(
    mustBeOk(await link.run(link.connection.readSeatsOfHolder({ kind: 'user', key: 'staff-0' }))).map(({ productId }) => productId),
  ).toEqual([READER])
})

test('case 33: an app that devices take an hour to remove is asked away once, and its license goes at once', async () => {
  await using link = await openPlayLink({ removalDelayMs: 3_600_000 })
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  const [id = ''] = held(link, MATHLAB, 1)
  for (const device of ['3f1c', '77aa']) link.control.addDevice(link.enterpriseId, id, device, {}, [MATHLAB])
  expect(settledIn(await link.run(link.connection.write(take(MATHLAB, 'staff-0'))))).toEqual({ is: 'done' })
  expect([link.asked('installs.delete'), link.asked('installs.list'), link.asked('entitlements.delete')]).toEqual([2, 0, 1])
  const order = link.control.requests().map(({ method }) => method)
  expect(order.lastIndexOf('installs.delete')).toBeLessThan(order.indexOf('entitlements.delete'))
  expect(link.control.counts(link.enterpriseId, MATHLAB)).toMatchObject({ numProvisioned: 0 })
})

test('case 34: with the account of a person who leaves all their licenses come back, and the counts agree', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER)
  mustBeOk(await link.run(link.connection.write(give(MATHLAB, 'ana', 'ben'))))
  mustBeOk(await link.run(link.connection.write(give(READER, 'ana'))))
  expect(settledIn(await link.run(link.connection.write({ action: 'retire-user', keys: ['ana'] })))).toEqual({ is: 'done' })
  const licenses = mustBeOk(await link.run(link.connection.readLicenses()))
  const { seats } = await collectSeats(link)
  for (const { productId, inUse } of licenses) expect(seats.filter((seat) => seat.productId === productId)).toHaveLength(inUse ?? -1)
  expect(seats.map(({ holder }) => holder.key)).toEqual(['ben'])
})

test('case 39: of several people some are served, and each of the others has a reason', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.faults.arm({
    fault: { is: 'error', status: 403, reason: 'forbidden', message: 'The product is not available in the country of the user.' },
    method: 'entitlements.update',
    skip: 1,
    times: 1,
  })
  const settled = settledIn(await link.run(link.connection.write(give(MATHLAB, 'ana', 'ben', 'cem'))))
  expect(settled).toMatchObject({ is: 'failed', complete: true, failures: [{ holders: people('ben'), code: 'forbidden' }] })
  expect(JSON.stringify(settled)).toContain('not available in the country')
  expect((await collectSeats(link)).keys).toEqual(['mathlab ana', 'mathlab cem'])
})

test('case 44: Play accounts that became a domain keep their people: found by their address, and not made anew', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  link.control.addLicense(link.enterpriseId, READER, { purchased: 5 })
  mustBeOk(await link.run(link.connection.write(give(MATHLAB, 'ana@school.example'))))
  const before = (await collectSeats(link)).keys
  link.control.upgrade(link.enterpriseId, 'school.example', () => 'Ana@school.example')
  const later = link.connect()
  expect((await collectSeats(link, later)).keys.map((key) => key.toLowerCase())).toEqual(before)
  expect(settledIn(await link.run(later.write(give(READER, 'ana@school.example'))))).toEqual({ is: 'done' })
  expect(settledIn(await link.run(later.write(give(READER, 'nobody@school.example', 'no-address'))))).toMatchObject({
    failures: [{ code: 'user-not-known' }, { code: 'user-not-known' }],
  })
  expect(link.asked('users.insert')).toBe(1)
})

test('a device is no holder, and an address that Google does not know is a person to be added there', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 5 })
  const settled = settledIn(
    await link.run(
      link.connection.write({
        action: 'associate',
        products: [{ productId: MATHLAB, pricing: null }],
        holders: [{ kind: 'device', key: 'C02' }],
      }),
    ),
  )
  expect(settled).toMatchObject({ failures: [{ code: 'not-device-assignable' }] })
})

test('many people and apps in one call: each license is read once, and what is left goes to those who come first', async () => {
  await using link = await openPlayLink()
  link.control.addLicense(link.enterpriseId, MATHLAB, { purchased: 3 })
  link.control.addLicense(link.enterpriseId, READER)
  const names = ['ana', 'ben', 'cem', 'dan', 'eva']
  const settled = settledIn(
    await link.run(
      link.connection.write({
        action: 'associate',
        products: [MATHLAB, READER].map((productId) => ({ productId, pricing: null })),
        holders: people(...names),
      }),
    ),
  )
  expect(settled).toMatchObject({ is: 'failed', failures: [{ holders: people('dan') }, { holders: people('eva') }] })
  expect(settled).toMatchObject({ failures: [{ code: 'no-seat-left' }, { code: 'no-seat-left' }] })
  expect(link.control.counts(link.enterpriseId, MATHLAB)).toMatchObject({ numProvisioned: 3 })
  expect(link.control.counts(link.enterpriseId, READER)).toMatchObject({ numProvisioned: 5 })
  // Once each, and once more when the first was used up by this very call.
  expect(link.asked('grouplicenses.get')).toBe(3)
  expect(link.asked('users.insert')).toBe(5)
})
