/**
 * Graph's answers, parsed. What is not understood and not needed is passed over; what is needed and missing makes the whole
 * answer unreadable. Unknown enum members and kinds are kept as such. Source: docs/stores/microsoft-graph.md.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../../shared/result.ts'

/** `where` is a path of member names, never a value. */
export interface Unreadable {
  readonly where: string
}

const parse = <S extends v.GenericSchema>(schema: S, json: unknown): Result<v.InferOutput<S>, Unreadable> => {
  const parsed = v.safeParse(schema, json)
  return parsed.success ? ok(parsed.output) : err({ where: v.getDotPath(parsed.issues[0]) ?? 'the whole' })
}

const member = (json: unknown, name: string): unknown =>
  typeof json === 'object' && json !== null && !Array.isArray(json) ? Reflect.get(json, name) : undefined

/** Words that may be shown. One that is not among them may be anything, our own token too, and the status stands for it. */
const knownCodes: ReadonlySet<string> = new Set([
  'Authorization_IdentityNotFound',
  'Authorization_RequestDenied',
  'BadRequest',
  'Directory_ConcurrencyViolation',
  'Directory_ExpiredPageToken',
  'Directory_QuotaExceeded',
  'Forbidden',
  'InternalServerError',
  'InvalidAuthenticationToken',
  'Request_BadRequest',
  'Request_ResourceNotFound',
  'Request_UnsupportedQuery',
  'ResourceNotFound',
  'ServiceUnavailable',
  'TooManyRequests',
  'UnknownError',
  'generalException',
  'resyncRequired',
  'syncStateNotFound',
])

/** The word and the message of an error; both empty for what is no error of Graph's. */
export const parseError = (json: unknown): { readonly code: string; readonly message: string } => {
  const error = member(json, 'error')
  const code = member(error, 'code')
  const message = member(error, 'message')
  return {
    code: typeof code === 'string' && knownCodes.has(code) ? code : '',
    message: typeof message === 'string' ? message.slice(0, 2000).toLowerCase() : '',
  }
}

export const parseLink = (json: unknown, name: '@odata.nextLink' | '@odata.deltaLink'): string | undefined => {
  const link = member(json, name)
  return typeof link === 'string' && link !== '' && link.length <= 16_000 ? link : undefined
}

const text = v.pipe(v.string(), v.maxLength(20_000))
/** Missing, null and empty are one: there is none. */
const optionalText = v.optional(
  v.pipe(
    v.nullable(text),
    v.transform((value) => value ?? ''),
  ),
  '',
)
const guid = v.pipe(v.string(), v.regex(/^[0-9a-fA-F-]{36}$/), v.toLowerCase())
const count = v.pipe(v.number(), v.safeInteger())

const listOf = <S extends v.GenericSchema>(schema: S): ((json: unknown) => Result<readonly v.InferOutput<S>[], Unreadable>) => {
  const list = v.object({ value: v.array(schema) })
  return (json) => {
    const parsed = parse(list, json)
    return parsed.ok ? ok(parsed.value.value) : parsed
  }
}

// ---- The tenant ----

const organization = v.object({ id: guid, displayName: optionalText, countryLetterCode: optionalText })
export type Organization = v.InferOutput<typeof organization>
export const parseOrganization = (json: unknown): Result<Organization | undefined, Unreadable> => {
  const list = listOf(organization)(json)
  return list.ok ? ok(list.value[0]) : list
}

// ---- Subscriptions ----

const sku = v.object({
  skuId: guid,
  skuPartNumber: optionalText,
  appliesTo: optionalText,
  capabilityStatus: optionalText,
  consumedUnits: count,
  prepaidUnits: v.object({
    enabled: count,
    warning: v.optional(count, 0),
    suspended: v.optional(count, 0),
    lockedOut: v.optional(count, 0),
  }),
})
export type SkuRead = v.InferOutput<typeof sku>
export const parseSkus = listOf(sku)

const assigned = v.object({ skuId: guid })
const state = v.object({ skuId: guid, assignedByGroup: v.optional(v.nullable(text)) })

const licensedUser = v.object({
  id: guid,
  userPrincipalName: v.pipe(text, v.minLength(1)),
  assignedLicenses: v.array(assigned),
})
export type LicensedUser = v.InferOutput<typeof licensedUser>
export const parseLicensedUsers = listOf(licensedUser)
export const parseLicensedUser = (json: unknown): Result<LicensedUser, Unreadable> => parse(licensedUser, json)

const standing = v.object({
  id: guid,
  assignedLicenses: v.array(assigned),
  /** Missing: the answer does not tell what comes from a group. */
  licenseAssignmentStates: v.optional(v.nullable(v.array(state))),
  usageLocation: optionalText,
})
export type LicenseStanding = v.InferOutput<typeof standing>
export const parseStanding = (json: unknown): Result<LicenseStanding, Unreadable> => parse(standing, json)

// ---- Batches ----

const batch = v.object({
  responses: v.array(
    v.object({
      id: v.string(),
      status: v.pipe(v.number(), v.integer()),
      headers: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
      body: v.optional(v.unknown()),
    }),
  ),
})

export interface BatchAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly body: unknown
}

/** By id, in small letters: they come in any order. One that is answered twice counts as its last. */
export const parseBatch = (json: unknown): Result<ReadonlyMap<string, BatchAnswer>, Unreadable> => {
  const parsed = parse(batch, json)
  if (!parsed.ok) return parsed
  return ok(
    new Map(
      parsed.value.responses.map(({ id, status, headers, body }) => {
        const entry = Object.entries(headers ?? {}).find(([name]) => name.toLowerCase() === 'retry-after')
        const retryAfter = typeof entry?.[1] === 'string' ? entry[1] : typeof entry?.[1] === 'number' ? String(entry[1]) : undefined
        return [id.toLowerCase(), { status, retryAfter, body }]
      }),
    ),
  )
}

// ---- The directory ----

const removed = v.optional(v.nullable(v.unknown()))
const maybeText = v.optional(v.nullable(text))
const maybe = v.optional(v.nullable(v.boolean()))

const directoryUser = v.object({
  id: guid,
  '@removed': removed,
  userPrincipalName: maybeText,
  mail: maybeText,
  displayName: maybeText,
  department: maybeText,
  accountEnabled: maybe,
  onPremisesImmutableId: maybeText,
})
export type DirectoryUserRead = v.InferOutput<typeof directoryUser>
export const parseDirectoryUsers = listOf(directoryUser)

const directoryMember = v.object({ '@odata.type': optionalText, id: text, '@removed': removed })
const directoryGroup = v.object({
  id: guid,
  '@removed': removed,
  displayName: maybeText,
  'members@delta': v.optional(v.nullable(v.array(directoryMember))),
})
export type DirectoryGroupRead = v.InferOutput<typeof directoryGroup>
export const parseDirectoryGroups = listOf(directoryGroup)
