/**
 * Reconcile at full size, as the server does it: its own database, directory and weighing, without the orders that would
 * follow. Everything is read once before, as it is on a server that has been running; what is measured is weighing.
 */
import { createDirectory } from '../../server/directory/directory.ts'
import { createJournal } from '../../server/journal.ts'
import { prepareWeighing, weigh } from '../../server/weighing.ts'
import { columnsFact, columnsOfMembers, licenseIdOf, membersKey, noColumns, noOrdinals } from '../../shared/facts.ts'
import type { GroupId, LicenseId } from '../../shared/ids.ts'
import { nestingOf } from '../../shared/groups.ts'
import { decide, reconcile, type ReconcileInput } from '../../shared/reconcile.ts'
import { openDatabase } from '../../server/database/database.ts'
import { fullPlan, writeLargePlan, type PlanSize } from './large-plan.ts'
import { writeLargeTenant } from './large-tenant.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ReconcileFigures {
  readonly verdicts: number
  readonly groups: number
  /** With the members of nested groups gathered anew; with them at hand; likewise, and a verdict made for everybody. */
  readonly fullMs: { readonly cold: readonly number[]; readonly warm: readonly number[]; readonly explained: readonly number[] }
  /** From a change of one member, already kept, to the last license that it touches. */
  readonly afterChangeMs: readonly number[]
  readonly licensesTouched: readonly number[]
}

const rounds = 3
const changes = 40

export const measureReconcile = async (size: PlanSize = fullPlan): Promise<ReconcileFigures> => {
  const dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-bench-'))
  const { db, close } = await openDatabase({ dataDir, databaseUrl: null })
  try {
    const now = Date.now()
    await writeLargeTenant(db, { licenses: size.licenses, principals: size.principals, seats: 1_000_000 }, now)
    await writeLargePlan(db, size, now)
    const journal = await createJournal({ db, now: () => now })
    const directory = await createDirectory({ journal })
    const inputs = new Map<LicenseId, ReconcileInput>()
    const groupsByLicense = new Map<LicenseId, ReadonlySet<GroupId>>()
    const inputOf = async (id: LicenseId): Promise<ReconcileInput> => {
      const weighing = await prepareWeighing({ facts: journal, directory }, id)
      const input = weighing === undefined ? undefined : await weigh(journal, weighing, now)
      if (weighing === undefined || input === undefined) throw new Error(`bench: no license ${id}`)
      groupsByLicense.set(id, weighing.groups)
      return input
    }
    for (let n = 1; n <= size.licenses; n += 1) inputs.set(licenseIdOf(n), await inputOf(licenseIdOf(n)))

    const timed = (weighOne: (input: ReconcileInput) => void): number => {
      const begun = performance.now()
      for (const input of inputs.values()) weighOne(input)
      return performance.now() - begun
    }
    const cold: number[] = []
    const warm: number[] = []
    const explained: number[] = []
    let verdicts = 0
    const groups = await journal.rows('groups')
    for (let round = 0; round < rounds; round += 1) {
      // Every group is touched, so that nothing that was gathered before is at hand.
      await journal.write(async (write) => {
        for (const { id } of groups) await write.record(columnsFact(membersKey(id), noColumns, noOrdinals))
      })
      cold.push(timed(decide))
      warm.push(timed(decide))
      verdicts = 0
      explained.push(timed((input) => void (verdicts += reconcile(input).verdicts.length)))
    }

    const nesting = nestingOf(groups)
    const afterChangeMs: number[] = []
    const licensesTouched: number[] = []
    for (let n = 0; n < changes; n += 1) {
      const group = groups[(n * 997) % groups.length]
      if (group === undefined) continue
      const half = size.principals / 2
      const joined = (group.kind === 'user' ? 1 : half + 1) + ((n * 7919) % half)
      await journal.write((write) => write.record(columnsFact(membersKey(group.id), columnsOfMembers([joined]))))
      const begun = performance.now()
      const around = new Set(nesting.around(group.id))
      const touched = [...groupsByLicense].filter(([, named]) => [...around].some((each) => named.has(each)))
      for (const [license] of touched) decide(await inputOf(license))
      afterChangeMs.push(performance.now() - begun)
      licensesTouched.push(touched.length)
    }
    directory.close()
    return { verdicts, groups: groups.length, fullMs: { cold, warm, explained }, afterChangeMs, licensesTouched }
  } finally {
    await close()
    rmSync(dataDir, { recursive: true, force: true })
  }
}
