/** Microsoft 365 subscriptions: what a tenant owns, and giving and taking a user's licenses. Source: docs/stores/microsoft-graph.md, 5. */
import * as v from 'valibot'
import { failed, good, type GraphAnswer } from './graph-answer.ts'
import { userFields, userView } from './graph-directory.ts'
import { isAnswer, selected, selectOf, type GraphRequest } from './graph-request.ts'
import { consumedUnits, findUser, hasSku, inheritedBy, setLicenses, type GraphState, type GraphUser, type Sku } from './graph-state.ts'

const skuFields = [
  'id',
  'accountId',
  'accountName',
  'skuId',
  'skuPartNumber',
  'appliesTo',
  'capabilityStatus',
  'consumedUnits',
  'prepaidUnits',
  'servicePlans',
  'subscriptionIds',
]

export const listSkus = (request: GraphRequest): GraphAnswer => {
  const { state, tenant, url, version } = request
  const names = selectOf(request, 'subscribedSku', skuFields, skuFields)
  if (isAnswer(names)) return names
  const odd = request.faults.find((fault) => fault.is === 'odd-items')
  const isEmptied = request.faults.some(({ is }) => is === 'empty-list' || is === 'empty-page')
  const value = (isEmptied ? [] : [...state.skus.values()]).map((sku) => {
    const shown = selected(
      {
        id: `${tenant.id}_${sku.skuId}`,
        accountId: tenant.id,
        accountName: tenant.name,
        skuId: sku.skuId,
        skuPartNumber: sku.skuPartNumber,
        appliesTo: sku.appliesTo,
        capabilityStatus: sku.capabilityStatus,
        consumedUnits: consumedUnits(state, sku),
        prepaidUnits: { ...sku.prepaidUnits },
        servicePlans: sku.servicePlans.map((plan) => ({ ...plan, provisioningStatus: 'Success', appliesTo: sku.appliesTo })),
        subscriptionIds: [],
      },
      names,
    )
    if (odd?.is !== 'odd-items') return shown
    return Object.fromEntries(Object.entries({ ...shown, ...odd.members }).filter(([name]) => !odd.without.includes(name)))
  })
  return good({ '@odata.context': `${url.origin}/${version}/$metadata#subscribedSkus`, value })
}

export const licenseDetails = (request: GraphRequest): GraphAnswer => {
  const { world, state, parts, url, version } = request
  const user = findUser(state, parts[1] ?? '')
  if (user === undefined) return failed(world, 404)
  const value = [...state.skus.values()]
    .filter(({ skuId }) => hasSku(state, user, skuId))
    .map(({ skuId, skuPartNumber, servicePlans }) => ({
      id: skuId,
      skuId,
      skuPartNumber,
      servicePlans: servicePlans.map((plan) => ({ ...plan, provisioningStatus: 'Success', appliesTo: 'User' })),
    }))
  return good({ '@odata.context': `${url.origin}/${version}/$metadata#users('${user.id}')/licenseDetails`, value })
}

const assignBody = v.strictObject({
  // Both are required, also when they are empty.
  addLicenses: v.array(v.strictObject({ skuId: v.string(), disabledPlans: v.optional(v.array(v.string())) })),
  removeLicenses: v.array(v.string()),
})

const refusal = (request: GraphRequest, message: string): GraphAnswer => failed(request.world, 400, { code: 'Request_BadRequest', message })

const freeUnits = (state: GraphState, sku: Sku): number => sku.prepaidUnits.enabled + sku.prepaidUnits.warning - consumedUnits(state, sku)

/** Why one SKU can't be added, in Graph's words; undefined: it can. `without`: SKUs that leave in the same call. */
const whyNotAdded = (state: GraphState, user: GraphUser, sku: Sku, without: readonly string[]): string | undefined => {
  if (user.usageLocation === null || user.usageLocation === '')
    return 'License assignment cannot be done for user with invalid usage location.'
  if (sku.appliesTo === 'Company') return `Subscription with SKU ${sku.skuId} cannot be assigned to a user.`
  const isOpen = sku.capabilityStatus === 'Enabled' || sku.capabilityStatus === 'Warning'
  const hasIt = hasSku(state, user, sku.skuId)
  if (!isOpen || (!hasIt && freeUnits(state, sku) <= 0)) return `Subscription with SKU ${sku.skuId} does not have any available licenses.`
  const others = [...state.skus.values()].filter((other) => hasSku(state, user, other.skuId) && !without.includes(other.skuId))
  const plans = new Set(others.flatMap(({ servicePlans }) => servicePlans.map(({ servicePlanId }) => servicePlanId)))
  const missing = sku.needsPlans.find((plan) => !plans.has(plan))
  if (missing !== undefined)
    return `License assignment failed because service plan ${missing} depends on a service plan that is not assigned.`
  const conflict = sku.conflictsWith.find((plan) => plans.has(plan))
  return conflict === undefined ? undefined : `License assignment failed because service plans ${conflict} are mutually exclusive.`
}

/** All of it or nothing. */
export const assignLicense = (request: GraphRequest): GraphAnswer => {
  const { world, state, parts } = request
  const parsed = v.safeParse(assignBody, request.body)
  if (!parsed.success)
    return refusal(request, "One or more parameters of the operation 'assignLicense' are missing from the request payload.")
  const user = findUser(state, parts[1] ?? '')
  if (user === undefined) return failed(world, 404)
  const { addLicenses, removeLicenses } = parsed.output
  const strange = [...addLicenses.map(({ skuId }) => skuId), ...removeLicenses].find((skuId) => !state.skus.has(skuId))
  if (strange !== undefined) return refusal(request, `License ${strange} does not correspond to a valid company License.`)
  for (const skuId of removeLicenses) {
    if (user.licenses.some((license) => license.skuId === skuId)) continue
    if (inheritedBy(state, user.id).has(skuId))
      return refusal(request, 'User license is inherited from a group membership and it cannot be removed directly from the user.')
    if (world.switches.removedLicense === 'refused') return refusal(request, 'User does not have a corresponding license.')
  }
  for (const { skuId, disabledPlans = [] } of addLicenses) {
    const sku = state.skus.get(skuId)
    if (sku === undefined) continue
    const plan = disabledPlans.find((each) => !sku.servicePlans.some(({ servicePlanId }) => servicePlanId === each))
    if (plan !== undefined) return refusal(request, `Disabled plan ${plan} is not part of the license.`)
    const why = whyNotAdded(state, user, sku, removeLicenses)
    if (why !== undefined) return refusal(request, why)
  }
  const at = world.clock.now()
  const kept = user.licenses.filter(({ skuId }) => !removeLicenses.includes(skuId) && !addLicenses.some((added) => added.skuId === skuId))
  // What is given again has the plans of this call, and no longer those of before.
  const given = addLicenses.map(({ skuId, disabledPlans = [] }) => ({ skuId, disabledPlans, at }))
  setLicenses(state, user, [...kept, ...given], at)
  return good(selected(userView(state, user), [...userFields]))
}
