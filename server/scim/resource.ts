/** A resource as plain JSON: read from what a client sent, and told to a client as far as it asked. */
import { attributeNamed, extensionNamed, ofEveryResource, placeNamed, type Attribute, type Place, type ResourceType } from './schema.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export type Value = string | boolean | Complex | readonly Value[]
/** Attributes under the names of their schema; those of an extension in an object under its URN. */
export interface Complex {
  readonly [name: string]: Value
}
export type Resource = Complex

export const mostValues = 500
const mostCharacters = 32_768

export const isComplex = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Undefined: no value, which null, an empty text and an empty list stand for too (RFC 7643, section 2.5). */
export const readValue = (attribute: Attribute, given: unknown, name = attribute.name): Result<Value | undefined, ScimRefusal> => {
  if (given === null || given === undefined) return ok(undefined)
  if (!attribute.multiValued) return readOne(attribute, given, name)
  const list = Array.isArray(given) ? (given as readonly unknown[]) : [given]
  if (attribute.name !== 'members' && list.length > mostValues)
    return err(refusal('invalidValue', `${name} holds more than ${mostValues} values. Send fewer.`))
  const read: Value[] = []
  for (const each of list) {
    const one = readOne(attribute, each, name)
    if (!one.ok) return one
    if (one.value !== undefined) read.push(one.value)
  }
  return ok(read.length === 0 ? undefined : read)
}

const readOne = (attribute: Attribute, given: unknown, name: string): Result<Value | undefined, ScimRefusal> => {
  if (given === null || given === undefined) return ok(undefined)
  // Entra ID wraps a single value: [{"$ref": null, "value": …}].
  if (Array.isArray(given)) {
    if (given.length > 1) return err(refusal('invalidValue', `${name} takes one value and got ${given.length}.`))
    return readOne(attribute, given[0], name)
  }
  if (attribute.type === 'complex') return readComplex(attribute, given, name)
  if (isComplex(given) && 'value' in given) return readOne(attribute, given['value'], name)
  if (attribute.type === 'boolean') {
    if (typeof given === 'boolean') return ok(given)
    const word = typeof given === 'string' ? given.trim().toLowerCase() : ''
    return word === 'true' || word === 'false' ? ok(word === 'true') : err(refusal('invalidValue', `${name} must be true or false.`))
  }
  const text = typeof given === 'number' ? String(given) : given
  if (typeof text !== 'string') return err(refusal('invalidValue', `${name} must be text.`))
  if (text.length > mostCharacters) return err(refusal('invalidValue', `${name} is longer than ${mostCharacters} characters.`))
  if (!text.isWellFormed() || text.includes('\0'))
    return err(refusal('invalidValue', `${name} holds characters that are none. Leave them out.`))
  return ok(text === '' ? undefined : text)
}

const readComplex = (attribute: Attribute, given: unknown, name: string): Result<Complex | undefined, ScimRefusal> => {
  const sent = isComplex(given)
    ? given
    : typeof given === 'string' && attributeNamed(attribute.subAttributes, 'value')
      ? { value: given }
      : undefined
  if (sent === undefined) return err(refusal('invalidValue', `${name} must be an object.`))
  const read: Record<string, Value> = {}
  for (const [key, each] of Object.entries(sent).sort(([a], [b]) => Number(a === '$ref') - Number(b === '$ref'))) {
    const sub = attributeNamed(attribute.subAttributes, key)
    if (sub === undefined || sub.mutability === 'readOnly') continue
    const value = readValue(sub, each, `${name}.${sub.name}`)
    if (!value.ok) return value
    if (value.value === undefined) continue
    // An address is ours to tell; who sends nothing else means what it leads to.
    if (sub.name !== '$ref') read[sub.name] = value.value
    else if (typeof value.value === 'string') read['value'] ??= idInAddress(value.value)
  }
  return ok(isWorthKeeping(attribute, read) ? read : undefined)
}

export const idInAddress = (address: string): string => address.split('/').at(-1) ?? ''

const describing: ReadonlySet<string> = new Set(['type', 'primary', 'display', '$ref'])
/** A type or a mark without the value that it describes says nothing. */
export const isWorthKeeping = (attribute: Attribute, value: Complex): boolean =>
  attributeNamed(attribute.subAttributes, 'value') !== undefined
    ? value['value'] !== undefined
    : Object.keys(value).some((key) => !describing.has(key))

/** What a body sets: everything that a client can set, and nothing unknown. `named` are the keys that it mentioned. */
export const readResource = (
  type: ResourceType,
  body: unknown,
): Result<{ readonly resource: Resource; readonly named: ReadonlySet<string> }, ScimRefusal> => {
  if (!isComplex(body)) return err(refusal('invalidSyntax', `The body must be a JSON object that describes a ${type.name}.`))
  const schemas = Object.entries(body).find(([key]) => key.toLowerCase() === 'schemas')?.[1]
  const isOurs = (urn: unknown): boolean => typeof urn === 'string' && urn.toLowerCase() === type.schema.id.toLowerCase()
  // Further ones are passed over: Entra ID names one of its own.
  if (schemas !== undefined && schemas !== null && !(Array.isArray(schemas) && schemas.some(isOurs)))
    return err(refusal('invalidValue', `The schemas of a ${type.name} name ${type.schema.id}.`))
  const named = new Set<string>()
  let resource: Resource = {}
  for (const [key, given] of Object.entries(body)) {
    const extension = extensionNamed(type, key)
    if (extension !== undefined) {
      if (given === null) continue
      if (!isComplex(given)) return err(refusal('invalidValue', `${extension.id} must be an object.`))
      for (const [inner, innerGiven] of Object.entries(given)) {
        const attribute = attributeNamed(extension.attributes, inner)
        if (attribute === undefined) continue
        const value = readValue(attribute, innerGiven)
        if (!value.ok) return value
        resource = withValue(resource, { extension: extension.id, attribute, sub: undefined }, settled(attribute, value.value))
      }
      continue
    }
    const place = key.includes('.') || key.includes(':') ? undefined : coreAttribute(type, key)
    if (place === undefined) continue
    named.add(place.name)
    if (!isSettable(place)) continue
    const value = readValue(place, given)
    if (!value.ok) return value
    resource = withValue(resource, { extension: undefined, attribute: place, sub: undefined }, settled(place, value.value))
  }
  return ok({ resource, named })
}

const coreAttribute = (type: ResourceType, key: string): Attribute | undefined =>
  attributeNamed([...ofEveryResource, ...type.schema.attributes], key)

/** A password is taken and forgotten at once. */
export const isSettable = (attribute: Attribute): boolean =>
  attribute.mutability !== 'readOnly' && attribute.mutability !== 'writeOnly' && attribute.name !== 'schemas'

export const valueAt = (resource: Resource, { extension, attribute }: Pick<Place, 'extension' | 'attribute'>): Value | undefined => {
  const home = extension === undefined ? resource : resource[extension]
  return isComplex(home) && Object.hasOwn(home, attribute.name) ? (home as Complex)[attribute.name] : undefined
}

/** Undefined takes the value away. */
export const withValue = (resource: Resource, { extension, attribute }: Place, value: Value | undefined): Resource => {
  if (extension === undefined) return withKey(resource, attribute.name, value)
  const held = resource[extension]
  const changed = withKey(isComplex(held) ? (held as Complex) : {}, attribute.name, value)
  return withKey(resource, extension, Object.keys(changed).length === 0 ? undefined : changed)
}

export const withKey = (complex: Complex, key: string, value: Value | undefined): Complex => {
  const { [key]: _, ...rest } = complex
  return value === undefined ? rest : { ...rest, [key]: value }
}

/**
 * What holds in a list of values: each value once, a type once (the later one stays), and at most one primary, a fresh one
 * before those that were there.
 */
export const settled = (attribute: Attribute, value: Value | undefined, fresh: ReadonlySet<Value> = new Set()): Value | undefined => {
  if (!attribute.multiValued || !Array.isArray(value)) return value
  const elements = value as readonly Value[]
  if (attribute.type !== 'complex') return [...new Set(elements)]
  // Members are many, and have neither a type that matters nor a primary.
  if (attribute.name === 'members') return [...new Map(elements.map((element) => [(element as Complex)['value'], element])).values()]
  const hasTypes = ['emails', 'phoneNumbers', 'addresses', 'ims', 'photos'].includes(attribute.name)
  const byName = new Map<string, Value>()
  for (const element of elements) {
    const { type, value: inner } = element as Complex
    const name = hasTypes && typeof type === 'string' ? `type ${type.toLowerCase()}` : JSON.stringify([inner ?? element, type])
    const other = byName.get(name)
    byName.set(name, other !== undefined && fresh.has(other) && !fresh.has(element) ? other : element)
  }
  const kept = [...byName.values()]
  const isPrimary = (element: Value): boolean => (element as Complex)['primary'] === true
  const primary = kept.findLast((element) => isPrimary(element) && fresh.has(element)) ?? kept.findLast(isPrimary)
  return kept.map((element) => (isPrimary(element) && element !== primary ? { ...(element as Complex), primary: false } : element))
}

/** What a client wants told. */
export interface Projection {
  readonly only: readonly Place[] | undefined
  readonly without: readonly Place[]
}
export const everything: Projection = { only: undefined, without: [] }

/** `attributes` and `excludedAttributes`; names that nobody knows are passed over. Who asks for some wants only those. */
export const readProjection = (type: ResourceType, only: string | undefined, without: string | undefined): Projection => {
  const placesIn = (text: string | undefined): readonly Place[] =>
    (text ?? '')
      .split(',')
      .map((name) => name.trim())
      .flatMap((name) => {
        const extension = extensionNamed(type, name)
        if (extension !== undefined)
          return extension.attributes.map((attribute) => ({ extension: extension.id, attribute, sub: undefined }))
        return placeNamed(type, name) ?? []
      })
  const isAsked = only !== undefined && only.trim() !== ''
  return { only: isAsked ? placesIn(only) : undefined, without: isAsked ? [] : placesIn(without) }
}

export const isWanted = (attribute: Attribute, { only, without }: Projection): boolean =>
  attribute.returned === 'always' ||
  (attribute.returned !== 'never' &&
    (only === undefined
      ? attribute.returned !== 'request' && !without.some((place) => place.attribute === attribute && place.sub === undefined)
      : only.some((place) => place.attribute === attribute)))

/** In the order of the schema. */
export const project = (type: ResourceType, resource: Resource, projection: Projection): Resource => {
  const told: Record<string, Value> = {}
  const tell = (into: Record<string, Value>, attributes: readonly Attribute[], extension: string | undefined): void => {
    for (const attribute of attributes) {
      const value = valueAt(resource, { extension, attribute })
      if (value === undefined || !isWanted(attribute, projection)) continue
      into[attribute.name] = projectSubs(attribute, value, projection)
    }
  }
  tell(told, [...ofEveryResource.filter(({ name }) => name !== 'meta'), ...type.schema.attributes], undefined)
  for (const { id, attributes } of type.extensions) {
    const inner: Record<string, Value> = {}
    tell(inner, attributes, id)
    if (Object.keys(inner).length > 0) told[id] = inner
  }
  tell(
    told,
    ofEveryResource.filter(({ name }) => name === 'meta'),
    undefined,
  )
  return told
}

const projectSubs = (attribute: Attribute, value: Value, { only, without }: Projection): Value => {
  if (attribute.type !== 'complex') return value
  const asked = only?.filter((place) => place.attribute === attribute)
  const keep = (name: string): boolean =>
    asked === undefined
      ? !without.some((place) => place.attribute === attribute && place.sub?.name === name)
      : asked.some((place) => place.sub === undefined || place.sub.name === name)
  const one = (element: Value): Value =>
    isComplex(element) ? Object.fromEntries(Object.entries(element as Complex).filter(([name]) => keep(name))) : element
  return Array.isArray(value) ? (value as readonly Value[]).map(one) : one(value)
}
