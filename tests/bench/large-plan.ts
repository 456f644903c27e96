/** A plan of full size on top of `large-tenant.ts`: nested groups of people and of devices, and assignments that name them. */
import type { Db } from '../../server/database/schema.ts'
import { createJournal } from '../../server/journal.ts'
import type { PlacedWish } from '../../shared/assignment.ts'
import { isoTime } from '../../shared/clock.ts'
import { columnsFact, columnsOfMembers, licenseIdOf, membersKey, rowsFact, wishesKey } from '../../shared/facts.ts'
import { parseGroupId, principalIdOf, targetKeyOf, type GroupId, type PrincipalKind, type TargetKey } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'

export interface PlanSize {
  /** The first half of the ordinals are people, the others devices. */
  readonly principals: number
  readonly groups: number
  readonly membersEach: number
  readonly licenses: number
  readonly assignments: number
}

export const fullPlan: PlanSize = { principals: 100_000, groups: 5_000, membersEach: 200, licenses: 2_000, assignments: 10_000 }

/** The same numbers every time. */
const drawing = (seed: number): ((below: number) => number) => {
  let state = seed
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const groupIdOf = (n: number): GroupId => {
  const id = parseGroupId(`plan-${n}`)
  if (id === undefined) throw new Error('large plan: made an id that is none')
  return id
}
const kindOfGroup = (n: number): PrincipalKind => (n % 2 === 0 ? 'user' : 'device')

/** A tree of four levels for each kind: each group of the first three holds groups of the next, 4 on average. */
const groupOf = (n: number, { groups, membersEach }: PlanSize, draw: (below: number) => number): Group => {
  const level = n < groups / 64 ? 0 : n < groups / 16 ? 1 : n < groups / 4 ? 2 : 3
  const from = level === 0 ? groups / 64 : level === 1 ? groups / 16 : groups / 4
  const to = level === 0 ? groups / 16 : level === 1 ? groups / 4 : groups
  const nested =
    level === 3
      ? []
      : Array.from({ length: 4 }, () => Math.floor((from + draw(to - from)) / 2) * 2 + (n % 2)).filter(
          (child) => child > n && child < groups,
        )
  return {
    id: groupIdOf(n),
    name: `Group ${n}`,
    kind: kindOfGroup(n),
    memberCount: membersEach,
    sources: ['csv'],
    groups: [...new Set(nested)].map(groupIdOf),
  }
}

/** Nine in ten assignments name a group, one in two hundred everybody, the others one person or device. */
const targetOf = (size: PlanSize, draw: (below: number) => number): { readonly key: TargetKey; readonly kind: PrincipalKind } => {
  const sort = draw(200)
  const half = size.principals / 2
  if (sort < 180) {
    const n = draw(size.groups)
    return { key: targetKeyOf({ kind: 'group', id: groupIdOf(n) }), kind: kindOfGroup(n) }
  }
  if (sort === 180) return { key: targetKeyOf({ kind: 'all-users' }), kind: 'user' }
  if (sort < 190) return { key: targetKeyOf({ kind: 'user', id: principalIdOf('user', 1 + draw(half)) }), kind: 'user' }
  return { key: targetKeyOf({ kind: 'device', id: principalIdOf('device', half + 1 + draw(half)) }), kind: 'device' }
}

export const writeLargePlan = async (db: Db, size: PlanSize, now: number): Promise<void> => {
  const journal = await createJournal({ db, now: () => now })
  const draw = drawing(20_261_124)
  const half = size.principals / 2
  await journal.write(async (write) => {
    const groups = Array.from({ length: size.groups }, (_, n) => groupOf(n, size, draw))
    await write.record(rowsFact('groups', groups))
    for (const { id, kind } of groups) {
      const members = new Set<number>()
      while (members.size < size.membersEach) members.add((kind === 'user' ? 1 : half + 1) + draw(half))
      await write.record(columnsFact(membersKey(id), columnsOfMembers(members)))
    }
  })
  const perLicense = size.assignments / size.licenses
  for (let from = 1; from <= size.licenses; from += 200)
    await journal.write(async (write) => {
      for (let n = from; n < Math.min(from + 200, size.licenses + 1); n += 1) {
        const wishByKey = new Map<TargetKey, PlacedWish>()
        while (wishByKey.size < perLicense) {
          const { key, kind } = targetOf(size, draw)
          wishByKey.set(key, {
            key,
            wish: {
              mode: draw(20) === 0 ? 'exclude' : 'include',
              intent: draw(10) === 0 ? 'available' : 'required',
              licenseType: kind,
              rev: 1,
            },
            note: '',
            by: 'Ana Ruiz',
            at: isoTime(now),
            taken: n * 10 + wishByKey.size,
          })
        }
        await write.record(rowsFact(wishesKey(licenseIdOf(n)), [...wishByKey.values()]))
      }
    })
  await journal.settle()
}
