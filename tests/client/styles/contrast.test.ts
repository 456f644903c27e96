/** Computes the WCAG contrast of every pair of colours that the screens lay on each other, in both themes, from tokens.css itself. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const source =
  readFileSync(new URL('../../../client/styles/tokens.css', import.meta.url), 'utf8').split('@media (prefers-contrast')[0] ?? ''
const values = new Map(
  [...source.matchAll(/--([\w-]+):\s*([^;]+);/g)].map((match) => [match[1] ?? '', (match[2] ?? '').replace(/\s+/g, ' ').trim()]),
)

type Theme = 'light' | 'dark'

/** The two sides of `light-dark(a, b)`; commas inside brackets part nothing. */
const sides = (inner: string): readonly [string, string] => {
  let depth = 0
  for (const [at, sign] of [...inner].entries()) {
    if (sign === '(') depth += 1
    if (sign === ')') depth -= 1
    if (sign === ',' && depth === 0) return [inner.slice(0, at).trim(), inner.slice(at + 1).trim()]
  }
  throw new Error(`contrast: ${inner} has one side only`)
}

const resolve = (value: string, theme: Theme): string => {
  const pair = /^light-dark\((.+)\)$/.exec(value)
  if (pair !== null) return resolve(sides(pair[1] ?? '')[theme === 'light' ? 0 : 1], theme)
  const name = /^var\(--([\w-]+)\)$/.exec(value)?.[1]
  if (name === undefined) return value
  const named = values.get(name)
  if (named === undefined) throw new Error(`contrast: tokens.css has no --${name}`)
  return resolve(named, theme)
}

const luminance = (oklch: string): number => {
  const [lightness = 0, chroma = 0, hue = 0] = (oklch.match(/[\d.]+/g) ?? []).map(Number)
  const turn = (hue * Math.PI) / 180
  const a = chroma * Math.cos(turn)
  const b = chroma * Math.sin(turn)
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  const inRange = (part: number): number => Math.min(1, Math.max(0, part))
  return (
    0.2126 * inRange(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s) +
    0.7152 * inRange(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s) +
    0.0722 * inRange(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)
  )
}

const contrast = (front: string, back: string, theme: Theme): number => {
  const [x = 0, y = 0] = [front, back].map((name) => luminance(resolve(`var(--${name})`, theme))).sort((p, q) => q - p)
  return (x + 0.05) / (y + 0.05)
}

const surfaces = ['surface', 'surface-page', 'surface-sunken', 'surface-raised', 'surface-hover', 'surface-press', 'surface-selected']
const states = ['healthy', 'warning', 'unhealthy', 'pending', 'offline']
/** Front, backs; 4.5 for text, 3 for marks, bars, focus and the outlines of controls. */
const texts: readonly (readonly [string, readonly string[]])[] = [
  ...['text', 'text-2', 'text-3', 'accent-text'].map((front) => [front, surfaces] as const),
  ['accent-on', ['accent', 'accent-hover', 'accent-press']],
  ['accent-text', ['accent-tint']],
  ['text', ['accent-tint', ...states.map((state) => `${state}-tint`)]],
  ['text-2', states.map((state) => `${state}-tint`)],
  ['text-3', states.map((state) => `${state}-tint`)],
  ['text-inverse', ['surface-inverse']],
  ['text-inverse-2', ['surface-inverse']],
  ['danger-on', ['danger', 'danger-hover']],
  ...states.map((state) => [`${state}-text`, ['surface', 'surface-page', 'surface-selected', `${state}-tint`]] as const),
]
const marks: readonly (readonly [string, readonly string[]])[] = [
  ...states.map((state) => [`${state}-mark`, ['surface', `${state}-tint`]] as const),
  ['focus', ['surface', 'surface-page', 'surface-selected']],
  ['line-control', ['surface', 'surface-raised']],
  ['in-use', ['surface', 'free', 'reserved', 'surface-selected']],
  ['found', ['surface', 'free']],
  ['offline-mark', ['free']],
  ['reserved-line', ['surface', 'reserved']],
  ['short', ['surface', 'surface-selected']],
]

for (const theme of ['light', 'dark'] as const)
  for (const [what, floor, pairs] of [
    ['text', 4.5, texts],
    ['mark, bar and outline', 3, marks],
  ] as const)
    test(`every ${what} stands out from what it lies on in the ${theme} theme`, () => {
      const missed = pairs.flatMap(([front, backs]) =>
        backs
          .filter((back) => contrast(front, back, theme) < floor)
          .map((back) => `${front} on ${back}: ${contrast(front, back, theme).toFixed(2)}`),
      )
      expect(missed).toEqual([])
    })
