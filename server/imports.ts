/** What was imported, as the facts hold it. */
import type { Writing } from './journal.ts'
import { importsKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'

/** They go with their connector. */
export const forgetImports = async (write: Writing, connectorId: ConnectorId): Promise<void> => {
  const held = await write.rows(importsKey(connectorId))
  if (held.length > 0)
    await write.record(
      rowsFact(
        importsKey(connectorId),
        [],
        held.map(({ id }) => id),
      ),
    )
}
