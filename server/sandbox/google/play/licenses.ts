/** Products, group licenses and entitlements: the part of the API that was turned off on 30 September 2025, and `products.get`, which was not. */
import { forbidden, invalid, notFound, Refused } from '../errors.ts'
import type { PlayContext, Plays } from './context.ts'
import { listAnswer, mustUser, provisioned, userAnswer, type GroupLicense, type Json, type PlayEnterprise } from './state.ts'

const productAnswer = (enterprise: PlayEnterprise, productId: string): Json => {
  const product = Object.hasOwn(enterprise.products, productId) ? enterprise.products[productId] : undefined
  if (product === undefined) throw notFound('product')
  return { productId, ...product }
}

const mustLicense = (enterprise: PlayEnterprise, productId: string): GroupLicense => {
  const license = Object.hasOwn(enterprise.licenses, productId) ? enterprise.licenses[productId] : undefined
  if (license === undefined) throw notFound('group license')
  return license
}

const answerOf = (productId: string, license: GroupLicense, numProvisioned: number): Json => ({
  productId,
  acquisitionKind: license.acquisitionKind,
  ...(license.purchased === null ? {} : { numPurchased: license.purchased }),
  numProvisioned,
  approval: license.approval,
  ...(license.approval === 'approved' ? { permissions: license.permissions } : {}),
})

export const licenseAnswer = (enterprise: PlayEnterprise, productId: string): Json =>
  answerOf(productId, mustLicense(enterprise, productId), provisioned(enterprise, productId))

/** All of them, counted in one go. */
const licenseAnswers = (enterprise: PlayEnterprise): readonly Json[] => {
  const countByProduct = new Map<string, number>()
  for (const { entitlements } of Object.values(enterprise.users))
    for (const [productId, reason] of Object.entries(entitlements))
      if (reason !== 'userPurchase') countByProduct.set(productId, (countByProduct.get(productId) ?? 0) + 1)
  return Object.entries(enterprise.licenses).map(([id, license]) => answerOf(id, license, countByProduct.get(id) ?? 0))
}

const pageToken = (at: number): string => Buffer.from(String(at)).toString('base64')

const listProducts = ({ world, call, enterprise }: PlayContext): Json => {
  const { approved, query, maxResults, token } = call.query
  if (approved === 'false') throw invalid('The parameter approved supports only true.')
  const owner = enterprise()
  const all = Object.keys(owner.products)
    .filter((id) => approved === undefined || owner.licenses[id]?.approval === 'approved')
    .filter(
      (id) =>
        query === undefined ||
        String(owner.products[id]?.['title'] ?? '')
          .toLowerCase()
          .includes(query.toLowerCase()),
    )
    .toSorted()
  const from = token === undefined ? 0 : Number(Buffer.from(token, 'base64').toString())
  if (!Number.isInteger(from) || from < 0 || pageToken(from) !== (token ?? pageToken(from))) throw invalid('Invalid page token.')
  const size = Math.min(Math.max(1, Number(maxResults ?? world.switches.pageSize)), world.switches.pageSize)
  const next = from + size
  return listAnswer(
    'product',
    all.slice(from, next).map((id) => productAnswer(owner, id)),
    {
      pageInfo: { totalResults: all.length, resultPerPage: size, startIndex: from },
      ...(next < all.length ? { tokenPagination: { nextPageToken: pageToken(next) } } : {}),
    },
  )
}

const isOurs = (productId: string): boolean => /^app:[A-Za-z][\w.]*$/.test(productId)

const entitle = ({ world, call, enterprise }: PlayContext): Json => {
  const owner = enterprise()
  const productId = call.path['entitlementId'] ?? ''
  const user = mustUser(owner, call.path['userId'] ?? '')
  const named = call.body['productId']
  if (named !== undefined && named !== productId) throw invalid('The product in the body is not that of the path.')
  const held = user.entitlements[productId]
  const license = Object.hasOwn(owner.licenses, productId) ? owner.licenses[productId] : undefined
  if (held === undefined) {
    if (!isOurs(productId)) throw notFound('product')
    const product = Object.hasOwn(owner.products, productId) ? owner.products[productId] : undefined
    const isFree = product?.['productPricing'] === 'free' || product?.['productPricing'] === 'freeWithInAppPurchase'
    if (license === undefined && !isFree) throw notFound('product')
    if (license !== undefined && license.approval !== 'approved') throw forbidden('The product is not approved for this enterprise.')
    if (license?.permissions === 'needsReapproval') throw forbidden('The product has new permissions that were not approved.')
    if (license !== undefined && license.purchased !== null && provisioned(owner, productId) >= license.purchased)
      throw new Refused(
        world.switches.exhaustedAnswer === '403' ? 403 : 400,
        world.switches.exhaustedAnswer === '403' ? 'forbidden' : 'failedPrecondition',
        'No licenses are available for this product.',
      )
    // A free app gets its group license with the first entitlement.
    if (license === undefined)
      owner.licenses[productId] = { acquisitionKind: 'free', purchased: null, approval: 'approved', permissions: 'currentApproved' }
    user.entitlements[productId] = license === undefined || license.acquisitionKind === 'free' ? 'free' : 'groupLicense'
  }
  if (call.query['install'] === 'true')
    for (const device of Object.values(user.devices))
      device.installs[productId] ??= { versionCode: 1, installedAt: world.clock.now() + world.switches.installDelayMs, goneAt: null }
  return { productId, reason: user.entitlements[productId] ?? 'free' }
}

export const licensePlays: Plays = {
  'products.get': ({ call, enterprise }) => productAnswer(enterprise(), call.path['productId'] ?? ''),
  'products.list': listProducts,
  'products.getPermissions': ({ call, enterprise }) => {
    const productId = call.path['productId'] ?? ''
    const { permissions } = productAnswer(enterprise(), productId)
    return { productId, ...(Array.isArray(permissions) ? { permission: permissions } : {}) }
  },
  'products.getAppRestrictionsSchema': ({ call, enterprise }) => {
    const { appRestrictionsSchema } = productAnswer(enterprise(), call.path['productId'] ?? '')
    return typeof appRestrictionsSchema === 'object' && appRestrictionsSchema !== null ? { ...appRestrictionsSchema } : {}
  },
  'products.generateApprovalUrl': ({ call, enterprise, origin }) => {
    productAnswer(enterprise(), call.path['productId'] ?? '')
    return { url: `${origin}/work/approve?product=${encodeURIComponent(call.path['productId'] ?? '')}` }
  },
  'products.approve': ({ call, enterprise }) => {
    const owner = enterprise()
    const productId = call.path['productId'] ?? ''
    productAnswer(owner, productId)
    const license = owner.licenses[productId]
    const permissions = call.body['approvedPermissions'] === 'allPermissions' ? 'allCurrentAndFutureApproved' : 'currentApproved'
    if (license === undefined) owner.licenses[productId] = { acquisitionKind: 'free', purchased: null, approval: 'approved', permissions }
    else Object.assign(license, { approval: 'approved', permissions })
    return undefined
  },
  'products.unapprove': ({ call, enterprise }) => {
    const license = enterprise().licenses[call.path['productId'] ?? '']
    if (license === undefined) throw notFound('product')
    license.approval = 'unapproved'
    return undefined
  },
  'permissions.get': ({ call }) => ({
    permissionId: call.path['permissionId'] ?? '',
    name: call.path['permissionId'] ?? '',
    description: '',
  }),
  'managedconfigurationssettings.list': () => ({}),

  'grouplicenses.list': ({ world, enterprise }) => {
    const owner = enterprise()
    const whole = licenseAnswers(owner)
    return listAnswer('groupLicense', world.switches.groupLicenseList === 'whole' ? whole : whole.map(({ productId }) => ({ productId })))
  },
  'grouplicenses.get': ({ call, enterprise }) => licenseAnswer(enterprise(), call.path['groupLicenseId'] ?? ''),
  'grouplicenseusers.list': ({ call, enterprise }) => {
    const owner = enterprise()
    const productId = call.path['groupLicenseId'] ?? ''
    mustLicense(owner, productId)
    const holders = Object.values(owner.users).filter(({ entitlements }) =>
      ['free', 'groupLicense'].includes(entitlements[productId] ?? ''),
    )
    return listAnswer('user', holders.map(userAnswer))
  },

  'entitlements.list': ({ call, enterprise }) =>
    listAnswer(
      'entitlement',
      Object.keys(mustUser(enterprise(), call.path['userId'] ?? '').entitlements).map((productId) => ({ productId })),
    ),
  'entitlements.get': ({ call, enterprise }) => {
    const productId = call.path['entitlementId'] ?? ''
    const reason = mustUser(enterprise(), call.path['userId'] ?? '').entitlements[productId]
    if (reason === undefined) throw notFound('entitlement')
    return { productId, reason }
  },
  'entitlements.update': entitle,
  'entitlements.delete': ({ call, enterprise }) => {
    const user = mustUser(enterprise(), call.path['userId'] ?? '')
    const productId = call.path['entitlementId'] ?? ''
    const reason = user.entitlements[productId]
    if (reason === undefined) throw notFound('entitlement')
    if (reason === 'userPurchase') throw forbidden('An entitlement that the user bought can not be removed.')
    delete user.entitlements[productId]
    return undefined
  },
}
