/**
 * The people and devices of a file. Each slice of rows is weighed against the directory without writing, and kept in an act
 * of its own, weighed once more: so a file of 100,000 rows never holds the database for long.
 */
import type { FactReader } from '../facts.ts'
import type { Writing } from '../journal.ts'
import { principalIdOf } from '../../shared/ids.ts'
import { isUser, normalUserName, type Device } from '../../shared/principal.ts'
import { inSlices, type DeviceRow, type Pause, type RowError, type UserRow } from './csv.ts'
import { bareDevice, giveOrdinals, normalKey, type DirectoryIndex } from './directory.ts'
import { principalReader, recordPrincipals } from './principal-record.ts'
import { createBatch, keepTakenIn, readerIn, weighTakingIn, type FieldChange, type TakingInReader, type Told } from './taking-in.ts'
import { csvSource, same, withCsv, type Counts, type RowChange } from './weighed.ts'

export interface Slice<Row> {
  readonly counts: Counts
  readonly errors: readonly RowError[]
  readonly changes: readonly RowChange[]
  /** What is to be written, with the ordinal of who is known. */
  readonly wanted: readonly { readonly row: Row; readonly ordinal: number | undefined }[]
}

export interface SlicedImport<Row> {
  weigh(reader: TakingInReader, rows: readonly Row[], now: number): Promise<Slice<Row>>
  keep(write: Writing, rows: readonly Row[], now: number): Promise<void>
}

const toldOf = ({ userName, displayName, email, department, active, managedAppleAccount }: UserRow): Told => ({
  key: normalUserName(userName),
  fields: { userName, displayName, email, department, managedAppleAccount, ...(active === undefined ? {} : { active }) },
})

/** `all`: every row of the file, of which slices are weighed. */
export const userImport = async (directory: DirectoryIndex, all: readonly UserRow[], pause: Pause): Promise<SlicedImport<UserRow>> => {
  const { batch, add } = createBatch(directory)
  /** Two user names of one person: whichever row came last would stand, unseen. */
  const firstRowOf = new Map<number, number>()
  const errors = new Map<number, RowError>()
  await inSlices(all, pause, (one) => {
    const { row, userName } = one
    const ordinal = add(toldOf(one))
    const first = ordinal === undefined ? undefined : firstRowOf.get(ordinal)
    if (first !== undefined)
      errors.set(row, { row, field: 'userName', text: `${userName} is the person of row ${first} under another user name` })
    else if (ordinal !== undefined) firstRowOf.set(ordinal, row)
    return []
  })
  return {
    weigh: async (reader, rows, now) => {
      const good = rows.filter(({ row }) => !errors.has(row))
      const rowByKey = new Map(good.map((row) => [normalUserName(row.userName), row]))
      const { taken, counts, plan } = await weighTakingIn(reader, directory, csvSource, good.map(toldOf), now, batch)
      return {
        counts,
        errors: rows.flatMap(({ row }) => errors.get(row) ?? []),
        changes: taken.flatMap(({ told, id, is, joinedBy, changes: fields }): readonly RowChange[] =>
          is === 'unchanged'
            ? []
            : [
                {
                  row: rowByKey.get(told.key)?.row ?? 0,
                  id,
                  name: told.fields.userName,
                  is,
                  joinedBy: joinedBy === 'first' ? null : joinedBy,
                  fields,
                },
              ],
        ),
        wanted: plan.flatMap(({ told, ordinal }) => {
          const row = rowByKey.get(told.key)
          return row === undefined ? [] : [{ row, ordinal }]
        }),
      }
    },
    keep: async (write, rows, now) => {
      const good = rows.filter(({ row }) => !errors.has(row))
      const weighed = await weighTakingIn(readerIn(write), directory, csvSource, good.map(toldOf), now, batch)
      await keepTakenIn(write, directory, csvSource, weighed)
    },
  }
}

export const deviceImport = (directory: DirectoryIndex): SlicedImport<DeviceRow> => {
  const ownerOf = ({ ownerUserName }: DeviceRow): number | undefined => {
    const account = ownerUserName === '' ? undefined : directory.ordinalOfKey('user', ownerUserName)
    return account === undefined ? undefined : directory.personOf(account)
  }
  const after = (row: DeviceRow, before: Device): Device => {
    const owner = ownerOf(row)
    return {
      ...before,
      name: row.name,
      // A device list tells these too: an empty cell does not take them away.
      platform: row.platform || before.platform,
      model: row.model || before.model,
      ownerId: owner === undefined ? null : principalIdOf('user', owner),
      sources: withCsv(before.sources),
      left: null,
    }
  }
  const find = async (facts: FactReader, rows: readonly DeviceRow[]) => {
    const read = principalReader(facts)
    const found = []
    for (const row of rows) {
      const ordinal = directory.ordinalOfKey('device', row.serialNumber)
      const held = ordinal === undefined ? undefined : await read(ordinal)
      found.push({ row, ordinal, held: held !== undefined && !isUser(held) ? held : undefined })
    }
    return found
  }
  return {
    weigh: async ({ facts }, rows) => {
      const errors: RowError[] = []
      const changes: RowChange[] = []
      const wanted: { readonly row: DeviceRow; readonly ordinal: number | undefined }[] = []
      const counts = { created: 0, changed: 0, unchanged: 0 }
      for (const { row, ordinal, held } of await find(facts, rows)) {
        if (row.ownerUserName !== '' && ownerOf(row) === undefined) {
          errors.push({
            row: row.row,
            field: 'ownerUserName',
            text: `No person with the user name ${row.ownerUserName} is known. Import people first.`,
          })
          continue
        }
        const next = after(row, held ?? bareDevice(0, normalKey('device', row.serialNumber), csvSource))
        if (held !== undefined && same(held, next)) {
          counts.unchanged += 1
          continue
        }
        const is = held === undefined ? 'created' : 'changed'
        counts[is] += 1
        changes.push({
          row: row.row,
          id: held?.id ?? null,
          name: next.serialNumber,
          is,
          joinedBy: held === undefined ? null : 'serial-number',
          fields: deviceChanges(held, next),
        })
        wanted.push({ row, ordinal })
      }
      return { counts, errors, changes, wanted }
    },
    keep: async (write, rows) => {
      const known = await giveOrdinals(
        write,
        directory,
        rows.map(({ serialNumber }) => ({ kind: 'device', key: serialNumber })),
      )
      const fresh = new Map(known.fresh.map(({ normal, ordinal }) => [normal, ordinal]))
      const put: Device[] = []
      for (const { row, held } of await find(write, rows)) {
        const key = normalKey('device', row.serialNumber)
        put.push(after(row, held ?? bareDevice(fresh.get(key) ?? known.ordinalOf('device', key), key, csvSource)))
      }
      await recordPrincipals(write, put)
    },
  }
}

const deviceFields = ['name', 'platform', 'model', 'ownerId'] as const

const deviceChanges = (before: Device | undefined, after: Device): readonly FieldChange[] => {
  const changes: FieldChange[] = before === undefined ? [{ field: 'serialNumber', before: '', after: after.serialNumber }] : []
  const add = (field: string, was: string, is: string): void => {
    if (was !== is) changes.push({ field, before: was, after: is })
  }
  for (const field of deviceFields) add(field, before?.[field] ?? '', after[field] ?? '')
  if (before !== undefined) {
    add('sources', before.sources.join(', '), after.sources.join(', '))
    add('left', before.left ?? '', '')
  }
  return changes
}
