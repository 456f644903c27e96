/** The API described: a document that fits what the routes answer, and a page that needs no other host. */
import { expect, test } from 'vitest'
import { openDesk, openSchool } from './desk.ts'

interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly $ref?: string
}

/** What is missing from an answer that its schema promises, and what it has beside. */
const differences = (value: unknown, schema: Schema, path: string): readonly string[] => {
  if (schema.anyOf !== undefined) {
    const tries = schema.anyOf.map((one) => differences(value, one, path))
    return tries.some((found) => found.length === 0) ? [] : (tries.at(0) ?? [])
  }
  if (schema.type === 'null') return value === null ? [] : [`${path} is not null`]
  if (schema.properties !== undefined) {
    if (typeof value !== 'object' || value === null) return [`${path} is no object`]
    const has = Object.keys(value)
    return [
      ...(schema.required ?? []).filter((name) => !has.includes(name)).map((name) => `${path}.${name} is missing`),
      ...has.filter((name) => !(name in (schema.properties ?? {}))).map((name) => `${path}.${name} is not described`),
      ...Object.entries(schema.properties).flatMap(([name, inner]) =>
        has.includes(name) ? differences(Reflect.get(value, name), inner, `${path}.${name}`) : [],
      ),
    ]
  }
  if (schema.items !== undefined)
    return Array.isArray(value)
      ? value.flatMap((item, at) => differences(item, schema.items ?? {}, `${path}[${at}]`))
      : [`${path} is no list`]
  return []
}

test('what the routes answer is what the document says', async () => {
  await using school = await openSchool()
  const license = await school.idOf('licenses', '361285480')
  const group = await school.idOf('groups', 'Tablets')
  const person = await school.idOf('users', 'ana')
  await school.post('assignments', { licenseId: license, target: { kind: 'group', id: group } })
  await school.settle()
  const { body: document } = await school.ask('GET', 'openapi.json', { as: null })
  expect(document.openapi).toMatch(/^3\.1/)
  const order = (await school.get('orders')).body.items[0].id
  const sync = (await school.get('syncs')).body.items[0].id
  const answers: readonly (readonly [string, string])[] = [
    ['connectors', 'connectors'],
    [`connectors/${school.connectorId}`, 'connectors/{id}'],
    [`connectors/${school.connectorId}/registrations`, 'connectors/{id}/registrations'],
    [`connectors/${school.connectorId}/registrations/${person}`, 'connectors/{id}/registrations/{principal}'],
    [`connectors/${school.connectorId}/registrations/${person}/invitation`, 'connectors/{id}/registrations/{principal}/invitation'],
    ['licenses', 'licenses'],
    [`licenses/${license}`, 'licenses/{id}'],
    [`licenses/${license}/seats`, 'licenses/{id}/seats'],
    ['assignments', 'assignments'],
    ['orders', 'orders'],
    [`orders/${order}`, 'orders/{id}'],
    ['syncs', 'syncs'],
    [`syncs/${sync}`, 'syncs/{id}'],
    ['users', 'users'],
    ['devices', 'devices'],
    ['groups', 'groups'],
    [`groups/${group}/members`, 'groups/{id}/members'],
    ['status', 'status'],
    ['audit', 'audit'],
    ['api-keys', 'api-keys'],
    ['me', 'me'],
  ]
  for (const [path, described] of answers) {
    const schema = document.paths[`/api/v1/${described}`]?.get?.responses?.['200']?.content?.['application/json']?.schema as
      Schema | undefined
    expect([path, schema === undefined]).toEqual([path, false])
    expect([path, differences((await school.get(path)).body, schema ?? {}, '')]).toEqual([path, []])
  }
  for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, { summary?: string }>>))
    for (const [method, operation] of Object.entries(methods))
      expect([method, path, operation.summary !== undefined]).toEqual([method, path, true])
})

test('the page and all its parts come from this server, under the strict policy', async () => {
  await using desk = await openDesk()
  const page = await desk.ask('GET', '/api/docs', { as: null })
  expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
  expect(page.text).not.toMatch(/https?:\/\//)
  const parts = [...page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((match) => match[1] ?? '')
  expect(parts).toHaveLength(3)
  for (const part of parts) expect([part, (await desk.ask('GET', part, { as: null })).status]).toEqual([part, 200])
  expect((await desk.ask('GET', '/api/docs/../../package.json', { as: null })).status).toBe(404)
})
