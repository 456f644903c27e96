/** Section 8 of docs/stores/apple-apps-and-books.md lists what a connector must survive: every number there is a test here, by its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../../..')
const folder = join(root, 'tests/server/stores/apple')
const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

const listed = (): readonly number[] => {
  const reference = readFileSync(join(root, 'docs/stores/apple-apps-and-books.md'), 'utf8')
  const section = reference.slice(reference.indexOf('\n## 8. Cases a connector must survive'))
  return [...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
}

test('each of the fifty cases is a test of its own', () => {
  expect(listed()).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  const named = /\(\s*['"`](?:case (\d+): |(\d+)\. )/g
  const played = new Set(texts.flatMap((text) => [...text.matchAll(named)].map(([, number, bare]) => Number(number ?? bare))))
  expect(listed().filter((number) => !played.has(number))).toEqual([])
})

test('and none of them is left out', () => {
  const leftOut = /\b(?:test|it|describe)(?:\.concurrent)?\.(?:skip|skipIf|runIf|todo|fails|only)\b/
  expect(texts.filter((text) => leftOut.test(text))).toEqual([])
})
