/** Builds the console into dist/client. `--if-missing`: only when there is none; `--if-stale`: when its sources changed since. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const built = join(root, 'dist', 'client', 'index.html')
const stamp = join(root, 'dist', 'built-from')

const filesUnder = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .flatMap((name) => filesUnder(join(path, name)))
    : [path]
const sources = () => {
  const hash = createHash('sha256')
  for (const path of ['client', 'shared', 'vite.config.ts', 'package-lock.json'].flatMap((name) => filesUnder(join(root, name))))
    hash.update(path.slice(root.length)).update(readFileSync(path))
  return hash.digest('hex')
}

const from = sources()
const isStale = () => !existsSync(stamp) || readFileSync(stamp, 'utf8') !== from
const option = process.argv[2]
const isWanted = !existsSync(built) || (option === '--if-missing' ? false : option === '--if-stale' ? isStale() : true)

if (isWanted) {
  process.stdout.write('Building the console\n')
  // A build asked for by a test would otherwise be one for tests: without the service worker.
  process.env.NODE_ENV = 'production'
  const { build } = await import('vite')
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
  // The people's own page is built apart: it shares no file with the console, whose worker keeps nothing of it.
  await build({
    configFile: false,
    root: join(root, 'client'),
    publicDir: false,
    logLevel: 'warn',
    build: {
      outDir: dirname(built),
      emptyOutDir: false,
      target: 'baseline-widely-available',
      modulePreload: { polyfill: false },
      rollupOptions: { input: join(root, 'client', 'self-service.html') },
    },
  })
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, from)
}
