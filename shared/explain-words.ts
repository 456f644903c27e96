/** An explanation in words. Names and times come in: the server writes instants in UTC, a browser in its own time. */
import { becauseInWords, termsOf, type PlacedWish, type WishTerms } from './assignment.ts'
import { isoTime } from './clock.ts'
import type { ConflictResult } from './conflicts.ts'
import type { Explanation, Step, Through, YieldsTo } from './explain.ts'
import type { GroupId, TargetKey } from './ids.ts'
import type { OrderAction, OrderState } from './order.ts'
import { registrationInWords } from './registration.ts'

export interface StepNames {
  readonly product: string
  target(key: TargetKey): string
  group(id: GroupId): string
  principal(ordinal: number): string
  /** An instant, ISO 8601. */
  when(iso: string): string
}

export const stepInWords = (step: Step, names: StepNames): string => {
  switch (step.code) {
    case 'assignment': {
      const { placed, through, yields } = step
      const by = placed.by === '' ? 'not sent yet' : `by ${placed.by} at ${names.when(placed.at)}`
      return `${names.target(placed.key)}${throughInWords(through, names)}: ${wishSaid(placed)}${termsSaid(termsOf(placed.wish), names)}, ${by}${yields === undefined ? '' : `. ${yieldsInWords[yields]}`}`
    }
    case 'no-assignment':
      return `No assignment of ${names.product} names them, alone or by a group`
    case 'owner':
      return `The device is ${names.principal(step.owner)}’s, who is named by ${names.target(step.placed.key)}: ${wishSaid(step.placed)}`
    case 'conflict':
      return `Conflict ${step.row}: ${conflictInWords[step.result]}`
    case 'claim':
      return step.claim.wants === 'seat'
        ? `A seat was taken, by ${step.claim.by} at ${names.when(step.claim.at)}`
        : `The seat is being given back, by ${step.claim.by} at ${names.when(step.claim.at)}`
    case 'license-type':
      return step.fits
        ? `A ${step.type === 'device' ? 'device' : 'person'} takes a ${step.type} license, and ${names.product} has them`
        : `${names.product} goes to ${step.type === 'device' ? 'people' : 'devices'} only`
    case 'directory':
      return { unknown: 'Not in the directory', left: 'Left the organisation', inactive: 'Not active in the directory' }[step.is]
    case 'seat':
      return `Holds a seat since ${names.when(isoTime(step.seat.sinceS * 1000))}, ${step.seat.origin === 'assignment' ? 'placed by an assignment' : 'found at the store: nobody here asked for it'}`
    case 'no-seat':
      return `Holds no seat of ${names.product}, as of ${names.when(step.asOf)}`
    case 'order':
      return `${actionInWords[step.order.action]}: the order of ${names.when(step.order.createdAt)} ${orderStateInWords[step.order.state]}, by ${step.order.by}`
    case 'failure':
      return `${actionInWords[step.order.action]} failed, order of ${names.when(step.order.createdAt)}: ${step.failure.text}`
    case 'registration':
      return step.state === 'none' ? 'Not on the store’s list of people' : registrationInWords[step.state]
    case 'blocked':
      return `Nothing can be asked of the store now: ${becauseInWords({ code: step.by, position: 0 })}`
    case 'free-seats':
      return freeInWords(step, names)
    case 'queue': {
      const { position, ahead } = step
      if (position === 1) return 'First on the waiting list: nobody is served before'
      const shown = ahead.map((ordinal) => names.principal(ordinal)).join(', ')
      const more = position - 1 - ahead.length
      return `Place ${position} on the waiting list. Served before: ${more > 0 ? `${more} others, then ` : ''}${shown}`
    }
    case 'verdict':
      return step.verdict === undefined ? 'Nothing is asked for them' : becauseInWords(step.verdict.because)
  }
}

/** "Ana Ruiz has a seat of Keynote since 12 Oct: …": the answer in one or two sentences. */
export const answerInWords = ({ ordinal, verdict, steps, has, since, by }: Explanation, names: StepNames): string => {
  const who = names.principal(ordinal)
  const deciding = steps.find((step) => step.code === 'assignment' && step.yields === undefined)
  const from = deciding?.code === 'assignment' ? names.target(deciding.placed.key) : undefined
  if (has) {
    const held = `${who} has a seat of ${names.product}${since === null ? '' : ` since ${names.when(since)}`}`
    if (from === undefined) return `${held}. It was found at the store: nobody here asked for it.`
    const because = by === null ? `It was there before the assignment of ${from}` : `By the assignment of ${from}, made by ${by || 'you'}`
    return verdict === undefined || verdict.state === 'placed'
      ? `${held}. ${because}.`
      : `${held}. ${because}. ${becauseInWords(verdict.because)}.`
  }
  const none = `${who} has no seat of ${names.product}`
  if (verdict === undefined || from === undefined) return `${none}. No assignment names them, alone or by a group.`
  return `${none}. ${becauseInWords(verdict.because)}. Decided by the assignment of ${from}${by === null || by === '' ? '' : `, made by ${by} at ${since === null ? '' : names.when(since)}`}.`
}

const throughInWords = (through: Through, { group }: StepNames): string => {
  switch (through.is) {
    case 'named':
      return ', named alone'
    case 'everybody':
      return ''
    case 'group':
      return through.path.length < 2 ? '' : ` (through ${through.path.slice(1).map(group).join(', in it ')})`
  }
}

const wishSaid = ({ wish }: PlacedWish): string => {
  switch (wish.mode) {
    case 'removed':
      return `removed, seats ${wish.seats === 'keep' ? 'kept as found' : 'to be given back'}`
    case 'exclude':
      return 'excluded'
    case 'include':
      return `${wish.intent}, by ${wish.licenseType}`
  }
}

const termsSaid = ({ priority, startsAt, endsAt, reservation }: WishTerms, { when }: StepNames): string =>
  [
    ...(priority === 0 ? [] : [`priority ${priority}`]),
    ...(startsAt === null ? [] : [`from ${when(startsAt)}`]),
    ...(endsAt === null ? [] : [`until ${when(endsAt)}`]),
    ...(reservation === null
      ? []
      : [`${reservation.seats} seats reserved and ${reservation.unused === 'held' ? 'held' : 'lent while unused'}`]),
  ]
    .map((part) => `, ${part}`)
    .join('')

const yieldsInWords: Record<YieldsTo, string> = {
  exclusion: 'An exclusion beats it',
  requirement: 'What is required beats an uninstall',
  uninstall: 'An uninstall beats what is offered',
  beside: 'It holds as well; what is required asks for more',
  priority: 'Another one of the same sort is served first, by its priority',
  order: 'Another one of the same sort was there before',
  standing: 'Another one stands',
}

/** What the table says of the app on that device. */
export const conflictInWords: Record<ConflictResult, string> = {
  required: 'it is required',
  available: 'it is offered',
  uninstall: 'it is taken away',
  'required-and-available': 'it is required, and offered',
  'required-and-available-unenrolled': 'it is required, and offered to devices that are not managed',
  'available-unless-required-before': 'it is offered, and what an earlier requirement installed goes',
  'uninstall-unless-claimed': 'it is taken away, unless the person took it themself',
}

const actionInWords: Record<OrderAction, string> = {
  associate: 'A seat was asked of the store',
  disassociate: 'Giving the seat back was asked of the store',
  'register-user': 'Registering at the store',
  'update-user': 'Telling the store what changed',
  'retire-user': 'Retiring at the store',
  revoke: 'Taking everything back',
  'assign-subscription': 'A subscription seat was asked of the store',
  'remove-subscription': 'Giving a subscription seat back',
}
const orderStateInWords: Record<OrderState, string> = {
  planned: 'has not left yet',
  sent: 'has left and is not answered yet',
  pending: 'is being worked on by the store',
  done: 'is done',
  'partly-done': 'is partly done',
  failed: 'failed',
  cancelled: 'was cancelled',
}

const freeInWords = ({ free, asOf, heldFor }: Extract<Step, { readonly code: 'free-seats' }>, names: StepNames): string => {
  if (free === null) return 'The store sets no limit'
  const count = `${free} ${free === 1 ? 'seat is' : 'seats are'} free to be asked for, as of ${names.when(asOf)}`
  return heldFor.length === 0 ? count : `${count}; held for ${heldFor.map((key) => names.target(key)).join(', ')}`
}
