/**
 * Giving and taking apps, one device after the other, done within the call. No policy of somebody else's is changed: the
 * device follows a copy of ours, in which only the named apps are touched. Every request can be sent twice without harm;
 * where nobody said what became of one, the whole call is a question.
 */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { HolderKey, OrderStatus, OutcomeUnknown, StoreFailure, TargetFailure, WriteRequest } from '../../store.ts'
import type { GoogleFailure } from '../client.ts'
import type { ApplicationChange, ManagementApi } from './api.ts'
import { copyIdOf, copyOf } from './copies.ts'
import {
  appNotFound,
  changedMeanwhile,
  deviceNotKnown,
  deviceWithoutPolicy,
  failureOf,
  holdsTheDevice,
  isRefused,
  notForPeople,
  policyFull,
  wordsOfRefusal,
  type TargetWords,
} from './failures.ts'
import { ordersOf, type FleetDevice } from './fleet.ts'
import { followed, isAsBase, isHeld, isSame, isThere, mostApplications, wanted, type Wish } from './plan.ts'
import { lastOf, type ApplicationPolicy, type Policy } from './wire.ts'

export type Settled = Extract<OrderStatus, { readonly is: 'done' | 'failed' }>

export interface WritesDeps {
  readonly api: ManagementApi
  /** Undefined: the enterprise has no such device. */
  readonly deviceOf: (key: string) => Promise<Result<FleetDevice | undefined, GoogleFailure>>
  /** Of a device that follows none. Undefined: none is set. */
  readonly defaultPolicy: () => Promise<string | undefined>
  readonly isApp: (packageName: string) => Promise<Result<boolean, GoogleFailure>>
  /** Why Google refuses everything; undefined: it does not. */
  readonly whyRefused: () => Promise<StoreFailure | undefined>
}

/** What one device came to. `failed`: of these products, or of all where none is named. */
type Outcome =
  | { readonly is: 'told'; readonly failed: readonly { readonly product: string; readonly words: TargetWords }[] }
  | { readonly is: 'failed'; readonly words: TargetWords }
  | { readonly is: 'stopped'; readonly failure: GoogleFailure }

const stopped = (failure: GoogleFailure): Outcome => ({ is: 'stopped', failure })
const refusedOrStopped = (failure: GoogleFailure): Outcome =>
  failure.is === 'refused' && failure.status !== 401 ? { is: 'failed', words: wordsOfRefusal(failure) } : stopped(failure)

const mostTries = 3
const byName = (policy: Policy | undefined): ReadonlyMap<string, ApplicationPolicy> =>
  new Map((policy?.applications ?? []).map((application) => [application.packageName, application]))

interface Standing {
  readonly deviceId: string
  readonly policyId: string
  readonly policy: Policy
  /** What the copy was made from; the policy itself while there is no copy. Undefined: it is gone, and the copy goes on. */
  readonly base: { readonly id: string; readonly policy: Policy | undefined }
  readonly isCopy: boolean
}

export const createWrites = ({ api, deviceOf, defaultPolicy, isApp, whyRefused }: WritesDeps) => {
  const standingOf = async (holder: HolderKey): Promise<Result<Standing, Outcome>> => {
    const known = await deviceOf(holder.key)
    if (!known.ok) return err(stopped(known.error))
    if (known.value === undefined) return err({ is: 'failed', words: deviceNotKnown })
    const device = await api.device(known.value.id)
    if (!device.ok) return err(isRefused(device.error, 404) ? { is: 'failed', words: deviceNotKnown } : refusedOrStopped(device.error))
    if (device.value.state === 'DELETED') return err({ is: 'failed', words: deviceNotKnown })
    const followedNow = device.value.policyName
    const policyId = followedNow === undefined || followedNow === '' ? await defaultPolicy() : lastOf(followedNow)
    if (policyId === undefined) return err({ is: 'failed', words: deviceWithoutPolicy })
    const policy = await api.policy(policyId)
    if (!policy.ok) return err(isRefused(policy.error, 404) ? { is: 'failed', words: deviceWithoutPolicy } : refusedOrStopped(policy.error))
    const copy = copyOf(policyId)
    const deviceId = known.value.id
    // A copy of another device's: somebody made this one follow it. It is theirs to change.
    if (copy === undefined || copy.deviceId !== deviceId)
      return ok({ deviceId, policyId, policy: policy.value, base: { id: policyId, policy: policy.value }, isCopy: false })
    const base = await api.policy(copy.base)
    if (!base.ok && !isRefused(base.error, 404)) return err(refusedOrStopped(base.error))
    return ok({ deviceId, policyId, policy: policy.value, base: { id: copy.base, policy: base.ok ? base.value : undefined }, isCopy: true })
  }

  /** The copy as it is to be. */
  const planOf = ({ policy, base }: Standing, wishes: ReadonlyMap<string, Wish>): readonly ApplicationPolicy[] => {
    const bases = byName(base.policy)
    const next = new Map(followed(policy.applications, base.policy?.applications ?? []).map((each) => [each.packageName, each]))
    for (const [packageName, wish] of wishes) {
      const application = wanted(next.get(packageName), bases.get(packageName), packageName, wish)
      if (application === undefined) next.delete(packageName)
      else next.set(packageName, application)
    }
    return [...next.values()]
  }

  /** 1. The copy, whole. 2. Was its source changed meanwhile? Then anew. 3. The device follows it. */
  const follow = async (standing: Standing, wishes: ReadonlyMap<string, Wish>): Promise<Outcome | undefined> => {
    const id = copyIdOf(standing.deviceId, standing.policyId)
    let from = standing.policy
    for (let tries = 1; ; tries += 1) {
      const applications = planOf({ ...standing, policy: from, base: { id: standing.policyId, policy: from } }, wishes)
      if (applications.length > mostApplications) return { is: 'failed', words: policyFull }
      const put = await api.putPolicy(id, { ...ordersOf(from), applications })
      if (!put.ok) return refusedOrStopped(put.error)
      const now = await api.policy(standing.policyId)
      if (!now.ok) return refusedOrStopped(now.error)
      if (now.value.version === from.version) break
      if (tries >= mostTries) return { is: 'failed', words: changedMeanwhile }
      from = now.value
    }
    const device = await api.device(standing.deviceId)
    if (!device.ok) return refusedOrStopped(device.error)
    // Somebody gave the device another policy since: that is the one to begin from.
    if (device.value.policyName !== undefined && device.value.policyName !== '' && lastOf(device.value.policyName) !== standing.policyId)
      return { is: 'failed', words: changedMeanwhile }
    const moved = await api.followPolicy(standing.deviceId, `${standing.policy.name.split('/policies/')[0] ?? ''}/policies/${id}`)
    return moved.ok ? undefined : refusedOrStopped(moved.error)
  }

  /** What the base orders beside apps first; then the apps, each by its name, whatever else changes in the copy at the same time. */
  const change = async (standing: Standing, wishes: ReadonlyMap<string, Wish>): Promise<Outcome | undefined> => {
    const { policyId, policy, base } = standing
    const next = planOf(standing, wishes)
    if (next.length > mostApplications) return { is: 'failed', words: policyFull }
    if (base.policy !== undefined) {
      const theirs = ordersOf(base.policy)
      const ours = ordersOf(policy)
      const behind = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].filter((field) => !isSame(theirs[field], ours[field]))
      if (behind.length > 0) {
        const put = await api.putPolicy(policyId, Object.fromEntries(behind.map((field) => [field, theirs[field]])), behind)
        if (!put.ok) return refusedOrStopped(put.error)
      }
      if (isAsBase(next, base.policy)) {
        const moved = await api.followPolicy(standing.deviceId, base.policy.name)
        if (!moved.ok) return refusedOrStopped(moved.error)
        // Nobody follows it any more. One that stays behind does nothing.
        const removed = await api.removePolicy(policyId)
        return removed.ok || removed.error.is === 'refused' ? undefined : stopped(removed.error)
      }
    }
    const before = byName(policy)
    const after = new Map(next.map((application) => [application.packageName, application]))
    const changes = next.flatMap((application): readonly ApplicationChange[] => {
      const was = before.get(application.packageName)
      if (was !== undefined && isSame(was, application)) return []
      const isInstallOnly = was !== undefined && isSame({ ...was, installType: null }, { ...application, installType: null })
      return [
        isInstallOnly
          ? { application: { packageName: application.packageName, installType: application.installType }, updateMask: 'installType' }
          : { application },
      ]
    })
    const gone = [...before.keys()].filter((packageName) => !after.has(packageName))
    if (changes.length > 0) {
      const changed = await api.changeApplications(policyId, changes)
      if (!changed.ok) return refusedOrStopped(changed.error)
    }
    if (gone.length > 0) {
      const removed = await api.removeApplications(policyId, gone)
      if (!removed.ok) return refusedOrStopped(removed.error)
    }
    return undefined
  }

  const serveOnce = async (holder: HolderKey, wishes: ReadonlyMap<string, Wish> | 'has-none'): Promise<Outcome> => {
    const standing = await standingOf(holder)
    if (!standing.ok) return standing.error
    const now = byName(standing.value.policy)
    const asked: ReadonlyMap<string, Wish> =
      wishes === 'has-none'
        ? new Map([...now.values()].filter(isThere).map(({ packageName }): [string, Wish] => [packageName, 'has-not']))
        : wishes
    const failed: { readonly product: string; readonly words: TargetWords }[] = []
    const left = new Map<string, Wish>()
    for (const [packageName, wish] of asked) {
      const application = now.get(packageName)
      if (isThere(application) === (wish === 'has')) continue
      if (wish === 'has-not' && isHeld(application)) {
        failed.push({ product: packageName, words: holdsTheDevice })
        continue
      }
      if (wish === 'has') {
        const known = await isApp(packageName)
        if (!known.ok) return refusedOrStopped(known.error)
        if (!known.value) {
          failed.push({ product: packageName, words: appNotFound(packageName) })
          continue
        }
      }
      left.set(packageName, wish)
    }
    if (left.size > 0) {
      const trouble = await (standing.value.isCopy ? change(standing.value, left) : follow(standing.value, left))
      if (trouble !== undefined) return trouble
    }
    return { is: 'told', failed }
  }

  /** A conflict at Google, or a device that was moved meanwhile: once more from what is there now. */
  const serve = async (holder: HolderKey, wishes: ReadonlyMap<string, Wish> | 'has-none'): Promise<Outcome> => {
    if (holder.kind !== 'device') return { is: 'failed', words: notForPeople }
    const first = await serveOnce(holder, wishes)
    return first.is === 'failed' && (first.words.code === changedMeanwhile.code || first.words.code === 'conflict')
      ? await serveOnce(holder, wishes)
      : first
  }

  const write = async (request: WriteRequest): Promise<Result<Settled, StoreFailure | OutcomeUnknown>> => {
    if (request.action !== 'associate' && request.action !== 'disassociate' && request.action !== 'revoke')
      return err({ is: 'store-refused', code: 'not-offered', text: 'Android Management has no such thing. Nothing was changed.' })
    const products = request.action === 'revoke' ? null : request.products
    const wishes: ReadonlyMap<string, Wish> | 'has-none' =
      products === null
        ? 'has-none'
        : new Map(products.map(({ productId }) => [productId, request.action === 'associate' ? 'has' : 'has-not']))
    const failures: TargetFailure[] = []
    const fail = (holder: HolderKey, product: string | undefined, words: TargetWords): void =>
      void failures.push({
        holders: [holder],
        products: product === undefined ? products : [{ productId: product, pricing: null }],
        ...words,
      })
    let done = 0
    for (const [at, holder] of request.holders.entries()) {
      const outcome = await serve(holder, wishes)
      if (outcome.is === 'told') {
        if (outcome.failed.length === 0 || outcome.failed.length < (products?.length ?? 0)) done += 1
        for (const { product, words } of outcome.failed) fail(holder, product, words)
      } else if (outcome.is === 'failed') fail(holder, undefined, outcome.words)
      else if (outcome.failure.is === 'outcome-unknown') return err(outcome.failure)
      else {
        const failure = (outcome.failure.is === 'refused' ? await whyRefused() : undefined) ?? failureOf(outcome.failure)
        if (done === 0) return err(failure)
        const text = 'text' in failure ? failure.text : 'Google asks for a slower pace. It is tried again by itself.'
        for (const rest of request.holders.slice(at)) fail(rest, undefined, { code: failure.is, text, retryable: true })
        break
      }
    }
    // When all is refused, the reason may not be the devices.
    if (done === 0 && failures.length > 0) {
      const why = await whyRefused()
      if (why !== undefined) return err(why)
    }
    return ok(failures.length === 0 ? { is: 'done' } : { is: 'failed', failures, complete: true })
  }

  return { write }
}
