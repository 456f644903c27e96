/**
 * Giving and taking seats. The store does each within the call and says what came of it. Several users at once go in one
 * call where the connector is set to try that, and one by one otherwise and wherever the store refuses such a call: its
 * form was never documented. Nothing is sent twice: what became of a call without a clear answer is read.
 * Source: docs/stores/microsoft-store-for-business.md, 3.5 and 3.6.
 */
import { normalUserName } from '../../../../shared/principal.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Accepted, HolderKey, ProductKey, TargetFailure, WriteFailure, WriteRequest } from '../../store.ts'
import type { BusinessClient } from './client.ts'
import { bulkFailureOf, failureOf, targetFailureOf, type RequestFailure, type WriteAct } from './failures.ts'
import { onlineSkuOf, pricingOf, seatPath, seatsPath } from './seats.ts'
import { parseBulk, parseSeat, type ProductSku, type SeatDetails } from './wire.ts'

/** Our own number: none is documented. */
export const mostUsersInACall = 25
/** Each of them may hold many. */
export const mostUsersRevoked = 5

export interface BusinessWrites {
  write(request: WriteRequest): Promise<Result<Accepted, WriteFailure>>
}

export interface BusinessWritesDeps {
  readonly client: BusinessClient
  readonly triesBulk: () => Promise<boolean>
  readonly seatsOfUser: (user: string) => Promise<Result<readonly SeatDetails[], RequestFailure>>
}

/** One seat to give or take. */
interface Task {
  readonly sku: ProductSku
  readonly user: string
}

type Outcome =
  | { readonly is: 'done' }
  | { readonly is: 'failed'; readonly why: Pick<TargetFailure, 'code' | 'text' | 'retryable'> }
  /** Nothing was done, and nothing more can be asked now. */
  | { readonly is: 'stopped'; readonly failure: RequestFailure }
  | { readonly is: 'unknown'; readonly text: string }

/** What one call came to: who was not served, and why the rest was not tried. */
interface Tried {
  readonly done: number
  readonly failures: readonly TargetFailure[]
  readonly stopped: RequestFailure | undefined
  readonly unknown: string | undefined
}

/** A bulk call that is answered so is not offered in the form that we know. */
const bulkRefusedWith: ReadonlySet<number> = new Set([400, 404, 405, 415])

export const createBusinessWrites = ({ client, triesBulk, seatsOfUser }: BusinessWritesDeps): BusinessWrites => {
  let bulkOffered = true
  let lastReference = 0

  const isAsAsked = (state: SeatDetails['state'] | 'none', act: WriteAct): boolean =>
    (state === 'none' || state === 'revoked') === (act === 'reclaim')

  /** Whether the seat is there now; undefined: can't be told. */
  const readState = async ({ sku, user }: Task): Promise<SeatDetails['state'] | 'none' | undefined> => {
    const read = await client.get(seatPath(sku, user), [], parseSeat)
    if (read.ok) return read.value.state
    return read.error.is === 'refused' && read.error.status === 404 ? 'none' : undefined
  }

  const tryOne = async (act: WriteAct, task: Task): Promise<Outcome> => {
    const sent = await client.send(act === 'assign' ? 'POST' : 'DELETE', seatPath(task.sku, task.user), undefined, parseSeat)
    if (sent.ok) {
      if (isAsAsked(sent.value.state, act)) return { is: 'done' }
      return { is: 'failed', why: notSeen }
    }
    if (sent.error.is === 'refused') {
      const why = targetFailureOf(sent.error, act)
      return why === undefined ? { is: 'done' } : { is: 'failed', why }
    }
    if (sent.error.is !== 'outcome-unknown') return { is: 'stopped', failure: sent.error }
    const state = await readState(task)
    // That it is not as asked proves nothing yet: the call may still be on its way.
    return state !== undefined && isAsAsked(state, act) ? { is: 'done' } : { is: 'unknown', text: sent.error.text }
  }

  const nameIn = (task: Task): Pick<TargetFailure, 'holders' | 'products'> => ({
    holders: [{ kind: 'user', key: task.user }],
    products: [{ productId: task.sku.productId, pricing: pricingOf({ licenseType: 'online', skuId: task.sku.skuId }) }],
  })

  const tryEach = async (act: WriteAct, tasks: readonly Task[]): Promise<Tried> => {
    const failures: TargetFailure[] = []
    let done = 0
    for (const [at, task] of tasks.entries()) {
      const outcome = await tryOne(act, task)
      switch (outcome.is) {
        case 'done':
          done += 1
          break
        case 'failed':
          failures.push({ ...nameIn(task), ...outcome.why })
          break
        case 'stopped':
          for (const left of tasks.slice(at)) failures.push({ ...nameIn(left), ...putOff(outcome.failure) })
          return { done, failures, stopped: outcome.failure, unknown: undefined }
        case 'unknown':
          return { done, failures, stopped: undefined, unknown: outcome.text }
      }
    }
    return { done, failures, stopped: undefined, unknown: undefined }
  }

  /** All in one call. Undefined: the store does not offer it so, and nothing was done. */
  const tryBulk = async (act: WriteAct, sku: ProductSku, tasks: readonly Task[]): Promise<Tried | undefined> => {
    const body = { usernames: tasks.map(({ user }) => user), seatAction: act === 'assign' ? 'Assign' : 'Reclaim' }
    const sent = await client.send('POST', seatsPath(sku), body, parseBulk)
    if (!sent.ok) {
      if (sent.error.is === 'refused' && bulkRefusedWith.has(sent.error.status)) {
        // An unknown license is 404 too, and is told by the calls one by one.
        bulkOffered = sent.error.status === 404
        return undefined
      }
      if (sent.error.is === 'outcome-unknown') return { done: 0, failures: [], stopped: undefined, unknown: sent.error.text }
      if (sent.error.is !== 'refused') return { done: 0, failures: [], stopped: sent.error, unknown: undefined }
      const why = targetFailureOf(sent.error, act)
      const failures = why === undefined ? [] : tasks.map((task) => ({ ...nameIn(task), ...why }))
      return { done: tasks.length - failures.length, failures, stopped: undefined, unknown: undefined }
    }
    const { seats, failed } = sent.value
    const stateByUser = new Map(seats.map(({ user, state }) => [user, state]))
    const failures: TargetFailure[] = []
    let done = 0
    for (const task of tasks) {
      const reason = failed.get(task.user)
      // Who is in neither list is read by name.
      const state = stateByUser.get(task.user) ?? (reason === undefined ? await readState(task) : 'other')
      if (reason === undefined && state === undefined) return { done, failures, stopped: undefined, unknown: unlisted }
      const why = reason === undefined ? (isAsAsked(state ?? 'none', act) ? undefined : notSeen) : bulkFailureOf(reason, act)
      if (why === undefined) done += 1
      else failures.push({ ...nameIn(task), ...why })
    }
    return { done, failures, stopped: undefined, unknown: undefined }
  }

  const settled = ({ done, failures, stopped, unknown }: Tried): Result<Accepted, WriteFailure> => {
    if (unknown !== undefined) return err({ is: 'outcome-unknown', text: unknown })
    // As long as nothing was done it is one failure of the whole call, which the line knows how to take.
    if (stopped !== undefined && done === 0 && failures.every(({ code }) => code === putOff(stopped).code)) return err(failureOf(stopped))
    lastReference += 1
    const reference = `${lastReference}`
    return ok({ reference, settled: failures.length === 0 ? { is: 'done' } : { is: 'failed', failures, complete: true } })
  }

  const writeSeats = async (
    act: WriteAct,
    products: readonly ProductKey[],
    holders: readonly HolderKey[],
  ): Promise<Result<Accepted, WriteFailure>> => {
    const [product, ...others] = products
    const users = holders.flatMap(({ kind, key }) => (kind === 'user' ? [normalUserName(key)] : []))
    if (product === undefined || holders.length === 0) throw new Error('business: a write that names nobody or nothing')
    if (others.length > 0 || users.length > mostUsersInACall) return err({ is: 'over-limit' })
    const sku = onlineSkuOf(product)
    if (sku === undefined || users.length < holders.length)
      return err({
        is: 'store-refused',
        code: 'not-online',
        text: 'Only online licenses have seats at this store, and only people get them. Nothing was changed.',
      })
    const tasks = users.map((user) => ({ sku, user }))
    const inOneCall = tasks.length > 1 && bulkOffered && (await triesBulk()) ? await tryBulk(act, sku, tasks) : undefined
    return settled(inOneCall ?? (await tryEach(act, tasks)))
  }

  /** All that these people have here, one seat after another. */
  const revoke = async (holders: readonly HolderKey[]): Promise<Result<Accepted, WriteFailure>> => {
    if (holders.length === 0) throw new Error('business: a write that names nobody')
    if (holders.length > mostUsersRevoked) return err({ is: 'over-limit' })
    const tasks: Task[] = []
    for (const { key } of holders) {
      const seats = await seatsOfUser(key)
      // Nothing was sent yet.
      if (!seats.ok) return err(failureOf(seats.error))
      for (const { productId, skuId, user } of seats.value) tasks.push({ sku: { productId, skuId }, user })
    }
    return settled(await tryEach('reclaim', tasks))
  }

  return {
    write: async (request) => {
      switch (request.action) {
        case 'associate':
          return await writeSeats('assign', request.products, request.holders)
        case 'disassociate':
          return await writeSeats('reclaim', request.products, request.holders)
        case 'revoke':
          return await revoke(request.holders)
        case 'register-user':
        case 'update-user':
        case 'retire-user':
        case 'assign-subscription':
        case 'remove-subscription':
          return err({
            is: 'store-refused',
            code: 'not-offered',
            text: 'This store keeps no list of people and sells no subscriptions. Nothing was changed.',
          })
      }
    },
  }
}

const notSeen: Pick<TargetFailure, 'code' | 'text' | 'retryable'> = {
  code: 'outcome-not-seen',
  text: 'The store did not confirm it, and its list does not show it. It is asked for again.',
  retryable: true,
}
const unlisted = 'Microsoft said nothing of one of those who were named, and the seat could not be read.'

/** Not tried, because of what happened to the one before it. */
const putOff = (failure: RequestFailure): Pick<TargetFailure, 'code' | 'text' | 'retryable'> => {
  const told = failureOf(failure)
  return {
    code: told.is,
    text: 'It was not asked for, since the store stopped answering before its turn. It is asked for again.',
    retryable: true,
  }
}
