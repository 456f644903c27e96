/** Section 6 of docs/stores/microsoft-store-for-business.md lists what a connector must survive: every number there is a test here, by its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../../../..')
const folder = join(root, 'tests/server/stores/microsoft/business')
const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

const listed = (): readonly number[] => {
  const reference = readFileSync(join(root, 'docs/stores/microsoft-store-for-business.md'), 'utf8')
  const section = reference.slice(reference.indexOf('\n## 6. Cases a connector must survive'))
  return [...section.matchAll(/^\| (\d+) \|/gm)].map(([, number]) => Number(number))
}

test('each of the cases is a test of its own', () => {
  expect(listed()).toEqual([...Array.from({ length: 23 }, (_, n) => n + 1), 25, 26, 39, 44])
  const named = /\(\s*['"`]case (\d+): /g
  const played = new Set(texts.flatMap((text) => [...text.matchAll(named)].map(([, number]) => Number(number))))
  expect(listed().filter((number) => !played.has(number))).toEqual([])
})

test('and none of them is left out', () => {
  const leftOut = /\b(?:test|it|describe)(?:\.concurrent)?\.(?:skip|skipIf|runIf|todo|fails|only)\b/
  expect(texts.filter((text) => leftOut.test(text))).toEqual([])
})
