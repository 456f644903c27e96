/** Who may do what: each route, as each role and as nobody. */
import { expect, test } from 'vitest'
import { roles, type Role } from '../../../shared/admin.ts'
import { openSchool } from './desk.ts'

const all: readonly Role[] = ['owner', 'administrator', 'reader']
const acting: readonly Role[] = ['owner', 'administrator']
const directory: readonly Role[] = ['owner', 'administrator', 'directory']
const owners: readonly Role[] = ['owner']

/** Bodies are empty on purpose: who is let in gets another answer than 401 or 403, whatever it is. */
const routes: readonly (readonly [string, string, readonly Role[]])[] = [
  ['GET', 'me', roles],
  ['GET', 'connectors', all],
  ['GET', 'connectors/x', all],
  ['POST', 'connectors', acting],
  ['PATCH', 'connectors/x', acting],
  ['PUT', 'connectors/x/credential', acting],
  ['POST', 'connectors/x/test', acting],
  ['POST', 'connectors/x/claim', acting],
  ['DELETE', 'connectors/x', acting],
  ['POST', 'connectors/x/sync', acting],
  ['POST', 'connectors/google/signup', acting],
  ['GET', 'connectors/google/signup/some-state', acting],
  ['GET', 'connectors/x/ledger/licenses', all],
  ['POST', 'connectors/x/ledger/licenses', acting],
  ['GET', 'connectors/x/ledger/licenses/l1', all],
  ['PATCH', 'connectors/x/ledger/licenses/l1', acting],
  ['DELETE', 'connectors/x/ledger/licenses/l1', acting],
  ['GET', 'connectors/x/ledger/licenses/l1/lots', all],
  ['POST', 'connectors/x/ledger/licenses/l1/lots', acting],
  ['PATCH', 'connectors/x/ledger/licenses/l1/lots/lot1', acting],
  ['DELETE', 'connectors/x/ledger/licenses/l1/lots/lot1', acting],
  ['GET', 'connectors/x/ledger/holders', all],
  ['POST', 'connectors/x/ledger/import?kind=licenses', acting],
  ['POST', 'connectors/x/move-to-ledger', acting],
  ['GET', 'connectors/x/imported', all],
  ['GET', 'connectors/x/subscriptions', all],
  ['GET', 'connectors/x/subscriptions/s1/subscribers', all],
  ['POST', 'connectors/x/subscriptions/s1/assign', acting],
  ['POST', 'connectors/x/subscriptions/s1/remove', acting],
  ['POST', 'connectors/x/subscriptions/enable', acting],
  ['POST', 'connectors/x/subscriptions/disable', acting],
  ['GET', 'connectors/x/registrations', all],
  ['GET', 'connectors/x/registrations/u1', all],
  ['POST', 'connectors/x/registrations', directory],
  ['PATCH', 'connectors/x/registrations/u1', directory],
  ['GET', 'connectors/x/registrations/u1/invitation', directory],
  ['POST', 'connectors/x/registrations/retire/preview', acting],
  ['POST', 'connectors/x/registrations/retire', acting],
  ['POST', 'connectors/x/revoke/preview', acting],
  ['POST', 'connectors/x/revoke', acting],
  ['GET', 'syncs', all],
  ['GET', 'syncs/x', all],
  ['GET', 'licenses', all],
  ['GET', 'licenses/l1', all],
  ['GET', 'licenses/l1/seats', all],
  ['GET', 'licenses/l1/verdicts', all],
  ['POST', 'licenses/l1/preview', all],
  ['POST', 'licenses/l1/reclaim', acting],
  ['GET', 'licenses/l1/claims', all],
  ['POST', 'licenses/l1/claims', acting],
  ['DELETE', 'licenses/l1/claims/u1', acting],
  ['GET', 'assignments', all],
  ['GET', 'assignments/l1~u1', all],
  ['POST', 'assignments', acting],
  ['PATCH', 'assignments/l1~u1', acting],
  ['DELETE', 'assignments/l1~u1', acting],
  ['GET', 'orders', all],
  ['GET', 'orders/x', all],
  ['POST', 'orders/x/retry', acting],
  ['POST', 'orders/x/cancel', acting],
  ['GET', 'orders/x/undo', all],
  ['POST', 'orders/x/undo', acting],
  ['GET', 'reclaimable', all],
  ['POST', 'reclaim', acting],
  ['GET', 'users', all],
  ['GET', 'users/u1', all],
  ['POST', 'users', directory],
  ['PATCH', 'users/u9', directory],
  ['DELETE', 'users/u9', directory],
  ['GET', 'users/u1/sources', all],
  ['POST', 'users/u1/split', directory],
  ['POST', 'users/u1/join', directory],
  ['GET', 'devices/d1/sources', all],
  ['GET', 'devices', all],
  ['GET', 'devices/d3', all],
  ['POST', 'devices', directory],
  ['PATCH', 'devices/d9', directory],
  ['DELETE', 'devices/d9', directory],
  ['GET', 'groups', all],
  ['GET', 'groups/x', all],
  ['GET', 'groups/x/members', all],
  ['POST', 'groups', directory],
  ['PATCH', 'groups/x', directory],
  ['PUT', 'groups/x/members', directory],
  ['PATCH', 'groups/x/members', directory],
  ['DELETE', 'groups/x', directory],
  ['POST', 'directory/import?kind=users', directory],
  ['GET', '/scim/v2/Users', directory],
  ['GET', '/scim/v2/Users/u9', directory],
  ['POST', '/scim/v2/Users', directory],
  ['PUT', '/scim/v2/Users/u9', directory],
  ['PATCH', '/scim/v2/Users/u9', directory],
  ['DELETE', '/scim/v2/Users/u9', directory],
  ['GET', '/scim/v2/Groups', directory],
  ['GET', '/scim/v2/Groups/x', directory],
  ['POST', '/scim/v2/Groups', directory],
  ['PUT', '/scim/v2/Groups/x', directory],
  ['PATCH', '/scim/v2/Groups/x', directory],
  ['DELETE', '/scim/v2/Groups/x', directory],
  ['POST', '/scim/v2/.search', directory],
  ['GET', '/scim/v2/ServiceProviderConfig', directory],
  ['GET', '/scim/v2/ResourceTypes', directory],
  ['GET', '/scim/v2/Schemas', directory],
  ['GET', 'status', all],
  ['GET', 'self-service', all],
  ['PUT', 'self-service', owners],
  ['GET', 'self-service/links', all],
  ['POST', 'self-service/links', acting],
  ['DELETE', 'self-service/links/u1', acting],
  ['DELETE', 'self-service/links', owners],
  ['GET', 'audit', all],
  ['GET', 'audit/verify', all],
  ['GET', 'admins', owners],
  ['GET', 'api-keys', owners],
  ['POST', 'api-keys', owners],
]

test('each route lets in the roles that it is for, and nobody else', async () => {
  await using school = await openSchool()
  const keys = new Map<Role, string>()
  for (const role of roles) keys.set(role, await school.keyFor(role))
  for (const [method, path, allowed] of routes) {
    const options = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
    const outside = await school.ask(method, path, { ...options, as: null })
    expect([method, path, 'nobody', outside.status]).toEqual([method, path, 'nobody', 401])
    for (const role of roles) {
      const { status } = await school.ask(method, path, { ...options, as: keys.get(role) ?? null })
      expect([method, path, role, status !== 401 && status !== 403]).toEqual([method, path, role, allowed.includes(role)])
    }
  }
})

test('every route of the API is in this table', async () => {
  await using school = await openSchool()
  const { body } = await school.get('openapi.json')
  const described = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  const known = new Set([
    ...routes.map(
      ([method, path]) =>
        `${method} /api/v1/${path
          .replace(/\?.*$/, '')
          .replace('some-state', '{state}')
          .replace('/u1/invitation', '/{principal}/invitation')
          .replace('/ledger/licenses/l1', '/ledger/licenses/{licenseId}')
          .replace('/lot1', '/{lotId}')
          .replace(/(registrations|claims|links)\/u1$/, '$1/{principal}')
          .replace(/\/(x|[lud]\d|l1~u1)(?=\/|$)/, '/{id}')
          .replace('/s1/', '/{subscription}/')}`,
    ),
    // Open to visitors, or about one's own session.
    'POST /api/v1/sign-in',
    'POST /api/v1/sign-out',
    'POST /api/v1/set-up',
    // A person's own, by their link.
    'POST /self-service/api/session',
    'DELETE /self-service/api/session',
    'GET /self-service/api/mine',
    'POST /self-service/api/licenses/{id}/claim',
    'DELETE /self-service/api/licenses/{id}/claim',
    // Back from the vendor's page, by the state in the address.
    'GET /hooks/google/signup',
    // A store's notice, by a secret of its own.
    'POST /hooks/apple/{connector}',
    'GET /healthz',
    'GET /readyz',
    'GET /metrics',
    'POST /hooks/apple/{connector}',
  ])
  const ownRoutes = /^(POST|PATCH|DELETE|GET|PUT) \/api\/v1\/(me|admins|api-keys)/
  expect(described.filter((route) => !known.has(route) && !ownRoutes.test(route))).toEqual([])
  expect(described.length).toBeGreaterThan(50)
})
