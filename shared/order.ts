/** An Order: one write to a store, for one License and a batch of principals. */
import type { ConnectorId, LicenseId, OrderId } from './ids.ts'

export type OrderAction = 'associate' | 'disassociate' | 'revoke' | 'register-user' | 'retire-user'
export type OrderState = 'planned' | 'sent' | 'pending' | 'done' | 'partly-done' | 'failed' | 'cancelled'

/** Why one target was not served. `atSeq` is the server's order of the answer: a wish made later tries again. */
export interface OrderFailure {
  readonly ordinal: number
  readonly code: string
  readonly text: string
  readonly retryable: boolean
  readonly atSeq: number
}

/**
 * `open` holds the ordinals that no answer has settled; they count as taken until one does.
 * `unknown` says that the call may or may not have reached the store: the outcome is found by reading, never by sending again.
 */
export interface Order {
  readonly id: OrderId
  readonly connectorId: ConnectorId
  readonly licenseId: LicenseId
  readonly action: OrderAction
  /** `plan`: it follows from wishes, and goes with them. `reclaim`: an administrator asked for these very seats. */
  readonly cause: 'plan' | 'reclaim'
  readonly state: OrderState
  readonly total: number
  readonly done: number
  readonly open: readonly number[]
  readonly failures: readonly OrderFailure[]
  readonly unknown: boolean
  readonly storeReference: string | null
  readonly createdAt: string
  readonly sentAt: string | null
  readonly finishedAt: string | null
  /** Who asked: an administrator's name, or `Quartermaster` for what the waiting list did by itself. */
  readonly by: string
}

export const isOpen = (order: Order): boolean => order.open.length > 0
