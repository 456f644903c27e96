/**
 * Assignments as the HTTP API knows them: the wishes of the plan, one for each license and target. Placing, changing and
 * removing one goes through the workspace, as an edit made in a browser does, and is judged by the same code.
 */
import type { FactReader, FactStore } from './facts.ts'
import { findLicense } from './licenses.ts'
import type { IntentsRefused, Workspace } from './workspace.ts'
import type { Actor } from '../shared/admin.ts'
import { sameWish, type PlacedWish, type SeatsAfter, type Wish } from '../shared/assignment.ts'
import { wishesKey } from '../shared/facts.ts'
import { parseLicenseId, type LicenseId, type TargetKey } from '../shared/ids.ts'
import type { PlanIntent } from '../shared/plan.ts'
import { err, ok, type Result } from '../shared/result.ts'

/** A wish that stands; a removed one is a task of the server and no assignment any more. */
export interface Assignment {
  readonly licenseId: LicenseId
  readonly placed: PlacedWish & { readonly wish: StandingWish }
}
export type StandingWish = Exclude<Wish, { readonly mode: 'removed' }>
export type WantedWish = Omit<StandingWish, 'rev'>

export type AssignmentRefused = IntentsRefused | { readonly code: 'changed-meanwhile'; readonly text: string }

export interface Assignments {
  /** Of one license, or of all. */
  list(license: LicenseId | undefined): Promise<readonly Assignment[]>
  find(license: LicenseId, target: TargetKey): Promise<Assignment | undefined>
  /** In place of what stood for this target. `knownRev`: refused unless this very revision stands (`If-Match`). */
  place(
    actor: Actor,
    license: LicenseId,
    target: TargetKey,
    wanted: { readonly wish: WantedWish; readonly note: string | undefined; readonly confirmed: boolean; readonly knownRev?: number },
  ): Promise<Result<Assignment, AssignmentRefused>>
  remove(
    actor: Actor,
    license: LicenseId,
    target: TargetKey,
    seats: SeatsAfter,
    knownRev?: number,
  ): Promise<Result<undefined, AssignmentRefused>>
}

export interface AssignmentsDeps {
  readonly facts: FactReader & { readonly store: Pick<FactStore, 'keys'> }
  readonly workspace: Workspace
  /** What people call a target, for the words of the audit. */
  readonly nameOf: (target: TargetKey) => Promise<string>
}

export const createAssignments = ({ facts, workspace, nameOf }: AssignmentsDeps): Assignments => {
  const of = async (license: LicenseId): Promise<readonly Assignment[]> =>
    (await facts.rows(wishesKey(license))).flatMap((placed) => {
      const { wish } = placed
      return wish.mode === 'removed' ? [] : [{ licenseId: license, placed: { ...placed, wish } }]
    })
  const find = async (license: LicenseId, target: TargetKey): Promise<Assignment | undefined> =>
    (await of(license)).find(({ placed }) => placed.key === target)
  /** The revision that the author of a call knows: what stands now, a removal that is not settled too. */
  const standingRev = async (license: LicenseId, target: TargetKey): Promise<number> =>
    (await facts.rows(wishesKey(license))).find(({ key }) => key === target)?.wish.rev ?? 0

  const take = async (
    actor: Actor,
    license: LicenseId,
    target: TargetKey,
    intents: readonly PlanIntent[],
    words: string,
    knownRev: number | undefined,
  ): Promise<AssignmentRefused | undefined> => {
    const product = (await findLicense(facts, license))?.product.name ?? license
    const taken = await workspace.takeIntents(
      actor,
      license,
      intents,
      `${words} ${product} ${intents[0]?.part === 'wish' && intents[0].wish.mode === 'removed' ? 'from' : 'to'} ${await nameOf(target)}`,
      'api',
      knownRev === undefined ? undefined : { target, rev: knownRev },
    )
    if (!('code' in taken)) return undefined
    return knownRev !== undefined && taken.code === 'superseded' ? { code: 'changed-meanwhile', text: taken.text } : taken
  }

  return {
    find,
    list: async (license) => {
      if (license !== undefined) return await of(license)
      const found: Assignment[] = []
      for (const key of await facts.store.keys('wishes/')) {
        const id = parseLicenseId(key.slice('wishes/'.length))
        if (id !== undefined) found.push(...(await of(id)))
      }
      return found
    },
    place: async (actor, license, target, { wish, note, confirmed, knownRev }) => {
      const before = await find(license, target)
      const baseRev = knownRev ?? (await standingRev(license, target))
      const wanted: Wish = { ...wish, rev: baseRev + 1 }
      const intents: PlanIntent[] = []
      // A note alone leaves the wish, its author's place in the order of serving and its revision as they are.
      if (before === undefined || !sameWish(before.placed.wish, wanted) || note === undefined)
        intents.push({ part: 'wish', target, wish: wanted, baseRev, confirmed })
      // The document may still hold the note of an assignment that was removed.
      if (before === undefined) intents.push({ part: 'note', target, note: note ?? '' })
      else if (note !== undefined && note !== before.placed.note) intents.push({ part: 'note', target, note })
      if (intents.length > 0) {
        const words = wish.mode === 'exclude' ? 'Exclude' : wish.intent === 'uninstall' ? 'Uninstall' : 'Give'
        const refused = await take(actor, license, target, intents, words, knownRev)
        if (refused !== undefined) return err(refused)
      }
      const placed = await find(license, target)
      return placed === undefined
        ? err({ code: 'changed-meanwhile', text: 'Someone else removed this assignment at the same moment. Read the list again.' })
        : ok(placed)
    },
    remove: async (actor, license, target, seats, knownRev) => {
      const baseRev = knownRev ?? (await standingRev(license, target))
      const refused = await take(
        actor,
        license,
        target,
        [{ part: 'wish', target, wish: { mode: 'removed', seats, rev: baseRev + 1 }, baseRev, confirmed: false }],
        seats === 'release' ? 'Take away' : 'Remove the assignment of',
        knownRev,
      )
      return refused === undefined ? ok(undefined) : err(refused)
    },
  }
}
