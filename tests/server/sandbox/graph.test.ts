/** Graph's sandbox keeps to its documents: what its table does not know is refused, and so is what is too much or too late. */
import { expect, test } from 'vitest'
import { createGraphControl } from '../../../server/sandbox/microsoft/graph-control.ts'
import { graphSnapshot, parseGraphSnapshot } from '../../../server/sandbox/microsoft/graph-state.ts'
import { createMicrosoftSandbox } from '../../../server/sandbox/microsoft/microsoft-sandbox.ts'
import type { Switches } from '../../../server/sandbox/microsoft/switches.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'

const TENANT = '11111111-2222-4333-8444-555555555555'
const CLIENT = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const base = 'http://graph.test'

const open = async (
  switches: Partial<Switches> = {},
  roles: readonly string[] = ['User.ReadWrite.All', 'Group.Read.All', 'Organization.Read.All', 'DeviceManagementApps.Read.All'],
) => {
  const clock = handClock()
  const sandbox = createMicrosoftSandbox({ clock, chance: seededChance(1), switches })
  const app = {
    clientId: CLIENT,
    name: 'app',
    secrets: [{ value: 'a-secret', expiresAt: clock.now() + 86_400_000 }],
    roles: new Set(roles),
    isManagementTool: true,
    isBlocked: false,
  }
  sandbox.world.tenants.set(TENANT, {
    id: TENANT,
    name: 'Contoso',
    domain: 'contoso.example',
    country: 'GB',
    apps: new Map([[CLIENT, app]]),
  })
  const sign = async (scope = 'https://graph.microsoft.com/.default'): Promise<string> => {
    const answer = await sandbox.fetch(
      new Request(`${base}/${TENANT}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: CLIENT, client_secret: 'a-secret', scope }),
      }),
    )
    return ((await answer.json()) as { readonly access_token: string }).access_token
  }
  const token = await sign()
  const ask = async (method: string, path: string, body?: unknown, bearer = token, headers: Record<string, string> = {}) => {
    const answer = await sandbox.fetch(
      new Request(path.startsWith('http') ? path : `${base}${path}`, {
        method,
        headers: { authorization: `Bearer ${bearer}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
    const text = await answer.text()
    // eslint-disable-next-line @typescript-eslint/no-explicit-any
    return { status: answer.status, headers: answer.headers, body: (text.startsWith('{') ? JSON.parse(text) : undefined) as any }
  }
  return { clock, sandbox, app, sign, ask, control: createGraphControl(sandbox.world, sandbox.graph.stateOf(TENANT)) }
}

test('a path, a method, a parameter, a member of a body or a property that is in no table is refused', async () => {
  const { ask, control } = await open()
  const { id } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const { skuId } = control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  expect((await ask('GET', '/v1.0/me')).status).toBe(400)
  expect((await ask('GET', '/v2.0/users')).status).toBe(404)
  expect((await ask('DELETE', `/v1.0/users/${id}`)).status).toBe(405)
  expect((await ask('GET', '/v1.0/users?$orderby=displayName')).status).toBe(400)
  expect((await ask('GET', '/v1.0/users?$select=favouriteColour')).status).toBe(400)
  expect((await ask('GET', '/v1.0/users?$top=1000')).status).toBe(400)
  expect((await ask('GET', "/v1.0/users?$filter=startswith(displayName,'A')")).status).toBe(400)
  expect((await ask('GET', '/v1.0/users/delta?$top=5')).status).toBe(400)
  expect((await ask('GET', '/v1.0/subscribedSkus?$filter=x')).status).toBe(400)
  // Both lists are required, and nothing else is known.
  expect((await ask('POST', `/v1.0/users/${id}/assignLicense`, { addLicenses: [{ skuId }] })).status).toBe(400)
  expect((await ask('POST', `/v1.0/users/${id}/assignLicense`, { addLicenses: [], removeLicenses: [], why: 'x' })).status).toBe(400)
  // Told by beta alone.
  expect((await ask('GET', '/v1.0/deviceManagement/androidManagedStoreAccountEnterpriseSettings')).status).toBe(400)
})

test('a token of another service, one that has run out, and a missing permission are refused', async () => {
  const { ask, sign, clock, app } = await open()
  expect((await ask('GET', '/v1.0/users', undefined, await sign('https://onestore.microsoft.com/.default'))).status).toBe(401)
  expect((await ask('GET', '/v1.0/users')).status).toBe(200)
  app.roles.clear()
  expect(await ask('GET', '/v1.0/users')).toMatchObject({ status: 403, body: { error: { code: 'Authorization_RequestDenied' } } })
  clock.pass(3600_000)
  expect((await ask('GET', '/v1.0/users')).status).toBe(401)
})

test('more than twenty requests in a batch, two of one id, and one within another are refused; each of the others has an answer of its own', async () => {
  const { ask, control } = await open()
  const { id } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const requests = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ id: String(n), method: 'GET', url: `/users/${id}?$select=id` }))
  expect((await ask('POST', '/v1.0/$batch', { requests: requests(21) })).status).toBe(400)
  expect((await ask('POST', '/v1.0/$batch', { requests: [...requests(1), ...requests(1)] })).status).toBe(400)
  const mixed = await ask('POST', '/v1.0/$batch', {
    requests: [
      ...requests(1),
      { id: 'a', method: 'GET', url: '/users/nobody' },
      { id: 'b', method: 'GET', url: `/users/${id}`, dependsOn: ['a'] },
      { id: 'c', method: 'POST', url: '/$batch', headers: { 'Content-Type': 'application/json' }, body: {} },
      { id: 'd', method: 'POST', url: `/users/${id}/assignLicense`, body: { addLicenses: [], removeLicenses: [] } },
    ],
  })
  expect(mixed.body.responses.map(({ id: one, status }: { id: string; status: number }) => [one, status])).toEqual([
    ['0', 200],
    ['a', 404],
    ['b', 424],
    ['c', 400],
    ['d', 400],
  ])
})

test('a license is given whole or not at all, and what is given again has the plans of the last call', async () => {
  const { ask, control } = await open()
  const { id } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const e3 = control.addSku({ skuPartNumber: 'SPE_E3' }, 1)
  const none = control.addSku({ skuPartNumber: 'POWER_BI_PRO' }, 0)
  const give = (skuIds: readonly string[], disabledPlans: readonly string[] = []) =>
    ask('POST', `/v1.0/users/${id}/assignLicense`, { addLicenses: skuIds.map((skuId) => ({ skuId, disabledPlans })), removeLicenses: [] })
  expect((await give([e3.skuId, none.skuId])).status).toBe(400)
  expect(control.consumed(e3.skuId)).toBe(0)
  expect((await give([e3.skuId], [e3.servicePlans[0]?.servicePlanId ?? ''])).status).toBe(200)
  expect(control.licensesOf(id)[0]?.disabledPlans.length).toBe(1)
  expect((await give([e3.skuId])).status).toBe(200)
  expect(control.licensesOf(id)[0]?.disabledPlans.length).toBe(0)
})

test('more writes than the documented limit are throttled, and what is asked meanwhile counts too', async () => {
  const { ask, control, clock } = await open()
  const { id } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const write = () => ask('POST', `/v1.0/users/${id}/assignLicense`, { addLicenses: [], removeLicenses: [] })
  for (let n = 0; n < 3000; n += 1) {
    expect((await write()).status).toBe(200)
    clock.pass(10)
  }
  const throttled = await write()
  expect(throttled.status).toBe(429)
  expect(Number(throttled.headers.get('retry-after'))).toBe(120)
  clock.pass(150_000)
  expect((await write()).status).toBe(200)
})

test('a delta goes on from where it was, also when an object changes between two pages', async () => {
  const { ask, control } = await open({ deltaPageSize: 2 })
  const names = ['a', 'b', 'c', 'd'].map((name) => control.addUser({ userPrincipalName: `${name}@contoso.example` }).id)
  const told: string[] = []
  let next = '/v1.0/users/delta?$select=displayName'
  let last = ''
  for (let pages = 0; next !== '' && pages < 9; pages += 1) {
    const { body } = await ask('GET', next)
    told.push(...body.value.map((row: { id: string; '@removed'?: unknown }) => `${row.id}${row['@removed'] === undefined ? '' : ' gone'}`))
    if (pages === 0) control.deleteUser(names[3] ?? '')
    next = body['@odata.nextLink'] ?? ''
    last = body['@odata.deltaLink'] ?? ''
  }
  expect(told.length).toBe(4)
  const changes = await ask('GET', last)
  expect(changes.body.value).toEqual([{ id: names[3], '@removed': { reason: 'changed' } }])
  const again = await ask('GET', changes.body['@odata.deltaLink'])
  expect(again.body.value).toEqual([])
})

test('members of a type are told only to who asks as for an advanced query', async () => {
  const { ask, control } = await open()
  const { id: ada } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const inner = control.addGroup('Inner', [{ id: ada, type: 'user' }])
  const outer = control.addGroup('Outer', [{ id: inner.id, type: 'group' }])
  control.addMember(inner.id, outer.id, 'group')
  const path = `/v1.0/groups/${outer.id}/transitiveMembers/microsoft.graph.user`
  expect((await ask('GET', `${path}?$select=id`)).status).toBe(400)
  const told = await ask('GET', `${path}?$select=id&$count=true`, undefined, undefined, { ConsistencyLevel: 'eventual' })
  expect(told.body).toMatchObject({ '@odata.count': 1, value: [{ id: ada }] })
})

test('what is kept is read back as it was, and what was cut short is not', async () => {
  const { control, sandbox } = await open()
  const { id } = control.addUser({ userPrincipalName: 'ada@contoso.example' })
  control.addGroup('All', [{ id, type: 'user' }])
  control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  const text = JSON.stringify(graphSnapshot(sandbox.graph.stateOf(TENANT)))
  const restored = parseGraphSnapshot(JSON.parse(text))
  if (!restored.ok) throw new Error(restored.error.where)
  expect(graphSnapshot(restored.value)).toEqual(JSON.parse(text))
  expect(parseGraphSnapshot({ ...(JSON.parse(text) as object), users: [{}] })).toMatchObject({ ok: false })
})

test('a person makes things happen on the control page, and only on the page itself', async () => {
  const { sandbox, control } = await open()
  control.addUser({ userPrincipalName: 'ada@contoso.example' })
  const { skuId } = control.addSku({ skuPartNumber: 'SPE_E3' }, 5)
  const act = async (body: unknown, headers: Record<string, string> = {}): Promise<number> =>
    (
      await sandbox.fetch(
        new Request(`${base}/control/graph/act`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        }),
      )
    ).status
  expect((await sandbox.fetch(new Request(`${base}/control/graph`))).status).toBe(200)
  expect(await act({ act: 'give', tenant: TENANT, sku: skuId, user: 'ada@contoso.example' })).toBe(200)
  expect(control.consumed(skuId)).toBe(1)
  expect(await act({ act: 'give', tenant: TENANT, sku: skuId, user: 'nobody' })).toBe(400)
  expect(await act({ act: 'switch', name: 'batchOrder', value: 'sideways' })).toBe(400)
  expect(await act({ act: 'switch', name: 'batchOrder', value: 'reversed' })).toBe(200)
  expect(sandbox.world.switches.batchOrder).toBe('reversed')
  expect(await act({ act: 'move', tenant: TENANT }, { origin: 'http://elsewhere.test' })).toBe(403)
  const form = await sandbox.fetch(
    new Request(`${base}/control/graph/act`, {
      method: 'POST',
      body: new URLSearchParams({ act: 'add-user', tenant: TENANT, user: 'bo@contoso.example' }),
    }),
  )
  expect(form.status).toBe(303)
  expect(control.state.users.size).toBe(2)
})
