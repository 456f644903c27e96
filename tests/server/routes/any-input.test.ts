/** Whatever is sent, the answer is one of ours: never a crash, never a value of the request in the words of a refusal. */
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { importHeads, importKinds } from '../../../server/directory/csv.ts'
import { onEachDatabase, stopDatabases } from '../../world/open-database.ts'
import { keynote, openSchool } from './desk.ts'

const word = fc.oneof(
  fc.constantFrom('l1', 'u1', 'd3', 'd4', 'x', '', '~', 'apple-apps-books', 'group', 'device', 'user', 'all-users', 'include', 'required'),
  fc.string({ unit: 'binary', maxLength: 12 }),
)
/** What PostgreSQL takes for no text at all. */
const noText = fc.constantFrom('\u0000', 'a\u0000b', '\ud800')
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    word,
    fc.boolean(),
    fc.constant(null),
    fc.double({ noNaN: true }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(word, tie('any'), { maxKeys: 3 }),
  ),
})).any
const wishful = fc.record(
  {
    mode: fc.oneof(fc.constantFrom('include', 'exclude'), value),
    intent: fc.oneof(fc.constantFrom('required', 'uninstall'), value),
    licenseType: value,
  },
  { requiredKeys: [] },
)
const target = fc.oneof(
  fc.record({ kind: fc.oneof(fc.constantFrom('group', 'user', 'device', 'all-devices'), value), id: fc.oneof(word, value) }),
  value,
)

const bodies: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  'POST assignments': fc.record({ licenseId: fc.oneof(fc.constantFrom('l1', 'l2'), value), target, note: value }, { requiredKeys: [] }),
  'PATCH assignments/l1~d3': wishful,
  'POST licenses/l1/preview': fc.oneof(fc.record({ assignments: fc.array(fc.record({ target }), { maxLength: 3 }) }), value),
  'POST licenses/l1/reclaim': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value), graceHours: value }),
  'POST reclaim': fc.record(
    {
      items: fc.oneof(
        fc.array(fc.record({ licenseId: fc.oneof(fc.constantFrom('l1', 'l2'), value), principals: fc.array(word, { maxLength: 3 }) }), {
          maxLength: 3,
        }),
        value,
      ),
      graceHours: value,
    },
    { requiredKeys: ['items'] },
  ),
  'POST licenses/l1/claims': fc.record({ principal: fc.oneof(word, value), confirmIrreversible: value }, { requiredKeys: [] }),
  'POST self-service/links': fc.record(
    { users: fc.oneof(fc.array(word, { maxLength: 3 }), value), group: value, validDays: value },
    { requiredKeys: [] },
  ),
  'PUT self-service': fc.record({ on: value }),
  'POST connectors': fc.record(
    {
      kind: fc.oneof(fc.constant('apple-apps-books'), value),
      name: value,
      credential: fc.oneof(fc.record({ contentToken: value }), value),
      settings: value,
    },
    { requiredKeys: [] },
  ),
  'POST connectors/c/registrations': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value) }),
  'PATCH connectors/c/registrations/u1': fc.dictionary(fc.constantFrom('email', 'managedAppleAccount', '__proto__'), value),
  'POST connectors/c/registrations/retire/preview': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value) }),
  'POST connectors/c/registrations/retire': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value), confirm: value }),
  'POST connectors/c/revoke/preview': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value) }),
  'POST connectors/c/revoke': fc.record({ principals: fc.oneof(fc.array(word, { maxLength: 3 }), value), confirm: value }),
  'POST users': fc.record({ userName: value, displayName: value, active: value }, { requiredKeys: [] }),
  'PATCH users/u1': fc.dictionary(fc.constantFrom('displayName', 'email', 'active', 'userName', '__proto__'), value),
  'POST devices': fc.record({ serialNumber: value, ownerId: value }, { requiredKeys: [] }),
  'PATCH devices/d3': fc.dictionary(fc.constantFrom('name', 'ownerId', 'active'), value),
  'POST groups': fc.record({ name: value, kind: fc.oneof(fc.constantFrom('user', 'device'), value) }, { requiredKeys: [] }),
  'PUT groups/x/members': fc.record({ members: value }),
}

test('no body makes the server fail', { timeout: 60_000 }, async () => {
  await using school = await openSchool()
  expect(await school.idOf('licenses', keynote)).toBe('l1')
  const path = await school.idOf('groups', 'Tablets')
  for (const [route, body] of Object.entries(bodies)) {
    const [method = '', address = ''] = route.replace('/x/', `/${path}/`).replace('/c/', `/${school.connectorId}/`).split(' ')
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: body }, { weight: 1, arbitrary: value }), async (sent) => {
        const answer = await school.ask(method, address, { body: sent })
        expect([route, answer.status < 500, answer.text]).toEqual([route, true, answer.text])
        if (answer.status >= 400) expect(typeof answer.body.code).toBe('string')
      }),
      { numRuns: 60 },
    )
  }
})

test('no file makes the server fail, and a refused one keeps nothing', { timeout: 60_000 }, async () => {
  await using school = await openSchool()
  const before = (await school.get('users?limit=500&left=any')).body.items.length
  for (const kind of importKinds)
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.array(fc.oneof(word, fc.constantFrom('"', ',', 'ana', 'C02A', 'Tablets')), { maxLength: 7 }), { maxLength: 5 }),
        async (withHeads, rows) => {
          const csv = [...(withHeads ? [importHeads[kind].join(',')] : []), ...rows.map((row) => row.join(','))].join('\n')
          const answer = await school.ask('POST', `directory/import?kind=${kind}&dryRun=${withHeads ? 'false' : 'true'}`, { csv })
          expect([kind, answer.status < 500, answer.text]).toEqual([kind, true, answer.text])
          if (answer.status === 422) expect(answer.body.created).toBe(0)
        },
      ),
      { numRuns: 80 },
    )
  expect((await school.get('users?limit=500&left=any')).body.items.length).toBeGreaterThanOrEqual(before)
})

afterAll(stopDatabases)

test.each(onEachDatabase)('no path and no query makes the server fail ($dialect)', { timeout: 60_000 }, async ({ open }) => {
  await using school = await openSchool({ open })
  const lists = [
    'connectors',
    'licenses',
    'assignments',
    'orders',
    'syncs',
    'users',
    'devices',
    'groups',
    'audit',
    'licenses/l1/seats',
    'licenses/l1/verdicts',
    `connectors/${school.connectorId}/registrations`,
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...lists),
      fc.constantFrom('limit', 'cursor', 'sort', 'q', 'state', 'principal', 'target', 'connector', 'license', 'actor', 'object'),
      fc.oneof(word, noText),
      async (list, name, text) => {
        const answer = await school.get(`${list}?${name}=${encodeURIComponent(text.toWellFormed())}`)
        expect([list, name, answer.status < 500, answer.text]).toEqual([list, name, true, answer.text])
        const one = await school.get(`${list}/${encodeURIComponent(text.toWellFormed())}`)
        expect([list, text, one.status < 500]).toEqual([list, text, true])
      },
    ),
    { numRuns: 300 },
  )
})
