/**
 * Installs what is missing before a command runs: the dependencies of the committed lockfile, Node 24 among them. Runs on
 * the machine's own Node (20 or newer); says nothing when there is nothing to do.
 *
 * `--build …` then builds the console, on the Node that came with the dependencies. It is not a second command of the
 * same npm script: a shell that has found `node` once does not look for another, and one that waits for a command
 * does not pass a signal on to it (hence `exec` in package.json).
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(root, 'node_modules', '.quartermaster-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .update(`${process.platform}-${process.arch}`)
  .digest('hex')

const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted

if (!isInstalled()) {
  process.stdout.write('Installing what is missing (once, about a minute)\n')
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const installed = spawnSync(command, [...args, 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (installed.status !== 0) {
    process.stderr.write(
      'The dependencies could not be installed. npm needs its registry: check the network, then run the command again.\n',
    )
    process.exit(1)
  }
  writeFileSync(stamp, wanted)
}

const [build, ...options] = process.argv.slice(2)
if (build === '--build') {
  const built = spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(root, 'scripts', 'build.mjs'), ...options], {
    cwd: root,
    stdio: 'inherit',
  })
  process.exit(built.status ?? 1)
}
