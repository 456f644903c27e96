/**
 * Takes a CSV file into the directory: all rows or none, unless told otherwise. A file adds and changes; it removes
 * nobody, since a file that is cut short must not make people leave.
 *
 * 1. The whole file is read and weighed, in slices and beside all acts. 2. With a fault in a row nothing is written. 3. A
 * small file is one act. A large one of people or devices is decided by one act and then taken in parts (import-jobs.ts).
 */
import { appendAudit } from '../audit.ts'
import type { Db } from '../database/schema.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import { randomId, type Chance, type Clock } from '../../shared/clock.ts'
import { ok, type Result } from '../../shared/result.ts'
import {
  inSlices,
  readDirectoryCsv,
  type CsvRefused,
  type DeviceRow,
  type DirectoryCsv,
  type ImportKind,
  type Pause,
  type RowError,
  type UserRow,
} from './csv.ts'
import type { DirectoryIndex } from './directory.ts'
import { weighGroups, weighMemberships } from './group-import.ts'
import { openJobs, partsLeft, readPart, rowsPerPart, writeJob, type JobKind, type OpenJob } from './import-jobs.ts'
import { deviceImport, userImport, type SlicedImport } from './people-import.ts'
import type { Counts, RowChange } from './weighed.ts'

export interface Imported extends Counts {
  readonly read: number
  /** Those of the page that was asked for, in the order of the rows. There are `created + changed` of them. */
  readonly changes: readonly RowChange[]
  /** Those of the page that was asked for, in the order of the rows. */
  readonly errors: readonly RowError[]
  readonly errorCount: number
}

export interface ImportOptions {
  /** Says what would happen, and keeps nothing. */
  readonly dryRun: boolean
  /** Takes the good rows although others are wrong. */
  readonly partial: boolean
  /** Of a dry run: how many changes are passed over, and how many are told at most. */
  readonly changesFrom: number
  readonly mostChanges: number
  readonly errorsFrom: number
  readonly mostErrors: number
}

export interface ImportDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
  readonly pause: Pause
}

export type ImportDone = { readonly is: 'kept' | 'refused' | 'tried'; readonly imported: Imported }

export interface DirectoryImport {
  /** `refused`: rows are wrong, and so nothing was kept. One file at a time is taken over; the next waits for it. */
  run(actor: Pick<Actor, 'id' | 'name'>, kind: ImportKind, text: string, options: ImportOptions): Promise<Result<ImportDone, CsvRefused>>
  /** Does what a stop has left of files that were decided. Before every file that follows, too. */
  resume(): Promise<void>
}

/** Weighed at once: some 20 ms of work. */
const rowsPerSlice = 1000

export const createDirectoryImport = (deps: ImportDeps): DirectoryImport => {
  const { db, journal, directory, clock, chance, pause } = deps
  let last: Promise<unknown> = Promise.resolve()
  const oneByOne = <T>(act: () => Promise<T>): Promise<T> => {
    const next = last.then(act, act)
    // Who asked is told what failed; the next one begins all the same.
    last = next.catch(() => undefined)
    return next
  }

  const run: DirectoryImport['run'] = async (actor, kind, text, options) => {
    const csv = await readDirectoryCsv(kind, text, pause)
    if (!csv.ok) return csv
    const take = (): Promise<ImportDone> => takeOne(actor, csv.value, options)
    return ok(options.dryRun ? await take() : await oneByOne(take))
  }

  const takeOne = async (actor: Pick<Actor, 'id' | 'name'>, csv: DirectoryCsv, options: ImportOptions): Promise<ImportDone> => {
    if (!options.dryRun) await finishAll()
    switch (csv.kind) {
      case 'users':
        return await takeSliced(actor, csv.kind, csv, await userImport(directory, csv.rows, pause), options)
      case 'devices':
        return await takeSliced(actor, csv.kind, csv, deviceImport(directory), options)
      case 'groups':
      case 'memberships':
        return await journal.write(async (write) => {
          const weighed = csv.kind === 'groups' ? await weighGroups(deps, write, csv.rows) : await weighMemberships(deps, write, csv.rows)
          const tally = createTally(csv, options)
          tally.add(weighed)
          const outcome = tally.outcome()
          if (outcome.is !== 'kept') return outcome
          await weighed.keep()
          await audit(write, actor, csv.kind, outcome.imported)
          return outcome
        })
    }
  }

  const takeSliced = async <Row extends UserRow | DeviceRow>(
    actor: Pick<Actor, 'id' | 'name'>,
    kind: JobKind,
    csv: { readonly read: number; readonly errors: readonly RowError[]; readonly rows: readonly Row[] },
    sliced: SlicedImport<Row>,
    options: ImportOptions,
  ): Promise<ImportDone> => {
    const tally = createTally(csv, options)
    const wanted: { readonly row: Row; readonly ordinal: number | undefined }[] = []
    for (let from = 0; from < csv.rows.length; from += rowsPerSlice) {
      await pause()
      const slice = await sliced.weigh({ facts: journal, db }, csv.rows.slice(from, from + rowsPerSlice), clock.now())
      tally.add(slice)
      if (!options.dryRun) for (const each of slice.wanted) wanted.push(each)
    }
    const outcome = tally.outcome()
    if (outcome.is !== 'kept') return outcome
    // Those of one chunk of the directory one after another: each chunk is then written once or twice, not for every part.
    const rows = await inSlices(
      wanted.sort((a, b) => (a.ordinal ?? Infinity) - (b.ordinal ?? Infinity) || a.row.row - b.row.row),
      pause,
      ({ row }) => [row],
    )
    if (rows.length <= rowsPerPart)
      await journal.write(async (write) => {
        await sliced.keep(write, rows, clock.now())
        await audit(write, actor, kind, outcome.imported)
      })
    else {
      const job = { id: randomId(chance), kind, actor: actor.name, madeAt: clock.now() }
      await writeJob(journal, job, rows, pause)
      await journal.write(async (write) => {
        await write.trx.updateTable('import_jobs').set({ taken: 1 }).where('id', '=', job.id).execute()
        await audit(write, actor, kind, outcome.imported)
      })
      await finish(job, sliced)
    }
    return outcome
  }

  /** What is read back is what this server wrote. */
  const finish = async <Row>(job: OpenJob, sliced: SlicedImport<Row>): Promise<void> => {
    for (const n of await partsLeft(journal, job.id)) {
      await pause()
      const rows = (await readPart(journal, job.id, n)) as readonly Row[]
      await journal.write(async (write) => {
        await sliced.keep(write, rows, clock.now())
        await write.trx.deleteFrom('import_parts').where('job', '=', job.id).where('n', '=', n).execute()
      })
    }
    await journal.write(({ trx }) => trx.deleteFrom('import_jobs').where('id', '=', job.id).execute())
  }

  const finishAll = async (): Promise<void> => {
    for (const job of await openJobs(journal)) {
      if (job.kind === 'devices') {
        await finish(job, deviceImport(directory))
        continue
      }
      const rows: UserRow[] = []
      for (const n of await partsLeft(journal, job.id)) rows.push(...((await readPart(journal, job.id, n)) as readonly UserRow[]))
      await finish(job, await userImport(directory, rows, pause))
    }
  }

  const audit = async (write: Writing, actor: Pick<Actor, 'id' | 'name'>, kind: ImportKind, imported: Imported): Promise<void> => {
    await appendAudit(write.trx, {
      at: clock.now(),
      actor,
      action: 'directory.imported',
      object: `directory:${kind}`,
      detail: { read: imported.read, created: imported.created, changed: imported.changed, errors: imported.errorCount },
      origin: 'api',
    })
  }

  return { run, resume: () => oneByOne(finishAll) }
}

/** Counts everything and holds what was asked for alone: a file of 100,000 rows may change each of them in six fields. */
const createTally = (csv: { readonly read: number; readonly errors: readonly RowError[] }, options: ImportOptions) => {
  const counts = { created: 0, changed: 0, unchanged: 0 }
  const changes: RowChange[] = []
  const errors: RowError[] = [...csv.errors]
  let seen = 0
  return {
    add: (slice: { readonly counts: Counts; readonly errors: readonly RowError[]; readonly changes: readonly RowChange[] }): void => {
      for (const name of ['created', 'changed', 'unchanged'] as const) counts[name] += slice.counts[name]
      for (const error of slice.errors) errors.push(error)
      for (const change of slice.changes) {
        if (options.dryRun && seen >= options.changesFrom && changes.length < options.mostChanges) changes.push(change)
        seen += 1
      }
    },
    outcome: (): ImportDone => {
      errors.sort((a, b) => a.row - b.row)
      const is = options.dryRun ? 'tried' : errors.length > 0 && !options.partial ? 'refused' : 'kept'
      const told = is === 'refused' ? { created: 0, changed: 0, unchanged: 0 } : counts
      return {
        is,
        imported: {
          read: csv.read,
          ...told,
          changes,
          errors: errors.slice(options.errorsFrom, options.errorsFrom + options.mostErrors),
          errorCount: errors.length,
        },
      }
    },
  }
}
