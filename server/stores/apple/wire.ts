/**
 * Apple's answers. Every member of every answer is formally optional, unknown members are left alone and unknown kinds
 * are kept. Strict is only what would do harm if it were guessed: a list that is not there is not an empty one, and a
 * next page that can't be read is not the end. Source: docs/stores/apple-apps-and-books.md, section 2.
 */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../shared/result.ts'

/** `where` names the part that could not be read, never its value. */
export interface Unreadable {
  readonly is: 'unreadable'
  readonly where: string
}
const unreadable = (where: string): Result<never, Unreadable> => err({ is: 'unreadable', where })

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** Ids are documented as text and seen as numbers; they are never used as numbers. */
export const asText = v.union([v.string(), v.pipe(v.number(), v.safeInteger(), v.transform(String))])
const asCount = v.union([v.pipe(v.number(), v.safeInteger()), v.pipe(v.string(), v.regex(/^-?\d{1,15}$/), v.transform(Number))])
/** A member that is missing, null or of a form we do not know: all three tell nothing. */
export const maybeText = v.fallback(v.nullish(asText), undefined)
export const maybeCount = v.fallback(v.nullish(asCount), undefined)
export const maybeFlag = v.fallback(v.nullish(v.boolean()), undefined)
export const maybeObject = v.fallback(v.nullish(v.record(v.string(), v.unknown())), undefined)
/** The texts of a list; what else stands in it is left out, and so is a list that is none. */
const texts = v.pipe(
  v.unknown(),
  v.transform((list): readonly string[] =>
    (Array.isArray(list) ? list : []).flatMap((item: unknown) => {
      const text = v.safeParse(asText, item)
      return text.success ? [text.output] : []
    }),
  ),
)
const maybeTexts = v.optional(texts, [])

// ---- Around every answer ----

export interface MdmInfo {
  readonly id: string
  readonly name: string
  readonly metadata: string
}

const mdmInfoForm = v.object({ id: maybeText, name: maybeText, metadata: maybeText })

/** Absent and null are alike, and so is an object with nothing in it. A name without an id is still somebody. */
const mdmInfoOf = (value: unknown): MdmInfo | undefined => {
  const parsed = v.safeParse(mdmInfoForm, value)
  if (!parsed.success) return undefined
  const { id, name, metadata } = parsed.output
  const info = { id: id ?? '', name: name ?? '', metadata: metadata ?? '' }
  return info.id === '' && info.name === '' && info.metadata === '' ? undefined : info
}

export interface Envelope {
  readonly mdmInfo: MdmInfo | undefined
  readonly expiresAt: string | undefined
}

const envelopeForm = v.object({ mdmInfo: v.optional(v.unknown()), tokenExpirationDate: maybeText })

export const parseEnvelope = (json: unknown): Envelope => {
  const parsed = v.safeParse(envelopeForm, json)
  return parsed.success
    ? { mdmInfo: mdmInfoOf(parsed.output.mdmInfo), expiresAt: parsed.output.tokenExpirationDate ?? undefined }
    : { mdmInfo: undefined, expiresAt: undefined }
}

/** The error number of an answer, whatever its status; `unreadable` when it names one that is none. Undefined: it is no error. */
export const parseErrorNumber = (json: unknown): number | 'unreadable' | undefined => {
  const parsed = v.safeParse(v.object({ errorNumber: v.optional(v.unknown()) }), json)
  const told = parsed.success ? parsed.output.errorNumber : undefined
  if (told === undefined || told === null || told === 0) return undefined
  const number = v.safeParse(asCount, told)
  return number.success ? number.output : 'unreadable'
}

// ---- Configuration ----

export interface ServiceConfig {
  readonly limitByName: ReadonlyMap<string, number>
  readonly messageByErrorNumber: ReadonlyMap<number, string>
  /** Where invitations are accepted, with `%25inviteCode%25` in the place of the code. Not to be trusted as it stands. */
  readonly invitationTemplate: string | undefined
}

const serviceConfigForm = v.object({
  limits: maybeObject,
  urls: maybeObject,
  errorCodes: v.fallback(v.nullish(v.array(v.unknown())), undefined),
})
const errorCodeForm = v.object({ errorNumber: asCount, errorMessage: v.string() })

export const parseServiceConfig = (json: unknown): Result<ServiceConfig, Unreadable> => {
  const parsed = v.safeParse(serviceConfigForm, json)
  if (!parsed.success) return unreadable('the service configuration')
  const limitByName = new Map<string, number>()
  for (const [name, value] of Object.entries(parsed.output.limits ?? {})) {
    const count = v.safeParse(asCount, value)
    if (count.success && count.output > 0) limitByName.set(name, count.output)
  }
  const messageByErrorNumber = new Map<number, string>()
  for (const code of parsed.output.errorCodes ?? []) {
    const known = v.safeParse(errorCodeForm, code)
    if (known.success) messageByErrorNumber.set(known.output.errorNumber, known.output.errorMessage)
  }
  const invitation = v.safeParse(v.string(), parsed.output.urls?.['invitationEmail'])
  return ok({ limitByName, messageByErrorNumber, invitationTemplate: invitation.success ? invitation.output : undefined })
}

export interface ClientConfig {
  readonly uId: string
  readonly locationName: string | undefined
  readonly country: string | undefined
  readonly platform: string | undefined
}

const clientConfigForm = v.object({
  uId: maybeText,
  locationName: maybeText,
  countryISO2ACode: maybeText,
  defaultPlatform: maybeText,
})

export const parseClientConfig = (json: unknown): Result<ClientConfig, Unreadable> => {
  const parsed = v.safeParse(clientConfigForm, json)
  if (!parsed.success) return unreadable('the location')
  const { uId, locationName, countryISO2ACode, defaultPlatform } = parsed.output
  if (uId === undefined || uId === null || uId === '') return unreadable("the location's uId")
  return ok({
    uId,
    locationName: locationName ?? undefined,
    country: countryISO2ACode ?? undefined,
    platform: defaultPlatform ?? undefined,
  })
}

// ---- Lists ----

export interface Page<Item> {
  readonly items: readonly Item[]
  /** Undefined ends the walk. */
  readonly nextPageIndex: number | undefined
  readonly totalPages: number | undefined
  readonly versionId: string | undefined
}

const pageIndex = v.nullish(v.pipe(asCount, v.minValue(0)))
const pagingForm = v.object({ nextPageIndex: pageIndex, totalPages: maybeCount, size: maybeCount, versionId: maybeText })

/** A list that is left out counts as empty only where the answer says `size` 0: a body of another kind must not read as "nothing left". */
const parsePageOf =
  <Item>(list: string, itemsOf: (given: readonly unknown[]) => readonly Item[] | undefined) =>
  (json: unknown): Result<Page<Item>, Unreadable> => {
    const paging = v.safeParse(pagingForm, json)
    if (!paging.success) return unreadable(`the paging of ${list}`)
    const { nextPageIndex, totalPages, size, versionId } = paging.output
    const given = isRecord(json) ? json[list] : undefined
    const isLeftOut = given === undefined || given === null
    if (isLeftOut ? size !== 0 : !Array.isArray(given)) return unreadable(`the list of ${list}`)
    const items = itemsOf(Array.isArray(given) ? given : [])
    if (items === undefined) return unreadable(`an entry of the list of ${list}`)
    return ok({
      items,
      nextPageIndex: nextPageIndex ?? undefined,
      totalPages: totalPages ?? undefined,
      versionId: versionId ?? undefined,
    })
  }

const parsePage = <Form extends v.GenericSchema>(list: string, form: Form) =>
  parsePageOf(list, (given): readonly v.InferOutput<Form>[] | undefined => {
    const items = v.safeParse(v.array(form), given)
    return items.success ? items.output : undefined
  })

const adamId = v.pipe(asText, v.minLength(1))

const asset = v.object({
  adamId,
  pricingParam: maybeText,
  productType: maybeText,
  totalCount: maybeCount,
  assignedCount: maybeCount,
  availableCount: maybeCount,
  retiredCount: maybeCount,
  unlimited: maybeFlag,
  deviceAssignable: maybeFlag,
  revocable: maybeFlag,
  supportedPlatforms: maybeTexts,
})
export type Asset = v.InferOutput<typeof asset>
export const parseAssetsPage = parsePage('assets', asset)

export interface Assignment {
  readonly adamId: string
  readonly pricingParam: string | undefined
  readonly clientUserId: string | undefined
  readonly serialNumber: string | undefined
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : Number.isSafeInteger(value) ? String(value) : undefined

/** By hand, as a Location can have a million of them: the same form in valibot takes five times as long. */
const assignmentOf = (item: unknown): Assignment | undefined => {
  if (!isRecord(item)) return undefined
  const product = textOf(item['adamId'])
  if (product === undefined || product === '') return undefined
  return {
    adamId: product,
    pricingParam: textOf(item['pricingParam']),
    clientUserId: textOf(item['clientUserId']),
    serialNumber: textOf(item['serialNumber']),
  }
}

export const parseAssignmentsPage = parsePageOf('assignments', (given): readonly Assignment[] | undefined => {
  const assignments: Assignment[] = []
  for (const item of given) {
    const assignment = assignmentOf(item)
    if (assignment === undefined) return undefined
    assignments.push(assignment)
  }
  return assignments
})

/** A record without a clientUserId names nobody; whoever reads the list leaves it out. */
const user = v.object({ clientUserId: maybeText, email: maybeText, status: maybeText, inviteCode: maybeText, idHash: maybeText })
export type UserRecord = v.InferOutput<typeof user>
export const parseUsersPage = parsePage('users', user)

// ---- Writes ----

export const parseEventId = (json: unknown): Result<string, Unreadable> => {
  const parsed = v.safeParse(v.object({ eventId: v.pipe(asText, v.minLength(1)) }), json)
  return parsed.success ? ok(parsed.output.eventId) : unreadable('the eventId')
}

export interface EventFailure {
  readonly errorNumber: number | undefined
  readonly assets: readonly { readonly adamId: string; readonly pricingParam: string | undefined }[]
  readonly clientUserIds: readonly string[]
  readonly serialNumbers: readonly string[]
}

export interface EventStatus {
  readonly status: string | undefined
  readonly requested: number | undefined
  readonly completed: number | undefined
  readonly failures: readonly EventFailure[]
}

const eventStatusForm = v.object({
  eventStatus: maybeText,
  numRequested: maybeCount,
  numCompleted: maybeCount,
  failures: v.nullish(v.array(v.unknown())),
})
const failureForm = v.object({ errorNumber: maybeCount, errorInfo: maybeObject })
const namedForm = v.object({ clientUserIds: maybeTexts, serialNumbers: maybeTexts })
const namedAssetsForm = v.object({ assets: v.array(v.object({ adamId, pricingParam: maybeText })) })

const failureOf = (value: unknown): EventFailure => {
  const parsed = v.safeParse(failureForm, value)
  const info = parsed.success ? (parsed.output.errorInfo ?? {}) : {}
  const named = v.safeParse(namedForm, info)
  const assets = v.safeParse(namedAssetsForm, info)
  return {
    errorNumber: parsed.success ? (parsed.output.errorNumber ?? undefined) : undefined,
    assets: assets.success
      ? assets.output.assets.map((named) => ({ adamId: named.adamId, pricingParam: named.pricingParam ?? undefined }))
      : [],
    clientUserIds: named.success ? named.output.clientUserIds : [],
    serialNumbers: named.success ? named.output.serialNumbers : [],
  }
}

export const parseEventStatus = (json: unknown): Result<EventStatus, Unreadable> => {
  const parsed = v.safeParse(eventStatusForm, json)
  if (!parsed.success) return unreadable('the state of the event')
  const { eventStatus, numRequested, numCompleted, failures } = parsed.output
  return ok({
    status: eventStatus ?? undefined,
    requested: numRequested ?? undefined,
    completed: numCompleted ?? undefined,
    failures: (failures ?? []).map(failureOf),
  })
}
