/**
 * A large file, taken over in parts of one act each. 1. All its rows are written aside. 2. One act decides: from here on the
 * whole file is taken, whatever happens. 3. Part by part goes into the directory, each with its removal from what is left, in
 * one act. What a stop leaves is done after the next start; what was not decided by then is dropped.
 */
import type { Journal } from '../journal.ts'
import type { Pause } from './csv.ts'

export type JobKind = 'users' | 'devices'
export const rowsPerPart = 500
const partsPerAct = 10

export const writeJob = async (
  journal: Journal,
  job: { readonly id: string; readonly kind: JobKind; readonly actor: string; readonly madeAt: number },
  rows: readonly unknown[],
  pause: Pause,
): Promise<void> => {
  await journal.write(({ trx }) =>
    trx
      .insertInto('import_jobs')
      .values({ id: job.id, kind: job.kind, actor: job.actor, made_at: job.madeAt, taken: 0, done: 0 })
      .execute(),
  )
  for (let from = 0; from < rows.length; from += rowsPerPart * partsPerAct) {
    await pause()
    const parts: { readonly job: string; readonly n: number; readonly rows: string }[] = []
    for (let at = from; at < Math.min(rows.length, from + rowsPerPart * partsPerAct); at += rowsPerPart)
      parts.push({ job: job.id, n: at / rowsPerPart, rows: JSON.stringify(rows.slice(at, at + rowsPerPart)) })
    await journal.write(({ trx }) => trx.insertInto('import_parts').values(parts).execute())
  }
}

export interface OpenJob {
  readonly id: string
  readonly kind: JobKind
}

/** Those that were decided, the oldest first; all others are dropped. */
export const openJobs = async (journal: Journal): Promise<readonly OpenJob[]> =>
  await journal.write(async ({ trx }) => {
    const jobs = await trx.selectFrom('import_jobs').selectAll().orderBy('made_at').orderBy('id').execute()
    const open: OpenJob[] = []
    for (const { id, kind, taken } of jobs) {
      if (taken === 1 && (kind === 'users' || kind === 'devices')) open.push({ id, kind })
      else {
        await trx.deleteFrom('import_parts').where('job', '=', id).execute()
        await trx.deleteFrom('import_jobs').where('id', '=', id).execute()
      }
    }
    return open
  })

export const partsLeft = async (journal: Journal, job: string): Promise<readonly number[]> =>
  await journal.write(async ({ trx }) =>
    (await trx.selectFrom('import_parts').select('n').where('job', '=', job).orderBy('n').execute()).map(({ n }) => n),
  )

/** As they were written. */
export const readPart = async (journal: Journal, job: string, n: number): Promise<readonly unknown[]> =>
  await journal.write(async ({ trx }) => {
    const row = await trx.selectFrom('import_parts').select('rows').where('job', '=', job).where('n', '=', n).executeTakeFirst()
    const rows: unknown = row === undefined ? [] : JSON.parse(row.rows)
    return Array.isArray(rows) ? rows : []
  })
