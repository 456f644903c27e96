/** A directory that is disconnected takes nobody out: its people stay, and what it said of those whom nothing else names is kept as if a hand had. */
import { handSource } from './by-hand.ts'
import { keepGroupsByHand } from './group-taking-in.ts'
import { keepRecords, recordsOf } from './source-records.ts'
import type { Writing } from '../journal.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { principalsKey, rowsFact } from '../../shared/facts.ts'
import { ordinalOf, type ConnectorId } from '../../shared/ids.ts'
import type { SourceRecord } from '../../shared/joining.ts'
import { isUser, normalUserName, type User } from '../../shared/principal.ts'

/** The word under which people and groups are known from this connector's directory. */
export const directorySourceOf = (connectorId: ConnectorId): string => `graph:${connectorId}`

/** Inside the act that lets the connector go. */
export const letGoOfDirectory = async (write: Writing, connectorId: ConnectorId): Promise<void> => {
  const source = directorySourceOf(connectorId)
  await keepGroupsByHand(write, source)
  await keepPeopleByHand(write, source)
}

const keepPeopleByHand = async (write: Writing, source: string): Promise<void> => {
  const rows = await write.trx.selectFrom('source_records').select('ordinal').where('source', '=', source).execute()
  const ordinals = new Set(rows.map(({ ordinal }) => ordinal))
  const records = await recordsOf(write.trx, [...ordinals])
  const kept: SourceRecord[] = []
  for (const chunk of new Set([...ordinals].map(principalsKey))) {
    const put: User[] = []
    for (const row of await write.rows(chunk)) {
      if (!isUser(row) || !row.sources.includes(source)) continue
      const others = row.sources.filter((other) => other !== source)
      const isNamed = others.some(namesPrincipals)
      put.push({ ...row, sources: isNamed ? others : [...others, handSource] })
      const own = records.get(ordinalOf(row.id))?.find((record) => record.source === source && record.goneAt === null)
      if (!isNamed && own !== undefined) kept.push({ ...own, source: handSource, key: normalUserName(row.userName), externalId: null })
    }
    if (put.length > 0) await write.record(rowsFact(chunk, put))
  }
  await write.trx.deleteFrom('source_records').where('source', '=', source).execute()
  await keepRecords(write.trx, kept)
}
