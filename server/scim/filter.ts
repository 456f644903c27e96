/**
 * The language of filters and paths (RFC 7644, sections 3.4.2.2 and 3.5.2): parsed against the schema, so that what can't be
 * compared is refused and not found to be false. Length, depth and the number of comparisons are bounded.
 */
import { isComplex, valueAt, type Complex, type Resource, type Value } from './resource.ts'
import { refusal, type ScimRefusal } from './refusal.ts'
import { attributeNamed, extensionNamed, placeNamed, type Attribute, type Place, type ResourceType } from './schema.ts'
import { err, ok, type Result } from '../../shared/result.ts'

const operators = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Operator = (typeof operators)[number]

export type Filter =
  | { readonly is: 'and' | 'or'; readonly of: readonly Filter[] }
  | { readonly is: 'not'; readonly of: Filter }
  | { readonly is: 'present'; readonly place: Place }
  /** Null stands for no value. */
  | { readonly is: 'compare'; readonly place: Place; readonly operator: Operator; readonly value: string | boolean | null }
  /** Of one element of a list: `emails[type eq "work" and value co "@"]`. The places of `of` are sub-attributes. */
  | { readonly is: 'element'; readonly place: Place; readonly of: Filter }

export interface Path {
  /** Undefined: the whole object of the extension. */
  readonly place: Place | undefined
  readonly extension: string | undefined
  readonly element: Filter | undefined
  /** After an element filter: `emails[type eq "work"].value`. */
  readonly sub: Attribute | undefined
}

export const mostFilterCharacters = 4_096
const mostDepth = 20
const mostComparisons = 100

type Token =
  | { readonly is: 'word'; readonly text: string; readonly at: number }
  | { readonly is: 'text'; readonly text: string; readonly at: number }
  | { readonly is: '(' | ')' | '[' | ']'; readonly at: number }

class Unreadable extends Error {}

const tokensOf = (text: string): readonly Token[] => {
  const tokens: Token[] = []
  const pattern = /\s*(?:([()[\]])|("(?:[^"\\]|\\.)*")|([^\s()[\]"]+))/gsuy
  let at = 0
  while (at < text.length) {
    if (text.slice(at).trim() === '') break
    pattern.lastIndex = at
    const match = pattern.exec(text)
    if (match === null) throw new Unreadable(`can not be read from character ${at + 1} on`)
    const [, mark, quoted, word] = match
    if (mark !== undefined) tokens.push({ is: mark as '(', at })
    else if (quoted !== undefined) tokens.push({ is: 'text', text: unquoted(quoted), at })
    else tokens.push({ is: 'word', text: word ?? '', at })
    at = pattern.lastIndex
  }
  return tokens
}

const unquoted = (quoted: string): string => {
  try {
    return String(JSON.parse(quoted))
  } catch {
    throw new Unreadable('holds a text that is not quoted as in JSON')
  }
}

/** One parser for both; `placeOf` says what a name means where it stands. */
const createParser = (type: ResourceType, tokens: readonly Token[]) => {
  let at = 0
  let comparisons = 0
  const peek = (): Token | undefined => tokens[at]
  const isWord = (token: Token | undefined, word: string): boolean => token?.is === 'word' && token.text.toLowerCase() === word
  const take = (is: Token['is']): void => {
    if (peek()?.is !== is) throw new Unreadable(`lacks a ${is}`)
    at += 1
  }

  const parseOr = (placeOf: PlaceOf, depth: number): Filter => {
    if (depth > mostDepth) throw new Unreadable(`is nested more than ${mostDepth} deep`)
    const of = [parseAnd(placeOf, depth)]
    while (isWord(peek(), 'or')) {
      at += 1
      of.push(parseAnd(placeOf, depth))
    }
    return joined('or', of)
  }
  const parseAnd = (placeOf: PlaceOf, depth: number): Filter => {
    const of = [parseOne(placeOf, depth)]
    while (isWord(peek(), 'and')) {
      at += 1
      of.push(parseOne(placeOf, depth))
    }
    return joined('and', of)
  }
  const parseOne = (placeOf: PlaceOf, depth: number): Filter => {
    const token = peek()
    if (token === undefined) throw new Unreadable('ends where an attribute is expected')
    if (token.is === '(') return parseGroup(placeOf, depth)
    if (isWord(token, 'not') && tokens[at + 1]?.is === '(') {
      at += 1
      return { is: 'not', of: parseGroup(placeOf, depth) }
    }
    if (token.is !== 'word') throw new Unreadable('names no attribute where one is expected')
    at += 1
    const place = placeOf(token.text)
    if (place === undefined) throw new Unreadable(`names ${token.text.slice(0, 100)}, which is no attribute here`)
    if (peek()?.is === '[') {
      at += 1
      const of = parseOr(subOf(place), depth + 1)
      take(']')
      // Entra ID goes on behind the bracket, which the grammar of RFC 7644 does not have: emails[type eq "work"].value eq "…"
      const after = peek()
      if (after?.is !== 'word' || !after.text.startsWith('.')) return { is: 'element', place, of }
      at += 1
      const sub = attributeNamed(place.attribute.subAttributes, after.text.slice(1))
      if (sub === undefined) throw new Unreadable(`names ${after.text.slice(0, 100)}, which is no part of ${nameOf(place)}`)
      return { is: 'element', place, of: joined('and', [of, parseComparison({ extension: undefined, attribute: sub, sub: undefined })]) }
    }
    return parseComparison(place)
  }
  const parseGroup = (placeOf: PlaceOf, depth: number): Filter => {
    take('(')
    const inner = parseOr(placeOf, depth + 1)
    take(')')
    return inner
  }
  const parseComparison = (place: Place): Filter => {
    comparisons += 1
    if (comparisons > mostComparisons) throw new Unreadable(`has more than ${mostComparisons} comparisons`)
    const word = peek()
    if (isWord(word, 'pr')) {
      at += 1
      return { is: 'present', place }
    }
    const operator = operators.find((each) => isWord(word, each))
    if (operator === undefined) throw new Unreadable(`has no operator after ${nameOf(place)}`)
    at += 1
    const given = peek()
    if (given === undefined || (given.is !== 'text' && given.is !== 'word')) throw new Unreadable(`has no value after ${operator}`)
    at += 1
    return compared(place, operator, given)
  }

  return {
    filter: (): Filter => {
      const filter = parseOr((name) => placeNamed(type, name), 0)
      if (peek() !== undefined) throw new Unreadable('goes on after its end')
      return filter
    },
    path: (): Path => {
      const token = peek()
      if (token?.is !== 'word') throw new Unreadable('names no attribute')
      at += 1
      const extension = extensionNamed(type, token.text)
      if (extension !== undefined && peek() === undefined)
        return { place: undefined, extension: extension.id, element: undefined, sub: undefined }
      const place = placeNamed(type, token.text)
      if (place === undefined) throw new Unreadable(`names ${token.text.slice(0, 100)}, which is no attribute here`)
      if (peek() === undefined) return { place, extension: place.extension, element: undefined, sub: place.sub }
      take('[')
      if (place.sub !== undefined) throw new Unreadable('chooses among the values of a part')
      const element = parseOr(subOf(place), 1)
      take(']')
      const after = peek()
      if (after === undefined) return { place, extension: place.extension, element, sub: undefined }
      at += 1
      const sub =
        after.is === 'word' && after.text.startsWith('.') ? attributeNamed(place.attribute.subAttributes, after.text.slice(1)) : undefined
      if (sub === undefined || peek() !== undefined) throw new Unreadable('ends in no part of the attribute')
      return { place, extension: place.extension, element, sub }
    },
  }
}

type PlaceOf = (name: string) => Place | undefined

const subOf = (place: Place): PlaceOf => {
  if (!place.attribute.multiValued || place.attribute.type !== 'complex' || place.sub !== undefined)
    throw new Unreadable(`chooses among the values of ${nameOf(place)}, which has no list of them`)
  return (name) => {
    const attribute = attributeNamed(place.attribute.subAttributes, name)
    return attribute === undefined ? undefined : { extension: undefined, attribute, sub: undefined }
  }
}

const joined = (is: 'and' | 'or', of: readonly Filter[]): Filter => (of.length === 1 && of[0] !== undefined ? of[0] : { is, of })

const nameOf = ({ attribute, sub }: Place): string => (sub === undefined ? attribute.name : `${attribute.name}.${sub.name}`)

/** A complex attribute is compared by its value: `manager eq "…"`, `members eq "…"`. */
const comparedAttribute = ({ attribute, sub }: Place): Attribute | undefined =>
  sub ?? (attribute.type === 'complex' ? attributeNamed(attribute.subAttributes, 'value') : attribute)

const compared = (place: Place, operator: Operator, given: { readonly is: 'word' | 'text'; readonly text: string }): Filter => {
  const attribute = comparedAttribute(place)
  if (attribute === undefined) throw new Unreadable(`compares ${nameOf(place)}, which has parts: name one of them`)
  if (attribute.returned === 'never') throw new Unreadable(`asks for ${nameOf(place)}, which nobody is told`)
  const word = given.text.toLowerCase()
  if (given.is === 'word' && word === 'null') {
    if (operator !== 'eq' && operator !== 'ne') throw new Unreadable('compares with null by another operator than eq and ne')
    return { is: 'compare', place, operator, value: null }
  }
  if (attribute.type === 'boolean') {
    // Entra ID writes booleans as texts.
    if (word !== 'true' && word !== 'false') throw new Unreadable(`compares ${nameOf(place)} with something that is neither true nor false`)
    if (operator !== 'eq' && operator !== 'ne') throw new Unreadable(`can not compare ${nameOf(place)} by ${operator}`)
    return { is: 'compare', place, operator, value: word === 'true' }
  }
  if (given.is === 'word' && !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(given.text))
    throw new Unreadable(`compares ${nameOf(place)} with a text that is not in quotes`)
  if (attribute.type === 'dateTime' && Number.isNaN(Date.parse(given.text)))
    throw new Unreadable(`compares ${nameOf(place)} with something that is no time`)
  if (attribute.type === 'binary' && operator !== 'eq' && operator !== 'ne')
    throw new Unreadable(`can not compare ${nameOf(place)} by ${operator}`)
  return { is: 'compare', place, operator, value: given.text }
}

const parsed = <T>(
  text: string,
  scimType: 'invalidFilter' | 'invalidPath',
  parse: (tokens: readonly Token[]) => T,
): Result<T, ScimRefusal> => {
  const what = scimType === 'invalidFilter' ? 'filter' : 'path'
  if (text.length > mostFilterCharacters)
    return err(refusal(scimType, `The ${what} is longer than ${mostFilterCharacters} characters. Make it shorter.`))
  try {
    return ok(parse(tokensOf(text)))
  } catch (cause) {
    if (!(cause instanceof Unreadable)) throw cause
    return err(refusal(scimType, `The ${what} ${cause.message}.`))
  }
}

export const parseFilter = (type: ResourceType, text: string): Result<Filter, ScimRefusal> =>
  parsed(text, 'invalidFilter', (tokens) => createParser(type, tokens).filter())

export const parsePath = (type: ResourceType, text: string): Result<Path, ScimRefusal> =>
  parsed(text, 'invalidPath', (tokens) => createParser(type, tokens).path())

/** In a list, one value that fits is enough. `ne` is what `eq` is not. */
export const isMatch = (filter: Filter, resource: Resource): boolean => {
  switch (filter.is) {
    case 'and':
      return filter.of.every((each) => isMatch(each, resource))
    case 'or':
      return filter.of.some((each) => isMatch(each, resource))
    case 'not':
      return !isMatch(filter.of, resource)
    case 'present':
      return filter.place.sub === undefined ? elementsAt(resource, filter.place).length > 0 : valuesAt(resource, filter.place).length > 0
    case 'element':
      return elementsAt(resource, filter.place).some((element) => isComplex(element) && isMatch(filter.of, element as Complex))
    case 'compare': {
      const values = valuesAt(resource, filter.place)
      const { operator, value } = filter
      if (value === null) return (values.length === 0) === (operator === 'eq')
      const attribute = comparedAttribute(filter.place) as Attribute
      if (operator === 'ne') return !values.some((held) => isFitting(attribute, held, 'eq', value))
      return values.some((held) => isFitting(attribute, held, operator, value))
    }
  }
}

const elementsAt = (resource: Resource, place: Place): readonly Value[] => {
  const value = valueAt(resource, place)
  return value === undefined ? [] : Array.isArray(value) ? (value as readonly Value[]) : [value]
}

const valuesAt = (resource: Resource, place: Place): readonly Value[] => {
  const elements = elementsAt(resource, place)
  if (place.attribute.type !== 'complex') return elements
  const name = comparedAttribute(place)?.name ?? ''
  return elements.flatMap((element) => (isComplex(element) && Object.hasOwn(element, name) ? [(element as Complex)[name] as Value] : []))
}

const isFitting = (attribute: Attribute, held: Value, operator: Exclude<Operator, 'ne'>, wanted: string | boolean): boolean => {
  if (typeof held !== 'string' || typeof wanted !== 'string') return operator === 'eq' && held === wanted
  if (attribute.type === 'dateTime' && operator !== 'co' && operator !== 'sw' && operator !== 'ew')
    return isInOrder(Date.parse(held), Date.parse(wanted), operator)
  const [a, b] = attribute.caseExact ? [held, wanted] : [held.toLowerCase(), wanted.toLowerCase()]
  switch (operator) {
    case 'co':
      return a.includes(b)
    case 'sw':
      return a.startsWith(b)
    case 'ew':
      return a.endsWith(b)
    default:
      return isInOrder(a, b, operator)
  }
}

const isInOrder = <T extends string | number>(a: T, b: T, operator: 'eq' | 'gt' | 'ge' | 'lt' | 'le'): boolean => {
  switch (operator) {
    case 'eq':
      return a === b
    case 'gt':
      return a > b
    case 'ge':
      return a >= b
    case 'lt':
      return a < b
    case 'le':
      return a <= b
  }
}

/** Whether the filter looks at this attribute anywhere. */
export const asksFor = (filter: Filter, name: string): boolean => {
  switch (filter.is) {
    case 'and':
    case 'or':
      return filter.of.some((each) => asksFor(each, name))
    case 'not':
      return asksFor(filter.of, name)
    default:
      return filter.place.attribute.name === name
  }
}

/** The parts that must all hold, so that a look-up can begin with any of them. */
export const conditionsOf = (filter: Filter): readonly Filter[] => (filter.is === 'and' ? filter.of.flatMap(conditionsOf) : [filter])
