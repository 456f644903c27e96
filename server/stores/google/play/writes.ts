/**
 * Giving and taking seats: one request for each person and app, each repeatable without harm, done within the call. What
 * became of each target is told; where nobody said so, the whole call is a question.
 */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { HolderKey, OrderStatus, OutcomeUnknown, ProductKey, StoreFailure, TargetFailure, WriteRequest } from '../../store.ts'
import type { GoogleFailure } from '../client.ts'
import type { PlayApi } from './api.ts'
import {
  boughtByPerson,
  failureOf,
  needsReapproval,
  noSeatLeft,
  notForDevices,
  unapproved,
  userNotKnown,
  wordsOfRefusal,
  type TargetWords,
} from './failures.ts'
import type { Holders } from './holders.ts'
import type { GroupLicense } from './wire.ts'

export type Settled = Extract<OrderStatus, { readonly is: 'done' | 'failed' }>

/** What one target came to. `stopped`: Google can't be asked further now. */
type Outcome =
  | { readonly is: 'served' }
  | { readonly is: 'failed'; readonly words: TargetWords }
  | { readonly is: 'stopped'; readonly failure: GoogleFailure }
  /** Google serves none of it any more. */
  | { readonly is: 'over'; readonly failure: StoreFailure }

export interface WritesDeps {
  readonly api: PlayApi
  readonly holders: Holders
  /** Why Google refuses license calls altogether; undefined: it does not. */
  readonly whyRefused: () => Promise<StoreFailure | undefined>
}

const served: Outcome = { is: 'served' }
const failed = (words: TargetWords): Outcome => ({ is: 'failed', words })
const stopped = (failure: GoogleFailure): Outcome => ({ is: 'stopped', failure })
const isNotThere = (failure: GoogleFailure): boolean => failure.is === 'refused' && failure.status === 404

/** A license as read in this call, and how many of it this call has given since. */
interface Standing {
  readonly license: GroupLicense | undefined
  given: number
}
type Standings = Map<string, Standing>

interface Target {
  readonly holder: HolderKey
  /** Undefined: all that the person has, or the person. */
  readonly product: ProductKey | undefined
  readonly serve: () => Promise<Outcome>
}

export const createWrites = ({ api, holders, whyRefused }: WritesDeps) => {
  /** Undefined: nothing known stands in the way. A count that was read a moment ago may be wrong by now: Google has the last word. */
  const obstacleOf = ({ license, given }: Standing): TargetWords | undefined => {
    if (license === undefined) return undefined
    if (license.approval === 'unapproved') return unapproved
    if (license.permissions === 'needsReapproval') return needsReapproval
    const { numPurchased, numProvisioned = 0 } = license
    return numPurchased !== undefined && numProvisioned + given >= numPurchased ? noSeatLeft : undefined
  }

  const standingNow = async (productId: string): Promise<Result<Standing, GoogleFailure>> => {
    const license = await api.groupLicense(productId, true)
    if (license.ok) return ok({ license: license.value, given: 0 })
    // An app that was never given has no group license yet.
    return isNotThere(license.error) ? ok({ license: undefined, given: 0 }) : license
  }

  /** Read once for each call, and anew when what this call has given would stand in the way. */
  const standingOf = async (standings: Standings, productId: string): Promise<Result<Standing, GoogleFailure>> => {
    const known = standings.get(productId)
    if (known !== undefined && (known.given === 0 || obstacleOf(known) === undefined)) return ok(known)
    const now = await standingNow(productId)
    if (now.ok) standings.set(productId, now.value)
    return now
  }

  /** 1. Is there a seat? 2. Whose account? 3. The entitlement; an account that is gone is made anew, once, as the same person. */
  const give = async (standings: Standings, holder: HolderKey, { productId }: ProductKey): Promise<Outcome> => {
    if (holder.kind !== 'user') return failed(notForDevices)
    const standing = await standingOf(standings, productId)
    if (!standing.ok) return standing.error.is === 'refused' ? failed(wordsOfRefusal(standing.error)) : stopped(standing.error)
    const obstacle = obstacleOf(standing.value)
    if (obstacle !== undefined) return (await isHeld(holder, productId)) ? served : failed(obstacle)
    for (let isAgain = false; ; isAgain = true) {
      const id = await holders.findOrMake(holder.key)
      if (!id.ok) return id.error.is === 'refused' ? failed(wordsOfRefusal(id.error)) : stopped(id.error)
      if (id.value === undefined) return failed(userNotKnown)
      const entitled = await api.entitle(id.value, productId)
      if (entitled.ok) {
        standing.value.given += 1
        return served
      }
      if (entitled.error.is !== 'refused') return stopped(entitled.error)
      const { status, message } = entitled.error
      if (status === 404 && /\buser\b/i.test(message) && !isAgain) {
        holders.forget(holder.key)
        continue
      }
      // Somebody else may have taken the last one since the count was read.
      const now = status === 403 || status === 400 ? await standingNow(productId) : undefined
      if (now?.ok === true) standings.set(productId, now.value)
      const why = now?.ok === true ? obstacleOf(now.value) : undefined
      return failed(why ?? wordsOfRefusal(entitled.error))
    }
  }

  const isHeld = async (holder: HolderKey, productId: string): Promise<boolean> => {
    const users = await api.licenseUsers(productId, true)
    return users.ok && users.value.user.some((user) => holders.holderOf(user).key.toLowerCase() === holder.key.toLowerCase())
  }

  /** What Google does not find is gone as asked; unless it finds nothing any more, because the calls were turned off or the binding is lost. */
  const goneAsAsked = async (): Promise<Outcome> => {
    const why = await whyRefused()
    return why === undefined ? served : { is: 'over', failure: why }
  }

  /** The app is asked away from each device before the license goes: Google's own order. That devices take their time is not waited for. */
  const takeOne = async (id: string, productId: string): Promise<Outcome> => {
    const devices = await api.devices(id)
    if (!devices.ok && devices.error.is !== 'refused') return stopped(devices.error)
    for (const { androidId } of devices.ok ? devices.value.device : []) {
      const removed = await api.removeInstall(id, androidId, productId)
      if (!removed.ok && removed.error.is !== 'refused') return stopped(removed.error)
    }
    const taken = await api.removeEntitlement(id, productId)
    if (taken.ok) return served
    if (isNotThere(taken.error)) return await goneAsAsked()
    if (taken.error.is !== 'refused') return stopped(taken.error)
    const entitlement = await api.entitlement(id, productId)
    return failed(entitlement.ok && entitlement.value.reason === 'userPurchase' ? boughtByPerson : wordsOfRefusal(taken.error))
  }

  const take = async (holder: HolderKey, productId: string | undefined): Promise<Outcome> => {
    const id = await holders.find(holder.key)
    if (!id.ok) return id.error.is === 'refused' ? failed(wordsOfRefusal(id.error)) : stopped(id.error)
    // Who has no account holds nothing.
    if (id.value === undefined) return served
    if (productId !== undefined) return await takeOne(id.value, productId)
    const held = await api.entitlements(id.value)
    if (!held.ok)
      return isNotThere(held.error)
        ? await goneAsAsked()
        : held.error.is === 'refused'
          ? failed(wordsOfRefusal(held.error))
          : stopped(held.error)
    let worst: Outcome = served
    for (const each of held.value.entitlement) {
      const outcome = await takeOne(id.value, each.productId)
      if (outcome.is === 'stopped' || outcome.is === 'over') return outcome
      if (outcome.is === 'failed') worst = outcome
    }
    return worst
  }

  const remove = async (holder: HolderKey): Promise<Outcome> => {
    const id = await holders.find(holder.key)
    if (!id.ok) return id.error.is === 'refused' ? failed(wordsOfRefusal(id.error)) : stopped(id.error)
    if (id.value === undefined) return served
    const deleted = await api.deleteUser(id.value)
    if (deleted.ok || isNotThere(deleted.error)) {
      holders.forget(holder.key)
      return deleted.ok ? served : await goneAsAsked()
    }
    return deleted.error.is === 'refused' ? failed(wordsOfRefusal(deleted.error)) : stopped(deleted.error)
  }

  const targetsOf = (request: WriteRequest): readonly Target[] | undefined => {
    const standings: Standings = new Map()
    switch (request.action) {
      case 'associate':
      case 'disassociate':
        return request.holders.flatMap((holder) =>
          request.products.map((product) => ({
            holder,
            product,
            serve: () => (request.action === 'associate' ? give(standings, holder, product) : take(holder, product.productId)),
          })),
        )
      case 'revoke':
        return request.holders.map((holder) => ({ holder, product: undefined, serve: () => take(holder, undefined) }))
      case 'retire-user':
        return request.keys.map((key) => {
          const holder: HolderKey = { kind: 'user', key }
          return { holder, product: undefined, serve: () => remove(holder) }
        })
      default:
        return undefined
    }
  }

  /**
   * Serves one target after the other. A request of which nobody said what became of it makes the call a question; before
   * anything was done a failure is the call's own; after that the rest is told as failed, to be asked for again.
   */
  const write = async (request: WriteRequest): Promise<Result<Settled, StoreFailure | OutcomeUnknown>> => {
    const targets = targetsOf(request)
    if (targets === undefined)
      return err({ is: 'store-refused', code: 'not-offered', text: 'Managed Google Play has no such thing. Nothing was changed.' })
    const failures: TargetFailure[] = []
    const fail = ({ holder, product }: Target, words: TargetWords): void =>
      void failures.push({ holders: [holder], products: product === undefined ? null : [product], ...words })
    let done = 0
    for (const [at, target] of targets.entries()) {
      const outcome = await target.serve()
      if (outcome.is === 'served') done += 1
      else if (outcome.is === 'failed') fail(target, outcome.words)
      else if (outcome.failure.is === 'outcome-unknown') return err(outcome.failure)
      else {
        const failure = outcome.is === 'over' ? outcome.failure : failureOf(outcome.failure)
        if (done === 0) return err(failure)
        const text = 'text' in failure ? failure.text : 'Google asks for a slower pace. It is tried again by itself.'
        for (const rest of targets.slice(at)) fail(rest, { code: failure.is, text, retryable: true })
        break
      }
    }
    // When all is refused, the reason may not be the targets.
    if (done === 0 && failures.length > 0 && failures.every(({ code }) => isOfTheApi(code))) {
      const why = await whyRefused()
      if (why !== undefined) return err(why)
    }
    return ok(failures.length === 0 ? { is: 'done' } : { is: 'failed', failures, complete: true })
  }

  return { write }
}

const ownCodes: ReadonlySet<string> = new Set(
  [noSeatLeft, unapproved, needsReapproval, boughtByPerson, userNotKnown, notForDevices].map(({ code }) => code),
)
const isOfTheApi = (code: string): boolean => !ownCodes.has(code)
