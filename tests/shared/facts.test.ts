import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  columnsBytes,
  columnsFact,
  columnsOfMembers,
  columnsOfSeats,
  factBytes,
  foldColumns,
  foldFact,
  indexOfOrdinal,
  isByAssignment,
  licensesKey,
  licenseIdOf,
  membersKey,
  noColumns,
  parseChunkKey,
  principalsKey,
  readColumns,
  readFact,
  readRows,
  rowsBytes,
  rowsFact,
  seatAt,
  seatsKey,
  wishesKey,
  type ColumnsKey,
  type Fact,
} from '../../shared/facts.ts'
import { parsePrincipalId, principalIdOf } from '../../shared/ids.ts'
import type { Device, Principal, User } from '../../shared/principal.ts'
import { aLicense, groupOf, include, must, removed, wishFor } from './weighing.ts'

const seats = seatsKey(licenseIdOf(1))
const members = membersKey(groupOf('tablets'))
const wishes = wishesKey(licenseIdOf(1))

const ordinal = fc.integer({ min: 0, max: 40 })
const seat = fc.record({
  ordinal,
  licenseType: fc.constantFrom<'device' | 'user'>('device', 'user'),
  origin: fc.constantFrom<'assignment' | 'found'>('assignment', 'found'),
  sinceS: fc.integer({ min: 0, max: 0xffffffff }),
})
const seatColumns = fc.array(seat, { maxLength: 20 }).map(columnsOfSeats)
const memberColumns = fc.array(ordinal, { maxLength: 20 }).map(columnsOfMembers)
const removal = fc.uniqueArray(ordinal, { maxLength: 8 }).map((list) => Uint32Array.from(list))

const columnsChange: fc.Arbitrary<Fact> = fc.oneof(
  fc.record({ put: seatColumns, remove: removal }).map(({ put, remove }) => columnsFact(seats, put, remove)),
  fc.record({ put: memberColumns, remove: removal }).map(({ put, remove }) => columnsFact(members, put, remove)),
)
const wishesChange: fc.Arbitrary<Fact> = fc
  .record({
    put: fc.uniqueArray(
      fc.record({
        key: fc.constantFrom('d1', 'd2', 'u3', 'gtablets', 'all-devices'),
        wish: fc.constantFrom(include(), removed()),
        taken: fc.nat(),
      }),
      {
        selector: ({ key }) => key,
      },
    ),
    remove: fc.subarray(['d1', 'd2', 'u3', 'gtablets', 'all-devices']),
  })
  .map(({ put, remove }) =>
    rowsFact(
      wishes,
      put.map(({ key, wish, taken }) => wishFor(key, wish, taken)),
      remove,
    ),
  )
const change = fc.oneof(columnsChange, wishesChange)

const holds = <T>(arbitrary: fc.Arbitrary<T>, law: (given: T) => void): void =>
  fc.assert(fc.property(arbitrary, law), { numRuns: 1000, seed: 5 })

describe('folding', () => {
  test('the same fact twice changes nothing', () => {
    holds(fc.tuple(change, change), ([before, fact]) => {
      const held = before.chunk === fact.chunk ? foldFact(undefined, before) : undefined
      const once = foldFact(held, fact)
      expect(foldFact(once, fact)).toEqual(once)
    })
  })

  test('a change in two parts leads where the whole leads', () => {
    holds(fc.tuple(seatColumns, seatColumns, removal), ([held, put, remove]) => {
      const gone = remove.filter((one) => indexOfOrdinal(put.ordinals, one) < 0)
      const whole = foldColumns(held, put, gone)
      const parts = foldColumns(foldColumns(held, noColumns, gone), put, new Uint32Array(0))
      expect(columnsBytes(seats, parts)).toEqual(columnsBytes(seats, whole))
    })
  })

  test('what is put and removed at once is put', () => {
    const put = columnsOfMembers([3])
    expect([...foldColumns(noColumns, put, Uint32Array.of(3)).ordinals]).toEqual([3])
    expect(readRows(wishes, foldFact(undefined, rowsFact(wishes, [wishFor('d1')], ['d1'])))).toHaveLength(1)
  })

  test('the order in which a chunk was built does not show in its bytes', () => {
    holds(fc.uniqueArray(seat, { selector: ({ ordinal: of }) => of }), (list) => {
      const together = columnsBytes(seats, columnsOfSeats(list))
      const apart = list
        .toReversed()
        .reduce<Uint8Array | undefined>((held, one) => foldFact(held, columnsFact(seats, columnsOfSeats([one]))), undefined)
      if (list.length > 0) expect(apart).toEqual(together)
    })
    const rows = [wishFor('d2'), wishFor('d1'), wishFor('gtablets')]
    const one = foldFact(undefined, rowsFact(wishes, rows))
    const other = rows.toReversed().reduce<Uint8Array | undefined>((held, row) => foldFact(held, rowsFact(wishes, [row])), undefined)
    expect(other).toEqual(one)
  })

  test('removing what is not there changes nothing', () => {
    expect(foldFact(undefined, rowsFact(wishes, [], ['d1']))).toEqual(rowsBytes(wishes, []))
    expect(foldColumns(columnsOfMembers([1]), noColumns, Uint32Array.of(2)).ordinals).toEqual(Uint32Array.of(1))
  })
})

describe('on the wire', () => {
  test('a fact is read back as it was written', () => {
    holds(change, (fact) => void expect(readFact(fact.chunk, factBytes(fact))).toEqual(fact))
  })

  test('columns are read back as they were written, also from the middle of a larger buffer', () => {
    holds(fc.tuple(seatColumns, fc.integer({ min: 0, max: 7 })), ([columns, at]) => {
      const bytes = columnsBytes(seats, columns)
      expect(readColumns(seats, bytes)).toEqual(columns)
      const buffer = new Uint8Array(bytes.length + at + 3)
      buffer.set(bytes, at)
      const read = readColumns(seats, buffer.subarray(at, at + bytes.length))
      buffer.fill(0xff)
      expect(read).toEqual(columns)
    })
    holds(memberColumns, (columns) => void expect(readColumns(members, columnsBytes(members, columns))).toEqual(columns))
  })

  test('a seat takes 9 bytes and a member 4, beside a head of 8', () => {
    expect(columnsBytes(seats, columnsOfSeats([{ ordinal: 1, licenseType: 'device', origin: 'found', sinceS: 1 }]))).toHaveLength(17)
    expect(columnsBytes(members, columnsOfMembers([1, 2]))).toHaveLength(16)
  })

  test('bytes that are cut short, too long or of another form are told', () => {
    const bytes = columnsBytes(seats, columnsOfSeats([{ ordinal: 1, licenseType: 'device', origin: 'found', sinceS: 1 }]))
    for (let length = 1; length < bytes.length; length += 1) expect(() => readColumns(seats, bytes.subarray(0, length))).toThrow('facts:')
    expect(() => readColumns(seats, new Uint8Array([...bytes, 0]))).toThrow('facts:')
    expect(() => readColumns(members, bytes)).toThrow('facts:')
    const fact = factBytes(columnsFact(seats, noColumns, Uint32Array.of(1, 2, 3)))
    for (let length = 0; length < 16; length += 1) expect(() => readFact(seats, fact.subarray(0, length))).toThrow('facts:')
    expect(() => readRows(wishes, new TextEncoder().encode('{}'))).toThrow('facts:')
    expect(() => readRows(wishes, new TextEncoder().encode('[{"note":"no key"}]'))).toThrow('facts:')
    expect(() => readFact(wishes, new TextEncoder().encode('3'))).toThrow('facts:')
  })

  test('damaged bytes either throw or are read, and never hang', () => {
    holds(fc.tuple(change, fc.nat(), fc.integer({ min: 0, max: 255 })), ([fact, at, byte]) => {
      const bytes = factBytes(fact)
      bytes[at % bytes.length] = byte
      try {
        readFact(fact.chunk, bytes)
      } catch (cause) {
        expect(cause).toBeInstanceOf(Error)
      }
    })
  })
})

describe('seats', () => {
  test('the last of two with one number stands', () => {
    const columns = columnsOfSeats([
      { ordinal: 5, licenseType: 'device', origin: 'found', sinceS: 1 },
      { ordinal: 5, licenseType: 'user', origin: 'assignment', sinceS: 2 },
    ])
    expect(seatAt(columns, 0)).toEqual({ ordinal: 5, licenseType: 'user', origin: 'assignment', sinceS: 2 })
    expect(isByAssignment(columns, 0)).toBe(true)
  })
  test('an ordinal is found where it is, and nowhere else', () => {
    holds(memberColumns, ({ ordinals }) => {
      for (let one = 0; one <= 41; one += 1) expect(indexOfOrdinal(ordinals, one)).toBe(ordinals.indexOf(one))
    })
  })
})

describe('people and devices', () => {
  const user: User = {
    id: principalIdOf('user', 7),
    userName: 'ada@example.org',
    displayName: 'Ada',
    email: 'ada@example.org',
    department: 'Maths',
    active: true,
    managedAppleAccount: '',
    sources: ['csv'],
    left: null,
  }
  const device: Device = {
    id: principalIdOf('device', 8),
    serialNumber: 'C02XG1',
    name: 'iPad-1',
    platform: 'iOS',
    model: 'iPad',
    active: false,
    ownerId: must(parsePrincipalId('u7')),
    sources: ['csv', 'apple:berlin'],
    left: '2026-11-24T09:00:00.000Z',
  }
  test('are read back as they were written', () => {
    const rows: readonly Principal[] = [user, device, { ...device, id: principalIdOf('device', 9), ownerId: null, left: null }]
    expect(readRows(principalsKey(7), rowsBytes(principalsKey(7), rows))).toEqual(rows)
  })
  test('without a readable id are told', () => {
    expect(() => readRows(principalsKey(7), new TextEncoder().encode('[["x7"]]'))).toThrow('facts:')
    expect(() => readRows(principalsKey(7), new TextEncoder().encode('[{"id":"u7"}]'))).toThrow('facts:')
  })
})

test('licenses and principals are spread over chunks by their number', () => {
  expect([licensesKey(licenseIdOf(0)), licensesKey(licenseIdOf(63)), licensesKey(licenseIdOf(64))]).toEqual([
    'licenses/0',
    'licenses/0',
    'licenses/1',
  ])
  expect([principalsKey(1023), principalsKey(1024)]).toEqual(['principals/0', 'principals/1'])
  expect(readRows('licenses/0', rowsBytes('licenses/0', [aLicense()]))).toEqual([aLicense()])
})

test('a chunk’s key is known or it is none', () => {
  const known: readonly string[] = [
    'connectors',
    'groups',
    'licenses/0',
    'principals/48',
    'seats/l1',
    'members/tablets',
    'wishes/l1',
    'orders/l1',
  ]
  for (const key of known) expect(parseChunkKey(key)).toBe(key)
  for (const key of [
    '',
    'licenses',
    'licenses/',
    'licenses/-1',
    'licenses/01',
    'licenses/x',
    'seats/',
    'seats/A',
    'members/../x',
    'secrets/l1',
    'seats/l1/x',
  ])
    expect(parseChunkKey(key)).toBeUndefined()
})

test('an empty chunk is no chunk', () => {
  const keys: readonly ColumnsKey[] = [seats, members]
  for (const key of keys) expect(readColumns(key, undefined)).toEqual(noColumns)
  expect(readRows(wishes, new Uint8Array(0))).toEqual([])
})

describe('rows that an earlier release wrote', () => {
  const bytes = (rows: readonly unknown[]) => new TextEncoder().encode(JSON.stringify(rows))
  const connector = {
    id: 'berlin',
    name: 'Berlin',
    foreignOwner: { id: 'x', name: 'Other', metadata: '', noticedAt: '2026-11-01T00:00:00.000Z' },
  }
  const { id, name, publisher, kind, platforms, iconUrl } = aLicense().product
  const product = { id, name, publisher, kind, platforms, iconUrl }
  const license = { ...aLicense(), product }

  test('a connector has no parts yet, is asked and not told, and its other holder has not left', () => {
    expect(readRows('connectors', bytes([connector]))).toMatchObject([
      {
        id: 'berlin',
        notices: { state: 'polling' },
        people: null,
        devices: null,
        subscriptions: null,
        foreignOwner: { name: 'Other', leftAt: null },
      },
    ])
    expect(readRows('connectors', bytes([{ ...connector, foreignOwner: null }]))).toMatchObject([{ foreignOwner: null }])
  })

  test('a product has no price yet', () => {
    expect(readRows('licenses/0', bytes([license]))).toEqual([
      { ...license, product: { ...product, deviceFamilies: [], bundleId: null, version: null, price: null } },
    ])
  })

  test('and what is whole comes back byte for byte', () => {
    const [row] = readRows('connectors', bytes([connector]))
    const whole = rowsBytes('connectors', [must(row)])
    expect(rowsBytes('connectors', readRows('connectors', whole))).toEqual(whole)
    const licenses = rowsBytes('licenses/0', [aLicense()])
    expect(rowsBytes('licenses/0', readRows('licenses/0', licenses))).toEqual(licenses)
  })
})
