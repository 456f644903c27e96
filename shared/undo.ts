/**
 * What would take an order's work back, said before it is done. Pure, used on both sides: a screen asks it whether there
 * is anything to undo, and the server once more with what has become of each target since.
 */
import { becauseInWords } from './assignment.ts'
import type { LicenseId } from './ids.ts'
import type { License } from './license.ts'
import { isOpen, type Order } from './order.ts'
import type { WritingBlocked } from './reconcile.ts'

export type UndoAct =
  /** These very seats are given again, and what was changed in the plan for their sake is set back. */
  | 'give-back'
  /** The assignments that asked for the seats are removed, and their seats given back. */
  | 'remove-assignments'
  | 'take-back'
  | 'retire-user'
  | 'register-user'
  | 'assign-subscription'
  | 'remove-subscription'

/** Why there is nothing to undo at all. */
export type NoUndo =
  'not-sent' | 'under-way' | 'nothing-done' | 'undone-already' | 'irrevocable' | 'license-gone' | 'not-kept' | WritingBlocked

/** Why one target stays as it is. */
export type Obstacle =
  | 'principal-unknown'
  | 'has-seat'
  | 'no-seat'
  | 'on-its-way'
  | 'held-back'
  | 'asked-for'
  | 'leaver-rule'
  | 'no-seat-free'
  | 'not-registered'
  | 'not-registrable'
  | 'on-the-list'
  | 'license-gone'

/** A target that was served, as it stands now. */
export interface UndoTarget {
  readonly ordinal: number
  /** Null where it is not about a license. */
  readonly licenseId: LicenseId | null
  /** Undefined: nothing stands in the way. `waits`: an assignment asks for it, and a seat is free for it later. */
  readonly obstacle: Obstacle | 'waits' | undefined
}

export interface UndoSubject {
  readonly order: Order
  /** Of the order's license. Undefined: there is none, or it is known no more. */
  readonly license: Pick<License, 'product' | 'revocable' | 'gone'> | undefined
  readonly writingBlocked: WritingBlocked | undefined
  /** Left out: nobody has looked yet what has become of them. */
  readonly targets?: readonly UndoTarget[]
}

export interface Undo {
  readonly act: UndoAct
  /** Targets that were served; of everything that was taken from somebody, the seats. */
  readonly of: number
  /** Those that can be taken back now. */
  readonly can: number
  /** Those that an assignment asks for again, and that wait for a seat. */
  readonly waiting: number
  /** Why not the rest, the most frequent reason first. */
  readonly blocked: readonly { readonly code: Obstacle; readonly count: number; readonly text: string }[]
  /** What happens when it is done. */
  readonly next: string
}

export type UndoTold = ({ readonly is: 'some' } & Undo) | { readonly is: 'none'; readonly code: NoUndo; readonly text: string }

export const undoOf = ({ order, license, writingBlocked, targets }: UndoSubject): UndoTold => {
  const no = (code: NoUndo): UndoTold => ({ is: 'none', code, text: noUndoInWords(code, order, license) })
  if (order.undoneBy !== undefined) return no('undone-already')
  if (order.state === 'planned') return no('not-sent')
  if (isOpen(order)) return no('under-way')
  if (order.done === 0) return no('nothing-done')
  const act = actOf(order)
  if (act === undefined) return no('not-kept')
  if (order.licenseId !== null) {
    if (license === undefined || license.gone) return no('license-gone')
    if (!license.revocable) return no('irrevocable')
  }
  if (writingBlocked !== undefined) return no(writingBlocked)
  const served = targets ?? Array.from({ length: order.done }, () => ({ obstacle: undefined }))
  const counts = new Map<Obstacle, number>()
  let waiting = 0
  for (const { obstacle } of served) {
    if (obstacle === 'waits') waiting += 1
    else if (obstacle !== undefined) counts.set(obstacle, (counts.get(obstacle) ?? 0) + 1)
  }
  const blocked = [...counts]
    .map(([code, count]) => ({ code, count, text: obstacleInWords[code] }))
    .sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1))
  const can = served.length - waiting - blocked.reduce((sum, { count }) => sum + count, 0)
  return { is: 'some', act, of: served.length, can, waiting, blocked, next: nextInWords[act] }
}

const actOf = (order: Order): UndoAct | undefined => {
  switch (order.action) {
    case 'associate':
      return order.cause === 'plan' ? 'remove-assignments' : 'take-back'
    case 'disassociate':
    case 'revoke':
      return 'give-back'
    case 'register-user':
      return 'retire-user'
    case 'retire-user':
      return 'register-user'
    case 'update-user':
      return undefined
    case 'assign-subscription':
      return 'remove-subscription'
    case 'remove-subscription':
      // At once: whether it was to renew is not known any more.
      return order.subscription?.deferred === true ? 'assign-subscription' : undefined
  }
}

const noUndoInWords = (code: NoUndo, order: Order, license: UndoSubject['license']): string => {
  switch (code) {
    case 'not-sent':
      return 'It has not left yet. Cancel it instead.'
    case 'under-way':
      return 'It is still under way. It can be undone when it has come to its end.'
    case 'nothing-done':
      return 'Nothing was done by it, so there is nothing to undo.'
    case 'undone-already':
      return 'It was undone already. Look at the order that did it.'
    case 'irrevocable':
      return `${license?.product.name ?? 'This'} is given for good: the store takes none of its seats back.`
    case 'license-gone':
      return 'The store no longer lists this license, so nothing of it can be given or taken.'
    case 'not-kept':
      return order.action === 'update-user'
        ? 'What the store knew before is not kept. Change the person again instead.'
        : 'Whether the subscription was to renew is not kept. Assign it again instead.'
    default:
      return `${becauseInWords({ code, position: 1 })}. Nothing can be undone before.`
  }
}

export const obstacleInWords: Record<Obstacle, string> = {
  'principal-unknown': 'Not in the directory any more',
  'has-seat': 'Has a seat again already',
  'no-seat': 'The seat has come back since',
  'on-its-way': 'Something else is under way for the same seat',
  'held-back': 'An assignment excludes them or uninstalls by now. Remove it first',
  'asked-for': 'Another assignment asks for the seat by now, or they took it themselves of what is offered',
  'leaver-rule': 'Has left, and the rule of the connector would take the seat again at once',
  'no-seat-free': 'No seat is free any more: others got it, or wait for it',
  'not-registered': 'Not on the list of people of the store. Register them first',
  'not-registrable': 'Neither a managed account nor a mail address is known',
  'on-the-list': 'Stands on the list of people of the store already',
  'license-gone': 'The store no longer lists the license',
}

const nextInWords: Record<UndoAct, string> = {
  'give-back':
    'Each gets the seat back that was taken, and assignments that were removed or narrowed for it are set back. The store is asked with an order of its own.',
  'remove-assignments':
    'The assignments that asked for these seats are removed, and the seats they placed are given back. Who waits is served next.',
  'take-back': 'The seats are taken back, as before. Who waits is served next.',
  'retire-user': 'They are retired at the store, and lose the seats that they hold there and that can come back.',
  'register-user':
    'They are registered again, some by an invitation that they must accept. Seats that an assignment asks for are given again by themselves; others are not.',
  'assign-subscription': 'The subscription renews for them again.',
  'remove-subscription': 'The subscription is taken from them at once.',
}
