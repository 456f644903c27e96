/** The methods of the Play EMM API that the connector asks, each by its name, for one enterprise. */
import type { Result } from '../../../../shared/result.ts'
import type { GoogleClient, GoogleFailure } from '../client.ts'
import {
  parseClusters,
  parseDeviceIds,
  parseEnterprise,
  parseEntitlement,
  parseEntitlements,
  parseGroupLicense,
  parseGroupLicenses,
  parseNothing,
  parseNotificationSet,
  parsePages,
  parseProduct,
  parseProductsPage,
  parseUser,
  parseUsers,
  parseWebApps,
} from './wire.ts'

type Answer<P> = P extends (json: unknown) => Result<infer T, unknown> ? Promise<Result<T, GoogleFailure>> : never

const part = encodeURIComponent
export interface PlayApi {
  enterprise(): Answer<typeof parseEnterprise>
  groupLicenses(): Answer<typeof parseGroupLicenses>
  groupLicense(productId: string, urgent?: boolean): Answer<typeof parseGroupLicense>
  licenseUsers(productId: string, urgent?: boolean): Answer<typeof parseUsers>
  products(token: string | undefined): Answer<typeof parseProductsPage>
  product(productId: string): Answer<typeof parseProduct>
  webApps(): Answer<typeof parseWebApps>
  pages(): Answer<typeof parsePages>
  clusters(pageId: string): Answer<typeof parseClusters>
  usersByEmail(email: string): Answer<typeof parseUsers>
  /** The same identifier is the same person: asked twice it does no more. */
  insertUser(accountIdentifier: string): Answer<typeof parseUser>
  deleteUser(userId: string): Answer<typeof parseNothing>
  devices(userId: string): Answer<typeof parseDeviceIds>
  removeInstall(userId: string, deviceId: string, productId: string): Answer<typeof parseNothing>
  entitlements(userId: string): Answer<typeof parseEntitlements>
  entitlement(userId: string, productId: string): Answer<typeof parseEntitlement>
  /** Costs one license, however often it is sent. */
  entitle(userId: string, productId: string): Answer<typeof parseEntitlement>
  removeEntitlement(userId: string, productId: string): Answer<typeof parseNothing>
  /** Of all enterprises that the account acts for. Answers at once, also when there is nothing. */
  pull(): Answer<typeof parseNotificationSet>
  acknowledge(setId: string): Answer<typeof parseNothing>
}

export const createPlayApi = ({ send }: GoogleClient, enterpriseId: string): PlayApi => {
  const base = 'androidenterprise/v1/enterprises'
  const own = `${base}/${part(enterpriseId)}`
  const user = (userId: string): string => `${own}/users/${part(userId)}`
  return {
    enterprise: () => send({ method: 'GET', path: own }, parseEnterprise),
    groupLicenses: () => send({ method: 'GET', path: `${own}/groupLicenses` }, parseGroupLicenses),
    groupLicense: (productId, urgent = false) =>
      send({ method: 'GET', path: `${own}/groupLicenses/${part(productId)}`, urgent }, parseGroupLicense),
    licenseUsers: (productId, urgent = false) =>
      send({ method: 'GET', path: `${own}/groupLicenses/${part(productId)}/users`, urgent }, parseUsers),
    products: (token) =>
      send({ method: 'GET', path: `${own}/products`, query: { approved: 'true', maxResults: '100', token } }, parseProductsPage),
    product: (productId) => send({ method: 'GET', path: `${own}/products/${part(productId)}` }, parseProduct),
    webApps: () => send({ method: 'GET', path: `${own}/webApps` }, parseWebApps),
    pages: () => send({ method: 'GET', path: `${own}/storeLayout/pages` }, parsePages),
    clusters: (pageId) => send({ method: 'GET', path: `${own}/storeLayout/pages/${part(pageId)}/clusters` }, parseClusters),
    usersByEmail: (email) => send({ method: 'GET', path: `${own}/users`, query: { email }, urgent: true }, parseUsers),
    insertUser: (accountIdentifier) =>
      send(
        { method: 'POST', path: `${own}/users`, body: { accountIdentifier, accountType: 'userAccount' }, repeatable: true, urgent: true },
        parseUser,
      ),
    deleteUser: (userId) => send({ method: 'DELETE', path: user(userId), urgent: true }, parseNothing),
    devices: (userId) => send({ method: 'GET', path: `${user(userId)}/devices`, urgent: true }, parseDeviceIds),
    removeInstall: (userId, deviceId, productId) =>
      send({ method: 'DELETE', path: `${user(userId)}/devices/${part(deviceId)}/installs/${part(productId)}`, urgent: true }, parseNothing),
    entitlements: (userId) => send({ method: 'GET', path: `${user(userId)}/entitlements`, urgent: true }, parseEntitlements),
    entitlement: (userId, productId) =>
      send({ method: 'GET', path: `${user(userId)}/entitlements/${part(productId)}`, urgent: true }, parseEntitlement),
    entitle: (userId, productId) =>
      send(
        {
          method: 'PUT',
          path: `${user(userId)}/entitlements/${part(productId)}`,
          query: { install: 'true' },
          body: { productId },
          urgent: true,
        },
        parseEntitlement,
      ),
    removeEntitlement: (userId, productId) =>
      send({ method: 'DELETE', path: `${user(userId)}/entitlements/${part(productId)}`, urgent: true }, parseNothing),
    pull: () =>
      send(
        {
          method: 'POST',
          path: `${base}/pullNotificationSet`,
          query: { requestMode: 'returnImmediately' },
          // What was handed out and not acknowledged comes again.
          repeatable: true,
        },
        parseNotificationSet,
      ),
    acknowledge: (setId) =>
      send(
        { method: 'POST', path: `${base}/acknowledgeNotificationSet`, query: { notificationSetId: setId }, repeatable: true, urgent: true },
        parseNothing,
      ),
  }
}
