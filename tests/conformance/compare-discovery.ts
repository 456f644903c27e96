/**
 * Holds a method table of the sandbox against Google's own description of the API (a discovery document, which is not part of
 * this repository): `node compare-discovery.ts <androidenterprise-v1.discovery.json>`. Prints the figures and every difference.
 */
import { readFileSync } from 'node:fs'
import { commonParameters, type MethodTable } from '../../server/sandbox/google/methods.ts'
import { managementTable } from '../../server/sandbox/google/management/method-table.ts'
import { playTable } from '../../server/sandbox/google/play/method-table.ts'

interface Field {
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly $ref?: string
  readonly items?: Field
  readonly additionalProperties?: Field
  readonly properties?: Readonly<Record<string, Field>>
  readonly required?: boolean
  readonly repeated?: boolean
  readonly location?: string
}
interface DiscoveryMethod {
  readonly id: string
  readonly httpMethod: string
  readonly path: string
  readonly flatPath?: string
  readonly parameters?: Readonly<Record<string, Field>>
  readonly request?: { readonly $ref: string }
  readonly response?: { readonly $ref: string }
}
interface Resource {
  readonly methods?: Readonly<Record<string, DiscoveryMethod>>
  readonly resources?: Readonly<Record<string, Resource>>
}
interface Discovery extends Resource {
  readonly name: string
  readonly revision: string
  readonly servicePath: string
  readonly parameters: Readonly<Record<string, Field>>
  readonly schemas: Readonly<Record<string, Field>>
}

const tables: Readonly<Record<string, MethodTable>> = { androidenterprise: playTable, androidmanagement: managementTable }

const methodsIn = (resource: Resource): readonly DiscoveryMethod[] => [
  ...Object.values(resource.methods ?? {}),
  ...Object.values(resource.resources ?? {}).flatMap(methodsIn),
]

const differences: string[] = []
const figures = { methods: 0, parameters: 0, commonParameters: 0, fields: 0, words: 0 }

/** A field of Google's in our notation, one level deep. */
const shapeOf = (field: Field): string => {
  if (field.$ref !== undefined) return '@'
  if (field.type === 'array') return `[]${shapeOf(field.items ?? {})}`
  if (field.type === 'object') return field.additionalProperties === undefined ? '@' : `{}${shapeOf(field.additionalProperties)}`
  if (field.enum !== undefined) return field.enum.join('|')
  if (field.type === 'boolean') return 'b'
  if (field.type === 'integer') return 'i'
  if (field.type === 'string') return field.format === 'int64' || field.format === 'uint64' ? 'l' : 's'
  return field.type === 'any' ? 'd' : (field.type ?? '?')
}
const sorted = (shape: string): string => (shape.includes('|') ? shape.split('|').toSorted().join('|') : shape)
const refOf = (field: Field): string | undefined =>
  field.$ref ?? (field.items && refOf(field.items)) ?? (field.additionalProperties && refOf(field.additionalProperties))

const document = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Discovery
const found = tables[document.name]
if (found === undefined) throw new Error(`no table for ${document.name}`)
const table: MethodTable = found

const compared = new Set<string>()
const compareForm = (theirs: string, ours: string): void => {
  if (compared.has(`${theirs}/${ours}`)) return
  compared.add(`${theirs}/${ours}`)
  const schema = document.schemas[theirs]?.properties ?? {}
  const form = table.forms[ours]
  if (form === undefined) {
    differences.push(`form ${ours} is missing (theirs: ${theirs})`)
    return
  }
  for (const name of Object.keys(form)) if (schema[name] === undefined) differences.push(`field ${ours}.${name} is ours alone`)
  for (const [name, field] of Object.entries(schema)) {
    const own = form[name]
    if (own === undefined) {
      differences.push(`field ${theirs}.${name} is theirs alone`)
      continue
    }
    figures.fields += 1
    const wanted = shapeOf(field)
    figures.words += wanted.replace('[]', '').includes('|') ? wanted.split('|').length : 0
    const got = own.replace(/@\w+$/, '@')
    if (sorted(got.replace('[]', '')) !== sorted(wanted.replace('[]', '')) || got.startsWith('[]') !== wanted.startsWith('[]'))
      differences.push(`field ${ours}.${name} is ${own}, theirs ${wanted}`)
    const ref = refOf(field)
    const ownRef = /@(\w+)$/.exec(own)?.[1]
    if (ref !== undefined && ownRef !== undefined) compareForm(ref, ownRef)
  }
}

const theirs = methodsIn(document)
for (const method of table.methods)
  if (!theirs.some(({ id }) => id === `${document.name}.${method.id}`)) differences.push(`method ${method.id} is ours alone`)
for (const method of theirs) {
  const own = table.methods.find(({ id }) => `${document.name}.${id}` === method.id)
  if (own === undefined) {
    differences.push(`method ${method.id} is theirs alone`)
    continue
  }
  figures.methods += 1
  if (own.verb !== method.httpMethod) differences.push(`${own.id} is ${own.verb}, theirs ${method.httpMethod}`)
  // Where Google's path names a whole resource, its flat form tells the parts, each by another name than ours.
  const bare = (path: string): string => path.replaceAll(/\{\w+\}/g, '{}')
  const isAtOwnPath = method.path.includes('{+')
    ? bare(table.servicePath + own.path) === bare(document.servicePath + (method.flatPath ?? ''))
    : table.servicePath + own.path === document.servicePath + method.path
  if (!isAtOwnPath) differences.push(`${own.id} is at ${own.path}, theirs ${method.path}`)
  const query = Object.entries(method.parameters ?? {}).filter(([, { location }]) => location === 'query')
  for (const name of Object.keys(own.query))
    if (!query.some(([other]) => other === name)) differences.push(`${own.id}?${name} is ours alone`)
  for (const [name, parameter] of query) {
    figures.parameters += 1
    const wanted = `${parameter.repeated === true ? '[]' : ''}${shapeOf(parameter)}${parameter.required === true ? '!' : ''}`
    const got = own.query[name]
    if (got === undefined || sorted(got) !== sorted(wanted)) differences.push(`${own.id}?${name} is ${got ?? 'missing'}, theirs ${wanted}`)
  }
  for (const [what, ownForm, theirForm] of [
    ['takes', own.body, method.request?.$ref],
    ['gives', own.answer, method.response?.$ref],
  ] as const) {
    if ((ownForm === null) !== (theirForm === undefined))
      differences.push(`${own.id} ${what} ${ownForm ?? 'nothing'}, theirs ${theirForm ?? 'nothing'}`)
    else if (ownForm !== null && theirForm !== undefined) compareForm(theirForm, ownForm)
  }
}
for (const [name, parameter] of Object.entries(document.parameters)) {
  figures.commonParameters += 1
  if (commonParameters[name] === undefined) differences.push(`common parameter ${name} is theirs alone`)
  else if (sorted(commonParameters[name]) !== sorted(shapeOf(parameter)))
    differences.push(`common parameter ${name} is ${commonParameters[name]}, theirs ${shapeOf(parameter)}`)
}

process.stdout.write(
  [
    `${document.name} revision ${document.revision}`,
    `methods: ours ${table.methods.length}, theirs ${theirs.length}, compared ${figures.methods}`,
    `query parameters compared: ${figures.parameters}; common parameters: ${figures.commonParameters}`,
    `forms compared: ${compared.size}; fields: ${figures.fields}; words of enums: ${figures.words}`,
    `differences: ${differences.length}`,
    ...differences.map((line) => `  ${line}`),
    '',
  ].join('\n'),
)
