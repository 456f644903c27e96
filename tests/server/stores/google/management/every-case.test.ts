/** Section 8 of docs/stores/android-management.md lists what a connector must survive: every number is a test, by its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const texts = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))

test('each of the cases of this API is a test of its own', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../../docs/stores/android-management.md'), 'utf8')
  const section = /## 8\. Cases a connector must survive\n([\s\S]*?)\n## 9/.exec(page)?.[1] ?? ''
  const listed = [...section.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number))
  const played = new Set(texts.flatMap((text) => [...text.matchAll(/['"`]case (\d+)\b/g)].map(([, number]) => Number(number))))
  expect(listed.length).toBe(22)
  // The four that the other Google connector leaves to this one and to Graph, save that of Graph.
  expect([36, 37, 38, 40].filter((number) => !listed.includes(number))).toEqual([])
  expect(listed.filter((number) => !played.has(number))).toEqual([])
})

test('and none of them is left out', () => {
  const leftOut = /\b(?:test|it|describe)(?:\.concurrent)?\.(?:skip|skipIf|runIf|todo|fails|only)\b/
  expect(texts.filter((text) => leftOut.test(text))).toEqual([])
})
