/**
 * A notice of Apple's in our words. Every member may be missing and kinds may be new: what can't be read tells less, and
 * is never a reason to drop the rest. Source: docs/stores/apple-apps-and-books.md, 2.10.
 */
import * as v from 'valibot'
import type { OrderAction } from '../../../shared/order.ts'
import type { HolderKey, Notice, NoticeNews, ProductKey, TargetFailure } from '../store.ts'
import { standardPricing } from './asset.ts'
import { targetFailureOf } from './failures.ts'
import { distinctHolders, holderOf } from './holder.ts'

/** All that Apple names. The last three came in 2026, and a service configuration may not list them. */
export const coreNoticeTypes = ['ASSET_COUNT', 'ASSET_MANAGEMENT', 'USER_MANAGEMENT', 'USER_ASSOCIATED', 'TEST_NOTIFICATION'] as const
export const laterNoticeTypes = ['SUBSCRIPTION_COUNT', 'SUBSCRIPTION_MANAGEMENT', 'UNLIMITED_ASSET'] as const

/** No id, name or kind of Apple's has control characters or is this long: what has tells nothing, and goes no further. */
const sane = v.pipe(
  v.string(),
  v.maxLength(1000),
  v.check((name) => [...name].every((sign) => sign >= ' ')),
)
const text = v.fallback(v.nullish(v.union([sane, v.pipe(v.number(), v.safeInteger(), v.transform(String))])), undefined)
const count = v.fallback(
  v.nullish(v.union([v.pipe(v.number(), v.safeInteger()), v.pipe(v.string(), v.regex(/^-?\d{1,15}$/), v.transform(Number))])),
  undefined,
)
const list = v.fallback(v.nullish(v.array(v.unknown())), undefined)

const envelopeForm = v.object({ notificationId: text, notificationType: text, uId: text, notification: v.optional(v.unknown()) })
const eventForm = v.object({ eventId: text, type: text, result: text, assignments: list, users: list, failures: list })
const pairForm = v.object({ adamId: text, pricingParam: text, serialNumber: text, clientUserId: text })
const userForm = v.object({ clientUserId: text })
const countForm = v.object({ adamId: text, pricingParam: text, countDelta: count })
const associatedForm = v.object({ associatedUsers: list })
const failureForm = v.object({
  errorNumber: count,
  errorInfo: v.fallback(v.nullish(v.object({ assets: list, clientUserIds: list, serialNumbers: list })), undefined),
})

type Pair = v.InferOutput<typeof pairForm>
type Event = v.InferOutput<typeof eventForm>

/** The entries of a list that are of this form; others say nothing. */
const each = <Form extends v.GenericSchema>(form: Form, items: readonly unknown[] | null | undefined): readonly v.InferOutput<Form>[] =>
  (items ?? []).flatMap((item) => {
    const read = v.safeParse(form, item)
    return read.success ? [read.output] : []
  })

const productOf = ({ adamId, pricingParam }: Pick<Pair, 'adamId' | 'pricingParam'>): ProductKey | undefined =>
  adamId === undefined || adamId === null || adamId === '' ? undefined : { productId: adamId, pricing: pricingParam ?? standardPricing }

const productsOf = (pairs: readonly Pick<Pair, 'adamId' | 'pricingParam'>[]): readonly ProductKey[] => {
  const byName = new Map<string, ProductKey>()
  for (const pair of pairs) {
    const product = productOf(pair)
    if (product !== undefined) byName.set(`${product.productId}/${product.pricing}`, product)
  }
  return [...byName.values()]
}

const holdersOf = (pairs: readonly Pick<Pair, 'serialNumber' | 'clientUserId'>[]): readonly HolderKey[] =>
  distinctHolders(
    pairs.flatMap(({ serialNumber, clientUserId }) => holderOf('device', serialNumber ?? '') ?? holderOf('user', clientUserId ?? '') ?? []),
  )

const keysOf = (users: readonly unknown[] | null | undefined): readonly string[] => [
  ...new Set(each(userForm, users).flatMap(({ clientUserId }) => holderOf('user', clientUserId ?? '')?.key ?? [])),
]

/** Apple's own list of messages is not at hand here: a number that nobody knows is told by itself. */
const noMessages = (): undefined => undefined

/**
 * Why a part failed: the reference has one `error`, other readers look for an array `failures`, and there may be neither.
 * Whom it strikes stands in the entry itself, else in the notice.
 */
const failuresOf = (
  notification: unknown,
  event: Event,
  holders: readonly HolderKey[],
  products: readonly ProductKey[],
): TargetFailure[] => {
  const single = v.safeParse(v.object({ error: failureForm }), notification)
  const told = [...(single.success ? [single.output.error] : []), ...each(failureForm, event.failures)]
  const entries = told.length > 0 ? told : [{ errorNumber: undefined, errorInfo: undefined }]
  return entries.map(({ errorNumber, errorInfo }): TargetFailure => {
    const named = holdersOf([
      ...texts(errorInfo?.serialNumbers).map((serialNumber) => ({ serialNumber, clientUserId: undefined })),
      ...texts(errorInfo?.clientUserIds).map((clientUserId) => ({ serialNumber: undefined, clientUserId })),
    ])
    const assets = productsOf(each(pairForm, errorInfo?.assets))
    const struck = named.length > 0 ? named : holders
    const struckProducts = assets.length > 0 ? assets : products
    return {
      holders: struck.length > 0 ? struck : null,
      products: struckProducts.length > 0 ? struckProducts : null,
      ...targetFailureOf(errorNumber ?? undefined, noMessages),
    }
  })
}

const texts = (items: readonly unknown[] | null | undefined): readonly string[] =>
  (items ?? []).flatMap((item) => {
    const read = v.safeParse(sane, item)
    return read.success ? [read.output] : []
  })

const actions: Readonly<Record<string, Readonly<Record<string, OrderAction>>>> = {
  seats: { ASSOCIATE: 'associate', DISASSOCIATE: 'disassociate', REVOKE: 'revoke' },
  people: { CREATE: 'register-user', UPDATE: 'update-user', RETIRE: 'retire-user' },
  subscriptions: { ASSOCIATE: 'assign-subscription', DISASSOCIATE: 'remove-subscription' },
}

const orderNews = (subject: 'seats' | 'people' | 'subscriptions', notification: unknown): NoticeNews => {
  const parsed = v.safeParse(eventForm, notification)
  if (!parsed.success) return { is: 'unknown' }
  const event = parsed.output
  const pairs = each(pairForm, event.assignments)
  const people = subject === 'people' ? keysOf(event.users) : []
  const holders = subject === 'people' ? people.map((key): HolderKey => ({ kind: 'user', key })) : holdersOf(pairs)
  const products = subject === 'seats' ? productsOf(pairs) : []
  const isFailure = event.result?.toUpperCase() === 'FAILURE' || ((event.result ?? undefined) === undefined && hasError(notification))
  return {
    is: 'order-news',
    subject,
    reference: event.eventId ?? null,
    action: actions[subject]?.[event.type?.toUpperCase() ?? ''] ?? null,
    outcome: isFailure ? 'failure' : 'success',
    parts: Math.max(event.assignments?.length ?? 0, event.users?.length ?? 0),
    products,
    holders,
    failures: isFailure ? failuresOf(notification, event, holders, products) : [],
  }
}

const hasError = (notification: unknown): boolean => v.safeParse(v.object({ error: v.looseObject({}) }), notification).success

const newsOf = (type: string, notification: unknown): NoticeNews => {
  switch (type) {
    case 'TEST_NOTIFICATION':
      return { is: 'test' }
    case 'ASSET_MANAGEMENT':
      return orderNews('seats', notification)
    case 'USER_MANAGEMENT':
      return orderNews('people', notification)
    case 'SUBSCRIPTION_MANAGEMENT':
      return orderNews('subscriptions', notification)
    case 'ASSET_COUNT': {
      const read = v.safeParse(countForm, notification)
      const product = read.success ? productOf(read.output) : undefined
      // Without its product it still says that something was bought or went.
      return product === undefined || !read.success
        ? { is: 'licenses-changed' }
        : { is: 'count-changed', product, delta: read.output.countDelta ?? null }
    }
    case 'USER_ASSOCIATED': {
      const read = v.safeParse(associatedForm, notification)
      return { is: 'people-changed', keys: read.success ? keysOf(read.output.associatedUsers) : [] }
    }
    case 'SUBSCRIPTION_COUNT':
      return { is: 'subscriptions-changed' }
    // Its body is not published.
    case 'UNLIMITED_ASSET':
      return { is: 'licenses-changed' }
    default:
      return { is: 'unknown' }
  }
}

/** `body` as parsed from JSON. Undefined: it is no object, and so no notice. */
export const readNotice = (body: unknown): Notice | undefined => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
  const envelope = v.safeParse(envelopeForm, body)
  if (!envelope.success) return undefined
  const { notificationId, notificationType, uId, notification } = envelope.output
  const kind = notificationType ?? ''
  return { id: notificationId ?? null, location: uId ?? null, kind, news: newsOf(kind.toUpperCase(), notification) }
}
