/** Licenses as the facts hold them. */
import type { FactReader, FactStore } from './facts.ts'
import type { Writing } from './journal.ts'
import { licenseIdOf, licensesKey } from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'

export const findLicense = async (facts: FactReader, id: LicenseId): Promise<License | undefined> =>
  (await facts.rows(licensesKey(id))).find((row) => row.id === id)

/** In the order of their ids' chunks. Not inside an act of the journal: it reads outside the transaction. */
export const allLicenses = async (facts: FactReader & { readonly store: Pick<FactStore, 'keys'> }): Promise<readonly License[]> => {
  const found: License[] = []
  for (const key of await facts.store.keys('licenses/')) found.push(...(await facts.rows(key as `licenses/${number}`)))
  return found
}

/** Inside an act: the licenses of a Location, by the numbers that it was given for them. */
export const licensesInAct = async (write: Writing, id: ConnectorId): Promise<readonly License[]> => {
  const known = await write.trx.selectFrom('license_keys').select('ordinal').where('connector', '=', id).execute()
  const found: License[] = []
  for (const chunk of new Set(known.map(({ ordinal }) => licensesKey(licenseIdOf(ordinal)))))
    found.push(...(await write.rows(chunk)).filter(({ connectorId }) => connectorId === id))
  return found
}

/** Not inside an act of the journal, as above. */
export const licensesOfConnector = async (
  facts: FactReader & { readonly store: Pick<FactStore, 'keys'> },
  id: ConnectorId,
): Promise<readonly License[]> => (await allLicenses(facts)).filter(({ connectorId }) => connectorId === id)
