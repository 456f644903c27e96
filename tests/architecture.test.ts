/**
 * ARCHITECTURE.md says which room may know which. This reads the imports and holds them against it: an arrow that is
 * not allowed fails here, and so does a picture that names a file that is not there.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

const filesUnder = (folder: string): readonly string[] =>
  readdirSync(join(root, folder)).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(join(root, path)).isDirectory()) return name === 'node_modules' ? [] : filesUnder(path)
    return /\.(ts|svelte)$/.test(name) ? [path] : []
  })

const sources = ['client', 'server', 'shared', 'tests'].flatMap(filesUnder)

const importsOf = (file: string): readonly string[] =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^'"\n]*(?:\n[^'"\n]*)*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)\s*import\s*['"]([^'"]+)['"]/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')

/** Repository paths of what a file imports from the project itself. */
const ownImportsOf = (file: string): readonly string[] =>
  importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => relative(root, normalize(join(root, dirname(file), name.replace(/\?.*$/, '')))))

const room = (path: string): string => path.split('/')[0] ?? ''

test('client and server stand on shared and never see each other', () => {
  const allowed: Record<string, readonly string[]> = {
    shared: ['shared'],
    client: ['client', 'shared'],
    server: ['server', 'shared', 'package.json'],
    tests: ['tests', 'client', 'server', 'shared', 'package.json'],
  }
  const wrong = sources.flatMap((file) =>
    ownImportsOf(file)
      .filter((target) => !allowed[room(file)]?.includes(room(target)))
      .map((target) => `${file} → ${target}`),
  )
  expect(wrong).toEqual([])
})

test('shared does no input or output and reads no clock', () => {
  const wrong = filesUnder('shared').flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const found: string[] = []
    for (const name of importsOf(file)) if (name.startsWith('node:')) found.push(`${file} imports ${name}`)
    for (const forbidden of [/\bDate\.now\(/, /\bMath\.random\(/, /\bsetTimeout\(/, /\bsetInterval\(/, /\bfetch\(/, /\bnew Date\(\)/])
      if (forbidden.test(text)) found.push(`${file} uses ${forbidden.source}`)
    return found
  })
  expect(wrong).toEqual([])
})

test('the rules of client and server take time and chance as arguments', () => {
  /** Composition roots and browser edges, where the real clock and chance are made. */
  const roots =
    /^(server\/(system-clock|main)\.ts|server\/sandbox\/demo\.ts|client\/(main|browser|service-worker|app-update|system-clock|self-service\/main)\.ts)$/
  const wrong = [...filesUnder('server'), ...filesUnder('client').filter((file) => file.endsWith('.ts') && !file.endsWith('.svelte.ts'))]
    .filter((file) => !roots.test(file))
    .flatMap((file) => {
      const text = readFileSync(join(root, file), 'utf8')
      return [/\bDate\.now\(/, /\bMath\.random\(/, /(?<![.\w])setTimeout\(/, /(?<![.\w])setInterval\(/]
        .filter((forbidden) => forbidden.test(text))
        .map((forbidden) => `${file} uses ${forbidden.source}`)
    })
  expect(wrong).toEqual([])
})

test('only the workspace changes plan documents, and only the line of orders writes to a store', () => {
  const writersOfDocs = filesUnder('server').filter((file) =>
    /\bY\.applyUpdate\(|\.transact\(/.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(writersOfDocs).toEqual(['server/workspace.ts'])
  const writersToStores = filesUnder('server').filter(
    (file) =>
      !file.startsWith('server/stores/') &&
      !file.startsWith('server/sandbox/') &&
      /\bconnection\.write\(/.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(writersToStores).toEqual(['server/order-line.ts'])
})

test('the product never imports the sandbox, and a store is known by its contract alone', () => {
  const roots = ['server/sandbox/demo.ts', 'server/main.ts', 'server/serve.ts']
  const wrong = filesUnder('server').flatMap((file) =>
    ownImportsOf(file)
      .filter(
        (target) =>
          (target.startsWith('server/sandbox/') && !file.startsWith('server/sandbox/')) ||
          (/^server\/stores\/(apple|google|microsoft)\//.test(target) && !file.startsWith(dirname(target)) && !roots.includes(file)),
      )
      .map((target) => `${file} → ${target}`),
  )
  expect(wrong).toEqual([])
})

test('screens read the workspace and call edits, and parts know nothing of the engine', () => {
  const engine = /^client\/(local-db|outbox|replica|facts|connection|tabs|console)\b/
  const wrong = filesUnder('client').flatMap((file) => {
    const inScreens = file.startsWith('client/screens/')
    const inParts = file.startsWith('client/parts/')
    if (!inScreens && !inParts) return []
    return ownImportsOf(file)
      .filter((target) => engine.test(target) || (inParts && /^client\/(workspace|edits|server-acts|session|screens)/.test(target)))
      .map((target) => `${file} → ${target}`)
  })
  expect(wrong).toEqual([])
})

test('no module imports itself round a corner', () => {
  const importsByFile = new Map(
    [...filesUnder('shared'), ...filesUnder('server'), ...filesUnder('client')].map((file) => [
      file,
      ownImportsOf(file).filter((target) => existsSync(join(root, target))),
    ]),
  )
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      circles.push([...path.slice(path.indexOf(file)), file].join(' → '))
      return
    }
    if (done.has(file)) return
    for (const target of importsByFile.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of importsByFile.keys()) visit(file, [])
  expect(circles).toEqual([])
})

test('every file that ARCHITECTURE.md names is there', () => {
  const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
  const named = [...text.matchAll(/`((?:client|server|shared|tests|docs|scripts)\/[\w./-]+)`/g)].map((match) => match[1] ?? '')
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([])
})

test('no file is a drawer', () => {
  const drawers = sources.filter((file) => /(^|\/)(utils?|helpers?|common|misc|managers?|services?)(\/|\.[a-z.]+$)/i.test(file))
  expect(drawers).toEqual([])
})

test('nothing renders unescaped markup', () => {
  const wrong = filesUnder('client').filter((file) => file.endsWith('.svelte') && readFileSync(join(root, file), 'utf8').includes('{@html'))
  expect(wrong).toEqual([])
})
