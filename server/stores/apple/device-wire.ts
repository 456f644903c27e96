/**
 * What the device API answers. As with the license API, unknown members are left alone, and strict is only what would do
 * harm if it were guessed: a list that is not there is not an empty one. Source: docs/stores/apple-apps-and-books.md, 6.3.
 */
import * as v from 'valibot'
import { normalSerialNumber } from '../../../shared/principal.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { DeviceRead } from '../store.ts'
import { parseAppleTime } from './apple-time.ts'
import type { Unreadable } from './wire.ts'

const unreadable = (where: string): Result<never, Unreadable> => err({ is: 'unreadable', where })
const maybeText = v.fallback(v.nullish(v.string()), undefined)

export interface AccessGrant {
  readonly token: string
  /** Undefined: Apple did not say. */
  readonly expiresInS: number | undefined
}

const grantForm = v.object({
  // What can stand in a header.
  access_token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,8192}$/)),
  expires_in: v.fallback(v.nullish(v.pipe(v.number(), v.minValue(0))), undefined),
})

export const parseAccessGrant = (json: unknown): Result<AccessGrant, Unreadable> => {
  const parsed = v.safeParse(grantForm, json)
  return parsed.success
    ? ok({ token: parsed.output.access_token, expiresInS: parsed.output.expires_in ?? undefined })
    : unreadable('the access token')
}

/** A word for a code, never a text: it is shown. */
const code = v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9_.-]{0,80}$/))

/** `error` of an OAuth refusal, or the code of the first error in the JSON:API style. */
export const refusalCodeOf = (json: unknown): string | undefined => {
  const oauth = v.safeParse(v.object({ error: code }), json)
  if (oauth.success) return oauth.output.error
  const api = v.safeParse(v.object({ errors: v.array(v.unknown()) }), json)
  const first = api.success ? v.safeParse(v.object({ code }), api.output.errors[0]) : undefined
  return first?.success === true ? first.output.code : undefined
}

const deviceForm = v.object({
  id: maybeText,
  attributes: v.fallback(
    v.nullish(
      v.object({
        serialNumber: maybeText,
        productFamily: maybeText,
        productType: maybeText,
        deviceModel: maybeText,
        releasedFromOrgDateTime: maybeText,
      }),
    ),
    undefined,
  ),
})

const SERIAL = /^[!-~]{1,64}$/
const mostTextLength = 256

/** The words that directory files use. A family that is not known keeps Apple's word. */
const platformByFamily: Readonly<Record<string, string>> = {
  iPhone: 'iOS',
  iPad: 'iPadOS',
  Mac: 'macOS',
  AppleTV: 'tvOS',
  Watch: 'watchOS',
  Vision: 'visionOS',
}

const deviceOf = (value: unknown): DeviceRead | undefined => {
  const parsed = v.safeParse(deviceForm, value)
  if (!parsed.success) return undefined
  const { id, attributes } = parsed.output
  const serialNumber = normalSerialNumber(attributes?.serialNumber ?? id ?? '')
  if (!SERIAL.test(serialNumber)) return undefined
  const family = attributes?.productFamily ?? ''
  const releasedAt = parseAppleTime(attributes?.releasedFromOrgDateTime ?? '')
  return {
    serialNumber,
    model: (attributes?.deviceModel || attributes?.productType || '').slice(0, mostTextLength),
    platform: (platformByFamily[family] ?? family).slice(0, mostTextLength),
    releasedAt: releasedAt === undefined ? null : new Date(releasedAt).toISOString(),
  }
}

export interface DevicesPage {
  readonly devices: readonly DeviceRead[]
  /** Undefined ends the walk. */
  readonly nextCursor: string | undefined
}

const pageForm = v.object({
  data: v.array(v.unknown()),
  links: v.nullish(v.object({ next: v.nullish(v.string()) })),
  meta: v.nullish(v.object({ paging: v.nullish(v.object({ nextCursor: v.nullish(v.string()) })) })),
})

/** The address of the next page is not followed, since the token would go wherever it leads: only its cursor is taken. */
const cursorIn = (next: string): string | undefined =>
  URL.canParse(next, 'https://none.invalid') ? new URL(next, 'https://none.invalid').searchParams.get('cursor') || undefined : undefined

export const parseDevicesPage = (json: unknown): Result<DevicesPage, Unreadable> => {
  const parsed = v.safeParse(pageForm, json)
  if (!parsed.success) return unreadable('the list of devices')
  const { data, links, meta } = parsed.output
  const devices: DeviceRead[] = []
  for (const item of data) {
    const device = deviceOf(item)
    // Left out, it would pass for released.
    if (device === undefined) return unreadable('an entry of the list of devices')
    devices.push(device)
  }
  const next = links?.next || undefined
  const nextCursor = meta?.paging?.nextCursor || (next === undefined ? undefined : cursorIn(next))
  return next !== undefined && nextCursor === undefined ? unreadable('the next page of the list of devices') : ok({ devices, nextCursor })
}

export const parseOneDevice = (json: unknown): Result<DeviceRead, Unreadable> => {
  const parsed = v.safeParse(v.object({ data: v.unknown() }), json)
  const device = parsed.success ? deviceOf(parsed.output.data) : undefined
  return device === undefined ? unreadable('the device') : ok(device)
}
