/**
 * The part of a sync that imports what another device management service holds. Its failure never touches the counts: it
 * is told beside them, and what was imported stays with its time. Imported rows are shown and stand in no sum of ours.
 */
import type { Connectors } from './connectors.ts'
import type { Journal, Writing } from './journal.ts'
import { isBelieved, isShrunken } from './seat-reading.ts'
import { failureInWords } from './store-failure.ts'
import type { ImportsRead, StoreConnection, StoreFailure, StoreImports } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector, PartRecord } from '../shared/connector.ts'
import { importsKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { Imported } from '../shared/imported.ts'
import { err, type Result } from '../shared/result.ts'

export interface ImportSync {
  /** A store that knows of no other service is left alone. */
  read(connection: Pick<StoreConnection, 'imports'>, connector: Connector): Promise<void>
}

export interface ImportSyncDeps {
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'update'>
  readonly clock: Clock
}

const errorOf = (failure: StoreFailure): NonNullable<PartRecord['error']> => ({
  code: failure.is === 'store-refused' ? failure.code : failure.is,
  text: failureInWords(failure),
})

const noService: NonNullable<PartRecord['error']> = {
  code: 'no-service',
  text: 'The other management service is no longer there. What it held last stays, with its time.',
}

export const createImportSync = ({ journal, connectors, clock }: ImportSyncDeps): ImportSync => {
  const read: ImportSync['read'] = async ({ imports }, connector) => {
    if (imports === undefined) return
    const held = (await journal.rows(importsKey(connector.id))).length
    const told = await readTwiceIfShrunken(imports, held)
    await journal.write(async (write) => {
      if (!(await write.rows('connectors')).some(({ id }) => id === connector.id)) return
      if (!told.ok) return await notePart(write, connector.id, { error: errorOf(told.error) })
      // There is no such service. What it held while there was one stays, and says so.
      if (told.value === undefined) return held === 0 ? undefined : await notePart(write, connector.id, { error: noService })
      const { missing } = told.value
      const count = await record(write, connector.id, told.value)
      const [first] = missing
      await notePart(write, connector.id, {
        count,
        error: first === undefined ? null : errorOf(first.failure),
        asOf: isoTime(clock.now()),
      })
    })
  }

  /** Gives how many apps there are now. */
  const record = async (write: Writing, connectorId: ConnectorId, { rows, missing }: ImportsRead): Promise<number> => {
    const chunk = importsKey(connectorId)
    const held = await write.rows(chunk)
    const asOf = isoTime(clock.now())
    const put = rows.map((row): Imported => ({ ...row, asOf }))
    const there = new Set(put.map(({ id }) => id))
    const unread = new Set(missing.map(({ kind }) => kind))
    const kept = held.filter(({ id, kind }) => !there.has(id) && unread.has(kind))
    const gone = held.filter(({ id, kind }) => !there.has(id) && !unread.has(kind)).map(({ id }) => id)
    if (put.length > 0 || gone.length > 0) await write.record(rowsFact(chunk, put, gone))
    return [...put, ...kept].filter(({ kind }) => kind === 'app').length
  }

  const notePart = (write: Writing, connectorId: ConnectorId, part: Partial<PartRecord>): Promise<unknown> =>
    connectors.update(write, connectorId, (current) => ({
      ...current,
      imported: { ...(current.imported ?? { asOf: null, count: null, error: null }), ...part },
    }))

  return { read }
}

/** An answer that is much shorter than what is held is believed when a second one is as long. */
const readTwiceIfShrunken = async (imports: StoreImports, held: number): Promise<Result<ImportsRead | undefined, StoreFailure>> => {
  const lengthOf = (told: ImportsRead | undefined): number => told?.rows.length ?? 0
  const first = await imports.read()
  if (!first.ok || first.value === undefined || first.value.missing.length > 0 || !isShrunken(lengthOf(first.value), held)) return first
  const second = await imports.read()
  if (!second.ok) return second
  return isBelieved(lengthOf(first.value), lengthOf(second.value), held) ? second : err({ is: 'store-changed-meanwhile' })
}
