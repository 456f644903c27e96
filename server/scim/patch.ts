/**
 * PATCH (RFC 7644, section 3.5.2) as Entra ID and Okta really send it: operations in any case, booleans as texts, single
 * values wrapped in lists, paths in the keys of an object, values to remove beside the path. What they add where there is
 * nothing is made.
 */
import { isMatch, parsePath, type Filter, type Path } from './filter.ts'
import {
  idInAddress,
  isComplex,
  isSettable,
  isWorthKeeping,
  readValue,
  settled,
  valueAt,
  withKey,
  withValue,
  type Complex,
  type Resource,
  type Value,
} from './resource.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { attributeNamed, extensionNamed, type Attribute, type Place, type ResourceType } from './schema.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
export const mostOperations = 1_000

export type Verb = 'add' | 'replace' | 'remove'
export interface Operation {
  readonly verb: Verb
  readonly path: string | undefined
  readonly value: unknown
}

/** Looks at the form alone. */
export const readPatch = (body: unknown): Result<readonly Operation[], ScimRefusal> => {
  if (!isComplex(body)) return err(refusal('invalidSyntax', 'The body must be a JSON object with the list Operations.'))
  const given = keyNamed(body, 'operations')
  const schemas = keyNamed(body, 'schemas')
  if (Array.isArray(schemas) && !schemas.some((each) => typeof each === 'string' && each.toLowerCase() === patchSchema.toLowerCase()))
    return err(refusal('invalidSyntax', `The schemas of a PATCH name ${patchSchema}.`))
  if (!Array.isArray(given) || given.length === 0)
    return err(refusal('invalidSyntax', 'Operations must be a list with at least one of them.'))
  if (given.length > mostOperations)
    return err(refusal('invalidValue', `At most ${mostOperations} operations are taken at once. Send them in several requests.`))
  const operations: Operation[] = []
  for (const each of given as readonly unknown[]) {
    if (!isComplex(each)) return err(refusal('invalidSyntax', 'Each operation must be an object.'))
    const op = keyNamed(each, 'op')
    const verb = (['add', 'replace', 'remove'] as const).find((known) => typeof op === 'string' && op.toLowerCase() === known)
    if (verb === undefined) return err(refusal('invalidSyntax', 'The op of an operation is add, replace or remove.'))
    const path = keyNamed(each, 'path')
    if (path !== undefined && path !== null && typeof path !== 'string')
      return err(refusal('invalidPath', 'The path of an operation must be text.'))
    const isWhole = typeof path !== 'string' || path.trim() === ''
    const value = keyNamed(each, 'value')
    if (verb === 'remove' && isWhole) return err(refusal('noTarget', 'An operation that removes needs a path.'))
    if (verb !== 'remove' && value === undefined) return err(refusal('invalidValue', `An operation to ${verb} needs a value.`))
    operations.push({ verb, path: isWhole ? undefined : path, value })
  }
  return ok(operations)
}

const keyNamed = (object: Readonly<Record<string, unknown>>, name: string): unknown => {
  for (const [key, value] of Object.entries(object)) if (key.toLowerCase() === name) return value
  return undefined
}

/** All operations in order, or none. */
export const patched = (type: ResourceType, resource: Resource, operations: readonly Operation[]): Result<Resource, ScimRefusal> => {
  let current = resource
  for (const operation of operations) {
    const next = operate(type, current, operation)
    if (!next.ok) return next
    current = next.value
  }
  return ok(current)
}

const operate = (type: ResourceType, resource: Resource, { verb, path, value }: Operation): Result<Resource, ScimRefusal> => {
  if (path === undefined) return merged(type, resource, verb, value, undefined)
  const at = parsePath(type, path)
  if (!at.ok) return at
  return at.value.place === undefined
    ? wholeExtension(type, resource, verb, value, at.value.extension ?? '')
    : changedAt(resource, verb, at.value, at.value.place, value)
}

/** No path: each key is one. What is unknown is passed over, and what is ours to give (`id`) too. */
const merged = (
  type: ResourceType,
  resource: Resource,
  verb: Verb,
  value: unknown,
  extension: string | undefined,
): Result<Resource, ScimRefusal> => {
  if (!isComplex(value)) return err(refusal('invalidValue', 'Without a path the value must be an object.'))
  let current = resource
  for (const [key, given] of Object.entries(value)) {
    const named = extension === undefined ? extensionNamed(type, key) : undefined
    if (named !== undefined) {
      const inner = wholeExtension(type, current, verb, given, named.id)
      if (!inner.ok) return inner
      current = inner.value
      continue
    }
    const at = parsePath(type, extension === undefined ? key : `${extension}:${key}`)
    if (!at.ok || at.value.place === undefined || !isSettable(at.value.place.attribute)) continue
    const next = changedAt(current, verb, at.value, at.value.place, given)
    if (!next.ok) return next
    current = next.value
  }
  return ok(current)
}

const wholeExtension = (
  type: ResourceType,
  resource: Resource,
  verb: Verb,
  value: unknown,
  extension: string,
): Result<Resource, ScimRefusal> =>
  verb === 'remove' || value === null ? ok(withKey(resource, extension, undefined)) : merged(type, resource, verb, value, extension)

const changedAt = (resource: Resource, verb: Verb, path: Path, place: Place, value: unknown): Result<Resource, ScimRefusal> => {
  const { attribute } = place
  if (attribute.mutability === 'readOnly' || path.sub?.mutability === 'readOnly')
    return err(refusal('mutability', `${attribute.name}${path.sub === undefined ? '' : `.${path.sub.name}`} can not be changed.`))
  if (!isSettable(attribute)) return ok(resource)
  const held = valueAt(resource, place)
  if (path.sub?.name === '$ref') {
    const id = typeof value === 'string' ? idInAddress(value) : value
    const sub = attributeNamed(attribute.subAttributes, 'value')
    return changedAt(resource, verb, { ...path, sub }, { ...place, sub }, id)
  }
  const next =
    path.element !== undefined
      ? changedElements(attribute, held, verb, path.element, path.sub, value)
      : path.sub !== undefined
        ? changedSub(attribute, held, verb, path.sub, value)
        : changedWhole(attribute, held, verb, value)
  return next.ok ? ok(withValue(resource, place, next.value)) : next
}

type Changed = Result<Value | undefined, ScimRefusal>
const listOf = (held: Value | undefined): readonly Complex[] => (Array.isArray(held) ? (held as readonly Complex[]) : [])
const ifAny = (list: readonly Value[]): Value | undefined => (list.length === 0 ? undefined : list)

const changedWhole = (attribute: Attribute, held: Value | undefined, verb: Verb, value: unknown): Changed => {
  if (verb === 'remove' && (!attribute.multiValued || value === undefined || value === null)) return ok(undefined)
  const read = readValue(attribute, value)
  if (!read.ok) return read
  if (verb === 'remove') {
    const gone = listOf(read.value)
    return ok(ifAny(without(listOf(held), gone)))
  }
  if (read.value === undefined) return ok(verb === 'add' ? held : undefined)
  if (attribute.multiValued) {
    const given = read.value as readonly Value[]
    if (verb === 'replace') return ok(settled(attribute, given))
    return ok(settled(attribute, [...listOf(held), ...given], new Set(given)))
  }
  // Parts that are not named stay.
  if (attribute.type === 'complex') return ok({ ...(isComplex(held) ? (held as Complex) : {}), ...(read.value as Complex) })
  return ok(read.value)
}

/** Those that were named: by their value alone where they have one, so that a member goes with whatever else is said of it. */
const without = (held: readonly Complex[], gone: readonly Complex[]): readonly Complex[] => {
  const goneValues = new Set(gone.flatMap(({ value }) => (value === undefined ? [] : [value])))
  const rest = gone.filter(({ value }) => value === undefined)
  return held.filter(
    (element) =>
      !(element['value'] !== undefined && goneValues.has(element['value'])) &&
      !rest.some((each) => Object.entries(each).every(([name, value]) => element[name] === value)),
  )
}

const changedSub = (attribute: Attribute, held: Value | undefined, verb: Verb, sub: Attribute, value: unknown): Changed => {
  const read = readValue(sub, verb === 'remove' ? undefined : value, `${attribute.name}.${sub.name}`)
  if (!read.ok) return read
  if (!attribute.multiValued) {
    const changed = withKey(isComplex(held) ? (held as Complex) : {}, sub.name, read.value)
    return ok(Object.keys(changed).length === 0 ? undefined : changed)
  }
  const elements = listOf(held)
  return replaced(
    attribute,
    elements.length === 0 ? [{}] : elements,
    () => true,
    (element) => withKey(element, sub.name, read.value),
  )
}

const changedElements = (
  attribute: Attribute,
  held: Value | undefined,
  verb: Verb,
  filter: Filter,
  sub: Attribute | undefined,
  value: unknown,
): Changed => {
  const elements = listOf(held)
  const isChosen = (element: Complex): boolean => isMatch(filter, element)
  if (verb === 'remove')
    return sub === undefined
      ? ok(ifAny(elements.filter((element) => !isChosen(element))))
      : replaced(attribute, elements, isChosen, (element) => withKey(element, sub.name, undefined))
  const template = templateOf(filter)
  const read = readValue(sub ?? { ...attribute, multiValued: false }, value, attribute.name)
  if (!read.ok) return read
  const change = (element: Complex): Complex =>
    sub !== undefined
      ? withKey(element, sub.name, read.value)
      : { ...(verb === 'add' ? element : template), ...(isComplex(read.value) ? (read.value as Complex) : {}) }
  if (elements.some(isChosen)) return replaced(attribute, elements, isChosen, change)
  if (template === undefined) return err(refusal('noTarget', `No value of ${attribute.name} fits the path.`))
  return replaced(attribute, [...elements, template], (element) => element === template, change)
}

const replaced = (
  attribute: Attribute,
  elements: readonly Complex[],
  isChosen: (element: Complex) => boolean,
  change: (element: Complex) => Complex,
): Changed => {
  const fresh = new Set<Value>()
  const next = elements.flatMap((element) => {
    if (!isChosen(element)) return [element]
    const changed = change(element)
    fresh.add(changed)
    return isWorthKeeping(attribute, changed) ? [changed] : []
  })
  return ok(settled(attribute, ifAny(next), fresh))
}

/** The element that a filter of equalities describes; undefined when it describes none. */
const templateOf = (filter: Filter): Complex | undefined => {
  const parts = filter.is === 'and' ? filter.of : [filter]
  const template: Record<string, Value> = {}
  for (const part of parts) {
    if (part.is !== 'compare' || part.operator !== 'eq' || part.value === null) return undefined
    template[part.place.attribute.name] = part.value
  }
  return template
}
