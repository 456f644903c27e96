/**
 * Rule-made groups, kept in step with the directory. Who changed is judged anew by every rule, and a group whose rule
 * changed by everybody, in an act after the one that changed them; devices also when their owner changed. Everything is
 * compared at the start, so that nothing is stale after a crash between the two acts.
 *
 * Large runs are judged outside the journal in slices, so that others are served in between. What changed meanwhile is
 * judged once more.
 */
import type { Journal, Writing } from '../journal.ts'
import { columnsOfMembers, indexOfOrdinal, membersKey, principalsKey, principalsPerChunk, rowsFact } from '../../shared/facts.ts'
import { ordinalOf, principalKindOf, type GroupId, type PrincipalId } from '../../shared/ids.ts'
import { isUser, type Group, type Principal, type User } from '../../shared/principal.ts'
import { asksForOwner, ruleTester, ruleValuesOf, type RuleValues } from '../../shared/rule-made.ts'
import type { FactReader } from '../facts.ts'
import { recordColumn, recordGroups } from './group-record.ts'

export interface RuleGroups {
  /** Compares everything, in the background. */
  start(): void
  /** Ends after what is at work; begins nothing more. */
  stop(): Promise<void>
  /** Waits until every change that is known has been judged. */
  idle(): Promise<void>
}

export interface RuleGroupDeps {
  readonly journal: Journal
  readonly onTrouble: (cause: unknown) => void
}

/** Judged within one act; more than these are judged outside it first. */
const mostInOneAct = 2_000
/** Principal and rule pairs judged before others are served: some 5 ms. */
const judgedPerSlice = 20_000
/** Memberships compared in one act: some 20 ms. */
const comparedPerAct = 50_000

export const createRuleGroups = ({ journal, onTrouble }: RuleGroupDeps): RuleGroups => {
  /** The rule by which each group was filled last, as text. */
  const ruleById = new Map<GroupId, string>()
  let changed = new Set<number>()
  let toFill = new Set<GroupId>()
  let everything = false
  let isStopped = false
  let running: Promise<void> | undefined

  const noteGroups = (groups: readonly Group[]): void => {
    for (const { id, rule } of groups) {
      if (rule === undefined) {
        ruleById.delete(id)
        continue
      }
      const text = JSON.stringify(rule)
      if (ruleById.get(id) === text) continue
      ruleById.set(id, text)
      toFill.add(id)
    }
  }

  const stopFacts = journal.onFacts((facts) => {
    for (const { key, fact } of facts) {
      if (key === 'groups') {
        noteGroups(fact.put as readonly Group[])
        for (const id of fact.remove as readonly string[]) ruleById.delete(id as GroupId)
      } else if (key.startsWith('principals/') && ruleById.size > 0)
        for (const { id } of fact.put as readonly Principal[]) changed.add(ordinalOf(id))
    }
    wake()
  })
  const stopForget = journal.onForget(() => {
    everything = true
    wake()
  })

  const hasWork = (): boolean => everything || toFill.size > 0 || changed.size > 0

  const wake = (): void => {
    if (isStopped || running !== undefined || !hasWork()) return
    running = run().then(
      () => {
        running = undefined
        // What came while the run ended.
        wake()
      },
      (cause: unknown) => {
        running = undefined
        // Compared whole at the next change: nothing is left out by a failure, and a database that is down is not pressed.
        everything = true
        onTrouble(cause)
      },
    )
  }

  const run = async (): Promise<void> => {
    while (!isStopped && hasWork()) {
      const all = everything
      const [these, fill] = [changed, toFill]
      everything = false
      changed = new Set()
      toFill = new Set()
      if (all) {
        const groups = await journal.rows('groups')
        ruleById.clear()
        for (const { id, rule } of groups) if (rule !== undefined) ruleById.set(id, JSON.stringify(rule))
        await fillWhole(new Set(ruleById.keys()))
        continue
      }
      if (fill.size > 0) await fillWhole(fill)
      if (these.size > mostInOneAct) await fillWhole(new Set(ruleById.keys()))
      else if (these.size > 0) await journal.write((write) => judgeSome(write, these))
    }
  }

  return {
    start: () => {
      everything = true
      wake()
    },
    stop: async () => {
      isStopped = true
      stopFacts()
      stopForget()
      await running
    },
    idle: async () => {
      while (running !== undefined) await running
    },
  }

  /** Judges everybody by these groups' rules outside the journal, then writes the differences in acts of bounded size. */
  async function fillWhole(ids: ReadonlySet<GroupId>): Promise<void> {
    const groups = (await journal.rows('groups')).filter(({ id, rule }) => rule !== undefined && ids.has(id))
    if (groups.length === 0) return
    const testers = groups.flatMap((group) =>
      group.rule === undefined ? [] : [{ group, rule: JSON.stringify(group.rule), holds: ruleTester(group.rule), found: [] as number[] }],
    )
    const owners = groups.some(({ rule }) => rule !== undefined && asksForOwner(rule))
    const people = createReader(journal)
    let judged = 0
    for (const key of await journal.store.keys('principals/')) {
      for (const principal of await journal.rows(key as `principals/${number}`)) {
        const values = ruleValuesOf(principal, owners ? await people.ownerOf(principal) : undefined)
        const kind = principalKindOf(principal.id)
        const ordinal = ordinalOf(principal.id)
        for (const { group, holds, found } of testers) if (group.kind === kind && holds(values)) found.push(ordinal)
        judged += testers.length
        if (judged < judgedPerSlice) continue
        judged = 0
        if (isStopped) return
        await breathe()
      }
    }
    let some: typeof testers = []
    let compared = 0
    for (const [at, tester] of testers.entries()) {
      some.push(tester)
      compared += tester.found.length + tester.group.memberCount
      if (compared < comparedPerAct && at < testers.length - 1) continue
      const these = some
      await journal.write(async (write) => {
        const held = new Map((await write.rows('groups')).map((group) => [group.id, group]))
        const counted: Group[] = []
        for (const {
          group: { id },
          rule,
          found,
        } of these) {
          const group = held.get(id)
          // A rule that changed meanwhile has its own run behind this one.
          if (group?.rule !== undefined && JSON.stringify(group.rule) === rule) counted.push(await recordColumn(write, group, found))
        }
        await recordGroups(write, counted)
      })
      some = []
      compared = 0
      if (isStopped) return
      await breathe()
    }
  }
}

const breathe = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/** Reads each chunk of principals once. */
const createReader = (facts: FactReader) => {
  const chunks = new Map<string, ReadonlyMap<number, Principal>>()
  const find = async (ordinal: number): Promise<Principal | undefined> => {
    const key = principalsKey(ordinal)
    let chunk = chunks.get(key)
    if (chunk === undefined) {
      chunk = new Map((await facts.rows(key)).map((row) => [ordinalOf(row.id), row]))
      chunks.set(key, chunk)
    }
    return chunk.get(ordinal)
  }
  return {
    find,
    ownerOf: async (principal: Principal): Promise<User | undefined> => {
      if (isUser(principal) || principal.ownerId === null) return undefined
      const owner = await find(ordinalOf(principal.ownerId))
      return owner !== undefined && isUser(owner) ? owner : undefined
    },
  }
}

/** Judges those who changed, and the devices of people who did, by every rule. */
const judgeSome = async (write: Writing, changed: ReadonlySet<number>): Promise<void> => {
  const groups = (await write.rows('groups')).filter(({ rule }) => rule !== undefined)
  if (groups.length === 0) return
  const people = createReader(write)
  const owners = groups.some(({ rule }) => rule !== undefined && asksForOwner(rule))
  const toJudge = new Map<number, { readonly kind: 'user' | 'device'; readonly values: RuleValues }>()
  const add = async (principal: Principal): Promise<void> => {
    const values = ruleValuesOf(principal, owners ? await people.ownerOf(principal) : undefined)
    toJudge.set(ordinalOf(principal.id), { kind: principalKindOf(principal.id), values })
  }
  for (const ordinal of changed) {
    const principal = await people.find(ordinal)
    if (principal !== undefined) await add(principal)
  }
  if (owners) for await (const device of devicesOf(write, changed)) await add(device)

  const put: Group[] = []
  for (const group of groups) {
    if (group.rule === undefined) continue
    const holds = ruleTester(group.rule)
    const held = (await write.columns(membersKey(group.id))).ordinals
    const added: number[] = []
    const removed: number[] = []
    for (const [ordinal, { kind, values }] of toJudge) {
      const isIn = indexOfOrdinal(held, ordinal) >= 0
      const belongs = kind === group.kind && holds(values)
      if (belongs && !isIn) added.push(ordinal)
      else if (!belongs && isIn) removed.push(ordinal)
    }
    if (added.length === 0 && removed.length === 0) continue
    await write.record({ chunk: membersKey(group.id), put: columnsOfMembers(added), remove: Uint32Array.from(removed) })
    if (added.length !== removed.length) put.push({ ...group, memberCount: held.length + added.length - removed.length })
  }
  if (put.length > 0) await write.record(rowsFact('groups', put))
}

async function* devicesOf(write: Writing, owners: ReadonlySet<number>): AsyncGenerator<Principal> {
  const row = await write.trx
    .selectFrom('principal_keys')
    .select(({ fn }) => fn.max('ordinal').as('last'))
    .executeTakeFirst()
  const last = Number(row?.last ?? -1)
  const isOwner = (id: PrincipalId | null): boolean => id !== null && owners.has(ordinalOf(id))
  for (let first = 0; first <= last; first += principalsPerChunk)
    for (const principal of await write.rows(principalsKey(first))) if (!isUser(principal) && isOwner(principal.ownerId)) yield principal
}
