/**
 * Answers of the Android Management API. What is not known is left alone; of a policy every member is kept, since a copy of it
 * must not lose what it orders. Source: docs/stores/android-management.md.
 */
import * as v from 'valibot'
import { err, ok } from '../../../../shared/result.ts'
import type { Parse } from '../client.ts'

const text = v.optional(v.string())
const list = <T extends v.GenericSchema>(item: T) => v.optional(v.array(item), [])
/** A name is a path: its parts are what nothing but a name can be. */
const name = (kind: string) => v.pipe(v.string(), v.maxLength(500), v.regex(new RegExp(`^enterprises/[^/]+/${kind}/.+$`)))

const parserOf =
  <T>(form: v.GenericSchema<unknown, T>): Parse<T> =>
  (json) => {
    const read = v.safeParse(form, json)
    if (read.success) return ok(read.output)
    return err({ where: read.issues[0] === undefined ? 'it has another form' : (v.getDotPath(read.issues[0]) ?? 'it has another form') })
  }

export const parseEnterprise = parserOf(
  v.object({ name: v.pipe(v.string(), v.regex(/^enterprises\/[A-Za-z0-9_-]{1,100}$/)), enterpriseDisplayName: text }),
)

const packageName = v.pipe(v.string(), v.minLength(1), v.maxLength(300))

const applicationPolicy = v.looseObject({ packageName, installType: text })
export type ApplicationPolicy = v.InferOutput<typeof applicationPolicy>

const policy = v.looseObject({ name: name('policies'), version: v.optional(v.string(), ''), applications: list(applicationPolicy) })
export type Policy = v.InferOutput<typeof policy>
export const parsePolicy = parserOf(policy)
export const parsePolicies = parserOf(v.object({ policies: list(policy), nextPageToken: text }))
export const parseChangedPolicy = parserOf(v.object({ policy: v.optional(policy) }))

const device = v.object({
  name: name('devices'),
  state: text,
  policyName: text,
  ownership: text,
  managementMode: text,
  hardwareInfo: v.optional(v.object({ serialNumber: text, enterpriseSpecificId: text, manufacturer: text, model: text }), {}),
  nonComplianceDetails: list(v.object({ packageName: text, nonComplianceReason: text, installationFailureReason: text })),
})
export type ManagedDevice = v.InferOutput<typeof device>
export const parseDevice = parserOf(device)
export const parseDevices = parserOf(v.object({ devices: list(device), nextPageToken: text }))

const application = v.object({
  name: name('applications'),
  title: text,
  author: text,
  iconUrl: text,
  appPricing: text,
  distributionChannel: text,
  appVersions: list(v.object({ versionString: text, production: v.optional(v.boolean()) })),
})
export type Application = v.InferOutput<typeof application>
export const parseApplication = parserOf(application)

const webApp = v.object({ name: name('webApps'), title: text })
export type ManagedWebApp = v.InferOutput<typeof webApp>
export const parseWebApps = parserOf(v.object({ webApps: list(webApp), nextPageToken: text }))

/** Whatever it is: nothing of it is needed. */
export const parseNothing: Parse<undefined> = () => ok(undefined)

/** `LC01` of `enterprises/LC01`, `pupils` of `enterprises/LC01/policies/pupils`. */
export const lastOf = (resource: string): string =>
  resource
    .split('/')
    .slice(resource.startsWith('enterprises/') ? 3 : 0)
    .join('/')
