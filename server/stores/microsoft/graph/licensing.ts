/**
 * Microsoft 365 subscriptions as licenses: their counts, who has a seat, and giving and taking it.
 *
 * A person's seats are all their licenses, also those that come through a group of Entra ID: each uses a unit. One that
 * comes only through a group is shown and never taken here. Source: docs/stores/microsoft-graph.md, 5.
 */
import { randomId, type Chance } from '../../../../shared/clock.ts'
import { err, ok, type Result } from '../../../../shared/result.ts'
import { normalUserName } from '../../../../shared/principal.ts'
import type {
  Accepted,
  HolderKey,
  LicenseRead,
  SeatRead,
  SeatSink,
  SeatsRead,
  StoreFailure,
  TargetFailure,
  WriteFailure,
  WriteLimits,
  WriteRequest,
} from '../../store.ts'
import { mostInBatch, readBatch, sendBatch } from './batch.ts'
import type { GraphClient, ReadFailure } from './client.ts'
import { failureOf, inherited, noUsageLocation, personUnknown, purposes, readOnlyApp, throttled, whyRefused, type Why } from './failures.ts'
import {
  parseError,
  parseLicensedUser,
  parseLicensedUsers,
  parseSkus,
  parseStanding,
  type BatchAnswer,
  type LicensedUser,
  type LicenseStanding,
  type SkuRead,
} from './wire.ts'

export interface Licensing {
  readLicenses(): Promise<Result<readonly LicenseRead[], StoreFailure>>
  readSeats(sink: SeatSink): Promise<Result<SeatsRead, StoreFailure>>
  readSeatsOf(skuId: string): Promise<Result<readonly SeatRead[], StoreFailure>>
  readSeatsOfHolder(holder: HolderKey): Promise<Result<readonly SeatRead[], StoreFailure>>
  write(request: WriteRequest): Promise<Result<Accepted, WriteFailure>>
}

/** One license for each call, so that what is refused is known of each person. */
export const limits: WriteLimits = {
  mostProducts: 1,
  mostUsers: mostInBatch,
  mostDevices: 0,
  mostUsersRevoked: mostInBatch,
  mostDevicesRevoked: 0,
  mostPeople: 0,
  mostSubscribers: 0,
}

const seatFields = 'id,userPrincipalName,assignedLicenses'
const standingFields = 'id,assignedLicenses,licenseAssignmentStates,usageLocation'
const SKU = /^[0-9a-f-]{36}$/

/**
 * What is owned is enabled and in its grace period; what is free can be below zero after a downgrade, and is told as it
 * is. A subscription of the whole tenant counts nobody.
 */
export const licenseOf = (sku: SkuRead): LicenseRead => {
  const { enabled, warning } = sku.prepaidUnits
  const isPerPerson = sku.appliesTo.toLowerCase() !== 'company'
  const isOpen = sku.capabilityStatus === 'Enabled' || sku.capabilityStatus === 'Warning'
  const total = enabled + warning
  return {
    productId: sku.skuId,
    pricing: null,
    kind: 'sku',
    platforms: [],
    licenseTypes: isPerPerson ? ['user'] : [],
    assignable: isPerPerson && isOpen,
    revocable: isPerPerson,
    total,
    inUse: sku.consumedUnits,
    available: total - sku.consumedUnits,
    retired: null,
    unlimited: false,
  }
}

const seatsOf = ({ userPrincipalName, assignedLicenses }: LicensedUser): readonly SeatRead[] =>
  assignedLicenses.map(({ skuId }) => ({
    productId: skuId,
    pricing: null,
    holder: { kind: 'user', key: normalUserName(userPrincipalName) },
  }))

const pathOf = (userName: string): string => `/users/${encodeURIComponent(userName)}`

/** One person's part in a call: who they are there, and what they have. */
type Standing =
  | { readonly is: 'known'; readonly user: LicenseStanding }
  | { readonly is: 'failed'; readonly why: Why }
  /** Not told. */
  | { readonly is: 'unheard' }

/** Which of the SKUs a person has directly. Undefined: the answer does not say what comes from a group, so all may be direct. */
const directOf = ({ licenseAssignmentStates }: LicenseStanding): ReadonlySet<string> | undefined =>
  licenseAssignmentStates === undefined || licenseAssignmentStates === null
    ? undefined
    : new Set(licenseAssignmentStates.filter(({ assignedByGroup }) => !assignedByGroup).map(({ skuId }) => skuId))

interface Change {
  readonly holder: HolderKey
  readonly userId: string
  readonly add: readonly string[]
  readonly remove: readonly string[]
}

export const createLicensing = ({ client, chance }: { readonly client: GraphClient; readonly chance: Chance }): Licensing => {
  const told = <T>(result: Result<T, ReadFailure>, purpose: keyof typeof purposes): Result<T, StoreFailure> =>
    result.ok ? result : err(failureOf(result.error, purposes[purpose]))

  const walkUsers = async (path: string, onPage: (users: readonly LicensedUser[]) => void): Promise<Result<undefined, StoreFailure>> => {
    const walked = await client.walk(path, parseLicensedUsers, onPage)
    return walked.ok ? ok(undefined) : told(walked, 'seats')
  }

  const readSeats: Licensing['readSeats'] = async (sink) => {
    sink.begin(true)
    // Pages are no snapshot: who is told twice counts once.
    const seen = new Set<string>()
    const walked = await walkUsers(`/users?$select=${seatFields}&$top=999`, (users) => {
      const fresh = users.filter(({ id }) => !seen.has(id))
      for (const { id } of fresh) seen.add(id)
      sink.page(fresh.flatMap(seatsOf), null)
    })
    return walked.ok ? ok({ cursor: null, full: true }) : walked
  }

  const readSeatsOf: Licensing['readSeatsOf'] = async (skuId) => {
    if (!SKU.test(skuId)) return ok([])
    const seats = new Map<string, SeatRead>()
    const filter = encodeURIComponent(`assignedLicenses/any(x:x/skuId eq ${skuId})`)
    const walked = await walkUsers(`/users?$filter=${filter}&$select=${seatFields}&$top=999`, (users) => {
      // The filter is not relied on: an answer without it must not pass for the one that was asked for.
      for (const user of users) for (const seat of seatsOf(user)) if (seat.productId === skuId) seats.set(user.id, seat)
    })
    return walked.ok ? ok([...seats.values()]) : walked
  }

  const readSeatsOfHolder: Licensing['readSeatsOfHolder'] = async (holder) => {
    if (holder.kind !== 'user') return ok([])
    const user = await client.get(`${pathOf(holder.key)}?$select=${seatFields}`, parseLicensedUser)
    if (user.ok) return ok(seatsOf(user.value))
    return user.error.is === 'refused' && user.error.status === 404 ? ok([]) : told(user, 'seats')
  }

  // ---- Writes ----

  const standingIn = (answer: BatchAnswer | undefined): Standing => {
    if (answer === undefined) return { is: 'unheard' }
    if (answer.status === 404) return { is: 'failed', why: personUnknown }
    if (answer.status === 429) return { is: 'failed', why: throttled }
    const user = answer.status === 200 ? parseStanding(answer.body) : undefined
    return user?.ok === true ? { is: 'known', user: user.value } : { is: 'unheard' }
  }

  const readStandings = async (holders: readonly HolderKey[]): Promise<Result<readonly Standing[], StoreFailure>> => {
    const answers = await readBatch(
      client,
      holders.map(({ key }) => ({ url: `${pathOf(key)}?$select=${standingFields}` })),
    )
    if (!answers.ok) return told(answers, 'seats')
    const forbidden = answers.value.find((answer) => answer?.status === 403)
    if (forbidden !== undefined) return err(failureOf({ is: 'refused', status: 403, ...parseError(forbidden.body) }, purposes.seats))
    return ok(answers.value.map(standingIn))
  }

  /** What is to change for one person; why nothing can be changed; or undefined, when all is as asked already. */
  const changeOf = (request: WriteRequest, holder: HolderKey, user: LicenseStanding): Change | Why | undefined => {
    const has = new Set(user.assignedLicenses.map(({ skuId }) => skuId))
    const direct = directOf(user) ?? has
    const change = (add: readonly string[], remove: readonly string[]): Change => ({ holder, userId: user.id, add, remove })
    switch (request.action) {
      case 'associate': {
        // Given again, a license would lose the plans that were turned off in it.
        const add = request.products.map(({ productId }) => productId).filter((skuId) => !has.has(skuId))
        if (add.length === 0) return undefined
        return user.usageLocation === '' ? noUsageLocation : change(add, [])
      }
      case 'disassociate': {
        const wanted = request.products.map(({ productId }) => productId).filter((skuId) => has.has(skuId))
        const remove = wanted.filter((skuId) => direct.has(skuId))
        if (remove.length === 0) return wanted.length === 0 ? undefined : inherited
        return change([], remove)
      }
      default:
        return direct.size === 0 ? undefined : change([], [...direct])
    }
  }

  const isWhy = (value: Change | Why): value is Why => 'code' in value

  const holdersOf = (request: WriteRequest): readonly HolderKey[] | undefined =>
    request.action === 'associate' || request.action === 'disassociate' || request.action === 'revoke' ? request.holders : undefined

  /** 1. What each person has. 2. One batch of what is to change. 3. What came of each. */
  const write: Licensing['write'] = async (request) => {
    const holders = holdersOf(request)
    if (holders === undefined) throw new Error(`graph: no such write as ${request.action}`)
    if (holders.length === 0) throw new Error('graph: a write that names nobody')
    const products = 'products' in request ? request.products : null
    if (holders.length > mostInBatch || (products !== null && products.length > 1)) return err({ is: 'over-limit' })
    const standings = await readStandings(holders)
    if (!standings.ok) return standings

    const failures: TargetFailure[] = []
    const failed = (holder: HolderKey, why: Why): void => void failures.push({ holders: [holder], products, ...why })
    const changes: Change[] = []
    holders.forEach((holder, place) => {
      const standing = holder.kind === 'user' ? standings.value[place] : { is: 'failed' as const, why: personUnknown }
      if (standing === undefined || standing.is === 'unheard')
        return failed(holder, {
          ...throttled,
          code: 'store-unreachable',
          text: 'Microsoft did not tell what this person has, so nothing was changed. It is tried again by itself.',
        })
      if (standing.is === 'failed') return failed(holder, standing.why)
      const change = changeOf(request, holder, standing.user)
      if (change === undefined) return
      if (isWhy(change)) failed(holder, change)
      else changes.push(change)
    })

    let isComplete = true
    if (changes.length > 0) {
      const answers = await sendBatch(
        client,
        changes.map(({ userId, add, remove }) => ({
          url: `${pathOf(userId)}/assignLicense`,
          body: { addLicenses: add.map((skuId) => ({ skuId, disabledPlans: [] })), removeLicenses: remove },
        })),
      )
      if (!answers.ok)
        return err(
          answers.error.is === 'outcome-unknown' ? answers.error : answers.error.is === 'failed' ? answers.error.failure : readOnlyApp,
        )
      // The rights are the app's: where they are missing, nobody's license was changed.
      if (answers.value.every((answer) => answer?.status === 403)) return err(readOnlyApp)
      answers.value.forEach((answer, place) => {
        const holder = changes[place]?.holder
        if (holder === undefined) return
        if (answer === undefined) isComplete = false
        else if (answer.status === 429) failed(holder, throttled)
        else if (answer.status >= 400 || answer.status < 200) {
          const why = whyRefused(request.action === 'associate' ? 'give' : 'take', {
            is: 'refused',
            status: answer.status,
            ...parseError(answer.body),
          })
          if (why !== undefined) failed(holder, why)
        }
      })
    }
    const reference = `graph-${randomId(chance)}`
    return ok({
      reference,
      settled: failures.length === 0 && isComplete ? { is: 'done' } : { is: 'failed', failures, complete: isComplete },
    })
  }

  return {
    readLicenses: async () => {
      const skus = await client.get('/subscribedSkus', parseSkus)
      return skus.ok ? ok([...new Map(skus.value.map((sku) => [sku.skuId, licenseOf(sku)])).values()]) : told(skus, 'skus')
    },
    readSeats,
    readSeatsOf,
    readSeatsOfHolder,
    write,
  }
}
