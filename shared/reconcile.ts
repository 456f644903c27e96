/**
 * The heart: `reconcile` weighs the wishes for one License against the facts and gives every principal a verdict, and
 * the steps to ask of the store. It is pure and used on both sides: the server acts on it, a browser foretells with it.
 *
 * Its laws, each stated again as a property test:
 * - no wish, no release: a seat that no wish names is left alone, and shown as found;
 * - never more than owned: confirmed + open + asked now ≤ what the store last confirmed;
 * - one more seat takes nothing from anybody; the order in which facts arrived does not matter.
 *
 * Who is served first: the wish that the server took first, then the principal's ordinal.
 */
import type { Because, PlacedWish, Verdict, VerdictState } from './assignment.ts'
import type { Connector } from './connector.ts'
import { indexOfOrdinal, isByAssignment, type Columns } from './facts.ts'
import { targetOf, type GroupId, type PrincipalKind, type TargetKey } from './ids.ts'
import type { License, Tally } from './license.ts'
import type { LicenseOrder, LocationOrder, OrderFailure } from './order.ts'
import type { RegistrationState } from './registration.ts'

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
export interface Directory {
  principal(ordinal: number): PrincipalState | undefined
  /** Ascending; undefined for a group that is not known. */
  members(group: GroupId): Uint32Array | undefined
  /** Everybody who has not left, ascending. */
  all(kind: PrincipalKind): Uint32Array
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
  | 'store-retired'
  | 'foreign-owner'
  | 'credential-expired'
  | 'credential-invalid'
  | 'read-only-token'
  | 'not-connected'

export interface ReconcileInput {
  readonly license: License
  readonly writingBlocked: WritingBlocked | undefined
  readonly wishes: readonly PlacedWish[]
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
}

export interface Reconciled {
  /** One for each principal that a wish touches, in the order of serving. */
  readonly verdicts: readonly Verdict[]
  readonly steps: Steps
  readonly tally: Tally
  readonly tallyByKey: ReadonlyMap<TargetKey, WishTally>
}

export interface WishTally {
  readonly placed: number
  readonly pending: number
  readonly waiting: number
  readonly refused: number
}

/** The first wish of each sort that touches a principal; for removals the last one, since the latest word counts. */
interface Touched {
  required: PlacedWish | undefined
  available: PlacedWish | undefined
  uninstall: PlacedWish | undefined
  excluded: PlacedWish | undefined
  removed: PlacedWish | undefined
}

const byTaken = (a: PlacedWish, b: PlacedWish): number => a.taken - b.taken || (a.key < b.key ? -1 : 1)

export const ordinalsOf = (key: TargetKey, directory: Directory): Uint32Array | readonly number[] => {
  const target = targetOf(key)
  switch (target.kind) {
    case 'user':
    case 'device':
      return [Number(target.id.slice(1))]
    case 'group':
      return directory.members(target.id) ?? []
    case 'all-users':
      return directory.all('user')
    case 'all-devices':
      return directory.all('device')
  }
}

const touch = (wishes: readonly PlacedWish[], directory: Directory): Map<number, Touched> => {
  const touchedByOrdinal = new Map<number, Touched>()
  for (const placed of [...wishes].sort(byTaken)) {
    const { wish } = placed
    for (const ordinal of ordinalsOf(placed.key, directory)) {
      let touched = touchedByOrdinal.get(ordinal)
      if (touched === undefined) {
        touched = { required: undefined, available: undefined, uninstall: undefined, excluded: undefined, removed: undefined }
        touchedByOrdinal.set(ordinal, touched)
      }
      if (wish.mode === 'removed') touched.removed = placed
      else if (wish.mode === 'exclude') touched.excluded ??= placed
      else touched[wish.intent] ??= placed
    }
  }
  return touchedByOrdinal
}

/** Excluded beats all; required beats uninstall; uninstall beats available. Source: Intune's conflict table (rules 1.4, short form). */
const decidingWish = (touched: Touched): PlacedWish | undefined =>
  touched.excluded ?? touched.required ?? touched.uninstall ?? touched.available ?? touched.removed

/** The open and the failed targets of a license's orders and of its Location's, by ordinal. */
interface Asked {
  readonly associating: Map<number, LicenseOrder>
  readonly releasing: Map<number, LicenseOrder>
  readonly registering: Map<number, LocationOrder>
  /** Everything that can come back is being taken from them. */
  readonly leaving: Map<number, LocationOrder>
  readonly failedAssociate: Map<number, OrderFailure>
  readonly failedRelease: Map<number, OrderFailure>
  readonly failedRegister: Map<number, OrderFailure>
}

const keepLatest = (failures: Map<number, OrderFailure>, more: readonly OrderFailure[]): void => {
  for (const failure of more) {
    const before = failures.get(failure.ordinal)
    if (before === undefined || before.atSeq < failure.atSeq) failures.set(failure.ordinal, failure)
  }
}

const asked = (orders: readonly LicenseOrder[], locationOrders: readonly LocationOrder[]): Asked => {
  const result: Asked = {
    associating: new Map(),
    releasing: new Map(),
    registering: new Map(),
    leaving: new Map(),
    failedAssociate: new Map(),
    failedRelease: new Map(),
    failedRegister: new Map(),
  }
  for (const order of orders) {
    const giving = order.action === 'associate'
    for (const ordinal of order.open) (giving ? result.associating : result.releasing).set(ordinal, order)
    keepLatest(giving ? result.failedAssociate : result.failedRelease, order.failures)
  }
  for (const order of locationOrders) {
    if (order.action === 'register-user') {
      for (const ordinal of order.open) result.registering.set(ordinal, order)
      keepLatest(result.failedRegister, order.failures)
    } else if (order.action === 'retire-user' || order.action === 'revoke')
      for (const ordinal of order.open) result.leaving.set(ordinal, order)
  }
  return result
}

/**
 * Seats that may still be asked for. Two counts, the smaller one holds: what the store said was available, less what is
 * on its way; and what is owned, less every seat we know of and what is on its way. The second one keeps the promise
 * when the store's count lags behind an order it has confirmed.
 */
export const freeSeats = (license: License, seats: Columns, associating: ReadonlyMap<number, unknown>): number => {
  if (license.unlimited || (license.total === null && license.available === null)) return Infinity
  let open = 0
  for (const ordinal of associating.keys()) if (indexOfOrdinal(seats.ordinals, ordinal) < 0) open += 1
  const byStore = (license.available ?? Infinity) - associating.size
  const byUs = (license.total ?? Infinity) - (license.retired ?? 0) - seats.ordinals.length - open
  return Math.max(0, Math.min(byStore, byUs))
}

/**
 * What is planned and not sent goes on only while something can be sent and seats are left for it: they may have been
 * refunded since. Gives those that go on, and the seats that are free beside them.
 */
const keptPlanned = (
  input: ReconcileInput,
  wanted: readonly { readonly ordinal: number }[],
  { associating }: Asked,
): { readonly kept: ReadonlySet<number>; readonly free: number } => {
  const { license, seats } = input
  const sent = new Map([...associating].filter(([, order]) => order.state !== 'planned'))
  const room = freeSeats(license, seats, sent)
  const kept = new Set<number>()
  if (input.writingBlocked === undefined)
    for (const { ordinal } of wanted)
      if (kept.size < room && associating.get(ordinal)?.state === 'planned' && indexOfOrdinal(seats.ordinals, ordinal) < 0)
        kept.add(ordinal)
  return { kept, free: room - kept.size }
}

/** Why this principal can never be served as things are; undefined when it can. */
const impossible = (input: ReconcileInput, ordinal: number, wish: PlacedWish, failure: OrderFailure | undefined): Because | undefined => {
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
  if (failure !== undefined && !failure.retryable && failure.atSeq > wish.taken)
    return failure.code === 'user-not-registered'
      ? { code: 'user-not-registered', text: failure.text }
      : { code: 'store-refused', storeCode: failure.code, text: failure.text }
  return undefined
}

type Joining =
  | { readonly is: 'joined' }
  | { readonly is: 'under-way'; readonly order: LocationOrder }
  | { readonly is: 'to-come' }
  | { readonly is: 'refused'; readonly because: Because }

/** Whether this person is on the store's list of people, or can be put there. Devices need no such thing. */
const joiningAt = (input: ReconcileInput, { registering, failedRegister }: Asked, ordinal: number, wish: PlacedWish): Joining => {
  const principal = input.directory.principal(ordinal)
  if (input.people === undefined || principal?.kind !== 'user') return { is: 'joined' }
  const order = registering.get(ordinal)
  if (order !== undefined) return { is: 'under-way', order }
  switch (input.people.stateOf(ordinal)) {
    case 'registered':
    case 'associated':
      return { is: 'joined' }
    case 'retired':
      return { is: 'refused', because: { code: 'user-retired' } }
    case undefined:
      break
  }
  const failure = failedRegister.get(ordinal)
  if (failure !== undefined && !failure.retryable && failure.atSeq > wish.taken)
    return { is: 'refused', because: { code: 'registration-refused', storeCode: failure.code, text: failure.text } }
  if (principal.joinsBy === 'account' || (principal.joinsBy === 'mail' && input.people.invites)) return { is: 'to-come' }
  return { is: 'refused', because: { code: 'user-not-registered', text: notRegistered(principal.joinsBy) } }
}

const notRegistered = (joinsBy: JoinsBy): string =>
  joinsBy === 'mail'
    ? 'Not registered at the store, and this connector does not invite people by itself. Invite the person under People, or let the connector invite'
    : 'Not registered at the store, and neither a managed account nor a mail address is known. Add one to the person, then it goes on by itself'

export const reconcile = (input: ReconcileInput): Reconciled => {
  const { license, seats } = input
  const touchedByOrdinal = touch(input.wishes, input.directory)
  const asks = asked(input.orders, input.locationOrders)
  const { associating, releasing, leaving, failedAssociate, failedRelease } = asks

  const verdicts: Verdict[] = []
  const give = (ordinal: number, key: TargetKey, state: VerdictState, because: Because): void =>
    void verdicts.push({ ordinal, state, because, key })
  const register: number[] = []
  const associate: number[] = []
  const disassociate: number[] = []
  const keepAsFound: number[] = []
  const drop: number[] = []
  const unsettled = new Set<TargetKey>()
  const taking = new Set<number>()

  // 1. What each touched principal is wished to have.
  const wanted: { readonly ordinal: number; readonly wish: PlacedWish }[] = []
  for (const [ordinal, touched] of touchedByOrdinal) {
    const deciding = decidingWish(touched)
    if (deciding === undefined) continue
    if (deciding === touched.required) {
      wanted.push({ ordinal, wish: deciding })
      continue
    }
    // 2. Nobody asks for a seat here: what becomes of the one that is there, or on its way?
    const at = indexOfOrdinal(seats.ordinals, ordinal)
    const coming = associating.get(ordinal)
    if (coming !== undefined) {
      if (coming.state === 'planned') drop.push(ordinal)
      if (touched.removed !== undefined) unsettled.add(touched.removed.key)
    }
    if (deciding === touched.available) {
      if (at >= 0) give(ordinal, deciding.key, 'placed', { code: isByAssignment(seats, at) ? 'has-seat' : 'had-seat-already' })
      continue
    }
    const wish = deciding.wish
    const keeps = wish.mode === 'removed' && wish.seats === 'keep'
    const takesFound = wish.mode === 'include' && wish.intent === 'uninstall'
    const takes = at >= 0 && !keeps && (takesFound || isByAssignment(seats, at))
    if (at >= 0 && keeps && isByAssignment(seats, at)) keepAsFound.push(ordinal)
    if (takes) {
      const failure = failedRelease.get(ordinal)
      if (!license.revocable) {
        if (isByAssignment(seats, at)) keepAsFound.push(ordinal)
        give(ordinal, deciding.key, 'refused', { code: 'irrevocable' })
        continue
      }
      if (wish.mode === 'removed') unsettled.add(deciding.key)
      taking.add(ordinal)
      // A seat that was seen while its own order is still open: first that one is settled, then this one is asked.
      const open = leaving.get(ordinal) ?? releasing.get(ordinal) ?? (coming?.state === 'planned' ? undefined : coming)
      if (open !== undefined) give(ordinal, deciding.key, 'pending', { code: 'order-open', orderId: open.id })
      else if (failure !== undefined && !failure.retryable && failure.atSeq > deciding.taken)
        give(ordinal, deciding.key, 'refused', { code: 'release-refused', storeCode: failure.code, text: failure.text })
      else if (input.writingBlocked === 'store-retired') give(ordinal, deciding.key, 'refused', { code: 'store-retired' })
      else {
        give(ordinal, deciding.key, 'pending', { code: 'release-to-come' })
        if (input.writingBlocked === undefined) disassociate.push(ordinal)
      }
    } else if (deciding === touched.excluded) give(ordinal, deciding.key, 'excluded', { code: 'excluded' })
    else if (deciding === touched.uninstall) give(ordinal, deciding.key, 'released', { code: 'excluded' })
  }

  // 3. Seats that an assignment placed and that no wish names any more stay, and are found from now on.
  for (let at = 0; at < seats.ordinals.length; at += 1) {
    const ordinal = seats.ordinals[at] as number
    if (isByAssignment(seats, at) && !touchedByOrdinal.has(ordinal) && !releasing.has(ordinal)) keepAsFound.push(ordinal)
  }
  for (const [ordinal, order] of associating) if (order.state === 'planned' && !touchedByOrdinal.has(ordinal)) drop.push(ordinal)

  // A wish to take that was taken back before it left: the seat stays.
  for (const [ordinal, order] of releasing)
    if (order.state === 'planned' && order.cause === 'plan' && !taking.has(ordinal)) drop.push(ordinal)

  // 4. Those who are wished to have a seat, in the order of serving.
  wanted.sort((a, b) => a.wish.taken - b.wish.taken || a.ordinal - b.ordinal)
  const planned = keptPlanned(input, wanted, asks)
  let free = planned.free
  let position = 0
  for (const { ordinal, wish } of wanted) {
    const at = indexOfOrdinal(seats.ordinals, ordinal)
    const release = leaving.get(ordinal) ?? releasing.get(ordinal)
    if (release !== undefined && (release.state !== 'planned' || release.cause !== 'plan')) {
      if (leaving.has(ordinal) && associating.get(ordinal)?.state === 'planned') drop.push(ordinal)
      give(ordinal, wish.key, 'pending', { code: 'seat-being-released', orderId: release.id })
      continue
    }
    if (at >= 0) {
      if (associating.get(ordinal)?.state === 'planned') drop.push(ordinal)
      give(ordinal, wish.key, 'placed', { code: isByAssignment(seats, at) ? 'has-seat' : 'had-seat-already' })
      continue
    }
    const coming = associating.get(ordinal)
    if (coming !== undefined && (coming.state !== 'planned' || planned.kept.has(ordinal))) {
      give(ordinal, wish.key, 'pending', { code: 'order-open', orderId: coming.id })
      continue
    }
    // Not sent yet, and it may not be: it waits with the cause as its reason, and is planned anew afterwards.
    if (coming !== undefined) drop.push(ordinal)
    const never = impossible(input, ordinal, wish, failedAssociate.get(ordinal))
    if (never !== undefined) {
      give(ordinal, wish.key, 'refused', never)
      continue
    }
    const joining = joiningAt(input, asks, ordinal, wish)
    if (joining.is === 'refused') {
      give(ordinal, wish.key, 'refused', joining.because)
      continue
    }
    if (free <= 0) {
      position += 1
      give(ordinal, wish.key, 'waiting', { code: 'no-seat-left', position })
      continue
    }
    free -= 1
    if (input.writingBlocked !== undefined) {
      position += 1
      give(ordinal, wish.key, 'waiting', { code: input.writingBlocked, position })
      continue
    }
    switch (joining.is) {
      case 'joined':
        associate.push(ordinal)
        give(ordinal, wish.key, 'pending', { code: 'order-to-come' })
        break
      case 'under-way':
        give(ordinal, wish.key, 'pending', { code: 'registration-open', orderId: joining.order.id })
        break
      case 'to-come':
        register.push(ordinal)
        give(ordinal, wish.key, 'pending', { code: 'registration-to-come' })
        break
    }
  }

  const settled = input.wishes.filter(({ key, wish }) => wish.mode === 'removed' && !unsettled.has(key)).map(({ key }) => key)
  return {
    verdicts,
    steps: { register, associate, disassociate, keepAsFound: keepAsFound.sort((a, b) => a - b), drop, settled },
    ...count(verdicts, wanted.length, seats),
  }
}

const count = (verdicts: readonly Verdict[], desired: number, seats: Columns): Pick<Reconciled, 'tally' | 'tallyByKey'> => {
  const sums = { placed: 0, pending: 0, waiting: 0, refused: 0 }
  const tallyByKey = new Map<TargetKey, { placed: number; pending: number; waiting: number; refused: number }>()
  let adopted = 0
  for (const { key, state, because } of verdicts) {
    if (state === 'excluded' || state === 'released') continue
    if (because.code === 'had-seat-already') adopted += 1
    let tally = tallyByKey.get(key)
    if (tally === undefined) tallyByKey.set(key, (tally = { placed: 0, pending: 0, waiting: 0, refused: 0 }))
    tally[state] += 1
    sums[state] += 1
  }
  let assigned = 0
  for (let at = 0; at < seats.ordinals.length; at += 1) if (isByAssignment(seats, at)) assigned += 1
  return { tally: { desired, ...sums, assigned, found: seats.ordinals.length - assigned, adopted }, tallyByKey }
}
