/** Section 8 of docs/stores/microsoft-graph.md lists what the connector must survive: every number there is a test here, by its name. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../../../../..')
const folder = join(root, 'tests/server/stores/microsoft')
const texts = [
  readFileSync(join(folder, 'sign-in.test.ts'), 'utf8'),
  ...readdirSync(join(folder, 'graph'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.endsWith('every-case.test.ts'))
    .map((name) => readFileSync(join(folder, 'graph', name), 'utf8')),
]

const listed = (): ReadonlyMap<number, readonly string[]> => {
  const reference = readFileSync(join(root, 'docs/stores/microsoft-graph.md'), 'utf8')
  const section = reference.slice(reference.indexOf('\n## 8. Cases'), reference.indexOf('\n## 9. '))
  return new Map(
    [...section.matchAll(/(?:^- |· )(\d+) ([a-z0-9-]+(?:, [a-z0-9-]+)*)/gm)].map(([, number, names]) => [
      Number(number),
      (names ?? '').split(', '),
    ]),
  )
}

test('each case is a test, by its number and its names', () => {
  expect(listed().size).toBe(27)
  const played = new Map<number, string>()
  // A test that runs for each of several says its name as a row of its table.
  for (const text of texts)
    for (const [, number, title] of text.matchAll(/\(\s*['"`]case (\d+): ([^\n]*)/g))
      played.set(Number(number), `${played.get(Number(number)) ?? ''} ${title}${title?.startsWith('%s') === true ? text : ''}`)
  const missing = [...listed()].flatMap(([number, names]) =>
    names.filter((name) => played.get(number)?.includes(name) !== true).map((name) => `${number} ${name}`),
  )
  expect(missing).toEqual([])
})

test('and none of them is left out', () => {
  const leftOut = /\b(?:test|it|describe)(?:\.concurrent)?\.(?:skip|skipIf|runIf|todo|fails|only)\b/
  expect(texts.filter((text) => leftOut.test(text))).toEqual([])
})
