/** Lighthouse on the license list of the sample organisation, signed in, as a desktop. Gives each category's score, 0 to 100. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import lighthouse, { desktopConfig } from 'lighthouse'
import { chromium } from 'playwright-core'
import { chromiumPath, launchArguments, openTown, signIn } from '../browser/town.ts'

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })

export const scoreLicenseList = async (): Promise<Readonly<Record<string, number>>> => {
  await using town = await openTown()
  const profile = mkdtempSync(join(tmpdir(), 'quartermaster-lighthouse-'))
  const port = await freePort()
  const browser = spawn(
    chromiumPath(),
    [...launchArguments, '--headless', `--remote-debugging-port=${port}`, `--user-data-dir=${profile}`, 'about:blank'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  try {
    await new Promise<void>((resolve) => {
      browser.stderr.on('data', (data: Buffer) => {
        if (data.toString().includes('DevTools listening')) resolve()
      })
    })
    const connected = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
    const page = await connected.contexts()[0]?.newPage()
    if (page === undefined) throw new Error('lighthouse: the browser opened no page')
    await page.setViewportSize({ width: 1440, height: 900 })
    await signIn(page, town.address)
    await page.close()
    const run = await lighthouse(
      `${town.address}/licenses`,
      { port, disableStorageReset: true, logLevel: 'error', output: 'json' },
      desktopConfig,
    )
    await connected.close()
    if (run === undefined) throw new Error('lighthouse gave no result')
    const failing = Object.values(run.lhr.audits).filter(
      ({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== 'informative',
    )
    for (const { id, title, displayValue } of failing) process.stdout.write(`  below 90: ${id}: ${title} ${displayValue ?? ''}\n`)
    return Object.fromEntries(Object.entries(run.lhr.categories).map(([name, { score }]) => [name, Math.round((score ?? 0) * 100)]))
  } finally {
    browser.kill('SIGKILL')
    await new Promise((resolve) => browser.once('exit', resolve))
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
