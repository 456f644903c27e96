/** All that goes with a connector that is let go. The devices and people that it named stay; orders stay in their table. */
import type { Writing } from './journal.ts'
import { letGoOfDirectory } from './directory/directory-letting-go.ts'
import { letGoOfDevices } from './directory/device-list.ts'
import { forgetImports } from './imports.ts'
import { forgetNotices } from './notice-rows.ts'
import { forgetNoticeSecret } from './notice-secrets.ts'
import { forgetLedger } from './stores/ledger/rows.ts'
import { forgetRegistrations } from './registrations.ts'
import { forgetSubscriptions } from './subscriptions.ts'
import type { Connector } from '../shared/connector.ts'
import {
  claimsKey,
  columnsFact,
  licenseIdOf,
  licensesKey,
  locationOrdersKey,
  noColumns,
  ordersKey,
  rowsFact,
  seatsKey,
  wishesKey,
} from '../shared/facts.ts'
import type { ConnectorId, LicenseId } from '../shared/ids.ts'

/** Inside the act that lets it go. */
export const forgetConnector = async (write: Writing, connector: Connector): Promise<void> => {
  const { id } = connector
  await write.record(rowsFact('connectors', [], [id]))
  await forgetLicenses(write, id)
  if (connector.kind === 'ledger' && connector.location !== null) await forgetLedger(write.trx, connector.location.key)
  await write.trx.deleteFrom('locations').where('connector', '=', id).execute()
  await write.trx.deleteFrom('credentials').where('connector', '=', id).execute()
  await forgetNoticeSecret(write.trx, id)
  await forgetNotices(write.trx, id)
  await write.trx.deleteFrom('store_cursors').where('connector', '=', id).execute()
  await forgetRegistrations(write, id)
  await forgetSubscriptions(write, id)
  await forgetLocationOrders(write, id)
  await letGoOfDevices(write, connector)
  await letGoOfDirectory(write, id)
  await forgetImports(write, id)
}

/** What was known of the connector's licenses goes with it; its orders stay in their table, as the record of what was asked. */
const forgetLicenses = async (write: Writing, id: ConnectorId): Promise<void> => {
  const keys = await write.trx.selectFrom('license_keys').select('ordinal').where('connector', '=', id).execute()
  await forgetFactsOf(
    write,
    keys.map(({ ordinal }) => licenseIdOf(ordinal)),
  )
  await write.trx
    .updateTable('orders')
    .set({ state: 'cancelled', next_poll_at: null })
    .where('connector', '=', id)
    .where('state', 'in', ['planned', 'sent', 'pending'])
    .execute()
  await write.trx.deleteFrom('license_keys').where('connector', '=', id).execute()
}

/** One license, inside the act that lets it go. The caller has seen to its seats, assignments and open orders. */
export const forgetLicense = async (write: Writing, license: LicenseId): Promise<void> => {
  await forgetFactsOf(write, [license])
  await write.trx
    .deleteFrom('license_keys')
    .where('ordinal', '=', Number(license.slice(1)))
    .execute()
}

const forgetFactsOf = async (write: Writing, licenses: readonly LicenseId[]): Promise<void> => {
  const idsByChunk = new Map<`licenses/${number}`, LicenseId[]>()
  for (const license of licenses) {
    const chunk = licensesKey(license)
    idsByChunk.set(chunk, [...(idsByChunk.get(chunk) ?? []), license])
    const { ordinals } = await write.columns(seatsKey(license))
    if (ordinals.length > 0) await write.record(columnsFact(seatsKey(license), noColumns, ordinals))
    const wishes = (await write.rows(wishesKey(license))).map(({ key }) => key)
    if (wishes.length > 0) await write.record(rowsFact(wishesKey(license), [], wishes))
    const claims = (await write.rows(claimsKey(license))).map((claim) => claim.id)
    if (claims.length > 0) await write.record(rowsFact(claimsKey(license), [], claims))
    await write.trx.deleteFrom('claims_made').where('license', '=', license).execute()
    const orders = (await write.rows(ordersKey(license))).map((order) => order.id)
    if (orders.length > 0) await write.record(rowsFact(ordersKey(license), [], orders))
  }
  for (const [chunk, gone] of idsByChunk) await write.record(rowsFact(chunk, [], gone))
}

/** As with orders of its licenses. */
const forgetLocationOrders = async (write: Writing, id: ConnectorId): Promise<void> => {
  const orders = (await write.rows(locationOrdersKey(id))).map((order) => order.id)
  if (orders.length > 0) await write.record(rowsFact(locationOrdersKey(id), [], orders))
}
