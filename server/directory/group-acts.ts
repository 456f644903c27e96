/** Groups kept by hand: made, renamed, filled, nested, and made by a rule. */
import { appendAudit, type Json } from '../audit.ts'
import type { Journal, Writing } from '../journal.ts'
import type { Actor } from '../../shared/admin.ts'
import type { Chance, Clock } from '../../shared/clock.ts'
import { membersKey, rowsFact } from '../../shared/facts.ts'
import { nestingOf } from '../../shared/groups.ts'
import { ruleFaultOf, type GroupRule, type RuleFault } from '../../shared/group-rule.ts'
import { ordinalOf, parseGroupId, parsePrincipalId, principalKindOf, type GroupId, type LicenseId } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import { err, ok, type Result } from '../../shared/result.ts'
import { handSource, owningSources, withHand, type IsAsRead } from './by-hand.ts'
import type { DirectoryIndex } from './directory.ts'
import { licensesFor, newGroup, normalGroupName, recordMembers, recordRemovals, withGroups } from './group-record.ts'

export type GroupRefused =
  | { readonly is: 'unknown' }
  | { readonly is: 'known-already'; readonly id: string }
  | { readonly is: 'owned-by-source'; readonly sources: readonly string[] }
  | { readonly is: 'changed-meanwhile'; readonly current: Group }
  /** Ids that are neither of a principal nor of a group of this kind. */
  | { readonly is: 'members-unknown'; readonly ids: readonly string[] }
  /** It would hold itself; `path` leads from the group to be nested down to this one. */
  | { readonly is: 'group-in-itself'; readonly path: readonly Group[] }
  /** Who is in follows from a rule. */
  | { readonly is: 'rule-made' }
  | { readonly is: 'rule-unfit'; readonly fault: RuleFault }
  /** A rule says who is in, so nothing can be nested in it. */
  | { readonly is: 'rule-with-groups'; readonly groups: readonly Group[] }
  | { readonly is: 'group-in-use'; readonly licenses: readonly LicenseId[] }

export interface NewGroup extends Pick<Group, 'name' | 'kind'> {
  readonly rule?: GroupRule | undefined
}
/** `rule: null` leaves those in who are in, and has them named one by one from then on. */
export interface GroupChange {
  readonly name?: string | undefined
  readonly rule?: GroupRule | null | undefined
}
/** Ids of principals and of groups. */
export interface MemberChange {
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

export interface GroupActs {
  add(actor: Actor, fresh: NewGroup): Promise<Result<Group, GroupRefused>>
  change(actor: Actor, id: GroupId, change: GroupChange, isAsRead: IsAsRead<Group>): Promise<Result<Group, GroupRefused>>
  /** In place of the members and nested groups before. */
  setMembers(actor: Actor, id: GroupId, members: readonly string[], isAsRead: IsAsRead<Group>): Promise<Result<Group, GroupRefused>>
  /** Others may change the group meanwhile. Who is in already, or is not, is passed over. */
  changeMembers(actor: Actor, id: GroupId, change: MemberChange, isAsRead: IsAsRead<Group>): Promise<Result<Group, GroupRefused>>
  /** Gives the groups in which it was nested, and is no more. */
  remove(actor: Actor, id: GroupId, isAsRead: IsAsRead<Group>): Promise<Result<readonly Group[], GroupRefused>>
}

export interface GroupActDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly chance: Chance
}

export const createGroupActs = ({ journal, directory, clock, chance }: GroupActDeps): GroupActs => {
  const audit = (
    write: Writing,
    actor: Actor,
    action: string,
    object: string,
    detail: { readonly [name: string]: Json },
  ): Promise<number> => appendAudit(write.trx, { at: clock.now(), actor, action, object, detail, origin: 'api' })

  const inGroup = <T>(
    id: GroupId,
    isAsRead: IsAsRead<Group>,
    act: (write: Writing, group: Group, groups: readonly Group[]) => Promise<Result<T, GroupRefused>>,
  ) =>
    journal.write(async (write): Promise<Result<T, GroupRefused>> => {
      const groups = await write.rows('groups')
      const group = groups.find((row) => row.id === id)
      if (group === undefined) return err({ is: 'unknown' })
      if (!isAsRead(group)) return err({ is: 'changed-meanwhile', current: group })
      const owners = owningSources(group.sources)
      if (owners.length > 0) return err({ is: 'owned-by-source', sources: owners })
      return await act(write, group, groups)
    })

  const takenBy = (groups: readonly Group[], name: string, except?: GroupId): Group | undefined =>
    groups.find((row) => row.id !== except && normalGroupName(row.name) === normalGroupName(name))

  /** Sorts out ids of principals and of groups that can be in this one. */
  const readMembers = (
    group: Group,
    groups: readonly Group[],
    ids: readonly string[],
  ): Result<{ readonly ordinals: readonly number[]; readonly nested: readonly GroupId[] }, GroupRefused> => {
    const kindById = new Map(groups.map((each) => [each.id, each.kind]))
    const ordinals: number[] = []
    const nested: GroupId[] = []
    const strangers: string[] = []
    for (const text of ids) {
      const principal = parsePrincipalId(text)
      const inner = principal === undefined ? parseGroupId(text) : undefined
      if (
        principal !== undefined &&
        principalKindOf(principal) === group.kind &&
        directory.principal(ordinalOf(principal))?.kind === group.kind
      )
        ordinals.push(ordinalOf(principal))
      else if (inner !== undefined && kindById.get(inner) === group.kind) nested.push(inner)
      else strangers.push(text)
    }
    return strangers.length > 0 ? err({ is: 'members-unknown', ids: strangers }) : ok({ ordinals, nested })
  }

  const keepMembers = async (
    write: Writing,
    actor: Actor,
    group: Group,
    groups: readonly Group[],
    ordinals: Iterable<number>,
    nested: readonly GroupId[],
  ): Promise<Result<Group, GroupRefused>> => {
    // What a source nested into a ring before stays as it is until somebody takes it out.
    for (const inner of nested.filter((each) => group.groups?.includes(each) !== true)) {
      const path = pathTo(groups, inner, group.id)
      if (path !== undefined) return err({ is: 'group-in-itself', path })
    }
    const counted = await recordMembers(write, withGroups({ ...group, sources: withHand(group.sources) }, nested), ordinals)
    await audit(write, actor, 'group.members-set', group.id, {
      members: counted.memberCount,
      before: group.memberCount,
      groups: counted.groups ?? [],
      groupsBefore: group.groups ?? [],
    })
    return ok(counted)
  }

  return {
    add: (actor, fresh) =>
      journal.write(async (write): Promise<Result<Group, GroupRefused>> => {
        const taken = takenBy(await write.rows('groups'), fresh.name)
        if (taken !== undefined) return err({ is: 'known-already', id: taken.id })
        const fault = fresh.rule === undefined ? undefined : ruleFaultOf(fresh.kind, fresh.rule)
        if (fault !== undefined) return err({ is: 'rule-unfit', fault })
        const bare = newGroup(chance, fresh.name, fresh.kind, handSource)
        const group: Group = fresh.rule === undefined ? bare : { ...bare, rule: fresh.rule }
        await write.record(rowsFact('groups', [group]))
        await audit(write, actor, 'group.added', group.id, { name: group.name, kind: group.kind, rule: jsonOf(group.rule) })
        return ok(group)
      }),
    change: (actor, id, { name, rule }, isAsRead) =>
      inGroup(id, isAsRead, async (write, group, groups) => {
        const taken = name === undefined ? undefined : takenBy(groups, name, id)
        if (taken !== undefined) return err({ is: 'known-already', id: taken.id })
        if (rule !== undefined && rule !== null) {
          const fault = ruleFaultOf(group.kind, rule)
          if (fault !== undefined) return err({ is: 'rule-unfit', fault })
          const nested = groups.filter((each) => group.groups?.includes(each.id) === true)
          if (nested.length > 0) return err({ is: 'rule-with-groups', groups: nested })
        }
        const { rule: ruleBefore, ...bare } = group
        const ruleAfter = rule === undefined ? ruleBefore : (rule ?? undefined)
        const changed: Group = {
          ...bare,
          name: name ?? group.name,
          sources: withHand(group.sources),
          ...(ruleAfter === undefined ? {} : { rule: ruleAfter }),
        }
        await write.record(rowsFact('groups', [changed]))
        await audit(write, actor, 'group.changed', id, {
          name: changed.name,
          before: group.name,
          ...(rule === undefined ? {} : { rule: jsonOf(ruleAfter), ruleBefore: jsonOf(ruleBefore) }),
        })
        return ok(changed)
      }),
    setMembers: (actor, id, members, isAsRead) =>
      inGroup(id, isAsRead, async (write, group, groups) => {
        if (group.rule !== undefined) return err({ is: 'rule-made' })
        const read = readMembers(group, groups, members)
        return read.ok ? await keepMembers(write, actor, group, groups, read.value.ordinals, read.value.nested) : read
      }),
    changeMembers: (actor, id, change, isAsRead) =>
      inGroup(id, isAsRead, async (write, group, groups) => {
        if (group.rule !== undefined) return err({ is: 'rule-made' })
        const added = readMembers(group, groups, change.add)
        if (!added.ok) return added
        // Whoever is to go may be unknown meanwhile: then they are in no more.
        const removed = new Set(change.remove)
        const held = (await write.columns(membersKey(id))).ordinals
        const prefix = group.kind === 'user' ? 'u' : 'd'
        const ordinals = new Set(held.filter((ordinal) => !removed.has(`${prefix}${ordinal}`)))
        for (const ordinal of added.value.ordinals) ordinals.add(ordinal)
        const nested = new Set((group.groups ?? []).filter((each) => !removed.has(each)))
        for (const each of added.value.nested) nested.add(each)
        return await keepMembers(write, actor, group, groups, ordinals, [...nested])
      }),
    remove: (actor, id, isAsRead) =>
      inGroup(id, isAsRead, async (write, group) => {
        const licenses = await licensesFor(write, id)
        if (licenses.length > 0) return err({ is: 'group-in-use', licenses })
        const around = await recordRemovals(write, [group])
        await audit(write, actor, 'group.removed', id, {
          name: group.name,
          members: group.memberCount,
          takenOutOf: around.map((each) => each.id),
        })
        return ok(around)
      }),
  }
}

const jsonOf = (rule: GroupRule | undefined): Json =>
  rule === undefined ? null : { match: rule.match, conditions: rule.conditions.map(({ field, test, value }) => ({ field, test, value })) }

/** From one group down to another nested in it, both included; undefined when it is not in it. */
const pathTo = (groups: readonly Group[], from: GroupId, to: GroupId): readonly Group[] | undefined => {
  const nesting = nestingOf(groups)
  const cameFrom = new Map<GroupId, GroupId | undefined>([[from, undefined]])
  for (const id of cameFrom.keys()) {
    if (id === to) {
      const path: Group[] = []
      for (let at: GroupId | undefined = id; at !== undefined; at = cameFrom.get(at)) {
        const group = nesting.find(at)
        if (group !== undefined) path.unshift(group)
      }
      return path
    }
    for (const each of nesting.find(id)?.groups ?? []) if (!cameFrom.has(each)) cameFrom.set(each, id)
  }
  return undefined
}
