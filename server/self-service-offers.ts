/**
 * What one person is offered, has, and waits for, in words for that person. It tells of nobody else, of no license that is
 * not theirs to have, and nothing of what an administrator has to mend.
 */
import { touchOf } from './claims.ts'
import type { Db } from './database/schema.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal } from './journal.ts'
import type { LicenseStanding, LicenseStandings } from './license-standings.ts'
import { findLicense } from './licenses.ts'
import { groupsIn } from './weighing.ts'
import { gives, termsOf, type Because, type PlacedWish } from '../shared/assignment.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import { claimsKey, indexOfOrdinal, noOrdinals, seatAt, seatsKey, wishesKey } from '../shared/facts.ts'
import { parseLicenseId, principalIdOf, targetOf, type LicenseId, type Target } from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import type { Touch } from '../shared/touching.ts'

export const offerStates = ['available', 'later', 'coming', 'waiting', 'held', 'returning', 'refused', 'ended'] as const
export type OfferState = (typeof offerStates)[number]

export interface Offer {
  readonly license: License
  readonly state: OfferState
  /** For the person. */
  readonly text: string
  /** The place in the line, from 1. */
  readonly position: number | null
  /** Since when the seat is held, as far as it was seen here. ISO 8601. */
  readonly since: string | null
  /** An assignment asks for it: nothing to take or give back. */
  readonly isRequired: boolean
  /** It can never be given back. */
  readonly isForGood: boolean
  readonly mayTake: boolean
  readonly mayGiveBack: boolean
  /** Whoever takes it now waits, as far as is known. */
  readonly wouldWait: boolean
  readonly endsAt: string | null
}

export interface Offers {
  /** By name. `ordinal` of a person. */
  of(ordinal: number): Promise<readonly Offer[]>
  /** Undefined: nothing of this license is theirs to know. */
  find(license: LicenseId, ordinal: number): Promise<Offer | undefined>
}

/** A license and whom its assignments give it to, whatever else holds it back from them. */
interface Wished {
  readonly id: LicenseId
  readonly targets: readonly Target[]
}

/** So long somebody is told that what they took, and have no more, is not offered any longer. */
const endedToldMs = 30 * 24 * 60 * 60_000

export const createOffers = (deps: {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly standings: LicenseStandings
  readonly clock: Clock
}): Offers => {
  const { db, journal, directory, standings, clock } = deps
  let wished: { readonly seq: number; readonly licenses: Promise<readonly Wished[]> } | undefined

  const readWished = async (): Promise<readonly Wished[]> => {
    const licenses: Wished[] = []
    for (const key of await journal.store.keys('wishes/')) {
      const id = parseLicenseId(key.slice('wishes/'.length))
      if (id === undefined) continue
      const targets = (await journal.rows(wishesKey(id))).flatMap(({ key: target, wish }) => (gives(wish) ? [targetOf(target)] : []))
      if (targets.length > 0) licenses.push({ id, targets })
    }
    await directory.prepare(licenses.flatMap(({ targets }) => targets.flatMap((target) => (target.kind === 'group' ? [target.id] : []))))
    return licenses
  }
  /** Licenses that are given to anybody, and to whom; read once until something is written, since every page asks. */
  const wishedLicenses = (): Promise<readonly Wished[]> => {
    const seq = journal.seq()
    if (wished?.seq === seq) return wished.licenses
    const licenses = readWished()
    wished = { seq, licenses }
    licenses.catch(() => (wished = undefined))
    return licenses
  }
  const names = (target: Target, ordinal: number): boolean => {
    switch (target.kind) {
      case 'user':
      case 'device':
        return target.id === principalIdOf('user', ordinal)
      case 'group':
        return indexOfOrdinal(directory.members(target.id) ?? noOrdinals, ordinal) >= 0
      case 'all-users':
        return true
      case 'all-devices':
        return false
    }
  }

  const touchIn = async (id: LicenseId, ordinal: number): Promise<Touch | undefined> => {
    const wishes: readonly PlacedWish[] = await journal.rows(wishesKey(id))
    if (wishes.length === 0) return undefined
    await directory.prepare(groupsIn(wishes))
    return touchOf(wishes, directory, principalIdOf('user', ordinal), clock.now())
  }

  const offerOf = async (id: LicenseId, ordinal: number): Promise<Offer | undefined> => {
    const touch = await touchIn(id, ordinal)
    if (touch === undefined || !isGiving(touch)) return undefined
    const standing = await standings.of(id)
    if (standing === undefined || !standing.input.license.licenseTypes.includes('user')) return undefined
    const wants = (await journal.rows(claimsKey(id))).find((claim) => claim.id === principalIdOf('user', ordinal))?.wants
    return offerIn(standing, touch, ordinal, wants)
  }

  /** What they took, and which is offered to them no more. */
  const endedOf = async (id: LicenseId, ordinal: number, takenAt: number): Promise<Offer | undefined> => {
    const license = await findLicense(journal, id)
    if (license === undefined) return undefined
    const seats = await journal.columns(seatsKey(id))
    const at = indexOfOrdinal(seats.ordinals, ordinal)
    if (at < 0 && clock.now() - takenAt > endedToldMs) return undefined
    return {
      ...nothingToDo(license),
      state: 'ended',
      text:
        at < 0
          ? 'This is no longer offered to you, and you have no seat of it.'
          : 'This is no longer offered to you. You have it until your organisation takes it back.',
      since: at < 0 ? null : isoTime(seatAt(seats, at).sinceS * 1000),
    }
  }

  const takenBy = (ordinal: number) => db.selectFrom('claims_made').select(['license', 'at']).where('ordinal', '=', ordinal)

  return {
    of: async (ordinal) => {
      const found = new Map<LicenseId, Offer>()
      for (const { id, targets } of await wishedLicenses()) {
        const offer = targets.some((target) => names(target, ordinal)) ? await offerOf(id, ordinal) : undefined
        if (offer !== undefined) found.set(id, offer)
      }
      for (const { license, at } of await takenBy(ordinal).execute()) {
        const id = parseLicenseId(license)
        const ended = id === undefined || found.has(id) ? undefined : await endedOf(id, ordinal, at)
        if (id !== undefined && ended !== undefined) found.set(id, ended)
      }
      const nameOf = ({ license }: Offer): string => license.product.name.toLowerCase()
      return [...found.values()].sort((a, b) =>
        nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : a.license.id < b.license.id ? -1 : 1,
      )
    },
    find: async (id, ordinal) => {
      const offer = await offerOf(id, ordinal)
      if (offer !== undefined) return offer
      const taken = await takenBy(ordinal).where('license', '=', id).executeTakeFirst()
      return taken === undefined ? undefined : await endedOf(id, ordinal, taken.at)
    },
  }
}

/** What gives seats, now or on a later day. */
const isGiving = ({ deciding: { asks, placed } }: Touch): boolean =>
  asks === 'offer' || asks === 'require' || (asks === 'await' && placed.wish.mode === 'include' && placed.wish.intent !== 'uninstall')

const nothingToDo = (license: License): Offer => ({
  license,
  state: 'available',
  text: '',
  position: null,
  since: null,
  isRequired: false,
  isForGood: !license.revocable,
  mayTake: false,
  mayGiveBack: false,
  wouldWait: false,
  endsAt: null,
})

const offerIn = (standing: LicenseStanding, { deciding }: Touch, ordinal: number, wants: 'seat' | 'return' | undefined): Offer => {
  const { license, seats } = standing.input
  const verdict = standing.verdictOf(ordinal)
  const at = indexOfOrdinal(seats.ordinals, ordinal)
  const isRequired = deciding.asks === 'require'
  const terms = termsOf(deciding.placed.wish)
  const base: Offer = {
    ...nothingToDo(license),
    isRequired,
    since: at < 0 ? null : isoTime(seatAt(seats, at).sinceS * 1000),
    endsAt: terms.endsAt,
  }
  const because: Because = verdict?.because ?? { code: 'may-claim' }
  const text = wordsFor(because, isRequired)
  if (deciding.asks === 'await') return { ...base, state: 'later', text: `Offered to you from ${(terms.startsAt ?? '').slice(0, 10)} on.` }
  switch (verdict?.state) {
    case 'placed':
      return {
        ...base,
        state: 'held',
        text: isRequired
          ? 'Your organisation has given it to you.'
          : because.code === 'had-seat-already'
            ? wordsFor(because, isRequired)
            : 'You have it.',
        mayGiveBack: !isRequired && license.revocable && because.code === 'has-seat',
      }
    case 'pending':
      return wants === 'return' && !isRequired
        ? { ...base, state: 'returning', text: 'You gave it back. The store has not confirmed it yet.', mayTake: true }
        : { ...base, state: 'coming', text, mayGiveBack: !isRequired && license.revocable }
    case 'waiting':
      return {
        ...base,
        state: 'waiting',
        text,
        position: 'position' in because ? because.position : null,
        mayGiveBack: !isRequired,
      }
    case 'refused':
      return because.code === 'irrevocable' || because.code === 'release-refused'
        ? { ...base, state: 'held', text, mayGiveBack: !isRequired && because.code === 'release-refused' }
        : { ...base, state: 'refused', text, mayTake: !isRequired && wants === 'seat' && mayPass(because) }
    case 'released':
    case 'excluded':
    case undefined: {
      const isGivenOut = !license.gone && license.assignable && standing.input.writingBlocked !== 'store-retired'
      const wouldWait = standing.free <= 0 || standing.hasLine || standing.input.writingBlocked !== undefined
      return isGivenOut
        ? {
            ...base,
            text: wouldWait ? 'You get a place in the line, and the next seat when it is your turn.' : 'A seat is free.',
            mayTake: !isRequired,
            wouldWait,
          }
        : { ...base, state: 'refused', text: 'It can not be had from the store any more.' }
    }
  }
}

/** The store said no: taking it again asks again. */
const mayPass = ({ code }: Because): boolean =>
  code === 'store-refused' || code === 'registration-refused' || code === 'user-not-registered'

const ask = 'Ask your IT department.'

/** Administrators read other words: what they can mend says nothing to this person. */
const wordsFor = (because: Because, isRequired: boolean): string => {
  switch (because.code) {
    case 'has-seat':
      return 'You have it.'
    case 'had-seat-already':
      return 'You had it already, before it was offered here.'
    case 'kept-for-owner':
    case 'may-claim':
    case 'starts-later':
    case 'ended':
    case 'excluded':
    case 'release-to-come':
      return ''
    case 'order-to-come':
      return 'A seat is free. It will be asked of the store in a moment.'
    case 'order-open':
      return 'Asked of the store, which has not answered yet.'
    case 'registration-to-come':
    case 'registration-open':
      return 'A seat is kept for you. You are being registered at the store first.'
    case 'seat-being-released':
      return 'The seat that you gave back is being returned first. Then you get it again.'
    case 'no-seat-left':
      return 'No seat is left. You get the next one when it is your turn.'
    case 'seats-reserved':
      return 'The seats that are left are kept for others. You get the next one that is free for you.'
    case 'foreign-owner':
    case 'credential-expired':
    case 'credential-invalid':
    case 'read-only-token':
    case 'not-connected':
      return 'Nothing can be asked of the store now. You keep your place, and it goes on by itself.'
    case 'not-device-assignable':
    case 'not-user-assignable':
    case 'license-not-assignable':
    case 'store-retired':
    case 'license-gone':
      return 'It can not be had from the store any more.'
    case 'principal-left':
    case 'principal-inactive':
    case 'principal-unknown':
      return `Your account is not active. ${ask}`
    case 'user-retired':
    case 'registration-refused':
    case 'user-not-registered':
      return `The store does not know you yet. ${ask}`
    case 'store-refused':
      return isRequired ? `The store refused it. ${ask}` : `The store refused it. Take it again, or ask your IT department.`
    case 'release-refused':
      return `You gave it back, and the store refused to take it. Give it back again, or ask your IT department.`
    case 'irrevocable':
      return 'You have it for good. The store does not take it back.'
  }
}
