/**
 * The heart: `reconcile` weighs the wishes for one License against the facts and gives every principal a verdict, and
 * the steps to ask of the store. It is pure and used on both sides: the server acts on it, a browser foretells with it.
 *
 * Its laws, each stated again as a property test:
 * - no wish, no release: a seat that no wish names is left alone, and shown as found;
 * - never more than owned: confirmed + open + asked now ≤ what the store last confirmed;
 * - one more seat takes nothing from anybody; the order in which facts arrived does not matter.
 *
 * Whom a wish touches and which one decides: touching.ts. Who is served first: serving.ts.
 */
import { termsOf, type Because, type PlacedWish, type Verdict, type VerdictState } from './assignment.ts'
import type { Claim } from './claim.ts'
import type { Connector } from './connector.ts'
import { indexOfOrdinal, isByAssignment, type Columns } from './facts.ts'
import { ordinalOf, type PrincipalKind, type TargetKey } from './ids.ts'
import type { License, Tally } from './license.ts'
import type { LicenseOrder, LocationOrder, OrderFailure } from './order.ts'
import type { RegistrationState } from './registration.ts'
import { freeSeats, inServingOrder, reservedFor } from './serving.ts'
import { countIn, noTally, talliesOf, type Counts, type WishTally } from './tallies.ts'
import { actingWishes, touchedBy, type ActingWish, type Members, type Touches } from './touching.ts'
import { asked, type Asked } from './under-way.ts'

export interface PrincipalState {
  readonly kind: PrincipalKind
  readonly active: boolean
  readonly left: boolean
  /** How a store that keeps a list of people could take this person up: by the organisation's own account, by an invitation, or not. */
  readonly joinsBy: JoinsBy
}
export type JoinsBy = 'account' | 'mail' | 'nothing'

/** The people of a store that keeps a list of them: only who is on it takes a user seat. */
export interface StorePeople {
  stateOf(ordinal: number): RegistrationState | undefined
  /** People who need an invitation are registered by themselves too; those with an account of the organisation's always are. */
  readonly invites: boolean
}

/** The directory as reconcile needs it. */
export interface Directory extends Members {
  principal(ordinal: number): PrincipalState | undefined
}

/** Before the list was read once nothing is known of anybody, and the store is asked as if everybody were on it. */
export const storePeopleOf = (
  connector: Pick<Connector, 'people' | 'settings'> | undefined,
  stateOf: (ordinal: number) => RegistrationState | undefined,
): StorePeople | undefined =>
  connector === undefined || connector.people === null || connector.people.asOf === null
    ? undefined
    : { stateOf, invites: connector.settings.userInvitations }

/** Why nothing can be asked of the store now. The wishes wait, and are served by themselves once the cause is gone. */
export type WritingBlocked =
  'store-retired' | 'foreign-owner' | 'credential-expired' | 'credential-invalid' | 'read-only-token' | 'not-connected'

export interface ReconcileInput {
  /** Milliseconds since 1970: wishes begin and end by it. */
  readonly now: number
  readonly license: License
  readonly writingBlocked: WritingBlocked | undefined
  readonly wishes: readonly PlacedWish[]
  readonly claims: readonly Claim[]
  readonly seats: Columns
  readonly orders: readonly LicenseOrder[]
  /** Of the license's Location: people being registered or retired, and all that is being taken from somebody. */
  readonly locationOrders: readonly LocationOrder[]
  /** Undefined: the store keeps no list of people, or it was not read yet. */
  readonly people: StorePeople | undefined
  readonly directory: Directory
}

export interface Steps {
  /** To be registered at the store first; each has a seat kept. */
  readonly register: readonly number[]
  /** In the order of serving, never more than are free. */
  readonly associate: readonly number[]
  readonly disassociate: readonly number[]
  /** Seats that an assignment placed and none asks for any more, nor asks to give back: from now on shown as found. */
  readonly keepAsFound: readonly number[]
  /** Planned and not yet sent, and no longer wished. */
  readonly drop: readonly number[]
  /** Removals with nothing left to do. */
  readonly settled: readonly TargetKey[]
  /** Claims of those who gave their seat back, and of those to whom nothing is offered any more. */
  readonly settledClaims: readonly Claim[]
}

export interface Decided {
  readonly steps: Steps
  readonly tally: Tally
  readonly tallyByKey: ReadonlyMap<TargetKey, WishTally>
}

export interface Reconciled extends Decided {
  /** One for each principal that a wish touches, in the order of serving. */
  readonly verdicts: readonly Verdict[]
}

/** Why this principal can't be served as things are; undefined when it can. */
const impossible = (input: ReconcileInput, ordinal: number): Because | undefined => {
  const { license } = input
  const principal = input.directory.principal(ordinal)
  if (principal === undefined) return { code: 'principal-unknown' }
  if (principal.left) return { code: 'principal-left' }
  if (!principal.active) return { code: 'principal-inactive' }
  if (principal.kind === 'device' && !license.licenseTypes.includes('device')) return { code: 'not-device-assignable' }
  if (principal.kind === 'user' && !license.licenseTypes.includes('user')) return { code: 'not-user-assignable' }
  if (license.gone) return { code: 'license-gone' }
  if (input.writingBlocked === 'store-retired') return { code: 'store-retired' }
  if (!license.assignable) return { code: 'license-not-assignable' }
  return undefined
}

/** A refusal that stands until somebody wishes again. */
const refusedFor = (failure: OrderFailure | undefined, taken: number): Because | undefined => {
  if (failure === undefined || failure.retryable || failure.atSeq <= taken) return undefined
  return failure.code === 'user-not-registered'
    ? { code: 'user-not-registered', text: failure.text }
    : { code: 'store-refused', storeCode: failure.code, text: failure.text }
}

/** What is being found out about one license. Its people and devices go by their place among the touched. */
interface Weighing {
  readonly input: ReconcileInput
  readonly asks: Asked
  readonly wishes: readonly ActingWish[]
  readonly touches: Touches
  /** Where each one's seat is among the seats; -1: none. */
  readonly seatAt: Int32Array
  readonly claimByPlace: Map<number, Claim>
  /** Nothing is under way with the store, and nothing failed: most licenses, most of the time. */
  readonly isQuiet: boolean
  readonly counts: Counts
  /** Undefined: nobody asks for them, and there can be millions. */
  readonly verdicts: Verdict[] | undefined
  readonly register: number[]
  readonly associate: number[]
  readonly disassociate: number[]
  readonly keepAsFound: number[]
  readonly drop: number[]
  /** Removals that have something left to do. */
  readonly unsettled: Set<TargetKey>
  readonly settledClaims: Claim[]
  /** Whose seat is to be given back. */
  readonly taking: Set<number>
}

export const reconcile = (input: ReconcileInput): Reconciled => {
  const verdicts: Verdict[] = []
  return { verdicts, ...weighAll(input, verdicts) }
}

/** What follows, without a verdict for each: for whoever acts and explains nothing. */
export const decide = (input: ReconcileInput): Decided => weighAll(input, undefined)

const weighAll = (input: ReconcileInput, verdicts: Verdict[] | undefined): Decided => {
  const wishes = actingWishes(input.wishes, input.now)
  const touches = touchedBy(wishes, input.directory)
  const weighing: Weighing = {
    input,
    asks: asked(input.orders, input.locationOrders),
    wishes,
    touches,
    seatAt: placesIn(input.seats.ordinals, touches.ordinals),
    claimByPlace: new Map(),
    isQuiet: input.orders.length === 0 && input.locationOrders.length === 0,
    counts: { ...noTally, adopted: 0, byWish: [] },
    verdicts,
    register: [],
    associate: [],
    disassociate: [],
    keepAsFound: [],
    drop: [],
    unsettled: new Set(),
    settledClaims: [],
    taking: new Set(),
  }
  const required = partByMind(weighing)
  leaveAlone(weighing)
  const desired = serve(weighing, required)
  const { counts, register, associate, disassociate, keepAsFound, drop, unsettled, settledClaims } = weighing
  const settled = input.wishes.filter(({ key, wish }) => wish.mode === 'removed' && !unsettled.has(key)).map(({ key }) => key)
  return {
    steps: { register, associate, disassociate, keepAsFound: keepAsFound.sort((a, b) => a - b), drop, settled, settledClaims },
    ...talliesOf(wishes, input.seats, desired, counts),
  }
}

/** For each of `ordinals` its place in `among`, or -1. Both ascend: one pass. */
const placesIn = (among: Uint32Array, ordinals: Uint32Array): Int32Array => {
  const places = new Int32Array(ordinals.length).fill(-1)
  let next = 0
  for (let at = 0; at < ordinals.length && next < among.length; at += 1) {
    const ordinal = ordinals[at] as number
    while (next < among.length && (among[next] as number) < ordinal) next += 1
    if (among[next] === ordinal) places[at] = next
  }
  return places
}

const ordinalAt = ({ touches }: Weighing, place: number): number => touches.ordinals[place] as number
const decidingAt = ({ wishes, touches }: Weighing, place: number): ActingWish => wishes[touches.deciding[place] as number] as ActingWish
const removalAt = ({ wishes, touches }: Weighing, place: number): ActingWish | undefined => wishes[(touches.removed?.[place] ?? 0) - 1]

const give = (weighing: Weighing, place: number, state: VerdictState, because: Because): void => {
  countIn(weighing.counts, weighing.touches.deciding[place] as number, state, because)
  if (weighing.verdicts !== undefined)
    weighing.verdicts.push({ ordinal: ordinalAt(weighing, place), state, because, key: decidingAt(weighing, place).placed.key })
}

// One object each: there can be millions of verdicts.
const hasSeat: Because = { code: 'has-seat' }
const hadSeatAlready: Because = { code: 'had-seat-already' }
const orderToCome: Because = { code: 'order-to-come' }
const mayClaim: Because = { code: 'may-claim' }
const excluded: Because = { code: 'excluded' }
const keptForOwner: Because = { code: 'kept-for-owner' }
const seatOf = (seats: Columns, at: number): Because => (isByAssignment(seats, at) ? hasSeat : hadSeatAlready)

/**
 * 1. Who is to have a seat: by a requirement, whose places it gives, or by a claim on what is offered. What becomes of the
 * others is said at once.
 */
const partByMind = (weighing: Weighing): Uint32Array => {
  const { input, touches, claimByPlace, settledClaims } = weighing
  const required = new Uint32Array(touches.ordinals.length)
  let requiredCount = 0
  const claimByOrdinal = new Map(input.claims.map((claim) => [ordinalOf(claim.id), claim]))
  for (let place = 0; place < touches.ordinals.length; place += 1) {
    const { asks } = decidingAt(weighing, place)
    const claim = claimByOrdinal.size === 0 ? undefined : claimByOrdinal.get(ordinalAt(weighing, place))
    if (asks === 'require') {
      required[requiredCount] = place
      requiredCount += 1
    } else if (asks === 'offer' && claim?.wants === 'seat') claimByPlace.set(place, claim)
    else if (withoutSeat(weighing, place, asks === 'offer' ? claim : undefined) && claim !== undefined) settledClaims.push(claim)
    // What is left over is of nobody to whom anything is offered.
    if (claim !== undefined && (asks === 'require' || asks === 'offer')) claimByOrdinal.delete(ordinalAt(weighing, place))
  }
  for (const claim of claimByOrdinal.values()) if (!settledClaims.includes(claim)) settledClaims.push(claim)
  return required.subarray(0, requiredCount)
}

/** Nobody asks for a seat here: what becomes of the one that is there, or on its way? True when nothing is left to do. */
const withoutSeat = (weighing: Weighing, place: number, returning: Claim | undefined): boolean => {
  const { input, asks, touches, drop, unsettled, keepAsFound, taking, disassociate } = weighing
  const { seats, license } = input
  const ordinal = ordinalAt(weighing, place)
  const deciding = decidingAt(weighing, place)
  const removed = removalAt(weighing, place)
  const yields = touches.yielding.has(ordinal)
  const at = weighing.seatAt[place] as number
  const coming = asks.associating.get(ordinal)
  if (coming !== undefined) {
    if (coming.state === 'planned') drop.push(ordinal)
    if (removed !== undefined) unsettled.add(removed.placed.key)
  }
  const byAssignment = at >= 0 && isByAssignment(seats, at)
  if (at < 0 || !takesSeat(deciding, yields, returning, byAssignment)) {
    if (byAssignment && keepsAsFound(deciding)) keepAsFound.push(ordinal)
    const verdict = untouchedVerdict(input, ordinal, deciding, yields, at, returning)
    if (verdict !== undefined) give(weighing, place, ...verdict)
    return coming === undefined
  }
  if (!license.revocable) {
    if (byAssignment) keepAsFound.push(ordinal)
    give(weighing, place, 'refused', { code: 'irrevocable' })
    return true
  }
  if (deciding.asks === 'remove') unsettled.add(deciding.placed.key)
  taking.add(ordinal)
  const failure = asks.failedRelease.get(ordinal)
  // A seat that was seen while its own order is still open: first that one is settled, then this one is asked.
  const open = asks.leaving.get(ordinal) ?? asks.releasing.get(ordinal) ?? (coming?.state === 'planned' ? undefined : coming)
  if (open !== undefined) give(weighing, place, 'pending', { code: 'order-open', orderId: open.id })
  else if (failure !== undefined && !failure.retryable && failure.atSeq > (returning?.taken ?? deciding.placed.taken))
    give(weighing, place, 'refused', { code: 'release-refused', storeCode: failure.code, text: failure.text })
  else if (input.writingBlocked === 'store-retired') give(weighing, place, 'refused', { code: 'store-retired' })
  else {
    give(weighing, place, 'pending', { code: 'release-to-come' })
    if (input.writingBlocked === undefined) disassociate.push(ordinal)
  }
  return false
}

const takesSeat = (
  { asks, placed: { wish } }: ActingWish,
  yields: boolean,
  returning: Claim | undefined,
  byAssignment: boolean,
): boolean => {
  switch (asks) {
    case 'uninstall':
      // Also what was found at the store: the one wish that takes away whatever is there.
      return !yields
    case 'exclude':
    case 'end':
      return byAssignment
    case 'remove':
      return byAssignment && wish.mode === 'removed' && wish.seats === 'release'
    case 'offer':
      return byAssignment && returning !== undefined
    case 'require':
    case 'await':
      return false
  }
}

const keepsAsFound = ({ asks, placed }: ActingWish): boolean =>
  asks === 'remove' && placed.wish.mode === 'removed' && placed.wish.seats === 'keep'

/** Of somebody from whom nothing is taken. Undefined: there is nothing to say. */
const untouchedVerdict = (
  input: ReconcileInput,
  ordinal: number,
  deciding: ActingWish,
  yields: boolean,
  at: number,
  returning: Claim | undefined,
): Served | undefined => {
  const { seats } = input
  switch (deciding.asks) {
    case 'uninstall':
      return !yields ? ['released', excluded] : at >= 0 ? ['placed', keptForOwner] : ['released', keptForOwner]
    case 'exclude':
      return ['excluded', excluded]
    case 'offer':
      // Who could never take it is not told that they may.
      return at >= 0 && returning === undefined ? ['placed', seatOf(seats, at)] : ['released', impossible(input, ordinal) ?? mayClaim]
    case 'await': {
      const { startsAt } = termsOf(deciding.placed.wish)
      return at >= 0 ? ['placed', seatOf(seats, at)] : ['waiting', { code: 'starts-later', startsAt: startsAt ?? '' }]
    }
    case 'end':
      return ['released', { code: 'ended', endedAt: termsOf(deciding.placed.wish).endsAt ?? '' }]
    case 'remove':
    case 'require':
      return undefined
  }
}

/** 2. What no wish names, or none names any more. */
const leaveAlone = ({ input: { seats }, asks, touches, keepAsFound, drop, taking }: Weighing): void => {
  const { associating, releasing } = asks
  const touchedAt = placesIn(touches.ordinals, seats.ordinals)
  for (let at = 0; at < seats.ordinals.length; at += 1) {
    const ordinal = seats.ordinals[at] as number
    if (touchedAt[at] === -1 && isByAssignment(seats, at) && !releasing.has(ordinal)) keepAsFound.push(ordinal)
  }
  for (const [ordinal, order] of associating)
    if (order.state === 'planned' && indexOfOrdinal(touches.ordinals, ordinal) < 0) drop.push(ordinal)
  // A wish to take that was taken back before it left: the seat stays.
  for (const [ordinal, order] of releasing)
    if (order.state === 'planned' && order.cause === 'plan' && !taking.has(ordinal)) drop.push(ordinal)
}

/** 3. Those who are to have a seat, in the order of serving. Gives their number. */
const serve = (weighing: Weighing, required: Uint32Array): number => {
  const { input, asks, wishes, touches, claimByPlace, isQuiet } = weighing
  const places = inServingOrder(wishes, touches, { required, claimByPlace })
  const sent = new Map([...asks.associating].filter(([, order]) => order.state !== 'planned'))
  const { first, heldBack } = reservedFor(
    wishes,
    input.directory,
    () => new Set([...input.seats.ordinals, ...sent.keys()]),
    () =>
      Array.from(
        places.filter((place) => withoutServing(weighing, place) === undefined),
        (place) => ordinalAt(weighing, place),
      ),
  )
  const room = freeSeats(input.license, input.seats, sent)
  const left: SeatsLeft = { used: 0, room, roomForAll: room - heldBack, position: 0 }
  const isFirst = (place: number): boolean => first.has(ordinalAt(weighing, place))
  const queue = first.size === 0 ? places : [...places.filter(isFirst), ...places.filter((place) => !isFirst(place))]
  for (const place of queue) {
    const settled = withoutServing(weighing, place)
    if (!isQuiet && settled !== undefined && dropsPlanned(weighing, ordinalAt(weighing, place)))
      weighing.drop.push(ordinalAt(weighing, place))
    const [state, because] = settled ?? serveOne(weighing, place, left, first.size > 0 && isFirst(place))
    give(weighing, place, state, because)
  }
  return places.length
}

type Served = readonly [VerdictState, Because]
const servedAlready: Served = ['placed', hasSeat]
const servedBefore: Served = ['placed', hadSeatAlready]

const takenAt = (weighing: Weighing, place: number): number =>
  weighing.claimByPlace.get(place)?.taken ?? decidingAt(weighing, place).placed.taken

/** Who needs no seat of those that are left; undefined for everybody else. */
const withoutServing = (weighing: Weighing, place: number): Served | undefined => {
  const { input, asks, isQuiet } = weighing
  const at = weighing.seatAt[place] as number
  const seated = at < 0 ? undefined : isByAssignment(input.seats, at) ? servedAlready : servedBefore
  const ordinal = ordinalAt(weighing, place)
  if (isQuiet && seated !== undefined) return seated
  const release = isQuiet ? undefined : (asks.leaving.get(ordinal) ?? asks.releasing.get(ordinal))
  if (release !== undefined && (release.state !== 'planned' || release.cause !== 'plan'))
    return ['pending', { code: 'seat-being-released', orderId: release.id }]
  if (seated !== undefined) return seated
  const coming = isQuiet ? undefined : asks.associating.get(ordinal)
  if (coming !== undefined && coming.state !== 'planned') return ['pending', { code: 'order-open', orderId: coming.id }]
  const failure = isQuiet || coming !== undefined ? undefined : asks.failedAssociate.get(ordinal)
  const never = impossible(input, ordinal) ?? refusedFor(failure, takenAt(weighing, place))
  if (never !== undefined) return ['refused', never]
  const joining = coming === undefined ? joiningAt(weighing, place) : undefined
  return joining?.is === 'refused' ? ['refused', joining.because] : undefined
}

/** What was planned for somebody who needs no seat of those that are left is not to leave; beside a single release that is out it waits for that. */
const dropsPlanned = ({ asks }: Weighing, ordinal: number): boolean => {
  if (asks.associating.get(ordinal)?.state !== 'planned') return false
  const release = asks.releasing.get(ordinal)
  return asks.leaving.has(ordinal) || release === undefined || (release.state === 'planned' && release.cause === 'plan')
}

type Joining =
  | { readonly is: 'joined' }
  | { readonly is: 'under-way'; readonly order: LocationOrder }
  | { readonly is: 'to-come' }
  | { readonly is: 'refused'; readonly because: Because }

const joined: Joining = { is: 'joined' }

/** Whether this person is on the store's list of people, or can be put there. Devices need no such thing. */
const joiningAt = (weighing: Weighing, place: number): Joining => {
  const { input, asks } = weighing
  if (input.people === undefined) return joined
  const ordinal = ordinalAt(weighing, place)
  const principal = input.directory.principal(ordinal)
  if (principal?.kind !== 'user') return joined
  const order = asks.registering.get(ordinal)
  if (order !== undefined) return { is: 'under-way', order }
  switch (input.people.stateOf(ordinal)) {
    case 'registered':
    case 'associated':
      return joined
    case 'retired':
      return { is: 'refused', because: { code: 'user-retired' } }
    case undefined:
      break
  }
  const failure = asks.failedRegister.get(ordinal)
  if (failure !== undefined && !failure.retryable && failure.atSeq > takenAt(weighing, place))
    return { is: 'refused', because: { code: 'registration-refused', storeCode: failure.code, text: failure.text } }
  if (principal.joinsBy === 'account' || (principal.joinsBy === 'mail' && input.people.invites)) return { is: 'to-come' }
  return { is: 'refused', because: { code: 'user-not-registered', text: notRegistered(principal.joinsBy) } }
}

const notRegistered = (joinsBy: JoinsBy): string =>
  joinsBy === 'mail'
    ? 'Not registered at the store, and this connector does not invite people by itself. Invite the person under People, or let the connector invite'
    : 'Not registered at the store, and neither a managed account nor a mail address is known. Add one to the person, then it goes on by itself'

/** The seats that are left while they are being given out. */
interface SeatsLeft {
  used: number
  readonly room: number
  /** Less what is held for others. */
  readonly roomForAll: number
  position: number
}

const serveOne = (weighing: Weighing, place: number, left: SeatsLeft, isReserved: boolean): Served => {
  const { input, asks, register, associate, drop } = weighing
  const ordinal = ordinalAt(weighing, place)
  const coming = asks.associating.get(ordinal)
  const isFree = left.used < (isReserved ? left.room : left.roomForAll)
  if (isFree) left.used += 1
  if (!isFree || input.writingBlocked !== undefined) {
    // Not sent yet, and it may not be: it waits with the cause as its reason, and is planned anew afterwards.
    if (coming !== undefined) drop.push(ordinal)
    left.position += 1
    const { position } = left
    if (isFree && input.writingBlocked !== undefined) return ['waiting', { code: input.writingBlocked, position }]
    return ['waiting', { code: left.used < left.room ? 'seats-reserved' : 'no-seat-left', position }]
  }
  if (coming !== undefined) return ['pending', { code: 'order-open', orderId: coming.id }]
  const joining = joiningAt(weighing, place)
  switch (joining.is) {
    case 'joined':
      associate.push(ordinal)
      return ['pending', orderToCome]
    case 'under-way':
      return ['pending', { code: 'registration-open', orderId: joining.order.id }]
    case 'to-come':
      register.push(ordinal)
      return ['pending', { code: 'registration-to-come' }]
    case 'refused':
      return ['refused', joining.because]
  }
}
