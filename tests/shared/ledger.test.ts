import { expect, test } from 'vitest'
import { amountText, daysUntil, isDay, lotStateOn, parseMoney, seatsOwnedOn, sumsOf, type LedgerLot } from '../../shared/ledger.ts'

const lot = (part: Partial<LedgerLot>): LedgerLot => ({
  seats: 1,
  price: null,
  supplier: '',
  orderNumber: '',
  boughtOn: null,
  validFrom: null,
  validUntil: null,
  note: '',
  ...part,
})

test('a lot counts on its first and on its last day, and on none beside them', () => {
  const spring = lot({ seats: 5, validFrom: '2027-03-01', validUntil: '2027-05-31' })
  const days = ['2027-02-28', '2027-03-01', '2027-05-31', '2027-06-01']
  expect(days.map((day) => lotStateOn(spring, day))).toEqual(['to-come', 'holds', 'holds', 'ended'])
  expect(days.map((day) => seatsOwnedOn([spring, lot({ seats: 2 })], day))).toEqual([2, 7, 7, 2])
  expect(daysUntil('2027-02-28', '2027-03-01')).toBe(1)
})

test('days that no calendar has are none', () => {
  expect(['2028-02-29', '2027-02-29', '2027-13-01', '27-01-01', '2027-1-1', ''].map(isDay)).toEqual([
    true,
    false,
    false,
    false,
    false,
    false,
  ])
})

test('money is read to the smallest unit of its currency, without rounding, and told as it was', () => {
  const read = (amount: string, currency: string) => {
    const money = parseMoney(amount, currency)
    return money.ok ? `${money.value.minor} ${amountText(money.value)}` : 'refused'
  }
  expect(read('0.10', 'EUR')).toBe('10 0.10')
  expect(read('1250', 'EUR')).toBe('125000 1250.00')
  expect(read('12.5', 'EUR')).toBe('1250 12.50')
  expect(read('900', 'JPY')).toBe('900 900')
  expect(read('900.0', 'JPY')).toBe('900 900')
  expect(read('1.234', 'KWD')).toBe('1234 1.234')
  // 8.41 * 100 is 841.0000000000001 as a floating number, and 1.005 * 100 is 100.49999999999999.
  expect(read('8.41', 'EUR')).toBe('841 8.41')
  for (const [amount, currency] of [
    ['1.005', 'EUR'],
    ['900.5', 'JPY'],
    ['1,50', 'EUR'],
    ['1.234,50', 'EUR'],
    ['1e3', 'EUR'],
    ['-1', 'EUR'],
    ['', 'EUR'],
    ['1', 'QQQ'],
    ['99999999999999', 'EUR'],
  ] as const)
    expect([amount, currency, read(amount, currency)]).toEqual([amount, currency, 'refused'])
})

test('sums are kept apart by currency, and a price that is not known adds nothing', () => {
  const price = (minor: number, currency: string) => lot({ price: { minor, currency } })
  expect(sumsOf([price(30, 'USD'), price(10, 'EUR'), lot({}), price(20, 'EUR')])).toEqual([
    { currency: 'EUR', minor: 30 },
    { currency: 'USD', minor: 30 },
  ])
})
