/** Subscriptions as the facts hold them. */
import type { Writing } from './journal.ts'
import { rowsFact, subscriptionsKey } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'

/** They go with their connector. */
export const forgetSubscriptions = async (write: Writing, connector: ConnectorId): Promise<void> => {
  const chunk = subscriptionsKey(connector)
  const held = await write.rows(chunk)
  if (held.length > 0)
    await write.record(
      rowsFact(
        chunk,
        [],
        held.map(({ id }) => id),
      ),
    )
}
