/** Elements made by hand: the page is too small for a framework, and its policy lets no text become markup. */
import { drawings, type Drawing, type IconName } from '../parts/icons.ts'

type Child = Node | string | undefined | false

export const element = <Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string | undefined>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] => {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(attribute, value)
  for (const child of children) if (child !== undefined && child !== false) made.append(child)
  return made
}

const svg = (name: string, attributes: Readonly<Record<string, string>>): SVGElement => {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  return made
}

export const icon = (name: IconName): SVGElement => {
  const drawing: Drawing = drawings[name]
  const made = svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true' })
  if (drawing.line !== undefined) made.append(svg('path', { d: drawing.line }))
  if (drawing.dash !== undefined) made.append(svg('path', { d: drawing.dash, 'stroke-dasharray': '2.1 2.42' }))
  if (drawing.fill !== undefined) made.append(svg('path', { d: drawing.fill, fill: 'currentColor', stroke: 'none' }))
  return made
}

export const brand = (): SVGElement => {
  const made = svg('svg', { viewBox: '0 0 18 18', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.5', 'aria-hidden': 'true' })
  made.append(
    svg('rect', { x: '1.75', y: '1.75', width: '14.5', height: '14.5', rx: '3.25' }),
    svg('path', { d: 'M9 2v14M2 9h14' }),
    svg('path', { d: 'M9 9h7v3.5a3.5 3.5 0 0 1-3.5 3.5H9z', fill: 'currentColor', stroke: 'none' }),
  )
  return made
}

/** Of two words their first letters, of one its first two. */
export const lettersOf = (name: string): string => {
  const [first = '', second] = name.split(/[\s\-:]+/).filter((word) => /[\p{L}\p{N}]/u.test(word))
  return second === undefined ? first.slice(0, 2) : first.slice(0, 1).toUpperCase() + second.slice(0, 1).toUpperCase()
}
