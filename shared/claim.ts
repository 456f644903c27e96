/**
 * A Claim: somebody to whom a license is offered (intent `available`) takes a seat, or gives it back. It is kept by the
 * server as a fact of the license, one for each principal, and weighed by reconcile like a wish.
 */
import type { PrincipalId } from './ids.ts'

export interface Claim {
  readonly id: PrincipalId
  /** `return`: the seat is to be given back; the claim goes once it is. */
  readonly wants: 'seat' | 'return'
  /** The server's order of the act, as a wish's: who claims first is served first. */
  readonly taken: number
  /** ISO 8601, UTC, by the server's clock. */
  readonly at: string
  /** Who claimed: the person, or the administrator or API client that did it for them. */
  readonly by: string
}
