/** A ledger's licenses and purchase lots, which are kept on the server alone, and the acts that change them. */
import { parseConnectorId, parseLicenseId, type ConnectorId, type LicenseId } from '../shared/ids.ts'
import { ledgerKinds, ledgerLicenseTypes, type KeptLot, type LedgerProduct, type LotState, type Money } from '../shared/ledger.ts'
import { err, ok } from '../shared/result.ts'
import { list, member, numberOf, oneOf, textOf, textOrNull } from './server-lists.ts'
import { unreadable, type Answer, type Request } from './server-request.ts'

export interface LotRow extends KeptLot {
  readonly state: LotState
}
export interface LedgerRow {
  readonly licenseId: LicenseId
  readonly product: LedgerProduct
  /** Null: no limit. */
  readonly owned: number | null
  readonly inUse: number
  readonly free: number | null
  readonly paid: readonly Money[]
  readonly lots: readonly LotRow[]
}

/** As the form holds it; the server reads the price. */
export interface LotWanted {
  readonly seats: number
  readonly price: { readonly amount: string; readonly currency: string } | null
  readonly supplier: string
  readonly orderNumber: string
  readonly boughtOn: string | null
  readonly validFrom: string | null
  readonly validUntil: string | null
  readonly note: string
}

export interface LedgerImported {
  readonly read: number
  readonly unchanged: number
  readonly changes: readonly { readonly row: number; readonly is: string; readonly product: string; readonly text: string }[]
  readonly errors: readonly { readonly row: number; readonly field: string; readonly text: string }[]
}
export interface MoveTold {
  readonly licenses: number
  readonly seatsOwned: number
  readonly seatsInUse: number
  readonly assignments: number
  readonly withoutHolders: number
}

export interface LedgerActs {
  license(ledger: ConnectorId, license: LicenseId): Answer<LedgerRow>
  addProduct(ledger: ConnectorId, product: LedgerProduct): Answer<LicenseId>
  changeProduct(ledger: ConnectorId, license: LicenseId, change: Partial<LedgerProduct>): Answer<void>
  removeProduct(ledger: ConnectorId, license: LicenseId): Answer<void>
  addLot(ledger: ConnectorId, license: LicenseId, lot: LotWanted): Answer<void>
  changeLot(ledger: ConnectorId, license: LicenseId, lot: string, change: Partial<LotWanted>): Answer<void>
  removeLot(ledger: ConnectorId, license: LicenseId, lot: string): Answer<void>
  importCsv(
    ledger: ConnectorId,
    kind: 'licenses' | 'holders',
    file: Blob,
    how: { readonly dryRun: boolean; readonly partial: boolean },
  ): Answer<LedgerImported>
  move(from: ConnectorId, ledger: ConnectorId, preview: boolean): Answer<MoveTold>
  /** Where a file of all lots, or of all holders, is downloaded. */
  fileUrl(ledger: ConnectorId, what: 'licenses' | 'holders'): string
}

const lotStates = ['to-come', 'holds', 'ended'] as const satisfies readonly LotState[]

export const createLedgerActs = (request: Request): LedgerActs => {
  const at = (ledger: ConnectorId): string => `/connectors/${encodeURIComponent(parseConnectorId(ledger) ?? '')}`
  const one = (ledger: ConnectorId, license: LicenseId): string => `${at(ledger)}/ledger/licenses/${license}`
  const done = async (answer: Answer<unknown>): Answer<void> => {
    const read = await answer
    return read.ok ? ok(undefined) : read
  }
  return {
    license: async (ledger, license) => {
      const read = await request('GET', one(ledger, license))
      if (!read.ok) return read
      const row = rowOf(read.value)
      return row === undefined ? err(unreadable(200)) : ok(row)
    },
    addProduct: async (ledger, product) => {
      const read = await request('POST', `${at(ledger)}/ledger/licenses`, product)
      if (!read.ok) return read
      const id = parseLicenseId(member(read.value, 'licenseId'))
      return id === undefined ? err(unreadable(201)) : ok(id)
    },
    changeProduct: (ledger, license, change) => done(request('PATCH', one(ledger, license), change)),
    removeProduct: (ledger, license) => done(request('DELETE', one(ledger, license))),
    addLot: (ledger, license, lot) => done(request('POST', `${one(ledger, license)}/lots`, lot)),
    changeLot: (ledger, license, lot, change) => done(request('PATCH', `${one(ledger, license)}/lots/${encodeURIComponent(lot)}`, change)),
    removeLot: (ledger, license, lot) => done(request('DELETE', `${one(ledger, license)}/lots/${encodeURIComponent(lot)}`)),
    importCsv: async (ledger, kind, file, { dryRun, partial }) => {
      const query = `kind=${kind}${dryRun ? '&dryRun=true' : ''}${partial ? '&partial=true' : ''}`
      const read = await request('POST', `${at(ledger)}/ledger/import?${query}`, file, 'text/csv')
      return read.ok ? ok(importedOf(read.value)) : read
    },
    move: async (from, ledger, preview) => {
      const read = await request('POST', `${at(from)}/move-to-ledger`, { ledgerId: ledger, preview })
      if (!read.ok) return read
      const told = (name: string): number => numberOf(member(read.value, name))
      return ok({
        licenses: told('licenses'),
        seatsOwned: told('seatsOwned'),
        seatsInUse: told('seatsInUse'),
        assignments: told('assignments'),
        withoutHolders: told('withoutHolders'),
      })
    },
    fileUrl: (ledger, what) => `/api/v1${at(ledger)}/ledger/${what}?format=csv`,
  }
}

const moneyOf = (value: unknown): Money | null =>
  value === null || value === undefined ? null : { minor: numberOf(member(value, 'minor')), currency: textOf(member(value, 'currency')) }

const rowOf = (value: unknown): LedgerRow | undefined => {
  const licenseId = parseLicenseId(member(value, 'licenseId'))
  if (licenseId === undefined) return undefined
  const [owned, free] = [member(value, 'owned'), member(value, 'free')]
  return {
    licenseId,
    product: {
      name: textOf(member(value, 'name')),
      publisher: textOf(member(value, 'publisher')),
      kind: oneOf(ledgerKinds, member(value, 'kind')) ?? 'app',
      licenseTypes: list(member(value, 'licenseTypes')).flatMap((type) => oneOf(ledgerLicenseTypes, type) ?? []),
      revocable: member(value, 'revocable') === true,
      unlimited: member(value, 'unlimited') === true,
      note: textOf(member(value, 'note')),
    },
    owned: typeof owned === 'number' ? owned : null,
    inUse: numberOf(member(value, 'inUse')),
    free: typeof free === 'number' ? free : null,
    paid: list(member(value, 'paid')).flatMap((money) => moneyOf(money) ?? []),
    lots: list(member(value, 'lots')).map((lot) => ({
      id: textOf(member(lot, 'id')),
      seats: numberOf(member(lot, 'seats')),
      price: moneyOf(member(lot, 'price')),
      supplier: textOf(member(lot, 'supplier')),
      orderNumber: textOf(member(lot, 'orderNumber')),
      boughtOn: textOrNull(member(lot, 'boughtOn')),
      validFrom: textOrNull(member(lot, 'validFrom')),
      validUntil: textOrNull(member(lot, 'validUntil')),
      note: textOf(member(lot, 'note')),
      state: oneOf(lotStates, member(lot, 'state')) ?? 'holds',
    })),
  }
}

const importedOf = (value: unknown): LedgerImported => ({
  read: numberOf(member(value, 'read')),
  unchanged: numberOf(member(value, 'unchanged')),
  changes: list(member(value, 'changes')).map((change) => ({
    row: numberOf(member(change, 'row')),
    is: textOf(member(change, 'is')),
    product: textOf(member(change, 'product')),
    text: textOf(member(change, 'text')),
  })),
  errors: list(member(value, 'errors')).map((fault) => ({
    row: numberOf(member(fault, 'row')),
    field: textOf(member(fault, 'field')),
    text: textOf(member(fault, 'text')),
  })),
})
