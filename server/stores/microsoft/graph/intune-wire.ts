/** Intune's tokens, apps, assignments and its binding to Managed Google Play, parsed. Unknown kinds and words are kept as such. Source: docs/stores/microsoft-graph.md, 6. */
import * as v from 'valibot'
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { Unreadable } from './wire.ts'

const text = v.pipe(v.string(), v.maxLength(20_000))
const optionalText = v.optional(
  v.pipe(
    v.nullable(text),
    v.transform((value) => value ?? ''),
  ),
  '',
)
const optionalCount = v.optional(v.nullable(v.pipe(v.number(), v.safeInteger())))
const results = v.optional(
  v.nullable(
    v.array(
      v.object({
        actionName: optionalText,
        actionState: optionalText,
        actionFailureReason: optionalText,
        totalLicensesCount: optionalCount,
        failedLicensesCount: optionalCount,
      }),
    ),
  ),
)

const token = v.object({
  id: text,
  organizationName: optionalText,
  appleId: optionalText,
  expirationDateTime: optionalText,
  lastSyncDateTime: optionalText,
  state: optionalText,
  lastSyncStatus: optionalText,
  displayName: optionalText,
  locationName: optionalText,
  tokenActionResults: results,
})
export type TokenRead = v.InferOutput<typeof token>

const licensing = v.object({
  supportsUserLicensing: v.optional(v.nullable(v.boolean())),
  supportsDeviceLicensing: v.optional(v.nullable(v.boolean())),
})
const app = v.object({
  '@odata.type': optionalText,
  id: text,
  displayName: optionalText,
  publisher: optionalText,
  bundleId: optionalText,
  appStoreUrl: optionalText,
  packageId: optionalText,
  productKey: optionalText,
  vppTokenId: optionalText,
  usedLicenseCount: optionalCount,
  totalLicenseCount: optionalCount,
  licensingType: v.optional(v.nullable(licensing)),
  revokeLicenseActionResults: results,
})
export type AppRead = v.InferOutput<typeof app>

const assignment = v.object({
  intent: optionalText,
  target: v.optional(v.nullable(v.object({ '@odata.type': optionalText, groupId: optionalText }))),
  settings: v.optional(v.nullable(v.object({ useDeviceLicensing: v.optional(v.nullable(v.boolean())) }))),
})
export type AssignmentRead = v.InferOutput<typeof assignment>

const binding = v.object({
  bindStatus: optionalText,
  lastAppSyncDateTime: optionalText,
  lastAppSyncStatus: optionalText,
  ownerUserPrincipalName: optionalText,
  ownerOrganizationName: optionalText,
})
export type BindingRead = v.InferOutput<typeof binding>

const parse = <S extends v.GenericSchema>(schema: S, json: unknown): Result<v.InferOutput<S>, Unreadable> => {
  const parsed = v.safeParse(schema, json)
  return parsed.success ? ok(parsed.output) : err({ where: v.getDotPath(parsed.issues[0]) ?? 'the whole' })
}
const listOf = <S extends v.GenericSchema>(schema: S): ((json: unknown) => Result<readonly v.InferOutput<S>[], Unreadable>) => {
  const list = v.object({ value: v.array(schema) })
  return (json) => {
    const parsed = parse(list, json)
    return parsed.ok ? ok(parsed.value.value) : parsed
  }
}
export const parseTokens = listOf(token)
export const parseApps = listOf(app)
export const parseAssignments = listOf(assignment)
export const parseBinding = (json: unknown): Result<BindingRead, Unreadable> => parse(binding, json)

/** "Never" is told as the first day of the year 1. */
export const timeOf = (told: string): string | null => {
  const at = Date.parse(told)
  return Number.isNaN(at) || at < Date.UTC(1971, 0) ? null : new Date(at).toISOString()
}
