/** What the server tells of one product to one person, and what this page makes of it. */
import type { IconName } from '../parts/icons.ts'
import { dayWithYear } from '../parts/times.ts'

const states = ['available', 'later', 'coming', 'waiting', 'held', 'returning', 'refused', 'ended'] as const
export type OfferState = (typeof states)[number]

export interface Offer {
  readonly id: string
  readonly name: string
  readonly publisher: string
  readonly isBook: boolean
  readonly state: OfferState
  readonly text: string
  readonly position: number | null
  /** ISO 8601. */
  readonly since: string | null
  readonly isRequired: boolean
  readonly isForGood: boolean
  readonly mayTake: boolean
  readonly mayGiveBack: boolean
  readonly wouldWait: boolean
  readonly endsAt: string | null
  /** How old the store's counts are. */
  readonly asOf: string
}

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Undefined for what is not one: it is left out rather than shown wrongly. */
export const parseOffer = (value: unknown): Offer | undefined => {
  const state = states.find((known) => known === at(value, 'state'))
  const [id, product, position] = [text(at(value, 'id')), at(value, 'product'), at(value, 'position')]
  if (state === undefined || id === '') return undefined
  return {
    id,
    name: text(at(product, 'name')) || id,
    publisher: text(at(product, 'publisher')),
    isBook: at(product, 'kind') === 'book',
    state,
    text: text(at(value, 'text')),
    position: typeof position === 'number' ? position : null,
    since: textOrNull(at(value, 'since')),
    isRequired: at(value, 'isRequired') === true,
    isForGood: at(value, 'isForGood') === true,
    mayTake: at(value, 'mayTake') === true,
    mayGiveBack: at(value, 'mayGiveBack') === true,
    wouldWait: at(value, 'wouldWait') === true,
    endsAt: textOrNull(at(value, 'endsAt')),
    asOf: text(at(value, 'asOf')),
  }
}

export type Part = 'yours' | 'coming' | 'offered'
export const partOf = ({ state }: Offer): Part =>
  state === 'held' || state === 'returning' || state === 'ended'
    ? 'yours'
    : state === 'available' || state === 'later'
      ? 'offered'
      : 'coming'

export interface OfferStatus {
  readonly look: 'healthy' | 'pending' | 'unhealthy' | 'off'
  readonly icon: IconName
  readonly words: string
}

export const statusOf = (offer: Offer): OfferStatus => {
  switch (offer.state) {
    case 'held':
      return { look: 'healthy', icon: 'ok', words: offer.since === null ? 'Yours' : `Yours since ${dayWithYear(offer.since)}` }
    case 'coming':
      return { look: 'pending', icon: 'pending', words: 'On its way' }
    case 'returning':
      return { look: 'pending', icon: 'pending', words: 'Going back' }
    case 'waiting':
      return { look: 'off', icon: 'waiting', words: offer.position === null ? 'In the line' : `Place ${offer.position} in the line` }
    case 'available':
      return offer.wouldWait
        ? { look: 'off', icon: 'waiting', words: 'No seat free now' }
        : { look: 'off', icon: 'check', words: 'A seat is free' }
    case 'later':
      return { look: 'off', icon: 'waiting', words: 'Not yet' }
    case 'refused':
      return { look: 'unhealthy', icon: 'bad', words: 'Not given' }
    case 'ended':
      return { look: 'off', icon: 'excluded', words: 'No longer offered' }
  }
}

export type OfferAct = 'take' | 'give-back'
/** What can be done: an act, its button, and whether it is asked once more before. */
export interface OfferButton {
  readonly act: OfferAct
  readonly label: string
  readonly isMain: boolean
}

export const buttonOf = (offer: Offer): OfferButton | undefined => {
  if (offer.mayTake) {
    const label =
      offer.state === 'returning' ? 'Keep it' : offer.state === 'refused' ? 'Try again' : offer.wouldWait ? 'Get in line' : 'Take'
    return { act: 'take', label, isMain: offer.state === 'available' }
  }
  if (!offer.mayGiveBack) return undefined
  return {
    act: 'give-back',
    label: offer.state === 'held' ? 'Give back' : offer.state === 'waiting' ? 'Leave the line' : 'Do not take it',
    isMain: false,
  }
}

/** Beside the status: why, and what else is to know. */
export const notesOf = (offer: Offer): readonly string[] => [
  ...(offer.text === '' || offer.text === 'A seat is free.' || offer.text === 'You have it.' ? [] : [offer.text]),
  ...(offer.isForGood && offer.state !== 'ended'
    ? [offer.state === 'held' ? 'It is yours for good.' : 'Once taken it can never be given back.']
    : []),
  ...(offer.endsAt === null || offer.state === 'ended' ? [] : [`Offered until ${dayWithYear(offer.endsAt)}.`]),
]
