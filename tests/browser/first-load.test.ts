import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { root } from './town.ts'

const assets = join(root, 'dist', 'client', 'assets')

/** The scripts that index.html asks for, and what they import at once. */
const firstScripts = (): ReadonlySet<string> => {
  const html = readFileSync(join(root, 'dist', 'client', 'index.html'), 'utf8')
  const found = new Set<string>()
  const visit = (name: string): void => {
    if (found.has(name)) return
    found.add(name)
    const text = readFileSync(join(assets, name), 'utf8')
    for (const match of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) visit(match[1] ?? '')
  }
  for (const match of html.matchAll(/assets\/([\w.-]+\.js)/g)) visit(match[1] ?? '')
  return found
}

test('the first load is at most 170 KB of gzipped script', () => {
  const scripts = firstScripts()
  expect(scripts.size).toBeGreaterThan(0)
  const bytes = [...scripts].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name))).length, 0)
  expect(bytes).toBeLessThanOrEqual(170 * 1024)
})

test('nothing in the build is fetched from another host', () => {
  const files = readdirSync(assets).filter((name) => /\.(js|css)$/.test(name))
  const elsewhere = files.flatMap((name) =>
    [...readFileSync(join(assets, name), 'utf8').matchAll(/url\((?:"|')?https?:[^)]*\)|import\(["']https?:/g)].map(
      (match) => `${name}: ${match[0]}`,
    ),
  )
  expect(elsewhere).toEqual([])
})
