/** Who holds the location, over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { expect, test } from 'vitest'
import { APP, devices, failureIn, mark, mustBeOk, openOddLink, openSandboxLink, targets } from './apple-link.ts'

const other = { id: 'other', name: 'Other manager', metadata: 'other.example' }
const third = { id: 'third', name: 'Third manager', metadata: 'third.example' }
const write = { action: 'associate' as const, products: [{ productId: APP, pricing: 'STDQ' }], holders: devices(1) }

test('case 7: a location that nobody holds is claimed with our mark', async () => {
  await using link = await openSandboxLink()
  expect(mustBeOk(await link.connection.identify()).owner).toBeNull()
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
  expect(link.control.locations()[0]?.mdmInfo).toEqual(mark)
  // Ours already: there is nothing to write.
  const posts = () => link.control.requests().filter(({ method }) => method === 'POST').length
  const before = posts()
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
  expect(posts()).toBe(before)
})

test('a holder that let go holds no longer', async () => {
  await using link = await openSandboxLink()
  link.control.setOwner(link.uId, other)
  expect(mustBeOk(await link.connection.identify()).owner).toEqual(other)
  link.control.setOwner(link.uId, null)
  expect(mustBeOk(await link.connection.identify()).owner).toBeNull()
  link.control.own(link.uId, APP, { total: 2 })
  expect((await link.connection.write(write)).ok).toBe(true)
})

test('mdmInfo that is null means nobody, too', async () => {
  await using link = await openSandboxLink({ unsetMdmInfo: 'null' })
  expect(mustBeOk(await link.connection.identify()).owner).toBeNull()
})

test('our name and host are cut to what the store takes', async () => {
  await using link = await openSandboxLink()
  link.control.setLimits({ maxMdmNameLength: 5, maxMdmMetadataLength: 8 })
  expect(mustBeOk(await link.connection.claim()).owner).toEqual({ id: mark.id, name: 'Quart', metadata: 'licenses' })
  link.control.setLimits({ maxMdmIdLength: 12 })
  link.clock.jump(301_000)
  link.control.own(link.uId, APP, { total: 2 })
  // The whole mark from before is ours as well.
  expect(mustBeOk(await link.connection.identify()).owner?.id).toBe(mark.id)
  await link.connection.limits()
  expect((await link.connection.write(write)).ok).toBe(true)
  link.control.setOwner(link.uId, null)
  const cut = mustBeOk(await link.connection.claim()).owner
  expect(cut?.id).toBe(mark.id.slice(0, 12))
  expect((await link.connection.write(write)).ok).toBe(true)
})

test('case 7: a claim that another one overtakes between writing and reading back is lost, and says to whom', async () => {
  let holder: unknown = null
  await using link = await openOddLink(({ method, path, body }) => {
    if (path !== '/client/config') return undefined
    if (method === 'POST') {
      const asked = { body: { uId: '1', mdmInfo: JSON.parse(body).mdmInfo } }
      holder = other
      return asked
    }
    return { body: { uId: '1', mdmInfo: holder } }
  })
  expect(failureIn(await link.connection.claim())).toEqual({ is: 'foreign-owner', owner: other })
  expect(failureIn(await link.connection.write(write))).toEqual({ is: 'foreign-owner', owner: other })
  expect(link.asked.filter(({ path }) => path === '/assets/associate')).toEqual([])
})

test('a claim whose answer is lost counts by what is read back', async () => {
  await using link = await openSandboxLink()
  link.control.faults.arm({ fault: { is: 'connection-cut', when: 'after' }, endpoint: 'client-config', skip: 1, times: 1 })
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
})

test('a claim that the store does not keep is no claim', async () => {
  await using link = await openOddLink(({ path }) => (path === '/client/config' ? { body: { uId: '1' } } : undefined))
  expect(failureIn(await link.connection.claim())).toMatchObject({
    is: 'store-unreachable',
    text: expect.stringContaining('did not keep our name'),
  })
})

test('a read-only token can not claim', async () => {
  await using link = await openSandboxLink()
  link.control.setPrivilege(link.uId, 'read-only')
  expect(failureIn(await link.connection.claim())).toMatchObject({ is: 'read-only-token' })
})

test('case 9: taking over from the holder that was shown succeeds', async () => {
  await using link = await openSandboxLink()
  link.control.setOwner(link.uId, other)
  expect(mustBeOk(await link.connection.identify()).owner).toEqual(other)
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
  expect((await link.connection.write(write)).ok).toBe(true)
})

test('nobody is put out unseen: a holder that came after the last look is shown first, then may be taken over', async () => {
  await using link = await openSandboxLink()
  expect(mustBeOk(await link.connection.identify()).owner).toBeNull()
  link.control.setOwner(link.uId, other)
  expect(failureIn(await link.connection.claim())).toEqual({ is: 'foreign-owner', owner: other })
  expect(link.control.locations()[0]?.mdmInfo).toEqual(other)
  link.control.setOwner(link.uId, third)
  expect(failureIn(await link.connection.claim())).toEqual({ is: 'foreign-owner', owner: third })
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
})

test('case 8: another holder stops every write, while reading and following orders go on', async () => {
  await using link = await openSandboxLink()
  link.control.own(link.uId, APP, { total: 5, heldBy: targets(1) })
  await link.connection.claim()
  const { reference } = mustBeOk(await link.connection.write({ ...write, holders: devices(1, 2) }))
  link.control.setOwner(link.uId, other)
  const sent = link.asked('/assets/associate')
  expect(failureIn(await link.connection.write(write))).toEqual({ is: 'foreign-owner', owner: other })
  expect(link.asked('/assets/associate')).toBe(sent)
  link.control.finishEvents()
  expect(mustBeOk(await link.connection.orderStatus(reference, []))).toEqual({ is: 'done' })
  expect(mustBeOk(await link.connection.readLicenses())).toHaveLength(1)
  // It comes back to us: the next write asks afresh and goes out.
  link.control.setOwner(link.uId, mark)
  expect((await link.connection.write({ ...write, holders: devices(1, 3) })).ok).toBe(true)
})

test('case 8: a holder that shows in a list between two pages is known from then on', async () => {
  await using link = await openSandboxLink()
  for (let n = 0; n < 8; n += 1) link.control.own(link.uId, String(900_000_100 + n), { total: 5 })
  mustBeOk(await link.connection.claim())
  link.control.setOwner(link.uId, other)
  expect(mustBeOk(await link.connection.readLicenses())).toHaveLength(8)
  // It was shown by the list, so whoever asks for the claim now may take over from it.
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
})

test('case 8: a holder that shows in the answer to a write is known from then on; the write itself is followed', async () => {
  await using link = await openOddLink(({ method, path, n, body }) => {
    if (path === '/assets/associate') return { body: { eventId: 'e1', mdmInfo: other } }
    if (path !== '/client/config') return undefined
    if (method === 'POST') return { body: { uId: '1', mdmInfo: JSON.parse(body).mdmInfo } }
    return { body: { uId: '1', mdmInfo: n === 1 || n === 3 ? mark : other } }
  })
  expect(mustBeOk(await link.connection.write(write)).reference).toBe('e1')
  expect(mustBeOk(await link.connection.claim()).owner).toEqual(mark)
})

test('a holder without an id is still somebody, an empty mdmInfo is nobody', async () => {
  const held = (mdmInfo: unknown) => openOddLink(({ path }) => (path === '/client/config' ? { body: { uId: '1', mdmInfo } } : undefined))
  await using nameless = await held({ name: 'Mystery' })
  expect(failureIn(await nameless.connection.write(write))).toEqual({
    is: 'foreign-owner',
    owner: { id: '', name: 'Mystery', metadata: '' },
  })
  await using empty = await held({})
  expect(mustBeOk(await empty.connection.identify()).owner).toBeNull()
})
