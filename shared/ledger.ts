/**
 * A ledger: licenses that are counted here, because no store counts them. What is owned follows from the purchase lots
 * that hold on a day. Money is whole numbers of the currency's smallest unit, never a fraction.
 */
import { err, ok, type Result } from './result.ts'
import { isoTime } from './clock.ts'
import type { LicenseType, ProductKind } from './license.ts'

export const ledgerKinds = ['app', 'book', 'custom-app', 'private-app', 'web-app', 'sku'] as const satisfies readonly ProductKind[]
export const ledgerLicenseTypes = ['device', 'user'] as const satisfies readonly LicenseType[]

export interface LedgerProduct {
  readonly name: string
  readonly publisher: string
  readonly kind: ProductKind
  /** At least one, each once. */
  readonly licenseTypes: readonly LicenseType[]
  /** False: who has a seat keeps it for good. */
  readonly revocable: boolean
  /** No limit: lots are kept and not counted. */
  readonly unlimited: boolean
  readonly note: string
}

/** What was paid. `minor` counts the smallest unit of the currency (ISO 4217): 1250 of EUR is 12.50. */
export interface Money {
  readonly minor: number
  readonly currency: string
}

/** One purchase. Days are `YYYY-MM-DD`, in UTC; `validUntil` is the last day on which it counts. */
export interface LedgerLot {
  readonly seats: number
  /** Of the whole lot. Null: not known, which is not the same as free. */
  readonly price: Money | null
  readonly supplier: string
  readonly orderNumber: string
  readonly boughtOn: string | null
  readonly validFrom: string | null
  readonly validUntil: string | null
  readonly note: string
}
export interface KeptLot extends LedgerLot {
  readonly id: string
}

export const mostSeatsOfALot = 10_000_000
/** So that a thousand such prices still add up exactly. */
export const mostMinor = 1_000_000_000_000

export type LotState = 'to-come' | 'holds' | 'ended'

export const dayOf = (ms: number): string => isoTime(ms).slice(0, 10)

export const isDay = (text: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const ms = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(ms) && dayOf(ms) === text
}

export const lotStateOn = (lot: Pick<LedgerLot, 'validFrom' | 'validUntil'>, day: string): LotState =>
  lot.validUntil !== null && lot.validUntil < day ? 'ended' : lot.validFrom !== null && lot.validFrom > day ? 'to-come' : 'holds'

/** Seats owned on a day. What has ended counts no more, and what is to come not yet. */
export const seatsOwnedOn = (lots: readonly LedgerLot[], day: string): number =>
  lots.reduce((seats, lot) => (lotStateOn(lot, day) === 'holds' ? seats + lot.seats : seats), 0)

/** Days from one day to another; negative: it has passed. */
export const daysUntil = (from: string, to: string): number =>
  Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / 86_400_000)

/** A lot that ends within these days is told of. */
export const endsSoonDays = 30

// ---- Money ----

/** Codes and their decimals by ISO 4217, where they are not two. */
const decimalsOf = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2

let currencies: ReadonlySet<string> | undefined
export const isCurrency = (text: string): boolean => (currencies ??= new Set(Intl.supportedValuesOf('currency'))).has(text)

/** `12.50`, with as many decimals as the currency has. */
export const amountText = ({ minor, currency }: Money): string => {
  const decimals = decimalsOf(currency)
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  return `${minor < 0 ? '-' : ''}${whole}${decimals === 0 ? '' : `.${digits.slice(-decimals)}`}`
}

/** Reads `1250`, `12.5` or `12.50`. Marks of thousands are refused: a comma is a decimal in half of the world. */
export const parseMoney = (amount: string, currency: string): Result<Money, string> => {
  if (!isCurrency(currency)) return err('the currency must be a code of ISO 4217 such as EUR')
  const decimals = decimalsOf(currency)
  const parts = /^(\d{1,15})(?:\.(\d{1,4}))?$/.exec(amount.trim())
  if (parts === null) return err('the price must be a number such as 1250 or 1250.00, with a point and without marks of thousands')
  const fraction = (parts[2] ?? '').replace(/0+$/, '')
  if (fraction.length > decimals)
    return err(decimals === 0 ? `${currency} has no decimals` : `${currency} has ${decimals} decimals, and the price has more`)
  const minor = Number(`${parts[1] ?? ''}${fraction.padEnd(decimals, '0')}`)
  return minor > mostMinor ? err('the price is larger than can be kept') : ok({ minor, currency })
}

/** What was paid in all, a sum for each currency, in the order of their codes. Nothing is converted. */
export const sumsOf = (lots: readonly Pick<LedgerLot, 'price'>[]): readonly Money[] => {
  const byCurrency = new Map<string, number>()
  for (const { price } of lots) if (price !== null) byCurrency.set(price.currency, (byCurrency.get(price.currency) ?? 0) + price.minor)
  return [...byCurrency].map(([currency, minor]) => ({ currency, minor })).sort((a, b) => (a.currency < b.currency ? -1 : 1))
}

/** What is wrong with a lot as a whole. Undefined: nothing. */
export const lotFault = (lot: LedgerLot): { readonly field: keyof LedgerLot; readonly text: string } | undefined =>
  lot.validFrom !== null && lot.validUntil !== null && lot.validUntil < lot.validFrom
    ? { field: 'validUntil', text: 'must not be before validFrom' }
    : undefined
