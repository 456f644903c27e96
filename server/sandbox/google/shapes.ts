/**
 * Forms of what goes in and out, in a short notation: `s` text, `b` true or false, `i` a 32-bit whole number, `l` a 64-bit one,
 * which JSON carries as text, `d` any value, `a|b|c` one of these words, `@Name` an object of that form, `[]` before any of
 * them a list, `{}` before any of them a map.
 */
export type Shape = string
export type Forms = Readonly<Record<string, Readonly<Record<string, Shape>>>>

export interface Odd {
  readonly where: string
  readonly what: 'unknown-field' | 'wrong-type' | 'unknown-word'
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The first thing that does not fit. `open`: words that are not known are let through, as in answers that play a later release. */
export const oddIn = (forms: Forms, shape: Shape, value: unknown, where = ''): Odd | undefined => {
  const wrong: Odd = { where, what: 'wrong-type' }
  if (shape.startsWith('[]')) {
    if (!Array.isArray(value)) return wrong
    return first(
      value.map((item: unknown, at) => [String(at), item] as const),
      ([at, item]) => oddIn(forms, shape.slice(2), item, `${where}[${at}]`),
    )
  }
  if (shape.startsWith('{}')) {
    if (!isObject(value)) return wrong
    return first(Object.entries(value), ([name, item]) => oddIn(forms, shape.slice(2), item, `${where}.${name}`))
  }
  if (shape.startsWith('@')) {
    const form = forms[shape.slice(1)]
    if (form === undefined) throw new Error(`sandbox: no form ${shape}`)
    if (!isObject(value)) return wrong
    return first(Object.entries(value), ([name, member]) => {
      const place = where === '' ? name : `${where}.${name}`
      const inner = Object.hasOwn(form, name) ? form[name] : undefined
      return inner === undefined ? { where: place, what: 'unknown-field' } : oddIn(forms, inner, member, place)
    })
  }
  switch (shape) {
    case 's':
      return typeof value === 'string' ? undefined : wrong
    case 'b':
      return typeof value === 'boolean' ? undefined : wrong
    case 'i':
      return Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31 ? undefined : wrong
    case 'l':
      return typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? undefined : wrong
    case 'd':
      return undefined
    default:
      if (typeof value !== 'string') return wrong
      return shape.split('|').includes(value) ? undefined : { where, what: 'unknown-word' }
  }
}

const first = <T>(items: readonly T[], look: (item: T) => Odd | undefined): Odd | undefined => {
  for (const item of items) {
    const odd = look(item)
    if (odd !== undefined) return odd
  }
  return undefined
}
