/** What happens at Google without us: purchases, refunds, approvals, people, an unbinding in the admin console. */
import { makeKey, type KeyFile, type ServiceAccount } from './accounts.ts'
import type { GoogleFaults } from './faults.ts'
import { createManagementControl, type ManagementControl } from './management/control.ts'
import { licenseAnswer } from './play/licenses.ts'
import { notify } from './play/notifications.ts'
import {
  newEnterprise,
  newUser,
  provisioned,
  type EntitlementReason,
  type GoogleWorld,
  type GroupLicense,
  type Json,
  type PlayEnterprise,
  type PlayUser,
} from './play/state.ts'
import type { GoogleRequestLog, LoggedGoogleRequest } from './request-log.ts'
import { readGoogleSnapshot, writeGoogleSnapshot, type GoogleSnapshot } from './snapshot.ts'
import type { GoogleSwitches } from './switches.ts'

export interface NewEnterprise {
  readonly id?: string
  readonly name: string
  readonly kind?: PlayEnterprise['kind']
  readonly primaryDomain?: string
  readonly administrators?: readonly string[]
}

export interface NewLicense {
  readonly purchased?: number | null
  readonly acquisitionKind?: GroupLicense['acquisitionKind']
  readonly approval?: GroupLicense['approval']
  readonly permissions?: GroupLicense['permissions']
  /** What `products.get` tells. Null: the product is gone from the store. */
  readonly product?: Json | null
}

export interface GoogleControl {
  /** The vendor's account, with a key of its own. */
  addVendor(email: string): KeyFile
  /** An enterprise with a service account that acts inside it. */
  addEnterprise(made: NewEnterprise): { readonly enterpriseId: string; readonly keyFile: KeyFile }
  enterprises(): readonly PlayEnterprise[]
  enterprise(id: string): PlayEnterprise
  account(email: string): ServiceAccount
  newKey(email: string): KeyFile
  /** All keys of the account are void, as after somebody else asked for a new one. */
  revokeKeys(email: string): void
  /** Access tokens that were given are refused from now on. */
  revokeTokens(): void
  addLicense(enterpriseId: string, productId: string, license?: NewLicense): void
  setPurchased(enterpriseId: string, productId: string, purchased: number | null): void
  setApproval(enterpriseId: string, productId: string, approval: GroupLicense['approval'], permissions?: GroupLicense['permissions']): void
  setProduct(enterpriseId: string, productId: string, product: Json | null): void
  counts(enterpriseId: string, productId: string): Json
  addUser(enterpriseId: string, user: Partial<PlayUser>): PlayUser
  entitle(enterpriseId: string, userId: string, productId: string, reason?: EntitlementReason): void
  unentitle(enterpriseId: string, userId: string, productId: string): void
  /** Their identifiers or addresses. */
  holders(enterpriseId: string, productId: string): readonly string[]
  addDevice(enterpriseId: string, userId: string, deviceId: string, members?: Json, installed?: readonly string[]): void
  /** As in the admin console: the enterprise is no longer bound, or is gone. */
  setStatus(enterpriseId: string, status: PlayEnterprise['status']): void
  /** Play accounts become a managed domain: people keep their ids and get their mail address. */
  upgrade(enterpriseId: string, domain: string, emailOf: (user: PlayUser) => string): void
  notify(enterpriseId: string, notificationType: string, event?: Json): void
  /** The Android Management side. */
  readonly management: ManagementControl
  readonly faults: GoogleFaults
  switches(): GoogleSwitches
  setSwitches(changes: Partial<GoogleSwitches>): void
  requests(): readonly LoggedGoogleRequest[]
  clearRequests(): void
  snapshot(): GoogleSnapshot
  restore(snapshot: GoogleSnapshot): void
}

export const createGoogleControl = (world: GoogleWorld, log: GoogleRequestLog): GoogleControl => {
  const mustGet = (id: string): PlayEnterprise => {
    const found = world.play.enterprises[id]
    if (found === undefined) throw new Error(`sandbox: no enterprise ${id}`)
    return found
  }
  const mustLicense = (id: string, productId: string): GroupLicense => {
    const found = mustGet(id).licenses[productId]
    if (found === undefined) throw new Error(`sandbox: ${id} has no license of ${productId}`)
    return found
  }
  const mustUser = (id: string, userId: string): PlayUser => {
    const found = mustGet(id).users[userId]
    if (found === undefined) throw new Error(`sandbox: ${id} has no user ${userId}`)
    return found
  }
  const mustAccount = (email: string): ServiceAccount => {
    const found = world.accounts.accounts.get(email)
    if (found === undefined) throw new Error(`sandbox: no service account ${email}`)
    return found
  }
  const addAccount = (email: string, isVendor: boolean): ServiceAccount => {
    const made: ServiceAccount = {
      email,
      project: email.split('@')[1]?.split('.')[0] ?? '',
      isVendor,
      disabled: false,
      scopes: null,
      keys: [],
    }
    world.accounts.accounts.set(email, made)
    return made
  }

  return {
    addVendor: (email) => makeKey(world.chance, addAccount(email, true)),
    addEnterprise: ({ kind = 'play-accounts', primaryDomain = null, administrators, id, name }) => {
      const enterprise: PlayEnterprise = {
        ...newEnterprise(world.chance, { name, kind, ...(id === undefined ? {} : { id }) }),
        administrators: administrators ?? (kind === 'play-accounts' ? ['it.admin@eastmere.example'] : []),
        primaryDomain,
      }
      world.play.enterprises[enterprise.id] = enterprise
      const email = `play-${enterprise.id.toLowerCase()}@eastmere-emm.iam.gserviceaccount.com`
      enterprise.account = email
      enterprise.ownAccount = email
      return { enterpriseId: enterprise.id, keyFile: makeKey(world.chance, addAccount(email, false)) }
    },
    enterprises: () => Object.values(world.play.enterprises),
    enterprise: mustGet,
    account: mustAccount,
    newKey: (email) => makeKey(world.chance, mustAccount(email)),
    revokeKeys: (email) => {
      for (const key of mustAccount(email).keys) key.revoked = true
    },
    revokeTokens: () => world.accounts.tokens.clear(),
    addLicense: (
      enterpriseId,
      productId,
      { purchased = null, acquisitionKind, approval = 'approved', permissions = 'currentApproved', product } = {},
    ) => {
      const owner = mustGet(enterpriseId)
      const kind = acquisitionKind ?? (purchased === null ? 'free' : 'bulkPurchase')
      owner.licenses[productId] = { acquisitionKind: kind, purchased, approval, permissions }
      if (product === null) return
      owner.products[productId] = {
        title: productId.split('.').at(-1) ?? productId,
        productPricing: kind === 'free' ? 'free' : 'paid',
        distributionChannel: 'publicGoogleHosted',
        ...product,
      }
    },
    setPurchased: (enterpriseId, productId, purchased) => {
      mustLicense(enterpriseId, productId).purchased = purchased
    },
    setApproval: (enterpriseId, productId, approval, permissions) => {
      Object.assign(mustLicense(enterpriseId, productId), { approval, ...(permissions === undefined ? {} : { permissions }) })
      notify(world, enterpriseId, 'productApproval', { productApprovalEvent: { productId, approved: approval } })
    },
    setProduct: (enterpriseId, productId, product) => {
      const { products } = mustGet(enterpriseId)
      if (product === null) delete products[productId]
      else products[productId] = { ...products[productId], ...product }
    },
    counts: (enterpriseId, productId) => licenseAnswer(mustGet(enterpriseId), productId),
    addUser: (enterpriseId, given) => {
      const owner = mustGet(enterpriseId)
      const user = newUser(world.chance, owner.kind === 'managed-domain' ? { managementType: 'googleManaged', ...given } : given)
      owner.users[user.id] = user
      return user
    },
    entitle: (enterpriseId, userId, productId, reason) => {
      const kind = mustGet(enterpriseId).licenses[productId]?.acquisitionKind
      mustUser(enterpriseId, userId).entitlements[productId] = reason ?? (kind === 'free' ? 'free' : 'groupLicense')
    },
    unentitle: (enterpriseId, userId, productId) => {
      delete mustUser(enterpriseId, userId).entitlements[productId]
    },
    holders: (enterpriseId, productId) =>
      provisioned(mustGet(enterpriseId), productId) === 0
        ? []
        : Object.values(mustGet(enterpriseId).users)
            .filter(({ entitlements }) => entitlements[productId] !== undefined && entitlements[productId] !== 'userPurchase')
            .map(({ accountIdentifier, primaryEmail, id }) => primaryEmail ?? accountIdentifier ?? id),
    addDevice: (enterpriseId, userId, deviceId, members = { managementType: 'managedProfile' }, installed = []) => {
      const installs = Object.fromEntries(installed.map((productId) => [productId, { versionCode: 310, installedAt: 0, goneAt: null }]))
      mustUser(enterpriseId, userId).devices[deviceId] = {
        members,
        accountState: 'enabled',
        reportUploads: [],
        installs,
        configurations: {},
      }
    },
    setStatus: (enterpriseId, status) => {
      mustGet(enterpriseId).status = status
    },
    upgrade: (enterpriseId, domain, emailOf) => {
      const owner = mustGet(enterpriseId)
      owner.kind = 'managed-domain'
      owner.primaryDomain = domain
      for (const user of Object.values(owner.users))
        Object.assign(user, { primaryEmail: emailOf(user), managementType: 'googleManaged', accountIdentifier: null })
      notify(world, enterpriseId, 'enterpriseUpgrade', { enterpriseUpgradeEvent: { upgradeState: 'upgradeStateSucceeded' } })
    },
    notify: (enterpriseId, notificationType, event) => notify(world, enterpriseId, notificationType, event),
    management: createManagementControl(world),
    faults: world.faults,
    switches: () => world.switches,
    setSwitches: (changes) => {
      world.switches = { ...world.switches, ...changes }
    },
    requests: () => log.all(),
    clearRequests: () => log.clear(),
    snapshot: () => writeGoogleSnapshot(world),
    restore: (snapshot) => readGoogleSnapshot(world, snapshot),
  }
}
