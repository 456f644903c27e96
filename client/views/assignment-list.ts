/** Every assignment of every license: what it asks for, what came of it, who made it. */
import { termsOf, type Intent, type PlacedWish } from '../../shared/assignment.ts'
import { licensesKey, wishesKey, seatsKey, ordersKey } from '../../shared/facts.ts'
import { assignmentIdOf, targetOf, type AssignmentId, type LicenseId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { Group } from '../../shared/principal.ts'
import { noTally, type WishTally } from '../../shared/tallies.ts'
import type { DirectoryReader, People, TargetName } from '../directory.ts'
import type { ChunkRead, Facts } from '../facts.ts'
import type { Foretelling } from '../foretelling.ts'
import { standingWith } from '../outbox.ts'

export interface AssignmentRow {
  readonly id: AssignmentId
  readonly license: License
  /** The location's name. */
  readonly place: string
  readonly target: Pick<TargetName, 'key' | 'name'> & { readonly kind: 'user' | 'device' | 'group' | 'all' }
  readonly placed: PlacedWish
  /** Its edit is on this device alone. */
  readonly unsent: boolean
}

export type AssignmentSort = 'license' | 'target' | 'by' | 'at' | 'begins' | 'ends'
export interface AssignmentQuery {
  /** Of a license or a target, or of who made it. */
  readonly text: string
  readonly asks: 'any' | Intent | 'exclude'
  readonly kind: 'any' | 'user' | 'device' | 'group' | 'all'
  readonly dates: 'any' | 'begins' | 'ends'
  readonly sort: AssignmentSort
  readonly turned: boolean
}

interface Looked {
  readonly facts: Facts
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
}

/** What of one license was made when its wishes were last looked at. */
interface Held {
  readonly of: readonly unknown[]
  readonly rows: readonly AssignmentRow[]
}

/** Keeps what has not changed: 10,000 rows are made once. */
export const createAssignmentList = (): ((sources: Looked) => ChunkRead<readonly AssignmentRow[]>) => {
  const heldByLicense = new Map<LicenseId, Held>()
  let last: { readonly of: readonly Held[]; readonly rows: readonly AssignmentRow[] } | undefined
  return ({ facts, directory, foretelling }) => {
    const wishKeys = facts.run('wishes/')
    const licenseKeys = facts.run('licenses/')
    const connectors = facts.rows('connectors')
    const groups = directory.groups()
    const people = directory.people()
    if (
      wishKeys.is === 'loading' ||
      licenseKeys.is === 'loading' ||
      connectors.is === 'loading' ||
      groups.is === 'loading' ||
      people.is === 'loading'
    )
      return { is: 'loading' }
    const placeById = new Map(connectors.value.map(({ id, name }) => [id, name]))
    const groupById = new Map(groups.value.map((group) => [group.id, group]))
    const held: Held[] = []
    let loading = false
    for (const key of licenseKeys.value) {
      const licenses = facts.rows(key)
      if (licenses.is === 'loading') {
        loading = true
        continue
      }
      for (const license of licenses.value) {
        const wishes = facts.rows(wishesKey(license.id))
        if (wishes.is === 'loading') {
          loading = true
          continue
        }
        const pending = foretelling.pendingOf(license.id)
        if (wishes.value.length === 0 && pending.length === 0) continue
        const of = [license, wishes.value, groups.value, people.value, placeById.get(license.connectorId), ...pending]
        let one = heldByLicense.get(license.id)
        if (one === undefined || one.of.length !== of.length || !one.of.every((part, at) => part === of[at])) {
          const place = placeById.get(license.connectorId) ?? ''
          one = {
            of,
            rows: [...standingWith(wishes.value, pending).values()].flatMap(({ placed, unsent }) =>
              placed.wish.mode === 'removed'
                ? []
                : [
                    {
                      id: assignmentIdOf(license.id, placed.key),
                      license,
                      place,
                      target: targetNamed(placed, groupById, people.value),
                      placed,
                      unsent,
                    },
                  ],
            ),
          }
          heldByLicense.set(license.id, one)
        }
        held.push(one)
      }
    }
    if (loading) return { is: 'loading' }
    if (last === undefined || last.of.length !== held.length || !last.of.every((one, at) => one === held[at]))
      last = { of: held, rows: held.flatMap(({ rows }) => rows) }
    return { is: 'ready', value: last.rows }
  }
}

const targetNamed = ({ key }: PlacedWish, groupById: ReadonlyMap<string, Group>, people: People): AssignmentRow['target'] => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'all-users':
      return { key, name: 'All people', kind: 'all' }
    case 'all-devices':
      return { key, name: 'All devices', kind: 'all' }
    case 'group':
      return { key, name: groupById.get(target.id)?.name ?? target.id, kind: 'group' }
    case 'user':
    case 'device':
      return { key, name: people.nameOf(Number(target.id.slice(1)), target.kind).name, kind: target.kind }
  }
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' })
/** What begins or ends within it is soon. */
const soonMs = 14 * 86_400_000

export const arrangeAssignments = (rows: readonly AssignmentRow[], query: AssignmentQuery, now: number): readonly AssignmentRow[] => {
  const wanted = query.text.trim().toLowerCase()
  const isSoon = (iso: string | null): boolean => iso !== null && Date.parse(iso) > now && Date.parse(iso) <= now + soonMs
  const found = rows.filter(({ license, target, placed: { wish, by } }) => {
    if (wish.mode === 'removed') return false
    if (query.asks !== 'any' && query.asks !== (wish.mode === 'exclude' ? 'exclude' : wish.intent)) return false
    if (query.kind !== 'any' && query.kind !== target.kind) return false
    const { startsAt, endsAt } = termsOf(wish)
    if (query.dates !== 'any' && !isSoon(query.dates === 'begins' ? startsAt : endsAt)) return false
    return wanted === '' || [license.product.name, target.name, by].some((name) => name.toLowerCase().includes(wanted))
  })
  const compare = (a: AssignmentRow, b: AssignmentRow): number => {
    switch (query.sort) {
      case 'license':
        return collator.compare(a.license.product.name, b.license.product.name)
      case 'target':
        return collator.compare(a.target.name, b.target.name)
      case 'by':
        return collator.compare(a.placed.by, b.placed.by)
      case 'at':
        return a.placed.at < b.placed.at ? 1 : a.placed.at > b.placed.at ? -1 : 0
      case 'begins':
        return byDate(termsOf(a.placed.wish).startsAt, termsOf(b.placed.wish).startsAt)
      case 'ends':
        return byDate(termsOf(a.placed.wish).endsAt, termsOf(b.placed.wish).endsAt)
    }
  }
  const turn = query.turned ? -1 : 1
  return found.sort(
    (a, b) =>
      turn * compare(a, b) ||
      collator.compare(a.license.product.name, b.license.product.name) ||
      collator.compare(a.target.name, b.target.name) ||
      (a.id < b.id ? -1 : 1),
  )
}
/** Without a date last. */
const byDate = (a: string | null, b: string | null): number => (a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1)

/** How an assignment stands. A license is reckoned when one of its rows is looked at, and kept until something of it changes. */
export const createTallies = (): ((sources: Looked & { now(): number }, row: AssignmentRow) => WishTally | undefined) => {
  const held = new Map<LicenseId, { readonly of: readonly unknown[]; readonly tallies: ReadonlyMap<string, WishTally> }>()
  return ({ facts, foretelling, now }, { license, placed }) => {
    const parts = [facts.rows(licensesKey(license.id)), facts.rows(wishesKey(license.id)), facts.rows(ordersKey(license.id))]
    const seats = facts.columns(seatsKey(license.id))
    const of = [
      ...parts.map((part) => (part.is === 'ready' ? part.value : undefined)),
      seats.is === 'ready' ? seats.value : undefined,
      license,
      ...foretelling.pendingOf(license.id),
    ]
    let one = held.get(license.id)
    if (one === undefined || one.of.length !== of.length || !one.of.every((part, at) => part === of[at])) {
      const state = foretelling.state(license.id, now())
      if (state.is === 'loading' || state.value === undefined) return undefined
      one = { of, tallies: state.value.reconciled.tallyByKey }
      held.set(license.id, one)
    }
    return one.tallies.get(placed.key) ?? noTally
  }
}

/** Those of whose people somebody waits: only licenses for which somebody does are reckoned. */
export const withWaiting = (
  rows: readonly AssignmentRow[],
  tallyOf: (row: AssignmentRow) => WishTally | undefined,
): readonly AssignmentRow[] => {
  // By the server's count, or foretold by an edit of this device.
  const edited = new Set(rows.filter(({ unsent }) => unsent).map(({ license }) => license.id))
  return rows.filter((row) => (row.license.tally.waiting > 0 || edited.has(row.license.id)) && (tallyOf(row)?.waiting ?? 0) > 0)
}
