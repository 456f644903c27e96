/** Section 11 of docs/stores/managed-google-play.md lists what a connector must survive: every number of this API is a test, by its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../..')
const folder = join(root, 'tests/server/stores/google')
const texts = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

const listed = (): readonly { readonly number: number; readonly isElsewhere: boolean }[] => {
  const reference = readFileSync(join(root, 'docs/stores/managed-google-play.md'), 'utf8')
  const section = reference.slice(reference.indexOf('\n## 11. Cases a connector must survive'), reference.indexOf('\n## 12.'))
  return [...section.matchAll(/^(\d+)\. (.*)$/gm)].map(([, number, text]) => ({
    number: Number(number),
    isElsewhere: /\((Android Management|Microsoft Graph)\)\.$/.test(text ?? ''),
  }))
}

test('each of the cases of this API is a test of its own', () => {
  expect(listed().map(({ number }) => number)).toEqual(Array.from({ length: 45 }, (_, n) => n + 1))
  expect(listed().filter(({ isElsewhere }) => isElsewhere)).toHaveLength(4)
  const played = new Set(texts.flatMap((text) => [...text.matchAll(/(?:['"`]| and )case (\d+)\b/g)].map(([, number]) => Number(number))))
  expect(
    listed()
      .filter(({ number, isElsewhere }) => !isElsewhere && !played.has(number))
      .map(({ number }) => number),
  ).toEqual([])
})

test('and none of them is left out', () => {
  const leftOut = /\b(?:test|it|describe)(?:\.concurrent)?\.(?:skip|skipIf|runIf|todo|fails|only)\b/
  expect(texts.filter((text) => leftOut.test(text))).toEqual([])
})
