/**
 * Installs what is missing before a command runs: the dependencies of the committed lockfile, Node 24 among them. Runs on
 * the machine's own Node (20 or newer); says nothing when there is nothing to do. It runs in a script of its own: a shell
 * that has found `node` once would not look for the Node 24 that comes with the dependencies.
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
