/**
 * The two resource types and their attributes, as data: discovery tells them, and filters, patches, projections and what
 * comes in are all judged by them (RFC 7643).
 */
export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const enterpriseSchema = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'
/** Of our own, in the form in which Entra ID takes an extension. */
export const quartermasterSchema = 'urn:ietf:params:scim:schemas:extension:quartermaster:2.0:User'
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group'

export type AttributeType = 'string' | 'boolean' | 'dateTime' | 'reference' | 'binary' | 'complex'

export interface Attribute {
  readonly name: string
  readonly type: AttributeType
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readWrite' | 'readOnly' | 'immutable' | 'writeOnly'
  readonly returned: 'always' | 'default' | 'request' | 'never'
  readonly uniqueness: 'none' | 'server'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  readonly subAttributes: readonly Attribute[]
}

const attribute = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  multiValued: false,
  description,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
  subAttributes: [],
  ...more,
})

const complex = (name: string, description: string, subAttributes: readonly Attribute[], more: Partial<Attribute> = {}): Attribute =>
  attribute(name, description, { type: 'complex', subAttributes, ...more })

/** A list of values with what RFC 7643, section 2.4 gives each of them. */
const values = (name: string, description: string, types: readonly string[], value: Partial<Attribute> = {}): Attribute =>
  complex(
    name,
    description,
    [
      attribute('value', 'The value', value),
      attribute('display', 'A name for people to read'),
      attribute('type', 'What the value is for', types.length === 0 ? {} : { canonicalValues: types }),
      attribute('primary', 'Whether it is the preferred one; true at most once', { type: 'boolean' }),
    ],
    { multiValued: true },
  )

const id = attribute('id', 'Our own id; stays for ever', {
  caseExact: true,
  mutability: 'readOnly',
  returned: 'always',
  uniqueness: 'server',
})
const externalId = attribute('externalId', "The client's own id", { caseExact: true })
const schemas = attribute('schemas', 'The schemas of the resource', {
  type: 'reference',
  referenceTypes: ['uri'],
  multiValued: true,
  caseExact: true,
  returned: 'always',
})
const meta = complex(
  'meta',
  'About the resource',
  [
    attribute('resourceType', 'User or Group', { caseExact: true, mutability: 'readOnly' }),
    attribute('created', 'When it was made', { type: 'dateTime', mutability: 'readOnly' }),
    attribute('lastModified', 'When it was last changed over SCIM', { type: 'dateTime', mutability: 'readOnly' }),
    attribute('location', 'Its address', { type: 'reference', referenceTypes: ['uri'], caseExact: true, mutability: 'readOnly' }),
    attribute('version', 'Its ETag', { caseExact: true, mutability: 'readOnly' }),
  ],
  { mutability: 'readOnly' },
)
/** Of every resource, and in no schema of their own. */
export const ofEveryResource: readonly Attribute[] = [schemas, id, externalId, meta]

const userAttributes: readonly Attribute[] = [
  attribute('userName', 'The name that stores know the person by; unique without regard to case', { required: true, uniqueness: 'server' }),
  complex('name', 'The parts of the name', [
    attribute('formatted', 'The whole name'),
    attribute('familyName', 'The family name'),
    attribute('givenName', 'The given name'),
    attribute('middleName', 'The middle names'),
    attribute('honorificPrefix', 'A title before the name'),
    attribute('honorificSuffix', 'What stands after the name'),
  ]),
  attribute('displayName', 'The name that administrators read'),
  attribute('nickName', 'What the person is called'),
  attribute('profileUrl', 'A page about the person', { type: 'reference', referenceTypes: ['external'] }),
  attribute('title', 'Such as Vice President'),
  attribute('userType', 'Such as Employee'),
  attribute('preferredLanguage', 'As in Accept-Language'),
  attribute('locale', 'Such as de-DE'),
  attribute('timezone', 'Such as Europe/Berlin'),
  attribute('active', 'Whether anything new is given to the person', { type: 'boolean' }),
  attribute('password', 'Taken, and kept nowhere', { mutability: 'writeOnly', returned: 'never' }),
  values('emails', 'Mail addresses; the one for work goes into the directory', ['work', 'home', 'other']),
  values('phoneNumbers', 'Phone numbers, unchanged', ['work', 'home', 'mobile', 'fax', 'pager', 'other']),
  values('ims', 'Addresses for messages', []),
  values('photos', 'Addresses of pictures', ['photo', 'thumbnail'], { type: 'reference', referenceTypes: ['external'], caseExact: true }),
  complex(
    'addresses',
    'Postal addresses',
    [
      attribute('formatted', 'The whole address'),
      attribute('streetAddress', 'The street and number'),
      attribute('locality', 'The city'),
      attribute('region', 'The state or region'),
      attribute('postalCode', 'The postal code'),
      attribute('country', 'The country'),
      attribute('type', 'What the address is for', { canonicalValues: ['work', 'home', 'other'] }),
      attribute('primary', 'Whether it is the preferred one', { type: 'boolean' }),
    ],
    { multiValued: true },
  ),
  complex(
    'groups',
    'The groups of the person, changed by changing the groups; told when asked for by name',
    [
      attribute('value', 'The id of the group', { caseExact: true, mutability: 'readOnly' }),
      attribute('$ref', 'Its address', { type: 'reference', referenceTypes: ['Group'], caseExact: true, mutability: 'readOnly' }),
      attribute('display', 'Its name', { mutability: 'readOnly' }),
      attribute('type', 'Always direct', { canonicalValues: ['direct'], mutability: 'readOnly' }),
    ],
    { multiValued: true, mutability: 'readOnly', returned: 'request' },
  ),
  values('entitlements', 'What the person is entitled to elsewhere; gives nothing here', []),
  values('roles', 'Roles elsewhere; they make nobody an administrator here', []),
  values('x509Certificates', 'Certificates', [], { type: 'binary', caseExact: true }),
]

const enterpriseAttributes: readonly Attribute[] = [
  attribute('employeeNumber', 'The number of the employee'),
  attribute('costCenter', 'The cost center'),
  attribute('organization', 'The organisation'),
  attribute('division', 'The division'),
  attribute('department', 'The department; goes into the directory'),
  complex('manager', 'Whom the person reports to', [
    attribute('value', 'The id of the manager', { caseExact: true }),
    attribute('$ref', 'The address of the manager', {
      type: 'reference',
      referenceTypes: ['User'],
      caseExact: true,
    }),
  ]),
]

const quartermasterAttributes: readonly Attribute[] = [
  attribute('managedAppleAccount', 'The managed Apple Account, such as ana@appleid.school.example; goes into the directory'),
]

const groupAttributes: readonly Attribute[] = [
  attribute('displayName', 'The name of the group; unique without regard to case', { required: true, uniqueness: 'server' }),
  complex(
    'members',
    'The people of the group, and the groups nested in it',
    [
      attribute('value', 'The id of the person or the group', { caseExact: true, mutability: 'immutable' }),
      attribute('$ref', 'The address of the person or the group', {
        type: 'reference',
        referenceTypes: ['User', 'Group'],
        caseExact: true,
        mutability: 'immutable',
      }),
      attribute('type', 'What the member is', { canonicalValues: ['User', 'Group'], mutability: 'immutable' }),
    ],
    { multiValued: true },
  ),
]

export interface Schema {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly attributes: readonly Attribute[]
}

export interface ResourceType {
  readonly name: 'User' | 'Group'
  readonly endpoint: '/Users' | '/Groups'
  readonly description: string
  readonly schema: Schema
  readonly extensions: readonly Schema[]
}

export const userType: ResourceType = {
  name: 'User',
  endpoint: '/Users',
  description: 'People who can hold licenses',
  schema: { id: userSchema, name: 'User', description: 'A person', attributes: userAttributes },
  extensions: [
    { id: enterpriseSchema, name: 'EnterpriseUser', description: 'A person of an organisation', attributes: enterpriseAttributes },
    { id: quartermasterSchema, name: 'QuartermasterUser', description: 'What the stores ask for', attributes: quartermasterAttributes },
  ],
}
export const groupType: ResourceType = {
  name: 'Group',
  endpoint: '/Groups',
  description: 'Groups of people',
  schema: { id: groupSchema, name: 'Group', description: 'A group of people', attributes: groupAttributes },
  extensions: [],
}
export const resourceTypes: readonly ResourceType[] = [userType, groupType]

/** Where an attribute lies: in the resource itself, or in the object of an extension. */
export interface Place {
  readonly extension: string | undefined
  readonly attribute: Attribute
  readonly sub: Attribute | undefined
}

export const attributeNamed = (attributes: readonly Attribute[], name: string): Attribute | undefined => {
  const wanted = name.toLowerCase()
  return attributes.find((each) => each.name.toLowerCase() === wanted)
}

/** The extension that a key names, however it is written. */
export const extensionNamed = (type: ResourceType, name: string): Schema | undefined =>
  type.extensions.find(({ id: urn }) => urn.toLowerCase() === name.toLowerCase())

/**
 * An attribute by the name that clients use: `userName`, `name.givenName`, with the URN of its schema before it, and one of
 * an extension without it too, as Entra ID writes. Without regard to case.
 */
export const placeNamed = (type: ResourceType, text: string): Place | undefined => {
  for (const schema of [type.schema, ...type.extensions]) {
    if (!text.toLowerCase().startsWith(`${schema.id.toLowerCase()}:`)) continue
    const inCore = schema === type.schema
    return placeIn(
      inCore ? [...ofEveryResource, ...schema.attributes] : schema.attributes,
      text.slice(schema.id.length + 1),
      inCore ? undefined : schema.id,
    )
  }
  return (
    placeIn([...ofEveryResource, ...type.schema.attributes], text, undefined) ??
    type.extensions.map((schema) => placeIn(schema.attributes, text, schema.id)).find((place) => place !== undefined)
  )
}

const placeIn = (attributes: readonly Attribute[], text: string, extension: string | undefined): Place | undefined => {
  const [name = '', subName, ...more] = text.split('.')
  const found = attributeNamed(attributes, name)
  if (found === undefined || more.length > 0) return undefined
  if (subName === undefined) return { extension, attribute: found, sub: undefined }
  const sub = attributeNamed(found.subAttributes, subName)
  return sub === undefined ? undefined : { extension, attribute: found, sub }
}
