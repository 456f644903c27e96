/** The methods of the Android Management API that the connector asks, each by its name, for one enterprise. */
import { err, ok, type Result } from '../../../../shared/result.ts'
import type { GoogleClient, GoogleFailure } from '../client.ts'
import {
  parseApplication,
  parseChangedPolicy,
  parseDevice,
  parseDevices,
  parseEnterprise,
  parseNothing,
  parsePolicies,
  parsePolicy,
  parseWebApps,
  type ApplicationPolicy,
  type ManagedDevice,
  type ManagedWebApp,
  type Policy,
} from './wire.ts'

type Answer<P> = P extends (json: unknown) => Result<infer T, unknown> ? Promise<Result<T, GoogleFailure>> : never
type Asked<T> = Promise<Result<T, GoogleFailure>>

export interface ApplicationChange {
  readonly application: ApplicationPolicy
  /** Fields of the application that change; absent: all of them. */
  readonly updateMask?: string
}

export interface ManagementApi {
  enterprise(): Answer<typeof parseEnterprise>
  /** Each list whole: of pages that do not hold together nothing is given. */
  policies(): Asked<readonly Policy[]>
  devices(): Asked<readonly ManagedDevice[]>
  webApps(): Asked<readonly ManagedWebApp[]>
  application(packageName: string, urgent?: boolean): Answer<typeof parseApplication>
  policy(id: string): Answer<typeof parsePolicy>
  device(id: string): Answer<typeof parseDevice>
  /** Makes the policy, or changes the masked fields of it; without a mask all. Done twice it does no more. */
  putPolicy(id: string, members: Readonly<Record<string, unknown>>, mask?: readonly string[]): Answer<typeof parsePolicy>
  /** Touches the named applications alone, whatever else changes at the same time. */
  changeApplications(id: string, changes: readonly ApplicationChange[]): Answer<typeof parseChangedPolicy>
  removeApplications(id: string, packageNames: readonly string[]): Answer<typeof parseChangedPolicy>
  removePolicy(id: string): Answer<typeof parseNothing>
  followPolicy(deviceId: string, policyName: string): Answer<typeof parseDevice>
}

const part = encodeURIComponent
const pageSize = '100'
const mostRestarts = 3
const mostPages = 100_000

export const createManagementApi = ({ send }: GoogleClient, enterpriseId: string): ManagementApi => {
  const own = `v1/enterprises/${part(enterpriseId)}`
  const policy = (id: string): string => `${own}/policies/${part(id)}`

  /** A page token that is refused begins the list anew; what comes twice counts once. */
  const listed = async <Item extends { readonly name: string }, Page extends { readonly nextPageToken?: string | undefined }>(
    path: string,
    parse: (json: unknown) => Result<Page, { readonly where: string }>,
    itemsOf: (page: Page) => readonly Item[],
  ): Asked<readonly Item[]> => {
    let failure: GoogleFailure = {
      is: 'unreadable',
      text: "The pages of a list of Google's lead to no end. The old data is kept with its age. It is tried again by itself.",
    }
    for (let restarts = 0; restarts <= mostRestarts; restarts += 1) {
      const byName = new Map<string, Item>()
      const seen = new Set<string>()
      let pageToken: string | undefined
      for (let pages = 0; pages < mostPages; pages += 1) {
        const page = await send({ method: 'GET', path: `${own}/${path}`, query: { pageSize, pageToken } }, parse)
        if (!page.ok) {
          if (page.error.is !== 'refused' || page.error.status !== 400 || pageToken === undefined) return page
          failure = page.error
          break
        }
        for (const item of itemsOf(page.value)) byName.set(item.name, item)
        pageToken = page.value.nextPageToken
        if (pageToken === undefined || pageToken === '') return ok([...byName.values()])
        // A token that came before would be a loop.
        if (seen.size === seen.add(pageToken).size) break
      }
    }
    return err(failure)
  }

  return {
    enterprise: () => send({ method: 'GET', path: own }, parseEnterprise),
    policies: () => listed('policies', parsePolicies, ({ policies }) => policies),
    devices: () => listed('devices', parseDevices, ({ devices }) => devices),
    webApps: () => listed('webApps', parseWebApps, ({ webApps }) => webApps),
    application: (packageName, urgent = false) =>
      send({ method: 'GET', path: `${own}/applications/${part(packageName)}`, urgent }, parseApplication),
    policy: (id) => send({ method: 'GET', path: policy(id), urgent: true }, parsePolicy),
    device: (id) => send({ method: 'GET', path: `${own}/devices/${part(id)}`, urgent: true }, parseDevice),
    putPolicy: (id, members, mask) =>
      send(
        {
          method: 'PATCH',
          path: policy(id),
          ...(mask === undefined ? {} : { query: { updateMask: mask.join(',') } }),
          body: members,
          urgent: true,
          repeatable: true,
        },
        parsePolicy,
      ),
    changeApplications: (id, changes) =>
      send(
        { method: 'POST', path: `${policy(id)}:modifyPolicyApplications`, body: { changes }, urgent: true, repeatable: true },
        parseChangedPolicy,
      ),
    removeApplications: (id, packageNames) =>
      send(
        { method: 'POST', path: `${policy(id)}:removePolicyApplications`, body: { packageNames }, urgent: true, repeatable: true },
        parseChangedPolicy,
      ),
    removePolicy: (id) => send({ method: 'DELETE', path: policy(id), urgent: true }, parseNothing),
    followPolicy: (deviceId, policyName) =>
      send(
        {
          method: 'PATCH',
          path: `${own}/devices/${part(deviceId)}`,
          query: { updateMask: 'policyName' },
          body: { policyName },
          urgent: true,
          repeatable: true,
        },
        parseDevice,
      ),
  }
}
