/** Apple's answers, read leniently: every member may be missing, unknown members are left alone, unknown kinds are kept. */
import * as v from 'valibot'

/** Documented as text, seen as a number; never used as one. */
const id = v.union([v.string(), v.pipe(v.number(), v.safeInteger(), v.transform(String))])
const count = v.optional(v.nullable(v.pipe(v.number(), v.safeInteger())))
const text = v.optional(v.nullable(v.string()))
const flag = v.optional(v.nullable(v.boolean()))

const mdmInfo = v.optional(v.nullable(v.object({ id: v.string(), name: text, metadata: text })))
const envelope = { uId: v.optional(v.nullable(id)), tokenExpirationDate: text, mdmInfo }
const paging = { currentPageIndex: count, nextPageIndex: count, totalPages: count, versionId: text }

export const envelopeAnswer = v.object(envelope)
export type Envelope = v.InferOutput<typeof envelopeAnswer>

export const errorAnswer = v.object({ errorNumber: v.pipe(v.number(), v.safeInteger()) })

export const serviceConfig = v.object({ limits: v.optional(v.nullable(v.record(v.string(), v.unknown()))) })

export const clientConfig = v.object({ ...envelope, locationName: text, countryISO2ACode: text, defaultPlatform: text })

const asset = v.object({
  adamId: id,
  pricingParam: text,
  productType: text,
  totalCount: count,
  assignedCount: count,
  availableCount: count,
  retiredCount: count,
  deviceAssignable: flag,
  revocable: flag,
  supportedPlatforms: v.optional(v.nullable(v.array(v.string()))),
})
export type Asset = v.InferOutput<typeof asset>
export const assetsPage = v.object({ ...envelope, ...paging, assets: v.optional(v.nullable(v.array(asset)), []) })

const assignment = v.object({ adamId: id, pricingParam: text, clientUserId: text, serialNumber: text })
export type Assignment = v.InferOutput<typeof assignment>
export const assignmentsPage = v.object({ ...envelope, ...paging, assignments: v.optional(v.nullable(v.array(assignment)), []) })

export const eventAccepted = v.object({ ...envelope, eventId: v.pipe(v.string(), v.minLength(1)) })

const errorInfo = v.object({
  clientUserIds: v.optional(v.nullable(v.array(v.string()))),
  serialNumbers: v.optional(v.nullable(v.array(v.string()))),
})
export const eventStatus = v.object({
  ...envelope,
  eventStatus: v.string(),
  numRequested: count,
  numCompleted: count,
  failures: v.optional(v.nullable(v.array(v.object({ errorNumber: v.number(), errorInfo: v.optional(v.nullable(errorInfo)) })))),
})
export type EventStatus = v.InferOutput<typeof eventStatus>

const artwork = v.union([v.object({ url: v.string() }), v.array(v.object({ url: v.string() }))])
const described = v.object({
  name: text,
  artistName: text,
  kind: text,
  isB2BCustomApp: flag,
  // What it looks like is unimportant enough that an unreadable one is no reason to do without the name.
  artwork: v.fallback(v.optional(v.nullable(artwork)), null),
})
export type Described = v.InferOutput<typeof described>
export const lookupAnswer = v.object({ results: v.optional(v.nullable(v.record(v.string(), v.unknown())), {}) })
export const describedItem = described
