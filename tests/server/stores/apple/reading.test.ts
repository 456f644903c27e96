/** What is read, over real HTTP. Case numbers are those of docs/stores/apple-apps-and-books.md, section 8. */
import { describe, expect, test } from 'vitest'
import {
  APP,
  collectSeats,
  failureIn,
  mustBeOk,
  openOddLink,
  openSandboxLink,
  serial,
  START,
  targets,
  type Asked,
  type OddAnswer,
} from './apple-link.ts'

const asset = (members: Record<string, unknown>) => ({
  adamId: APP,
  pricingParam: 'STDQ',
  productType: 'App',
  totalCount: 40,
  assignedCount: 33,
  availableCount: 6,
  retiredCount: 1,
  deviceAssignable: true,
  revocable: true,
  supportedPlatforms: ['iOS', 'macOS'],
  ...members,
})
/** A store that answers one list by hand. */
const listing = (path: string, answer: (asked: Asked) => OddAnswer) =>
  openOddLink((asked) => (asked.path === path ? answer(asked) : undefined))

describe('the location', () => {
  test('tells its key, name, country, organisation, expiry and holder', async () => {
    await using link = await openSandboxLink()
    const identity = mustBeOk(await link.connection.identify())
    expect(identity).toEqual({
      location: { key: link.uId, name: 'Eastmere Schools', country: 'DE', organization: 'Eastmere', portal: 'business' },
      expiresAt: new Date(START + 365 * 86_400_000).toISOString(),
      owner: null,
    })
  })

  test('case 11: the expiry comes from the file where the store is silent', async () => {
    await using link = await openSandboxLink({ tokenExpirationDate: 'never' })
    expect(mustBeOk(await link.connection.identify()).expiresAt).toBe(new Date(START + 365 * 86_400_000).toISOString())
  })

  test('an expiry that the store tells wins over the file, and one that can not be read does not', async () => {
    const config = (tokenExpirationDate: unknown) =>
      openOddLink(({ path }) => (path === '/client/config' ? { body: { uId: 7700123, tokenExpirationDate } } : undefined))
    await using told = await config('2027-01-01T00:00:00+0100')
    expect(mustBeOk(await told.connection.identify())).toMatchObject({
      location: { key: '7700123', name: '7700123' },
      expiresAt: '2026-12-31T23:00:00.000Z',
    })
    await using odd = await config(17)
    expect(mustBeOk(await odd.connection.identify()).expiresAt).toBe('2027-05-02T09:14:55.000Z')
  })

  test('without a uId nobody knows whose it is', async () => {
    await using link = await openOddLink(({ path }) => (path === '/client/config' ? { body: { locationName: 'x' } } : undefined))
    expect(failureIn(await link.connection.identify())).toMatchObject({
      is: 'store-answer-unreadable',
      text: expect.stringContaining('uId'),
    })
  })
})

describe('licenses', () => {
  test('cases 18 and 20: counts over all pages; no limit has no total; STDQ and PLUS are two', async () => {
    await using link = await openSandboxLink()
    const { control, uId } = link
    for (let n = 1; n <= 7; n += 1) control.own(uId, String(900_000_100 + n), { total: 10 + n, heldBy: targets(n) })
    control.own(uId, '900000050', { total: 'unlimited', heldBy: targets(2) })
    control.own(uId, '900000060', { total: 5, productType: 'Book' })
    control.own(uId, '900000060', { total: 9, productType: 'Book', pricingParam: 'PLUS' })
    const read = mustBeOk(await link.connection.readLicenses())
    expect(read).toHaveLength(10)
    expect(read.find(({ productId }) => productId === '900000103')).toEqual({
      productId: '900000103',
      pricing: 'STDQ',
      kind: 'app',
      platforms: ['iOS'],
      licenseTypes: ['device', 'user'],
      assignable: true,
      revocable: true,
      total: 13,
      inUse: 3,
      available: 10,
      retired: 0,
      unlimited: false,
    })
    expect(read.find(({ productId }) => productId === '900000050')).toMatchObject({
      unlimited: true,
      total: null,
      available: null,
      inUse: 2,
    })
    expect(
      read
        .filter(({ productId }) => productId === '900000060')
        .map(({ pricing, total, licenseTypes, kind, revocable }) => [pricing, total, licenseTypes, kind, revocable]),
    ).toEqual([
      ['STDQ', 5, ['user'], 'book', false],
      ['PLUS', 9, ['user'], 'book', false],
    ])
  })

  test('case 18: counts that disagree or are negative are given as told', async () => {
    await using link = await listing('/assets', () => ({
      body: { assets: [asset({ totalCount: 10, assignedCount: 30, availableCount: -20, retiredCount: 3 })] },
    }))
    expect(mustBeOk(await link.connection.readLicenses())[0]).toMatchObject({ total: 10, inUse: 30, available: -20, retired: 3 })
  })

  test('case 19: what is unknown is kept and not assignable, what is missing is taken for the careful side', async () => {
    await using link = await listing('/assets', () => ({
      body: {
        assets: [
          { adamId: 900000012, extra: [1] },
          asset({ adamId: '3', productType: 'Bundle', supportedPlatforms: ['visionOS', 'fridgeOS', 7] }),
          asset({ adamId: '4', deviceAssignable: undefined, revocable: 'yes', totalCount: '40', assignedCount: null }),
          asset({ adamId: '5', totalCount: 2147483647, availableCount: 2147483000 }),
          asset({ adamId: '6', totalCount: undefined, availableCount: undefined, unlimited: true }),
          asset({ adamId: '7', productType: 'Book', revocable: true, deviceAssignable: true }),
        ],
      },
    }))
    const read = mustBeOk(await link.connection.readLicenses())
    expect(read[0]).toMatchObject({
      productId: '900000012',
      pricing: 'STDQ',
      assignable: false,
      licenseTypes: ['user'],
      revocable: false,
      total: null,
      inUse: 0,
      available: null,
      retired: null,
      unlimited: false,
    })
    expect(read[1]).toMatchObject({ kind: 'app', assignable: false, platforms: ['visionOS', 'fridgeOS', '7'] })
    // 40 in all, 6 free, 1 retired: 33 are in use though nobody says so.
    expect(read[2]).toMatchObject({ licenseTypes: ['user'], revocable: false, total: 40, inUse: 33, available: 6 })
    for (const free of [read[3], read[4]]) expect(free).toMatchObject({ unlimited: true, total: null, available: null, inUse: 33 })
    // A book is given for good and to people only, whatever is said of it.
    expect(read[5]).toMatchObject({ kind: 'book', revocable: false, licenseTypes: ['user'], assignable: true })
  })

  test('case 3: an error in a body with status 200 is an error, and never zero products', async () => {
    await using link = await listing('/assets', () => ({ body: { errorNumber: 9622, errorMessage: 'x' } }))
    expect(failureIn(await link.connection.readLicenses())).toMatchObject({ is: 'credential-invalid' })
    await using inText = await listing('/assets', () => ({ body: { errorNumber: '9621', assets: [] } }))
    expect(failureIn(await inText.connection.readLicenses())).toMatchObject({ is: 'credential-expired' })
    for (const errorNumber of [0, null]) {
      await using none = await listing('/assets', () => ({ body: { errorNumber, assets: [] } }))
      expect((await none.connection.readLicenses()).ok).toBe(true)
    }
  })

  test.each([
    ['an object of another kind', {}],
    ['a list that is null', { assets: null, totalPages: 1 }],
    ['a list that is a text', { assets: 'none' }],
    ['an entry without an id', { assets: [asset({ adamId: undefined })] }],
    ['a next page that is none', { assets: [], nextPageIndex: 'later' }],
    ['a next page before the first', { assets: [], nextPageIndex: -1 }],
  ])('%s is no list without products', async (_what, body) => {
    await using link = await listing('/assets', () => ({ body }))
    expect(failureIn(await link.connection.readLicenses())).toMatchObject({ is: 'store-answer-unreadable' })
  })

  test('a list that is left out with size 0 is empty', async () => {
    await using link = await listing('/assets', () => ({ body: { size: 0, totalPages: 1, versionId: 'v' } }))
    expect(await link.connection.readLicenses()).toEqual({ ok: true, value: [] })
  })

  test('case 2: a token that runs out in the middle of a walk ends it, without another try', async () => {
    await using link = await listing('/assets', ({ n }) =>
      n < 3 ? { body: { assets: [asset({ adamId: String(n) })], nextPageIndex: n } } : { status: 401, body: { errorNumber: 9621 } },
    )
    expect(failureIn(await link.connection.readLicenses())).toMatchObject({ is: 'credential-expired' })
    expect(link.asked.filter(({ path }) => path === '/assets')).toHaveLength(3)
  })

  test('a list that changes under the walk is read again, three times at most', async () => {
    const moving = (settlesAt: number) =>
      listing('/assets', ({ n, query }) => {
        const walk = Math.ceil(n / 2)
        const first = query.get('pageIndex') === null
        return {
          body: {
            assets: [asset({ adamId: first ? 'one' : 'two', totalCount: walk })],
            ...(first ? { nextPageIndex: 1 } : {}),
            versionId: walk >= settlesAt || first ? `v${walk}` : `v${walk}-moved`,
          },
        }
      })
    await using settling = await moving(4)
    expect(mustBeOk(await settling.connection.readLicenses()).map(({ productId, total }) => [productId, total])).toEqual([
      ['one', 4],
      ['two', 4],
    ])
    await using restless = await moving(99)
    expect(await restless.connection.readLicenses()).toEqual({ ok: false, error: { is: 'store-changed-meanwhile' } })
    expect(restless.asked.filter(({ path }) => path === '/assets')).toHaveLength(8)
  })

  test('a product that is listed twice in one walk is one license', async () => {
    await using link = await listing('/assets', () => ({
      body: { assets: [asset({}), asset({ totalCount: 41 }), asset({ pricingParam: 'PLUS' })] },
    }))
    expect(mustBeOk(await link.connection.readLicenses()).map(({ pricing, total }) => [pricing, total])).toEqual([
      ['STDQ', 41],
      ['PLUS', 40],
    ])
  })

  test('one license is read by itself, and a filter that the store ignores does not pass for an answer', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 5, heldBy: targets(2) })
    link.control.own(link.uId, '900000012', { total: 9 })
    expect(mustBeOk(await link.connection.readLicense(APP, 'STDQ'))).toMatchObject({ productId: APP, inUse: 2, available: 3 })
    expect(mustBeOk(await link.connection.readLicense('900000099', 'STDQ'))).toBeUndefined()
    expect(mustBeOk(await link.connection.readLicense(APP, 'PLUS'))).toBeUndefined()
    await using deaf = await listing('/assets', () => ({
      body: { assets: [asset({ adamId: '1' }), asset({ adamId: '2', totalCount: 2 })] },
    }))
    expect(mustBeOk(await deaf.connection.readLicense('2', null))).toMatchObject({ productId: '2', total: 2 })
    expect(mustBeOk(await deaf.connection.readLicense('3', null))).toBeUndefined()
  })
})

describe('seats', () => {
  test('a full walk gives every seat, an increment what came since; then there is nothing more', async () => {
    await using link = await openSandboxLink()
    link.control.registerUser(link.uId, { clientUserId: 'Ada.Lovelace' })
    link.control.own(link.uId, APP, { total: 20, heldBy: [...targets(7), { kind: 'user', clientUserId: 'Ada.Lovelace' }] })
    const full = await collectSeats(link.connection)
    const { cursor } = mustBeOk(full.read)
    expect(full.read).toMatchObject({ ok: true, value: { full: true } })
    expect([...full.keys].sort()).toEqual(['Ada.Lovelace', ...targets(7).map(({ serialNumber }) => serialNumber)].sort())
    expect(full.begins).toEqual([true])
    expect(full.totals).toEqual([3, 3, 3])
    link.control.assignOutside(link.uId, APP, targets(5, 8))
    const next = await collectSeats(link.connection, cursor)
    expect(next.read).toMatchObject({ ok: true, value: { full: false } })
    expect(next.begins).toEqual([false])
    expect(next.keys).toEqual(targets(5, 8).map(({ serialNumber }) => serialNumber))
    const still = await collectSeats(link.connection, mustBeOk(next.read).cursor)
    expect([still.keys, still.read.ok]).toEqual([[], true])
  })

  test('case 15: a version that the store no longer takes leads to a full walk', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 20, heldBy: targets(4) })
    const { cursor } = mustBeOk((await collectSeats(link.connection)).read)
    link.control.forgetVersions(link.uId)
    const again = await collectSeats(link.connection, cursor)
    expect(again.begins).toEqual([false, true])
    expect(again.read).toMatchObject({ ok: true, value: { full: true } })
    expect(again.keys).toHaveLength(4)
  })

  test('case 12: a list that shrinks under the walk is walked again, and the sink is told to forget', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 20, heldBy: targets(8) })
    link.control.faults.arm({ fault: { is: 'page-out-of-range' }, endpoint: 'assignments', times: 1, skip: 2 })
    const { begins, keys, read } = await collectSeats(link.connection)
    expect([begins, keys.length, read.ok]).toEqual([[true, true], 8, true])
    link.control.faults.arm({ fault: { is: 'page-out-of-range' }, endpoint: 'assignments' })
    expect((await collectSeats(link.connection)).read).toEqual({ ok: false, error: { is: 'store-changed-meanwhile' } })
  })

  test('case 13: a short list that changed is walked again and then proves absences', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 20, heldBy: targets(8) })
    link.control.faults.arm({ fault: { is: 'page-moved' }, endpoint: 'assignments', times: 1, skip: 1 })
    const { begins, keys, read } = await collectSeats(link.connection)
    expect(begins).toEqual([true, true])
    expect(read).toMatchObject({ ok: true, value: { full: true } })
    expect(keys).toHaveLength(8)
  })

  test('case 13: a long list that changed is finished by an increment since its first page, and proves additions only', async () => {
    await using link = await listing('/assignments', ({ query }) => {
      const since = query.get('sinceVersionId')
      const index = Number(query.get('pageIndex') ?? 0)
      const seat = (name: string) => ({ adamId: APP, pricingParam: 'STDQ', serialNumber: name })
      if (since === 'v1') return { body: { assignments: [seat('NEW1'), seat('S0')], versionId: 'v2' } }
      if (since !== null) return { status: 400, body: { errorNumber: 9721 } }
      return {
        body: {
          assignments: [seat(`s${index}`)],
          versionId: index < 30 ? 'v1' : 'v2',
          ...(index < 59 ? { nextPageIndex: index + 1 } : {}),
        },
      }
    })
    const { begins, keys, read } = await collectSeats(link.connection)
    expect(read).toEqual({ ok: true, value: { cursor: 'v2', full: false } })
    expect(begins).toEqual([true])
    expect(new Set(keys).size).toBe(61)
    expect(keys).toContain('NEW1')
  })

  test('a long list that changed, whose version is no longer taken, leaves nothing to go on from', async () => {
    await using long = await listing('/assignments', ({ query }) => {
      const index = Number(query.get('pageIndex') ?? 0)
      if (query.get('sinceVersionId') !== null) return { status: 400, body: { errorNumber: 9721 } }
      const assignments = [{ adamId: APP, serialNumber: serial(index) }]
      return { body: { assignments, versionId: index === 0 ? 'v1' : 'v2', ...(index < 55 ? { nextPageIndex: index + 1 } : {}) } }
    })
    expect((await collectSeats(long.connection)).read).toEqual({ ok: true, value: { cursor: null, full: false } })
  })

  test('an increment of several pages that changes is followed by another one', async () => {
    await using link = await listing('/assignments', ({ query }) => {
      const since = query.get('sinceVersionId')
      const index = Number(query.get('pageIndex') ?? 0)
      const seat = (name: string) => ({ adamId: APP, pricingParam: 'STDQ', serialNumber: name })
      if (since === 'v1')
        return { body: { assignments: [seat(`A${index}`)], versionId: `v${2 + index}`, ...(index === 0 ? { nextPageIndex: 1 } : {}) } }
      return since === 'v2' ? { body: { assignments: [seat('B')], versionId: 'v3' } } : { status: 400, body: { errorNumber: 9721 } }
    })
    const { read, keys } = await collectSeats(link.connection, 'v1')
    expect(read).toEqual({ ok: true, value: { cursor: 'v3', full: false } })
    expect(keys).toEqual(['A0', 'A1', 'B'])
  })

  test('case 14: an empty page that names a next one is no end', async () => {
    await using link = await listing('/assignments', ({ query }) => {
      const index = Number(query.get('pageIndex') ?? 0)
      const assignments = index === 1 ? [] : [{ adamId: APP, pricingParam: 'STDQ', serialNumber: serial(index) }]
      return { body: { assignments, versionId: 'v', totalPages: 1_000_000, ...(index < 2 ? { nextPageIndex: index + 1 } : {}) } }
    })
    const { keys, totals } = await collectSeats(link.connection)
    expect(keys).toEqual([serial(0), serial(2)])
    // A million pages are no measure of progress.
    expect(totals).toEqual([null, null, null])
  })

  test.each([
    ['a page that names itself', (index: number) => ({ nextPageIndex: index })],
    ['a page that names an earlier one', (index: number) => ({ nextPageIndex: Math.max(0, index - 1) || 1 })],
    ['empty pages without end', (index: number) => ({ nextPageIndex: index + 1, assignments: [] })],
  ])('case 14: %s leads nowhere, and is given up', async (_what, members) => {
    await using link = await listing('/assignments', ({ query }) => ({
      body: {
        assignments: [{ adamId: APP, serialNumber: 'A' }],
        versionId: 'v',
        ...members(Number(query.get('pageIndex') ?? 0)),
      },
    }))
    expect(failureIn((await collectSeats(link.connection)).read)).toMatchObject({ is: 'store-answer-unreadable' })
    expect(link.asked.length).toBeLessThan(300)
  })

  test('a loop that was met once does no harm', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 20, heldBy: targets(8) })
    link.control.faults.arm({ fault: { is: 'page-loop' }, endpoint: 'assignments', times: 1, skip: 1 })
    const { keys, read } = await collectSeats(link.connection)
    expect([keys.length, read.ok]).toEqual([8, true])
  })

  test('case 35: serial numbers are in upper case without spaces, user names as the store has them', async () => {
    await using link = await listing('/assignments', () => ({
      body: {
        assignments: [
          { adamId: 7, serialNumber: ' c02zz0aa0001 ' },
          { adamId: '7', pricingParam: 'PLUS', clientUserId: 'Ada.Lovelace', serialNumber: null, userStatus: 'Retired' },
          { adamId: '7', clientUserId: 4711 },
          { adamId: '7', holderOfAnotherSort: 'x' },
        ],
        versionId: 'v',
      },
    }))
    expect((await collectSeats(link.connection)).seats).toEqual([
      { productId: '7', pricing: 'STDQ', holder: { kind: 'device', key: 'C02ZZ0AA0001' } },
      { productId: '7', pricing: 'PLUS', holder: { kind: 'user', key: 'Ada.Lovelace' } },
      { productId: '7', pricing: 'STDQ', holder: { kind: 'user', key: '4711' } },
    ])
  })

  test('the seats of one license are read by themselves, each once, and none of another license', async () => {
    await using link = await openSandboxLink()
    link.control.own(link.uId, APP, { total: 20, heldBy: targets(5) })
    link.control.own(link.uId, '900000012', { total: 20, heldBy: targets(7) })
    const seats = mustBeOk(await link.connection.readSeatsOf(APP, 'STDQ'))
    expect(seats.map(({ holder }) => holder.key)).toEqual(targets(5).map(({ serialNumber }) => serialNumber))
    await using deaf = await listing('/assignments', () => ({
      body: {
        assignments: [
          { adamId: '1', serialNumber: 'A' },
          { adamId: '2', serialNumber: 'B' },
          { adamId: '2', serialNumber: 'b' },
          { adamId: '2', pricingParam: 'PLUS', serialNumber: 'C' },
        ],
        versionId: 'v',
      },
    }))
    expect(mustBeOk(await deaf.connection.readSeatsOf('2', 'STDQ')).map(({ holder }) => holder.key)).toEqual(['B'])
  })

  test('case 2: a token that runs out on page 3 ends the walk with its reason', async () => {
    await using link = await listing('/assignments', ({ n }) =>
      n < 3
        ? { body: { assignments: [{ adamId: APP, serialNumber: String(n) }], nextPageIndex: n, versionId: 'v' } }
        : { status: 401, body: { errorNumber: 9621 } },
    )
    expect(failureIn((await collectSeats(link.connection)).read)).toMatchObject({ is: 'credential-expired' })
    expect(link.asked.filter(({ path }) => path === '/assignments')).toHaveLength(3)
  })
})
