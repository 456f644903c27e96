/**
 * An Order: one write to a store. A license order gives or takes seats of one License; a location order concerns people
 * of a Location, or all that one of them holds.
 */
import type { ConnectorId, LicenseId, OrderId } from './ids.ts'

export type LicenseAction = 'associate' | 'disassociate'
export type LocationAction = 'register-user' | 'update-user' | 'retire-user' | 'revoke' | 'assign-subscription' | 'remove-subscription'
export type OrderAction = LicenseAction | LocationAction
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
interface OrderCommon {
  readonly id: OrderId
  readonly connectorId: ConnectorId
  readonly state: OrderState
  readonly total: number
  readonly done: number
  readonly open: readonly number[]
  readonly failures: readonly OrderFailure[]
  readonly unknown: boolean
  /** The store's name for the call; orders that left in one call share it. */
  readonly storeReference: string | null
  readonly createdAt: string
  readonly sentAt: string | null
  readonly finishedAt: string | null
  /** Who asked: an administrator's name, or `Quartermaster` for what the waiting list did by itself. */
  readonly by: string
  /** ISO 8601, UTC. It does not leave before; until then it is planned, and can be cancelled. Absent: as soon as may be. */
  readonly notBefore?: string
  /** The order whose work this one takes back. */
  readonly undoes?: OrderId
  /** The orders that took its work back. */
  readonly undoneBy?: readonly OrderId[]
}

export interface LicenseOrder extends OrderCommon {
  readonly licenseId: LicenseId
  readonly action: LicenseAction
  /**
   * `plan`: it follows from wishes, and goes with them. `reclaim`: an administrator asked for these very seats. `undo`: it
   * takes another order's work back. `leaver-policy`: the connector's rule gives back what leavers hold.
   */
  readonly cause: 'plan' | 'reclaim' | 'undo' | 'leaver-policy'
}

export interface LocationOrder extends OrderCommon {
  readonly licenseId: null
  readonly action: LocationAction
  /** `plan`: a wish needs it (a person to register). `hand`: an administrator asked for it. `undo`: as for a license. */
  readonly cause: 'plan' | 'hand' | 'undo'
  /** Subscription acts only: which one, and how. */
  readonly subscription: SubscriptionTerms | null
}

export interface SubscriptionTerms {
  readonly id: string
  /** Assigning: renews at the period's end, or runs out then. */
  readonly renewing: boolean
  /** Removing: at the period's end instead of at once. */
  readonly deferred: boolean
}

export type Order = LicenseOrder | LocationOrder

export const isOpen = (order: Order): boolean => order.open.length > 0
export const isLicenseOrder = (order: Order): order is LicenseOrder => order.licenseId !== null

export const isLicenseAction = (action: OrderAction): action is LicenseAction => action === 'associate' || action === 'disassociate'

/** The longest that an order may be kept back. */
export const longestGraceHours = 720

/**
 * A license's orders as its wishes are weighed against them. One that gives seats by itself, and not for a wish, is on its
 * way from the start: its seats are promised, and no wish takes it back. One that is kept back takes nothing yet.
 */
export const weighedOrders = (orders: readonly LicenseOrder[]): readonly LicenseOrder[] =>
  orders.every(({ cause }) => cause === 'plan')
    ? orders
    : orders.flatMap((order) =>
        order.state !== 'planned' || order.cause === 'plan'
          ? [order]
          : order.action === 'associate'
            ? [{ ...order, state: 'sent' as const }]
            : order.notBefore === undefined
              ? [order]
              : [],
      )
