/**
 * Claims: somebody to whom a license is offered takes a seat, or gives it back. A claim is a fact, weighed by reconcile
 * like a wish, so a scarce seat goes to who claimed first and the others wait with their place. Nothing here asks a store.
 *
 * What is claimed is judged inside the act that keeps it: between a look and the act the offer may have ended.
 */
import type { By } from './api-keys.ts'
import { appendAudit } from './audit.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal, Writing } from './journal.ts'
import type { LicenseStandings } from './license-standings.ts'
import { groupsIn, prepareWeighing, weigh, type Weighing } from './weighing.ts'
import type { PlacedWish, Verdict } from '../shared/assignment.ts'
import { termsOf } from '../shared/assignment.ts'
import type { Claim } from '../shared/claim.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { claimsKey, indexOfOrdinal, isByAssignment, noOrdinals, rowsFact } from '../shared/facts.ts'
import { principalIdOf, targetOf, type LicenseId, type PrincipalId } from '../shared/ids.ts'
import type { ReconcileInput } from '../shared/reconcile.ts'
import { err, ok, type Result } from '../shared/result.ts'
import { actingWishes, touchedBy, touchOn, type Members, type Touch } from '../shared/touching.ts'

export type ClaimRefused =
  | { readonly is: 'license-unknown' }
  | { readonly is: 'principal-unknown' }
  | { readonly is: 'principal-left' }
  | { readonly is: 'principal-inactive' }
  /** No assignment offers it to them, or one excludes them. */
  | { readonly is: 'not-offered' }
  | { readonly is: 'not-yet-offered'; readonly startsAt: string }
  | { readonly is: 'not-device-assignable' }
  | { readonly is: 'not-user-assignable' }
  /** The store no longer lists it, is retired, or does not let it be assigned. */
  | { readonly is: 'license-not-assignable' }
  /** It can never be given back, and that was not confirmed. */
  | { readonly is: 'confirmation-required' }

export type GiveBackRefused =
  | Extract<ClaimRefused, { readonly is: 'license-unknown' | 'principal-unknown' | 'not-offered' }>
  | { readonly is: 'irrevocable' }
  /** An assignment asks for this seat. */
  | { readonly is: 'required' }
  /** There before anybody here asked for it: it is the administrators' to take back. */
  | { readonly is: 'seat-found' }
  /** Neither a seat nor a claim. */
  | { readonly is: 'nothing-to-give-back' }

export interface ClaimStanding {
  readonly principal: PrincipalId
  /** Undefined: it is settled, and nothing more will come of it. */
  readonly claim: Claim | undefined
  /** Undefined: nothing is offered any more. */
  readonly verdict: Verdict | undefined
}

export interface Claims {
  /** Changes nothing where the claim stands already, and answers the same. A claim that the store refused is made anew. */
  claim(by: By, license: LicenseId, ordinal: number, options: { readonly confirmed: boolean }): Promise<Result<ClaimStanding, ClaimRefused>>
  /** Also of a seat that is still waited for: the place in the line is given up. */
  giveBack(by: By, license: LicenseId, ordinal: number): Promise<Result<ClaimStanding, GiveBackRefused>>
  /** Who claimed first is first. */
  of(license: LicenseId): Promise<readonly ClaimStanding[]>
}

/** The wish that decides for one principal, as reconcile sees it; undefined: none touches them. The groups must be prepared. */
export const touchOf = (wishes: readonly PlacedWish[], directory: Members, id: PrincipalId, now: number): Touch | undefined => {
  const ordinal = Number(id.slice(1))
  const only = Uint32Array.of(ordinal)
  const within = (all: Uint32Array): Uint32Array => (indexOfOrdinal(all, ordinal) >= 0 ? only : noOrdinals)
  const theirs = wishes.filter(({ key }) => {
    const target = targetOf(key)
    return (target.kind !== 'user' && target.kind !== 'device') || target.id === id
  })
  const acting = actingWishes(theirs, now)
  const touches = touchedBy(acting, {
    members: (group) => {
      const all = directory.members(group)
      return all === undefined ? undefined : within(all)
    },
    all: (kind) => within(directory.all(kind)),
    ownerOf: (device) => directory.ownerOf(device),
  })
  return touchOn(acting, touches, ordinal)
}

/** A plan that names ever other groups between the look and the act. */
const mostLooks = 5

export const createClaims = (deps: {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly standings: LicenseStandings
  readonly clock: Clock
}): Claims => {
  const { journal, directory, standings, clock } = deps

  /** `judge` runs inside the act, on facts and groups that belong together. */
  const act = async <Refused>(
    license: LicenseId,
    ordinal: number,
    unknown: { readonly license: Refused; readonly principal: Refused },
    judge: (write: Writing, seen: Seen) => Promise<Result<undefined, Refused>>,
  ): Promise<Result<ClaimStanding, Refused>> => {
    const state = directory.principal(ordinal)
    if (state === undefined) return err(unknown.principal)
    const id = principalIdOf(state.kind, ordinal)
    for (let look = 0; look < mostLooks; look += 1) {
      const weighing = await prepareWeighing({ facts: journal, directory }, license)
      if (weighing === undefined) return err(unknown.license)
      const done = await journal.write(async (write) => {
        const input = await weigh(write, weighing, clock.now())
        if (input === undefined) return err(unknown.license)
        if (!isPrepared(weighing, input)) return undefined
        return await judge(write, { input, id, ordinal, touch: touchOf(input.wishes, directory, id, input.now) })
      })
      if (done !== undefined) return done.ok ? ok(await standingOf(license, id)) : done
    }
    throw new Error(`claims: the assignments of ${license} name other groups at every look`)
  }

  const standingOf = async (license: LicenseId, id: PrincipalId): Promise<ClaimStanding> => ({
    principal: id,
    claim: (await journal.rows(claimsKey(license))).find((claim) => claim.id === id),
    verdict: (await standings.of(license))?.verdictOf(Number(id.slice(1))),
  })

  const keep = async (
    write: Writing,
    by: By,
    { input, id }: Seen,
    wants: Claim['wants'],
    action: 'seat.claimed' | 'seat.given-back',
  ): Promise<Result<undefined, never>> => {
    const at = clock.now()
    const claim: Claim = { id, wants, taken: write.nextSeq(), at: isoTime(at), by: by.actor.name }
    await write.record(rowsFact(claimsKey(input.license.id), [claim]))
    if (wants === 'seat')
      await write.trx
        .insertInto('claims_made')
        .values({ license: input.license.id, ordinal: Number(id.slice(1)), at })
        .onConflict((conflict) => conflict.columns(['license', 'ordinal']).doUpdateSet({ at }))
        .execute()
    else
      await write.trx
        .deleteFrom('claims_made')
        .where('license', '=', input.license.id)
        .where('ordinal', '=', Number(id.slice(1)))
        .execute()
    await appendAudit(write.trx, {
      at,
      actor: by.actor,
      action,
      object: input.license.id,
      detail: { principal: id, product: input.license.product.name },
      origin: by.origin,
    })
    return ok(undefined)
  }

  return {
    claim: (by, license, ordinal, { confirmed }) =>
      act<ClaimRefused>(
        license,
        ordinal,
        { license: { is: 'license-unknown' }, principal: { is: 'principal-unknown' } },
        async (write, seen) => {
          const standing = seen.input.claims.find((claim) => claim.id === seen.id)
          const never = neverFor(seen) ?? notOffered(seen)
          if (never !== undefined) return err(never)
          if (standing?.wants === 'seat' && !hasFailedSince(seen, standing.taken)) return ok(undefined)
          const { license: of, seats } = seen.input
          if (!of.revocable && !confirmed && indexOfOrdinal(seats.ordinals, ordinal) < 0) return err({ is: 'confirmation-required' })
          return await keep(write, by, seen, 'seat', 'seat.claimed')
        },
      ),
    giveBack: (by, license, ordinal) =>
      act<GiveBackRefused>(
        license,
        ordinal,
        { license: { is: 'license-unknown' }, principal: { is: 'principal-unknown' } },
        async (write, seen) => {
          const { input, touch } = seen
          const standing = input.claims.find((claim) => claim.id === seen.id)
          if (touch?.deciding.asks === 'require') return err({ is: 'required' })
          if (touch?.deciding.asks !== 'offer') return err({ is: 'not-offered' })
          const at = indexOfOrdinal(input.seats.ordinals, ordinal)
          const isComing = input.orders.some(
            ({ action, state, open }) => action === 'associate' && state !== 'planned' && open.includes(ordinal),
          )
          if (!input.license.revocable && (at >= 0 || isComing)) return err({ is: 'irrevocable' })
          if (at >= 0 && !isByAssignment(input.seats, at)) return err({ is: 'seat-found' })
          if (standing?.wants === 'return' && !hasFailedSince(seen, standing.taken)) return ok(undefined)
          if (at < 0 && standing === undefined && !isComing) return err({ is: 'nothing-to-give-back' })
          return await keep(write, by, seen, 'return', 'seat.given-back')
        },
      ),
    of: async (license) => {
      const weighed = await standings.of(license)
      return [...(await journal.rows(claimsKey(license)))]
        .sort((a, b) => a.taken - b.taken)
        .map((claim) => ({ principal: claim.id, claim, verdict: weighed?.verdictOf(Number(claim.id.slice(1))) }))
    },
  }
}

/** One principal, as an act finds them. */
interface Seen {
  readonly input: ReconcileInput
  readonly id: PrincipalId
  readonly ordinal: number
  readonly touch: Touch | undefined
}

const isPrepared = (weighing: Weighing, input: ReconcileInput): boolean => {
  for (const group of groupsIn(input.wishes)) if (!weighing.groups.has(group) && input.directory.members(group) !== undefined) return false
  return true
}

/** What no waiting would change. */
const neverFor = ({ input, ordinal }: Seen): ClaimRefused | undefined => {
  const { license, writingBlocked } = input
  const principal = input.directory.principal(ordinal)
  if (principal === undefined) return { is: 'principal-unknown' }
  if (principal.left) return { is: 'principal-left' }
  if (!principal.active) return { is: 'principal-inactive' }
  return license.gone || !license.assignable || writingBlocked === 'store-retired' ? { is: 'license-not-assignable' } : undefined
}

const notOffered = ({ input, touch, id }: Seen): ClaimRefused | undefined => {
  switch (touch?.deciding.asks) {
    case 'offer':
    case 'require': {
      const { licenseTypes } = input.license
      if (id.startsWith('d') && !licenseTypes.includes('device')) return { is: 'not-device-assignable' }
      return id.startsWith('u') && !licenseTypes.includes('user') ? { is: 'not-user-assignable' } : undefined
    }
    case 'await':
      return { is: 'not-yet-offered', startsAt: termsOf(touch.deciding.placed.wish).startsAt ?? '' }
    case 'uninstall':
    case 'exclude':
    case 'remove':
    case 'end':
    case undefined:
      return { is: 'not-offered' }
  }
}

/** The store said no since: claiming again is asking again. */
const hasFailedSince = ({ input, ordinal }: Seen, taken: number): boolean =>
  [...input.orders, ...input.locationOrders].some(({ failures }) =>
    failures.some((failure) => failure.ordinal === ordinal && !failure.retryable && failure.atSeq > taken),
  )

export const claimRefusedInWords = (refused: ClaimRefused | GiveBackRefused, product: string): string => {
  switch (refused.is) {
    case 'license-unknown':
      return 'There is no such license. It may have been removed.'
    case 'principal-unknown':
      return 'The directory has nobody by this id. Nothing changed. Look the id up in the list of people and devices.'
    case 'principal-left':
      return `Who has left the organisation is given nothing new. ${product} was not taken.`
    case 'principal-inactive':
      return `Who is not active is given nothing new. ${product} was not taken. Make the person active first.`
    case 'not-offered':
      return `No assignment offers ${product} to them now. Nothing changed. Assign it as available first.`
    case 'not-yet-offered':
      return `${product} is offered to them from ${refused.startsAt} on. Nothing changed.`
    case 'not-device-assignable':
      return `${product} goes to people only. Nothing changed.`
    case 'not-user-assignable':
      return `${product} goes to devices only. Nothing changed.`
    case 'license-not-assignable':
      return `The store gives out no seats of ${product} any more. Nothing changed.`
    case 'confirmation-required':
      return `${product} can't be given back once it is taken. Nothing changed. Confirm that it is taken for good.`
    case 'irrevocable':
      return `The store does not take ${product} back. Nothing changed.`
    case 'required':
      return `${product} is required for them by an assignment. Nothing changed. Change the assignment instead.`
    case 'seat-found':
      return `Their seat of ${product} was there before anybody here asked for it. Nothing changed. An administrator can reclaim it.`
    case 'nothing-to-give-back':
      return `They hold no seat of ${product}, and wait for none. Nothing changed.`
  }
}
