/**
 * A table of an API's methods, and the door that lets in only what the table knows: path, verb, parameters and every field of
 * the body. The tables are written by hand; docs/stores/ tells how they were compared with the vendor's own description.
 */
import { invalid, Refused } from './errors.ts'
import { oddIn, type Forms, type Shape } from './shapes.ts'

export interface Method {
  /** `entitlements.update` */
  readonly id: string
  readonly verb: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `enterprises/{enterpriseId}`; `{+name}` takes slashes too. */
  readonly path: string
  /** Shapes of the query's parameters; `!` behind a shape: it is required, `[]` before it: it may come more than once. */
  readonly query: Readonly<Record<string, string>>
  /** The body's form; null: none is taken. */
  readonly body: string | null
  /** The answer's form; null: it has none. */
  readonly answer: string | null
}

export interface MethodTable {
  /** Before every path, such as `androidenterprise/v1/`. */
  readonly servicePath: string
  readonly methods: readonly Method[]
  readonly forms: Forms
}

/** One line a method: `id VERB path ?query >Body <Answer`. */
export const methodsOf = (text: string): readonly Method[] =>
  text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', verb = '', path = '', ...more] = line.trim().split(/\s+/)
      if (verb !== 'GET' && verb !== 'POST' && verb !== 'PUT' && verb !== 'PATCH' && verb !== 'DELETE')
        throw new Error(`sandbox: no verb in ${line}`)
      const query: Record<string, string> = {}
      let body: string | null = null
      let answer: string | null = null
      for (const part of more) {
        if (part.startsWith('>')) body = part.slice(1)
        else if (part.startsWith('<')) answer = part.slice(1)
        else {
          const [name = '', shape = ''] = part.slice(1).split('=')
          query[name] = shape
        }
      }
      return { id, verb, path, query, body, answer }
    })

/** Parameters of every method of every Google API. `fields`, `callback` and the two tokens are known and not played. */
export const commonParameters: Readonly<Record<string, Shape>> = {
  '$.xgafv': '1|2',
  access_token: 's',
  alt: 'json|media|proto',
  callback: 's',
  fields: 's',
  key: 's',
  oauth_token: 's',
  prettyPrint: 'b',
  quotaUser: 's',
  uploadType: 's',
  upload_protocol: 's',
}
const notPlayed: ReadonlySet<string> = new Set(['access_token', 'oauth_token', 'callback', 'fields'])

export interface Call {
  readonly method: Method
  readonly path: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Repeated parameters, each in the order given. */
  readonly lists: Readonly<Record<string, readonly string[]>>
  readonly body: Readonly<Record<string, unknown>>
}

interface Pattern {
  readonly method: Method
  readonly pattern: RegExp
  readonly names: readonly string[]
}

export interface Door {
  /** Undefined: no method has this path and verb. */
  match(verb: string, path: string): { readonly method: Method; readonly path: Readonly<Record<string, string>> } | undefined
  /** Reads the rest of the request. Throws `Refused`. */
  read(matched: { readonly method: Method; readonly path: Readonly<Record<string, string>> }, url: URL, bodyText: string): Call
  /** Throws when an answer is not of its form: that is a mistake of the sandbox. */
  checkAnswer(method: Method, json: unknown): void
}

export const createDoor = ({ servicePath, methods, forms }: MethodTable): Door => {
  const patterns: readonly Pattern[] = methods.map((method) => {
    const names: string[] = []
    const pattern = method.path.replace(/\{(\+?)(\w+)\}|[.()]/g, (part, plus: string | undefined, name: string | undefined) => {
      if (name === undefined) return `\\${part}`
      names.push(name)
      return plus === '+' ? '(.+)' : '([^/]+)'
    })
    return { method, names, pattern: new RegExp(`^/${servicePath}${pattern}$`) }
  })

  return {
    match: (verb, path) => {
      const fitting = patterns.flatMap(({ method, names, pattern }) => {
        const found = method.verb === verb ? pattern.exec(path) : null
        if (found === null) return []
        const read: Record<string, string> = {}
        names.forEach((name, at) => {
          read[name] = decoded(found[at + 1] ?? '')
        })
        return [{ method, path: read }]
      })
      // `enterprises/signupUrl` before `enterprises/{enterpriseId}`: the one with the fewest parameters.
      return fitting.sort((one, other) => Object.keys(one.path).length - Object.keys(other.path).length)[0]
    },
    read: ({ method, path }, url, bodyText) => {
      const query: Record<string, string> = {}
      const lists: Record<string, string[]> = {}
      for (const [name, value] of url.searchParams) {
        const own = Object.hasOwn(method.query, name) ? method.query[name] : undefined
        const shape = own ?? (Object.hasOwn(commonParameters, name) ? commonParameters[name] : undefined)
        if (shape === undefined)
          throw invalid(
            `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter. Field '${name}' could not be found in request message.`,
          )
        if (notPlayed.has(name)) throw invalid(`The sandbox does not play the parameter ${name}.`)
        const isList = shape.startsWith('[]')
        if (!isList && Object.hasOwn(query, name)) throw invalid(`The parameter ${name} came twice.`)
        const bare = shape.replace('!', '').replace('[]', '')
        const typed: unknown =
          bare === 'i' ? Number(value) : bare === 'b' ? (value === 'true' ? true : value === 'false' ? false : value) : value
        if (oddIn(forms, bare, typed) !== undefined) throw invalid(`Invalid value at '${name}': "${value}"`)
        if (isList) (lists[name] ??= []).push(value)
        else query[name] = value
      }
      for (const [name, shape] of Object.entries(method.query))
        if (shape.endsWith('!') && !Object.hasOwn(query, name)) throw new Refused(400, 'required', `Required parameter: ${name}`)
      return { method, path, query, lists, body: bodyOf(forms, method, bodyText) }
    },
    checkAnswer: (method, json) => {
      const odd = method.answer === null ? undefined : oddIn(forms, `@${method.answer}`, json)
      if (odd !== undefined) throw new Error(`sandbox: the answer of ${method.id} is not of its form at ${odd.where} (${odd.what})`)
    },
  }
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    throw invalid('The path can not be decoded.')
  }
}

const bodyOf = (forms: Forms, method: Method, text: string): Readonly<Record<string, unknown>> => {
  if (text.trim() === '') return {}
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw invalid('Invalid JSON payload received. Unexpected token.')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw invalid('Invalid JSON payload received. An object was expected.')
  if (method.body === null) {
    const [name] = Object.keys(json)
    if (name !== undefined) throw invalid(`Invalid JSON payload received. Unknown name "${name}": Cannot find field.`)
    return {}
  }
  const odd = oddIn(forms, `@${method.body}`, json)
  if (odd?.what === 'unknown-field') throw invalid(`Invalid JSON payload received. Unknown name "${odd.where}": Cannot find field.`)
  if (odd !== undefined) throw invalid(`Invalid value at '${odd.where}'`)
  return { ...json }
}
