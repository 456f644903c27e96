/** What the provider says about itself (RFC 7643, sections 5 to 7). */
import { mostPerPage } from './provider.ts'
import { resourceTypes, type Attribute, type ResourceType, type Schema } from './schema.ts'

const schemaOfSchemas = 'urn:ietf:params:scim:schemas:core:2.0:Schema'
const schemaOfTypes = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType'
const schemaOfConfig = 'urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'

/** `base` is the address of the provider, without a slash at its end. */
export const serviceProviderConfig = (base: string) => ({
  schemas: [schemaOfConfig],
  patch: { supported: true },
  bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
  filter: { supported: true, maxResults: mostPerPage },
  changePassword: { supported: false },
  sort: { supported: false },
  etag: { supported: true },
  authenticationSchemes: [
    {
      type: 'oauthbearertoken',
      name: 'API key',
      description: 'An API key with the role directory, as Authorization: Bearer',
      primary: true,
    },
  ],
  meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
})

const resourceTypeOf = (base: string, { name, endpoint, description, schema, extensions }: ResourceType) => ({
  schemas: [schemaOfTypes],
  id: name,
  name,
  endpoint,
  description,
  schema: schema.id,
  schemaExtensions: extensions.map(({ id }) => ({ schema: id, required: false })),
  meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${name}` },
})

const attributeView = (attribute: Attribute): object => ({
  name: attribute.name,
  type: attribute.type,
  multiValued: attribute.multiValued,
  description: attribute.description,
  required: attribute.required,
  ...(attribute.type === 'boolean' || attribute.type === 'complex' || attribute.type === 'dateTime'
    ? {}
    : { caseExact: attribute.caseExact }),
  mutability: attribute.mutability,
  returned: attribute.returned,
  uniqueness: attribute.uniqueness,
  ...(attribute.canonicalValues === undefined ? {} : { canonicalValues: attribute.canonicalValues }),
  ...(attribute.referenceTypes === undefined ? {} : { referenceTypes: attribute.referenceTypes }),
  ...(attribute.subAttributes.length === 0 ? {} : { subAttributes: attribute.subAttributes.map(attributeView) }),
})

const schemaView = (base: string, { id, name, description, attributes }: Schema) => ({
  schemas: [schemaOfSchemas],
  id,
  name,
  description,
  attributes: attributes.map(attributeView),
  meta: { resourceType: 'Schema', location: `${base}/Schemas/${id}` },
})

export const resourceTypeViews = (base: string) => resourceTypes.map((type) => resourceTypeOf(base, type))
export const schemaViews = (base: string) =>
  resourceTypes.flatMap(({ schema, extensions }) => [schema, ...extensions]).map((schema) => schemaView(base, schema))
