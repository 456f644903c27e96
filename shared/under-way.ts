/** What is under way with the store, and what failed, by whom it concerns: of a license's orders and of its Location's. */
import type { LicenseOrder, LocationOrder, OrderFailure } from './order.ts'

/** The open and the failed targets of a license's orders and of its Location's, by ordinal. */
export interface Asked {
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

export const asked = (orders: readonly LicenseOrder[], locationOrders: readonly LocationOrder[]): Asked => {
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
