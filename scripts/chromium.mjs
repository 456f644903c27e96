/** Finds the Chromium that the browser tests drive, or brings it: CHROME_PATH, the usual places, Debian's package as root. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
]

/** The path of an executable. Throws with one line that says what to do: browser tests are never skipped in silence. */
export const findChromium = () => {
  const named = process.env.CHROME_PATH
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named
    throw new Error(`CHROME_PATH is ${named}, and nothing is there. Point it at a Chromium or Chrome executable.`)
  }
  return usualPlaces.find((path) => existsSync(path))
}

export const bringChromium = () => {
  const found = findChromium()
  if (found !== undefined) return found
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    process.stdout.write('Installing Chromium for the browser tests\n')
    const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
    spawnSync('apt-get', ['update', '-q'], quiet)
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', 'chromium', 'fonts-liberation'], quiet)
    const installed = findChromium()
    if (installed !== undefined) return installed
  }
  throw new Error('No Chromium was found for the browser tests. Install Chromium or Chrome, or set CHROME_PATH to its executable.')
}
