/** The sandbox's Android Management is nowhere kinder than Google's documents: what its table does not know is refused. */
import { expect, test } from 'vitest'
import { managementScope, playScope } from '../../../../../server/stores/google/sign-in.ts'
import { MATHLAB, mustBeOk, openManagementLink, READER, type ManagementLink } from './management-link.ts'

const asker = async (link: ManagementLink, scope = managementScope) => {
  const token = mustBeOk(await link.run(link.signIn(link.keyFile, scope).token()))
  return async (method: string, path: string, body?: unknown, bearer = token) => {
    const response = await fetch(`${link.google.url}/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }
}

test('unknown paths, methods, parameters, fields, words and masks are refused, each in the way of Google', async () => {
  await using link = await openManagementLink()
  const ask = await asker(link)
  const e = `enterprises/${link.enterpriseId}`
  const refused = [
    await ask('GET', `${e}/licenses`),
    await ask('PUT', `${e}/policies/pupils`, {}),
    await ask('GET', `${e}/applications`),
    await ask('GET', `${e}/policies?limit=5`),
    await ask('PATCH', `${e}/policies/pupils`, { apps: [] }),
    await ask('PATCH', `${e}/policies/pupils`, { applications: [{ packageName: READER, installType: 'FORCED' }] }),
    await ask('PATCH', `${e}/policies/pupils?updateMask=apps`, { applications: [] }),
    await ask('PATCH', `${e}/policies/pupils`, { applications: [{ packageName: READER }, { packageName: READER }] }),
    await ask('POST', `${e}/policies/pupils:modifyPolicyApplications`, { changes: [] }),
    await ask('PATCH', `${e}/devices/d1?updateMask=policyName`, { policyName: 'enterprises/other/policies/x' }),
    await ask('PATCH', `${e}/devices/d1?updateMask=state`, { state: 'LOST' }),
    await ask('GET', `${e}/devices?pageToken=x`),
    await ask('POST', `${e}/webApps`, { title: 'T', startUrl: 'http://plain.example', icons: [{ imageData: 'x' }] }),
    await ask('GET', 'enterprises/LCother'),
    await ask('GET', e, undefined, 'ya29.wrong'),
  ]
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 404, 400, 400, 400, 400, 400, 400, 400, 400, 400, 400, 404, 401])
  expect(refused[13]?.body).toEqual({ error: { code: 404, message: 'No enterprise was found for the given ID.', status: 'NOT_FOUND' } })
  const ofPlay = await asker(link, playScope)
  expect((await ofPlay('GET', e)).status).toBe(403)
  const other = link.devices.addEnterprise({ name: 'Westmere', project: 'westmere' })
  expect((await ask('GET', `enterprises/${other.enterpriseId}`)).status).toBe(403)
})

test('a mask changes the masked fields alone; without one all is replaced, and the version rises with each', async () => {
  await using link = await openManagementLink()
  const ask = await asker(link)
  const path = `enterprises/${link.enterpriseId}/policies/pupils`
  const before = (await ask('GET', path)).body
  const one = (await ask('PATCH', `${path}?updateMask=cameraDisabled`, { cameraDisabled: false, applications: [] })).body
  expect(one).toEqual({ ...before, cameraDisabled: false, version: '2' })
  const app = { packageName: READER, installType: 'BLOCKED' }
  const changed = (await ask('POST', `${path}:modifyPolicyApplications`, { changes: [{ application: app, updateMask: 'installType' }] }))
    .body
  expect(changed.policy.applications[0]).toEqual({ ...before.applications[0], installType: 'BLOCKED' })
  const removed = (await ask('POST', `${path}:removePolicyApplications`, { packageNames: [READER, 'com.not.there'] })).body
  expect(removed.policy.applications).toHaveLength(1)
  expect((await ask('PATCH', path, { playStoreMode: 'BLACKLIST' })).body).toEqual({ name: path, playStoreMode: 'BLACKLIST', version: '5' })
  expect((await ask('DELETE', path)).status).toBe(400)
})

test('a quota of the project is shared by its enterprises, and pages are small when none is asked for', async () => {
  await using link = await openManagementLink({ managementQueriesPer100s: 3 })
  const ask = await asker(link)
  const other = link.devices.addEnterprise({ name: 'Westmere' })
  for (let n = 0; n < 30; n += 1) link.devices.addDevice(link.enterpriseId, `n${n}`, 'pupils', { serialNumber: `N${n}` })
  const page = (await ask('GET', `enterprises/${link.enterpriseId}/devices`)).body
  expect([page.devices.length, typeof page.nextPageToken]).toEqual([10, 'string'])
  expect((await ask('GET', `enterprises/${link.enterpriseId}/devices?pageSize=1000`)).body.devices).toHaveLength(32)
  expect((await ask('GET', `enterprises/${other.enterpriseId}`)).status).toBe(200)
  expect((await ask('GET', `enterprises/${other.enterpriseId}`)).status).toBe(429)
  link.clock.jump(101_000)
  expect((await ask('GET', `enterprises/${link.enterpriseId}/applications/${MATHLAB}`)).body).toMatchObject({ title: 'mathlab' })
})

test('what is kept between two runs brings back devices and policies', async () => {
  await using link = await openManagementLink()
  const kept: unknown = JSON.parse(JSON.stringify(link.control.snapshot()))
  await using later = await openManagementLink()
  const { parseGoogleSnapshot } = await import('../../../../../server/sandbox/google/snapshot.ts')
  const read = parseGoogleSnapshot(kept)
  if (read === undefined) throw new Error('not read')
  later.control.restore(read)
  expect(later.devices.policyIdOf(link.enterpriseId, 'd1')).toBe('pupils')
})
