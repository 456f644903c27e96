/**
 * Answers of the Play EMM API. What is not known is left alone: members and words of a later release are no failure, and an
 * empty list comes without its array. Source: docs/stores/managed-google-play.md.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Parse } from '../client.ts'

const text = v.optional(v.string())
const count = v.optional(v.pipe(v.number(), v.integer()))
const list = <T extends v.GenericSchema>(item: T) => v.optional(v.array(item), [])

const parserOf =
  <T>(form: v.GenericSchema<unknown, T>): Parse<T> =>
  (json) => {
    const read = v.safeParse(form, json)
    if (read.success) return ok(read.output)
    return err({ where: read.issues[0] === undefined ? 'it has another form' : (v.getDotPath(read.issues[0]) ?? 'it has another form') })
  }

const enterprise = v.object({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{1,100}$/)),
  name: text,
  primaryDomain: text,
  administrator: list(v.object({ email: text })),
})
export type Enterprise = v.InferOutput<typeof enterprise>
export const parseEnterprise = parserOf(enterprise)

export const parseSignupInfo = parserOf(v.object({ url: v.pipe(v.string(), v.url()), completionToken: v.pipe(v.string(), v.minLength(1)) }))

export const parseServiceAccount = parserOf(
  v.object({ name: v.pipe(v.string(), v.email()), key: v.object({ data: v.pipe(v.string(), v.minLength(1)) }) }),
)

const productId = v.pipe(v.string(), v.minLength(1), v.maxLength(300))

const groupLicense = v.object({
  productId,
  acquisitionKind: text,
  numPurchased: count,
  numProvisioned: count,
  approval: text,
  permissions: text,
})
export type GroupLicense = v.InferOutput<typeof groupLicense>
export const parseGroupLicense = parserOf(groupLicense)
export const parseGroupLicenses = parserOf(v.object({ groupLicense: list(groupLicense) }))

const user = v.object({
  id: v.pipe(v.string(), v.minLength(1), v.maxLength(300)),
  accountIdentifier: text,
  primaryEmail: text,
  managementType: text,
})
export type PlayUser = v.InferOutput<typeof user>
export const parseUser = parserOf(user)
export const parseUsers = parserOf(v.object({ user: list(user) }))

export const parseEntitlement = parserOf(v.object({ productId, reason: text }))
export const parseEntitlements = parserOf(v.object({ entitlement: list(v.object({ productId })) }))
export const parseDeviceIds = parserOf(v.object({ device: list(v.object({ androidId: v.string() })) }))

const product = v.object({
  productId,
  title: text,
  authorName: text,
  iconUrl: text,
  distributionChannel: text,
  productPricing: text,
  appVersion: list(v.object({ versionString: text, isProduction: v.optional(v.boolean()) })),
})
export type PlayProduct = v.InferOutput<typeof product>
export const parseProduct = parserOf(product)
export const parseProductsPage = parserOf(
  v.object({ product: list(product), tokenPagination: v.optional(v.object({ nextPageToken: v.optional(v.string(), '') })) }),
)

const webApp = v.object({ webAppId: productId, title: text, isPublished: v.optional(v.boolean()) })
export type PlayWebApp = v.InferOutput<typeof webApp>
export const parseWebApps = parserOf(v.object({ webApp: list(webApp) }))

const names = list(v.object({ locale: text, text: text }))
export const parsePages = parserOf(v.object({ page: list(v.object({ id: v.string(), name: names })) }))
export const parseClusters = parserOf(
  v.object({
    cluster: list(v.object({ id: v.string(), name: names, productId: list(v.string()), orderInPage: v.optional(v.string(), '') })),
  }),
)

const notification = v.looseObject({ enterpriseId: text, timestampMillis: text, notificationType: text })
export type PlayNotification = v.InferOutput<typeof notification>
export const parseNotification = parserOf(notification)
export const parseNotificationSet = parserOf(v.object({ notificationSetId: text, notification: list(notification) }))

/** Whatever it is: nothing of it is needed. */
export const parseNothing: Parse<undefined> = (): Result<undefined, never> => ok(undefined)
