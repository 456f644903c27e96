/**
 * What RFC 7643 and RFC 7644 demand of a service provider, one check a line, each against the product over HTTP. The numbers
 * are those of the sections.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { core, coreGroup, enterprise, errorMessage, listResponse, openScimDesk, patchOp } from './scim-desk.ts'
import type { Answer } from '../routes/desk.ts'

type Desk = Awaited<ReturnType<typeof openScimDesk>>
type Check = readonly [name: string, run: (desk: Desk) => Promise<void>]

let desk: Desk
beforeAll(async () => {
  desk = await openScimDesk()
})
afterAll(() => desk.close())

let last = 0
/** A name that nobody else has. */
const quartermaster = 'urn:ietf:params:scim:schemas:extension:quartermaster:2.0:User'
const fresh = (): string => `person-${(last += 1)}`
const get = (path: string): Promise<Answer> => desk.scim('GET', path)
const user = (more: object = {}) => ({ schemas: [core], userName: fresh(), ...more })
const post = (path: string, body: unknown): Promise<Answer> => desk.scim('POST', path, { body })
const made = async (more: object = {}) => (await post('/Users', user(more))).body
const expectError = (answer: Answer, status: number, scimType?: string): void => {
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/scim+json'])
  expect(answer.body).toMatchObject({ schemas: [errorMessage], status: String(status), detail: expect.any(String) })
  expect(answer.body.scimType).toBe(scimType)
}
const schemaOf = async (id: string) => (await get(`/Schemas/${id}`)).body
const attributeOf = async (schema: string, name: string) =>
  (await schemaOf(schema)).attributes.find((each: { readonly name: string }) => each.name === name)
const everyAttribute = async (): Promise<readonly Record<string, unknown>[]> =>
  (await get('/Schemas')).body.Resources.flatMap((schema: { readonly attributes: readonly Record<string, unknown>[] }) =>
    schema.attributes.flatMap((each) => [each, ...((each['subAttributes'] as readonly Record<string, unknown>[] | undefined) ?? [])]),
  )

const discovery: readonly Check[] = [
  ['7643 5: the configuration of the provider is one resource', async () => expect((await get('/ServiceProviderConfig')).status).toBe(200)],
  [
    '7643 5: it says of each feature whether it is supported',
    async () => {
      const { body } = await get('/ServiceProviderConfig')
      for (const name of ['patch', 'bulk', 'filter', 'changePassword', 'sort', 'etag'])
        expect([name, typeof body[name].supported]).toEqual([name, 'boolean'])
    },
  ],
  ['7643 5: patch is supported', async () => expect((await get('/ServiceProviderConfig')).body.patch.supported).toBe(true)],
  ['7643 5: filter has a maximum', async () => expect((await get('/ServiceProviderConfig')).body.filter.maxResults).toBeGreaterThan(99)],
  [
    '7643 5: bulk has its maxima, though unsupported',
    async () => expect((await get('/ServiceProviderConfig')).body.bulk).toEqual({ supported: false, maxOperations: 0, maxPayloadSize: 0 }),
  ],
  [
    '7643 5: it names the scheme of authentication',
    async () =>
      expect((await get('/ServiceProviderConfig')).body.authenticationSchemes).toMatchObject([
        { type: 'oauthbearertoken', name: expect.any(String), description: expect.any(String) },
      ]),
  ],
  [
    '7643 6: the types of resources are a list',
    async () =>
      expect((await get('/ResourceTypes')).body).toMatchObject({
        schemas: [listResponse],
        totalResults: 2,
        itemsPerPage: 2,
        startIndex: 1,
      }),
  ],
  [
    '7643 6: a type is found by its name',
    async () => expect((await get('/ResourceTypes/User')).body).toMatchObject({ name: 'User', endpoint: '/Users', schema: core }),
  ],
  [
    '7643 6: a type names its extensions',
    async () =>
      expect((await get('/ResourceTypes/User')).body.schemaExtensions).toEqual([
        { schema: enterprise, required: false },
        { schema: quartermaster, required: false },
      ]),
  ],
  ['7643 6: an unknown type is not found', async () => expectError(await get('/ResourceTypes/Robot'), 404)],
  [
    '7643 7: the schemas are a list',
    async () =>
      expect((await get('/Schemas')).body.Resources.map((each: { readonly id: string }) => each.id)).toEqual([
        core,
        enterprise,
        quartermaster,
        coreGroup,
      ]),
  ],
  [
    '7643 7: a schema is found by its URN',
    async () => expect(await schemaOf(enterprise)).toMatchObject({ id: enterprise, name: 'EnterpriseUser' }),
  ],
  ['7643 7: an unknown schema is not found', async () => expectError(await get('/Schemas/urn:example:none'), 404)],
  [
    '7643 7: each attribute has its characteristics',
    async () => {
      for (const attribute of await everyAttribute()) {
        expect(attribute).toMatchObject({ name: expect.any(String), multiValued: expect.any(Boolean), required: expect.any(Boolean) })
        expect(['string', 'boolean', 'complex', 'reference', 'binary', 'dateTime']).toContain(attribute['type'])
        expect(['readWrite', 'readOnly', 'immutable', 'writeOnly']).toContain(attribute['mutability'])
        expect(['always', 'default', 'request', 'never']).toContain(attribute['returned'])
      }
    },
  ],
  [
    '7643 7: a reference says what it leads to',
    async () =>
      expect((await everyAttribute()).filter(({ type, referenceTypes }) => type === 'reference' && !Array.isArray(referenceTypes))).toEqual(
        [],
      ),
  ],
  [
    '7643 2.1: a name of an attribute has the letters that it may',
    async () => expect((await everyAttribute()).filter(({ name }) => !/^\$?[A-Za-z][\w-]*$/.test(String(name)))).toEqual([]),
  ],
  [
    '7643 4.1: userName is required and unique',
    async () => expect(await attributeOf(core, 'userName')).toMatchObject({ required: true, uniqueness: 'server', caseExact: false }),
  ],
  [
    '7643 4.1: a password is never told',
    async () => expect(await attributeOf(core, 'password')).toMatchObject({ mutability: 'writeOnly', returned: 'never' }),
  ],
  [
    '7643 4.1: the groups of a person can only be read',
    async () => expect(await attributeOf(core, 'groups')).toMatchObject({ mutability: 'readOnly' }),
  ],
  ['7643 4.2: a group needs a name', async () => expect(await attributeOf(coreGroup, 'displayName')).toMatchObject({ required: true })],
  ['7644 4: a filter on discovery is forbidden', async () => expectError(await get('/Schemas?filter=name%20pr'), 403)],
  ['7644 4: nothing of it can be changed', async () => expectError(await desk.scim('PUT', '/ServiceProviderConfig', { body: {} }), 404)],
]

const creating: readonly Check[] = [
  ['7644 3.3: made is 201', async () => expect((await post('/Users', user())).status).toBe(201)],
  [
    '7644 3.3: Location and meta.location agree',
    async () => {
      const answer = await post('/Users', user())
      expect(answer.headers.get('location')).toBe(answer.body.meta.location)
    },
  ],
  [
    '7644 3.1: answers are application/scim+json',
    async () => expect((await post('/Users', user())).headers.get('content-type')).toBe('application/scim+json'),
  ],
  [
    '7644 3.1: application/json is taken',
    async () => expect((await desk.scim('POST', '/Users', { body: user(), type: 'application/json' })).status).toBe(201),
  ],
  [
    '7644 3.1: with a charset too',
    async () => expect((await desk.scim('POST', '/Users', { body: user(), type: 'application/scim+json;charset=UTF-8' })).status).toBe(201),
  ],
  [
    '7644 3.1: another type of content is refused',
    async () => expectError(await desk.scim('POST', '/Users', { body: user(), type: 'text/plain' }), 415),
  ],
  ['7643 3: schemas are told', async () => expect((await made()).schemas).toEqual([core])],
  [
    '7643 3: the schema of an extension is told when it is used',
    async () => expect((await made({ [enterprise]: { department: 'Maths' } })).schemas).toEqual([core, enterprise]),
  ],
  ['7643 3.1: an id is ours, whatever the client sends', async () => expect((await made({ id: 'mine' })).id).not.toBe('mine')],
  ['7643 3.1: an external id is kept', async () => expect((await made({ externalId: 'Ext' })).externalId).toBe('Ext')],
  [
    '7643 3.1: meta is ours',
    async () => expect((await made({ meta: { resourceType: 'Robot', created: '1999-01-01T00:00:00Z' } })).meta.resourceType).toBe('User'),
  ],
  [
    '7643 3.1: times are dates with a zone',
    async () => {
      const { meta } = await made()
      expect(meta.created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      expect(meta.lastModified).toBe(meta.created)
    },
  ],
  [
    '7644 3.3: a missing userName is invalidValue',
    async () => expectError(await post('/Users', { schemas: [core], displayName: 'x' }), 400, 'invalidValue'),
  ],
  [
    '7644 3.3: an empty userName is invalidValue',
    async () => expectError(await post('/Users', { schemas: [core], userName: '' }), 400, 'invalidValue'),
  ],
  [
    '7644 3.3: a missing displayName of a group is invalidValue',
    async () => expectError(await post('/Groups', { schemas: [coreGroup] }), 400, 'invalidValue'),
  ],
  [
    '7644 3.12: a foreign schema is invalidValue',
    async () => expectError(await post('/Users', { ...user(), schemas: ['urn:example:robot'] }), 400, 'invalidValue'),
  ],
  ['7644 3.12: no JSON is invalidSyntax', async () => expectError(await desk.scim('POST', '/Users', { raw: '{' }), 400, 'invalidSyntax')],
  [
    '7644 3.12: an empty body is invalidSyntax',
    async () => expectError(await desk.scim('POST', '/Users', { raw: '' }), 400, 'invalidSyntax'),
  ],
  ['7644 3.12: a list for a body is invalidSyntax', async () => expectError(await post('/Users', [user()]), 400, 'invalidSyntax')],
  ['7644 3.12: a number for a name is taken as its text', async () => expect((await made({ title: 7 })).title).toBe('7')],
  [
    '7644 3.12: an object for a text is invalidValue',
    async () => expectError(await post('/Users', user({ title: { a: 1 } })), 400, 'invalidValue'),
  ],
  [
    '7644 3.3: the same userName again is uniqueness',
    async () => {
      const { userName } = await made()
      expectError(await post('/Users', user({ userName })), 409, 'uniqueness')
    },
  ],
  [
    '7643 4.1: userName is the same in another case',
    async () => {
      const { userName } = await made()
      expectError(await post('/Users', user({ userName: userName.toUpperCase() })), 409, 'uniqueness')
    },
  ],
  [
    '7644 3.3: the same name of a group again is uniqueness',
    async () => {
      await desk.makeGroup('Twice')
      expectError(await post('/Groups', { schemas: [coreGroup], displayName: 'twice' }), 409, 'uniqueness')
    },
  ],
  [
    '7643 2.1: names of attributes have no case',
    async () =>
      expect(await made({ DISPLAYNAME: 'Ana', Emails: [{ VALUE: 'a@b.example' }] })).toMatchObject({
        displayName: 'Ana',
        emails: [{ value: 'a@b.example' }],
      }),
  ],
  [
    '7643 2.1: URNs have no case',
    async () => expect((await made({ [enterprise.toUpperCase()]: { department: 'Maths' } }))[enterprise]).toEqual({ department: 'Maths' }),
  ],
  [
    '7643 2.5: null and an empty list are no value',
    async () => {
      const body = await made({ title: null, emails: [], nickName: '' })
      expect(['title', 'emails', 'nickName'].filter((name) => name in body)).toEqual([])
    },
  ],
  [
    '7644 3.3: what is unknown is passed over',
    async () => expect((await made({ shoeSize: 9, 'urn:example:shoes': { size: 9 } })).shoeSize).toBeUndefined(),
  ],
  [
    '7643 2.4: one value at most is primary',
    async () =>
      expect(
        (
          await made({
            emails: [
              { value: 'a@b.example', primary: true },
              { value: 'c@d.example', primary: true },
            ],
          })
        ).emails.filter((each: { readonly primary?: boolean }) => each.primary === true),
      ).toHaveLength(1),
  ],
  ['7643 4.1: a password is not told', async () => expect(JSON.stringify(await made({ password: 'Canary-1' }))).not.toContain('Canary-1')],
  [
    '7643 2.3: values come back as they were',
    async () =>
      expect(await made({ phoneNumbers: [{ type: 'work', value: 'tel:+1-201-555-0123;ext=5' }] })).toMatchObject({
        phoneNumbers: [{ value: 'tel:+1-201-555-0123;ext=5' }],
      }),
  ],
  [
    '7643 2.3.6: a certificate comes back as it was',
    async () =>
      expect((await made({ x509Certificates: [{ value: 'MIIDQzCCAqyg==' }] })).x509Certificates).toEqual([{ value: 'MIIDQzCCAqyg==' }]),
  ],
]

const reading: readonly Check[] = [
  [
    '7644 3.4.1: a resource is read as it was made',
    async () => {
      const body = await made({ displayName: 'Ana', name: { givenName: 'Ana' } })
      expect((await get(`/Users/${body.id}`)).body).toEqual(body)
    },
  ],
  ['7644 3.4.1: an unknown one is 404', async () => expectError(await get('/Users/u999999'), 404)],
  ['7644 3.4.1: so is what can be no id', async () => expectError(await get('/Users/..%2f..%2fetc'), 404)],
  [
    '7644 3.4.1: a person is no group',
    async () => {
      const { id } = await made()
      expectError(await get(`/Groups/${id}`), 404)
    },
  ],
  [
    '7644 3.4.2: a list is a ListResponse with whole numbers',
    async () =>
      expect((await get('/Users')).body).toMatchObject({
        schemas: [listResponse],
        totalResults: expect.any(Number),
        startIndex: 1,
        itemsPerPage: expect.any(Number),
      }),
  ],
  [
    '7644 3.4.2: nothing found is 200 with none',
    async () => expect((await desk.find('/Users', 'userName eq "nobody"')).body).toMatchObject({ totalResults: 0, Resources: [] }),
  ],
  [
    '7644 3.4.2.2: a filter finds',
    async () => expect((await desk.find('/Users', `userName eq "${(await made()).userName}"`)).body.totalResults).toBe(1),
  ],
  [
    '7644 3.4.2.2: a wrong filter is invalidFilter',
    async () => expectError(await desk.find('/Users', 'userName eq'), 400, 'invalidFilter'),
  ],
  [
    '7644 3.4.2.2: operators have no case',
    async () => expect((await desk.find('/Users', `userName EQ "${(await made()).userName}"`)).body.totalResults).toBe(1),
  ],
  [
    '7644 3.4.2.2: an order of booleans is invalidFilter',
    async () => expectError(await desk.find('/Users', 'active gt false'), 400, 'invalidFilter'),
  ],
  [
    '7644 3.4.2.4: count 0 tells the total alone',
    async () =>
      expect((await get('/Users?count=0')).body).toMatchObject({ itemsPerPage: 0, Resources: [], totalResults: expect.any(Number) }),
  ],
  ['7644 3.4.2.4: a negative count is 0', async () => expect((await get('/Users?count=-3')).body.Resources).toEqual([])],
  [
    '7644 3.4.2.4: a startIndex below 1 is 1',
    async () => expect((await get('/Users?startIndex=-7&count=1')).body).toMatchObject({ startIndex: 1, itemsPerPage: 1 }),
  ],
  [
    '7644 3.4.2.4: a startIndex behind the end finds none',
    async () => expect((await get('/Users?startIndex=99999')).body.Resources).toEqual([]),
  ],
  ['7644 3.4.2.4: no more are told than asked for', async () => expect((await get('/Users?count=2')).body.Resources).toHaveLength(2)],
  ['7644 3.4.2.4: a count that is no number is invalidValue', async () => expectError(await get('/Users?count=many'), 400, 'invalidValue')],
  [
    '7644 3.4.2.4: pages hold together',
    async () => {
      const all = (await get('/Users?count=6')).body.Resources.map((each: { readonly id: string }) => each.id)
      const parts = [...(await get('/Users?count=3')).body.Resources, ...(await get('/Users?startIndex=4&count=3')).body.Resources]
      expect(parts.map((each: { readonly id: string }) => each.id)).toEqual(all)
    },
  ],
  [
    '7644 3.9: attributes tell only what is asked, and what is always told',
    async () => {
      const { id } = await made({ displayName: 'Ana', title: 'Head' })
      expect(Object.keys((await get(`/Users/${id}?attributes=title`)).body).sort()).toEqual(['id', 'schemas', 'title'])
    },
  ],
  [
    '7644 3.9: a part can be asked for',
    async () => {
      const { id } = await made({ name: { givenName: 'Ana', familyName: 'Maier' } })
      expect((await get(`/Users/${id}?attributes=name.givenName`)).body.name).toEqual({ givenName: 'Ana' })
    },
  ],
  [
    '7644 3.9: an attribute can be asked for by its URN',
    async () => {
      const { id } = await made({ [enterprise]: { department: 'Maths', division: 'A' } })
      expect((await get(`/Users/${id}?attributes=${enterprise}:department`)).body[enterprise]).toEqual({ department: 'Maths' })
    },
  ],
  [
    '7644 3.9: excludedAttributes leave out, and never the id',
    async () => {
      const { id } = await made({ displayName: 'Ana' })
      const { body } = await get(`/Users/${id}?excludedAttributes=displayName,id`)
      expect([body.displayName, body.id]).toEqual([undefined, id])
    },
  ],
  [
    '7644 3.9: in a list as well',
    async () =>
      expect(Object.keys((await get('/Users?attributes=userName&count=1')).body.Resources[0]).sort()).toEqual([
        'id',
        'schemas',
        'userName',
      ]),
  ],
  [
    '7644 3.9: in the answer to a creation as well',
    async () => expect(Object.keys((await post('/Users?attributes=userName', user())).body).sort()).toEqual(['id', 'schemas', 'userName']),
  ],
  [
    '7643 7: what is told on request is told on request',
    async () => {
      const { id } = await made()
      const group = await desk.makeGroup(fresh(), [id])
      expect((await get(`/Users/${id}`)).body.groups).toBeUndefined()
      expect((await get(`/Users/${id}?attributes=groups`)).body.groups).toMatchObject([{ value: group, type: 'direct' }])
    },
  ],
  [
    '7644 3.4.3: a search can be posted',
    async () => {
      const { userName, id } = await made()
      const search = {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'],
        filter: `userName eq "${userName}"`,
        attributes: ['userName'],
        startIndex: 1,
        count: 5,
      }
      for (const path of ['/Users/.search', '/.search'])
        expect((await post(path, search)).body).toMatchObject({ totalResults: 1, Resources: [{ id }] })
    },
  ],
  [
    '7644 3.4.3: a search without its schema is invalidSyntax',
    async () => expectError(await post('/Users/.search', {}), 400, 'invalidSyntax'),
  ],
  ['7644 3.11: /Me is not implemented', async () => expectError(await get('/Me'), 501)],
  ['7644 3.7: bulk is not implemented', async () => expectError(await post('/Bulk', {}), 501)],
  ['7644 3.12: an unknown path is a SCIM error', async () => expectError(await get('/Robots'), 404)],
]

const changing: readonly Check[] = [
  [
    '7644 3.5.1: PUT replaces, and clears what it does not name',
    async () => {
      const { id, userName } = await made({ title: 'Head', nickName: 'A' })
      const { body } = await desk.scim('PUT', `/Users/${id}`, { body: { schemas: [core], userName, nickName: 'B' } })
      expect([body.title, body.nickName, body.id]).toEqual([undefined, 'B', id])
    },
  ],
  [
    '7644 3.5.1: PUT passes over what can only be read',
    async () => {
      const { id, userName, meta } = await made()
      const { body } = await desk.scim('PUT', `/Users/${id}`, {
        body: { schemas: [core], id: 'x', userName, meta: { created: 'never' }, groups: [{ value: 'g' }] },
      })
      expect([body.id, body.meta.created]).toEqual([id, meta.created])
    },
  ],
  ['7644 3.5.1: PUT makes nothing', async () => expectError(await desk.scim('PUT', '/Users/u999999', { body: user() }), 404)],
  [
    '7644 3.5.1: PUT without what is required is invalidValue',
    async () => expectError(await desk.scim('PUT', `/Users/${(await made()).id}`, { body: { schemas: [core] } }), 400, 'invalidValue'),
  ],
  [
    '7644 3.5.1: PUT to a name that is taken is uniqueness',
    async () => {
      const [a, b] = [await made(), await made()]
      expectError(await desk.scim('PUT', `/Users/${a.id}`, { body: user({ userName: b.userName }) }), 409, 'uniqueness')
    },
  ],
  [
    '7644 3.5.2: PATCH tells the resource',
    async () => expect((await desk.patch(`/Users/${(await made()).id}`, { op: 'add', path: 'title', value: 'x' })).body.title).toBe('x'),
  ],
  [
    '7644 3.5.2: PATCH of the unknown is 404',
    async () => expectError(await desk.patch('/Users/u999999', { op: 'add', path: 'title', value: 'x' }), 404),
  ],
  [
    '7644 3.5.2: PATCH without operations is invalidSyntax',
    async () =>
      expectError(await desk.scim('PATCH', `/Users/${(await made()).id}`, { body: { schemas: [patchOp] } }), 400, 'invalidSyntax'),
  ],
  [
    '7644 3.5.2: PATCH under another schema is invalidSyntax',
    async () =>
      expectError(
        await desk.scim('PATCH', `/Users/${(await made()).id}`, {
          body: { schemas: [core], Operations: [{ op: 'add', path: 'title', value: 'x' }] },
        }),
        400,
        'invalidSyntax',
      ),
  ],
  [
    '7644 3.5.2: PATCH is whole or not at all',
    async () => {
      const { id } = await made({ title: 'a' })
      expectError(
        await desk.patch(`/Users/${id}`, { op: 'replace', path: 'title', value: 'b' }, { op: 'replace', path: 'id', value: 'x' }),
        400,
        'mutability',
      )
      expect((await get(`/Users/${id}`)).body.title).toBe('a')
    },
  ],
  [
    '7644 3.5.2: operations happen in their order',
    async () => {
      const { body } = await desk.patch(
        `/Users/${(await made()).id}`,
        { op: 'add', path: 'title', value: 'a' },
        { op: 'remove', path: 'title' },
        { op: 'add', path: 'title', value: 'b' },
      )
      expect(body.title).toBe('b')
    },
  ],
  [
    '7644 3.5.2.1: add without a path adds attributes',
    async () => expect((await desk.patch(`/Users/${(await made()).id}`, { op: 'add', value: { nickName: 'A' } })).body.nickName).toBe('A'),
  ],
  [
    '7644 3.5.2.1: add to a list keeps the others',
    async () =>
      expect(
        (
          await desk.patch(`/Users/${(await made({ emails: [{ value: 'a@b.example', type: 'work' }] })).id}`, {
            op: 'add',
            path: 'emails',
            value: [{ value: 'c@d.example', type: 'home' }],
          })
        ).body.emails,
      ).toHaveLength(2),
  ],
  [
    '7644 3.5.2.1: add of what is there changes nothing',
    async () => {
      const { id, meta } = await made({ title: 'a' })
      desk.clock.pass(5_000)
      expect((await desk.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'a' })).body.meta).toEqual(meta)
    },
  ],
  [
    '7644 3.5.2.2: remove without a path is noTarget',
    async () => expectError(await desk.patch(`/Users/${(await made()).id}`, { op: 'remove' }), 400, 'noTarget'),
  ],
  [
    '7644 3.5.2.2: remove takes the attribute away',
    async () =>
      expect((await desk.patch(`/Users/${(await made({ title: 'a' })).id}`, { op: 'remove', path: 'title' })).body.title).toBeUndefined(),
  ],
  [
    '7644 3.5.2.2: remove of what is required is refused',
    async () => expectError(await desk.patch(`/Users/${(await made()).id}`, { op: 'remove', path: 'userName' }), 400, 'invalidValue'),
  ],
  [
    '7644 3.5.2.3: replace of what is not there adds it',
    async () =>
      expect((await desk.patch(`/Users/${(await made()).id}`, { op: 'replace', path: 'title', value: 'a' })).body.title).toBe('a'),
  ],
  [
    '7644 3.5.2.3: replace of a list replaces all of it',
    async () =>
      expect(
        (
          await desk.patch(`/Users/${(await made({ emails: [{ value: 'a@b.example' }] })).id}`, {
            op: 'replace',
            path: 'emails',
            value: [{ value: 'c@d.example' }],
          })
        ).body.emails,
      ).toEqual([{ value: 'c@d.example' }]),
  ],
  [
    '7644 3.5.2.3: a filter that finds none and names none is noTarget',
    async () =>
      expectError(
        await desk.patch(`/Users/${(await made()).id}`, { op: 'replace', path: 'emails[value co "x"].type', value: 'work' }),
        400,
        'noTarget',
      ),
  ],
  [
    '7644 3.12: a wrong path is invalidPath',
    async () =>
      expectError(await desk.patch(`/Users/${(await made()).id}`, { op: 'replace', path: 'emails[', value: 'x' }), 400, 'invalidPath'),
  ],
  [
    '7644 3.5.2: a change moves lastModified and not created',
    async () => {
      const { id, meta } = await made()
      desk.clock.pass(5_000)
      const { body } = await desk.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'a' })
      expect(body.meta.created).toBe(meta.created)
      expect(Date.parse(body.meta.lastModified) - Date.parse(meta.lastModified)).toBe(5_000)
    },
  ],
  [
    '7644 3.5.2: PATCH of a group is 204 without a body',
    async () => {
      const answer = await desk.patch(`/Groups/${await desk.makeGroup(fresh())}`, { op: 'replace', path: 'displayName', value: fresh() })
      expect([answer.status, answer.text]).toEqual([204, ''])
    },
  ],
  [
    '7644 3.5.2: and tells it when attributes are asked for',
    async () => {
      const name = fresh()
      const answer = await desk.patch(`/Groups/${await desk.makeGroup(fresh())}?attributes=displayName`, {
        op: 'replace',
        path: 'displayName',
        value: name,
      })
      expect([answer.status, answer.body.displayName]).toEqual([200, name])
    },
  ],
  [
    '7643 4.2: a member must be somebody',
    async () =>
      expectError(
        await post('/Groups', { schemas: [coreGroup], displayName: fresh(), members: [{ value: 'u999999' }] }),
        400,
        'invalidValue',
      ),
  ],
  [
    '7643 4.2: a member is told with its address',
    async () => {
      const { id } = await made()
      expect((await get(`/Groups/${await desk.makeGroup(fresh(), [id])}`)).body.members).toEqual([
        { value: id, $ref: `http://localhost:8787/scim/v2/Users/${id}`, type: 'User' },
      ])
    },
  ],
  [
    '7644 3.6: DELETE is 204 without a body',
    async () => {
      const answer = await desk.scim('DELETE', `/Users/${(await made()).id}`)
      expect([answer.status, answer.text]).toEqual([204, ''])
    },
  ],
  [
    '7644 3.6: after it everything is 404',
    async () => {
      const { id, userName } = await made()
      await desk.scim('DELETE', `/Users/${id}`)
      for (const method of ['GET', 'DELETE']) expectError(await desk.scim(method, `/Users/${id}`), 404)
      expectError(await desk.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'x' }), 404)
      expect((await desk.find('/Users', `userName eq "${userName}"`)).body.totalResults).toBe(0)
    },
  ],
  [
    '7644 3.6: after it the name is free',
    async () => {
      const { id, userName } = await made()
      await desk.scim('DELETE', `/Users/${id}`)
      expect((await post('/Users', user({ userName }))).status).toBe(201)
    },
  ],
]

const versions: readonly Check[] = [
  [
    '7644 3.14: ETag and meta.version agree',
    async () => {
      const answer = await post('/Users', user())
      expect(answer.headers.get('etag')).toBe(answer.body.meta.version)
    },
  ],
  ['7644 3.14: a version is a weak or strong ETag', async () => expect((await made()).meta.version).toMatch(/^(W\/)?"[^"]+"$/)],
  [
    '7644 3.14: If-None-Match on the version is 304',
    async () => {
      const { id, meta } = await made()
      expect((await desk.scim('GET', `/Users/${id}`, { headers: { 'if-none-match': meta.version } })).status).toBe(304)
    },
  ],
  [
    '7644 3.14: If-None-Match on another is 200',
    async () => expect((await desk.scim('GET', `/Users/${(await made()).id}`, { headers: { 'if-none-match': 'W/"x"' } })).status).toBe(200),
  ],
  [
    '7644 3.14: a change makes another version',
    async () => {
      const { id, meta } = await made()
      expect((await desk.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'x' })).body.meta.version).not.toBe(meta.version)
    },
  ],
  [
    '7644 3.14: If-Match on the version lets a change through',
    async () => {
      const { id, meta } = await made()
      const answer = await desk.scim('PATCH', `/Users/${id}`, {
        body: { schemas: [patchOp], Operations: [{ op: 'add', path: 'title', value: 'x' }] },
        headers: { 'if-match': meta.version },
      })
      expect(answer.status).toBe(200)
    },
  ],
  [
    '7644 3.14: If-Match on an old one is 412 and changes nothing',
    async () => {
      const { id, meta, userName } = await made()
      await desk.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'new' })
      const headers = { 'if-match': meta.version }
      expectError(await desk.scim('PUT', `/Users/${id}`, { body: user({ userName }), headers }), 412)
      expectError(await desk.scim('DELETE', `/Users/${id}`, { headers }), 412)
      expect((await get(`/Users/${id}`)).body.title).toBe('new')
    },
  ],
  [
    '7644 3.14: a new member makes another version of a group',
    async () => {
      const id = await desk.makeGroup(fresh())
      const before = (await get(`/Groups/${id}`)).body.meta.version
      await desk.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value: (await made()).id }] })
      expect((await get(`/Groups/${id}`)).body.meta.version).not.toBe(before)
    },
  ],
]

const securing: readonly Check[] = [
  [
    '7644 2: nobody is let in without a key',
    async () => {
      for (const path of ['/Users', '/Groups', '/ServiceProviderConfig', '/Schemas', '/ResourceTypes', '/Nothing'])
        expectError(await desk.scim('GET', path, { as: null }), 401)
    },
  ],
  [
    '7644 2: who is not let in is told how',
    async () => expect((await desk.scim('GET', '/Users', { as: null })).headers.get('www-authenticate')).toBe('Bearer'),
  ],
  ['7644 2: a wrong key lets nobody in', async () => expectError(await desk.scim('GET', '/Users', { as: 'qm_wrong' }), 401)],
  [
    '7644 7.5: a key in the address is not looked at',
    async () => expectError(await desk.scim('GET', `/Users?access_token=${desk.key}`, { as: null }), 401),
  ],
  [
    '7644 7.2: answers are not kept by anybody on the way',
    async () => expect((await get('/Users')).headers.get('cache-control')).toContain('no-store'),
  ],
]

const checks = [...discovery, ...creating, ...reading, ...changing, ...versions, ...securing]

test.each(checks)('%s', async (_, run) => {
  await run(desk)
})

test('there are at least ninety of them, each under a name of its own', () => {
  expect(new Set(checks.map(([name]) => name)).size).toBe(checks.length)
  expect(checks.length).toBeGreaterThanOrEqual(90)
})
