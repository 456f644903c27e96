/** What each source says of a person, on the server alone: browsers get what it comes to. */
import { insertMany, selectMany } from '../database/many.ts'
import type { Db, SourceRecordsTable } from '../database/schema.ts'
import { normalAccount, normalMail, type JoinedBy, type SourceFields, type SourceRecord } from '../../shared/joining.ts'
import { normalUserName } from '../../shared/principal.ts'

const recordOf = (row: SourceRecordsTable): SourceRecord => ({
  source: row.source,
  key: row.key,
  ordinal: row.ordinal,
  fields: fieldsIn(row.fields),
  externalId: row.external_id,
  joinedBy: row.joined_by as JoinedBy,
  since: row.since,
  toldAt: row.told_at,
  goneAt: row.gone_at,
})

/** As we wrote it. */
const fieldsIn = (text: string): SourceFields => JSON.parse(text) as SourceFields

const keyOrNull = (text: string): string | null => (text === '' ? null : text)

const rowOf = ({ source, key, ordinal, fields, externalId, joinedBy, since, toldAt, goneAt }: SourceRecord): SourceRecordsTable => ({
  source,
  key,
  ordinal,
  joined_by: joinedBy,
  external_id: externalId,
  name_key: keyOrNull(normalUserName(fields.userName ?? '')),
  account_key: keyOrNull(normalAccount(fields.managedAppleAccount ?? '')),
  mail_key: keyOrNull(normalMail(fields.email ?? '')),
  fields: JSON.stringify(fields),
  since,
  told_at: toldAt,
  gone_at: goneAt,
})

export const recordName = ({ source, key }: Pick<SourceRecord, 'source' | 'key'>): string => `${source}/${key}`

/** Those that are not gone and those that are, of these people, by ordinal. */
export const recordsOf = async (db: Db, ordinals: readonly number[]): Promise<ReadonlyMap<number, readonly SourceRecord[]>> => {
  const found = new Map<number, SourceRecord[]>()
  const rows = await selectMany<SourceRecordsTable, number>(db, ordinals, (some) =>
    db
      .selectFrom('source_records')
      .selectAll()
      .where('ordinal', 'in', [...some])
      .compile(),
  )
  for (const row of rows) {
    const list = found.get(row.ordinal)
    if (list === undefined) found.set(row.ordinal, [recordOf(row)])
    else list.push(recordOf(row))
  }
  return found
}

export const recordsByKey = async (db: Db, source: string, keys: readonly string[]): Promise<ReadonlyMap<string, SourceRecord>> => {
  const rows = await selectMany<SourceRecordsTable>(db, keys, (some) =>
    db
      .selectFrom('source_records')
      .selectAll()
      .where('source', '=', source)
      .where('key', 'in', [...some])
      .compile(),
  )
  return new Map(rows.map((row) => [row.key, recordOf(row)]))
}

/** Every record of a source that it still names: what a directory that was read whole is held against. */
export const keysNamedBy = async (db: Db, source: string): Promise<readonly string[]> =>
  (
    await db.selectFrom('source_records').select('key').where('source', '=', source).where('gone_at', 'is', null).orderBy('key').execute()
  ).map(({ key }) => key)

/** Whom records with this value name, in whichever source; of `external_id` in this source alone. By value. */
export const ordinalsBy = async (
  db: Db,
  column: 'name_key' | 'account_key' | 'mail_key' | 'external_id',
  values: readonly string[],
  source?: string,
): Promise<ReadonlyMap<string, readonly number[]>> => {
  const found = new Map<string, number[]>()
  const rows = await selectMany<{ readonly value: string | null; readonly ordinal: number }>(db, [...new Set(values)], (some) => {
    const all = db.selectFrom('source_records').select([`${column} as value`, 'ordinal'])
    return (source === undefined ? all : all.where('source', '=', source)).where(column, 'in', [...some]).compile()
  })
  for (const { value, ordinal } of rows) {
    if (value === null) continue
    const list = found.get(value)
    if (list === undefined) found.set(value, [ordinal])
    else if (!list.includes(ordinal)) list.push(ordinal)
  }
  return found
}

/** In place of those with the same source and key. */
export const keepRecords = async (db: Db, records: readonly SourceRecord[]): Promise<void> => {
  const bySource = new Map<string, string[]>()
  for (const { source, key } of records) {
    const keys = bySource.get(source)
    if (keys === undefined) bySource.set(source, [key])
    else keys.push(key)
  }
  for (const [source, keys] of bySource)
    for (let from = 0; from < keys.length; from += 1000)
      await db
        .deleteFrom('source_records')
        .where('source', '=', source)
        .where('key', 'in', keys.slice(from, from + 1000))
        .execute()
  await insertMany(db, 'source_records', records.map(rowOf))
}

export const dropRecord = async (db: Db, source: string, key: string): Promise<void> => {
  await db.deleteFrom('source_records').where('source', '=', source).where('key', '=', key).execute()
}
