import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext } from 'playwright-core'
import { expect, test } from 'vitest'
import { assignTo, badge, openLicense, waitForInstalled, waitForOffline, waitForOnline } from './acts.ts'
import { chromiumPath, launchArguments, openTown, signIn, signInHere } from './town.ts'

/** A browser with a profile that outlives it. */
const openProfile = (profile: string): Promise<BrowserContext> =>
  chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    args: launchArguments,
    viewport: { width: 1440, height: 900 },
    timezoneId: 'UTC',
  })

/** The browser dies as a process does: nothing is closed in order. Its number is in the lock of its profile. */
const killBrowser = async (profile: string, context: BrowserContext): Promise<void> => {
  const pid = Number(readlinkSync(join(profile, 'SingletonLock')).split('-').at(-1))
  if (!Number.isInteger(pid) || pid <= 1) throw new Error('the profile does not say which process holds it')
  const closed = new Promise((resolve) => context.once('close', resolve))
  process.kill(pid, 'SIGKILL')
  await closed
}

test('an edit made offline survives two reloads and a killed browser, and is taken once when the network is back', async () => {
  await using town = await openTown()
  const profile = mkdtempSync(join(tmpdir(), 'quartermaster-profile-'))
  try {
    const first = await openProfile(profile)
    const page = await first.newPage()
    await signIn(page, town.address)
    await waitForOnline(page)
    await waitForInstalled(page)
    await openLicense(page, 'Book Creator')
    const path = new URL(page.url()).pathname

    await first.setOffline(true)
    await waitForOffline(page)
    await assignTo(page, 'HL-IPAD-0001')
    await badge(page, '1 unsent').waitFor()
    for (let reload = 0; reload < 2; reload += 1) {
      await page.reload()
      await page.getByRole('heading', { level: 1, name: 'Book Creator' }).waitFor()
      await badge(page, '1 unsent').waitFor()
      await page
        .getByRole('region', { name: /Assignments/ })
        .getByText('HL-IPAD-0001')
        .first()
        .waitFor()
    }
    await killBrowser(profile, first)

    const second = await openProfile(profile)
    await second.setOffline(true)
    const again = await second.newPage()
    await again.goto(`${town.address}${path}`)
    await again.getByRole('heading', { level: 1, name: 'Book Creator' }).waitFor()
    await badge(again, '1 unsent').waitFor()
    // A killed browser may have lost its newest cookies; whoever signs in again finds the edit and sends it.
    await second.clearCookies()
    await second.setOffline(false)
    await again.getByRole('button', { name: 'Sign in' }).waitFor()
    await signInHere(again)
    await waitForOnline(again)
    const answer = await town.ask('GET', `/assignments?license=${path.split('/').at(-1) ?? ''}`)
    expect(answer.body).toMatchObject({ items: [{ target: { name: 'HL-IPAD-0001' } }] })
    await second.close()
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 })
  }
})

test('the server goes away while someone works: the page says offline, keeps the edit, and sends it when the server is back', async () => {
  await using town = await openTown()
  const { page } = await town.person()
  await openLicense(page, 'Book Creator')
  await town.stopServer()
  await waitForOffline(page)
  await assignTo(page, 'HL-IPAD-0003')
  await badge(page, '1 unsent').waitFor()
  await town.startServer()
  await waitForOnline(page)
})
