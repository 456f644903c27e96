/** The client secret and every access token: the whole trip is made, and none of them is found in an answer, a log line or a file. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { apiKey, credential, HOUR, MINUTE, notes, openContoso, SECRET, TENANT, user, users } from './cases/business-house.ts'

const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret, 'utf8')
  const shifted = [0, 1, 2].map((lead) =>
    Buffer.concat([Buffer.alloc(lead), bytes])
      .toString('base64')
      .replace(/=+$/, '')
      .slice(lead === 0 ? 0 : lead + 1, -2),
  )
  return [secret, encodeURIComponent(secret), bytes.toString('hex'), ...shifted, bytes.toString('base64url')]
}

test('neither the client secret nor a token comes out again', async () => {
  await using house = await openContoso({ heldBy: users(3), settings: { bulk: 'auto' } })
  const said: string[] = []
  const ask = async (method: string, path: string, body?: unknown): Promise<void> => {
    said.push(JSON.stringify(await house.ask(method, path, body)))
  }
  const kind = 'microsoft-store-business'
  const other = 'renewed~Client.Secret_8Q-canary'
  // Refusals of every sort, the secret in each.
  await ask('POST', 'connectors', { kind, name: 'again', credential })
  await ask('POST', 'connectors', { kind, name: 'x', credential: { ...credential, tenantId: SECRET } })
  await ask('POST', 'connectors', { kind, name: 'x', credential: { ...credential, clientSecret: `${SECRET} ` } })
  await ask('POST', 'connectors', { kind, name: 'x', credential: { ...credential, clientSecret: `${SECRET}\u0000` } })
  await ask('POST', 'connectors', { kind: SECRET, name: 'x', credential: SECRET })
  house.world.faults.arm({ fault: { is: 'sign-in-refused', code: 7000215 }, endpoint: 'token', times: 3 })
  await ask('PUT', `connectors/${house.id}/credential`, { clientSecret: other })
  house.world.faults.clear()
  house.app.secrets.push({ value: other, expiresAt: house.clock.now() + 10 * HOUR })
  await ask('PUT', `connectors/${house.id}/credential`, { clientSecret: other })
  await house.settle(MINUTE)
  // Trouble of every sort on the line.
  for (const fault of [
    { is: 'connection-cut', when: 'before' },
    { is: 'bad-gateway', when: 'after' },
    { is: 'captive-page' },
    { is: 'redirect', to: 'https://elsewhere.example/' },
    { is: 'token-refused' },
    { is: 'throttled', retryAfter: '1' },
  ] as const) {
    house.world.faults.arm({ fault, endpoint: 'business-inventory' })
    said.push(JSON.stringify(await house.sync(house.id)))
    await ask('POST', `connectors/${house.id}/test`, {})
    house.world.faults.clear()
    await house.settle(HOUR)
  }
  await house.addPeople(user(4), user(5))
  house.store.addUsers(TENANT, user(4))
  said.push(JSON.stringify(await house.assign(house.licenseId, user(4))), JSON.stringify(await house.assign(house.licenseId, user(5))))
  await house.settle(MINUTE)
  house.store.setSwitches({ service: 'gone-410' })
  said.push(JSON.stringify(await house.sync(house.id)))
  for (const path of ['connectors', 'licenses', 'orders', 'syncs', 'audit', 'status', `connectors/${house.id}`]) await ask('GET', path)
  expect(said.join('')).toContain(notes)

  const tokens = [...house.world.accessTokens.keys()]
  expect(tokens.length).toBeGreaterThan(2)
  const files = readdirSync(house.dataDir).map((name) => readFileSync(join(house.dataDir, name)).toString('latin1'))
  expect(files.length).toBeGreaterThan(1)
  expect(files.join('')).toContain('Contoso')
  expect(house.log.join('')).toContain(house.id)
  const places = { answers: said.join('\n'), log: house.log.join('\n'), files: files.join('\n') }
  for (const secret of [SECRET, other, ...tokens])
    for (const [place, text] of Object.entries(places))
      expect([place, formsOf(secret).some((form) => form.length > 7 && text.includes(form))]).toEqual([place, false])
  expect(places.log).not.toContain(apiKey)
})
