/**
 * `npm run bench`: the figures of the main trip at full size. A server of its own with a full-size organisation, a real
 * Chromium, loopback; then a full sync of a full-size Location, and how many calls large orders take. Prints a table; what
 * it printed, when and how, stands in tests/bench/README.md. `-- --only browser`, `sync`, `calls`, `reconcile` or `import` for one of
 * them.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { spawn, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chromium, type Page } from 'playwright-core'
import { openDatabase } from '../../server/database/database.ts'
import { apiKey, chromiumPath, launchArguments, ownerEmail, ownerPassword, root } from '../browser/town.ts'
import { measureImport } from './directory-import.ts'
import { callScenarios, countCalls } from './fewest-calls.ts'
import { measureReconcile } from './full-reconcile.ts'
import { measureFullSync, type FullSyncFigures } from './full-sync.ts'
import { fullSize, writeLargeTenant } from './large-tenant.ts'
import { scoreLicenseList } from './lighthouse.ts'

const rows: { readonly what: string; readonly figure: string; readonly aim: string }[] = []
const note = (what: string, figure: string, aim: string): void => {
  rows.push({ what, figure, aim })
  process.stdout.write(`${what}: ${figure} (aim: ${aim})\n`)
}
const ms = (value: number): string => `${Math.round(value)} ms`

const startServer = async (dataDirectory: string): Promise<{ readonly child: ChildProcess; readonly address: string }> => {
  const child = spawn(process.execPath, [join(root, 'server', 'main.ts')], {
    cwd: root,
    env: {
      ...process.env,
      QM_PORT: '0',
      QM_DATA_DIR: dataDirectory,
      QM_OWNER_EMAIL: ownerEmail,
      QM_OWNER_PASSWORD: ownerPassword,
      QM_API_KEY: apiKey,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const address = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout?.on('data', (data: Buffer) => {
      output += data.toString()
      const found = /https?:\/\/\S+/.exec(output)
      if (found !== null) resolve(found[0])
    })
    child.on('exit', (code) => reject(new Error(`the server ended with ${String(code)}`)))
  })
  return { child, address }
}

const memoryMB = (pid: number | undefined): { readonly now: number; readonly peak: number } => {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  const read = (name: string): number => Math.round(Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024)
  return { now: read('VmRSS'), peak: read('VmHWM') }
}

const listIsThere = async (page: Page): Promise<void> => {
  await page.getByRole('heading', { level: 1, name: 'Licenses' }).waitFor()
  await page
    .getByText(/^(Canvas|Notes|Atlas|Keys|Studio|Paper|Scanner|Algebra|Anatomy|Reader) \d+$/)
    .filter({ visible: true })
    .first()
    .waitFor()
}

const measureBrowser = async (): Promise<void> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-bench-'))
  const profile = mkdtempSync(join(tmpdir(), 'quartermaster-profile-'))
  const database = await openDatabase({ dataDir: dataDirectory, databaseUrl: null })
  await writeLargeTenant(database.db, fullSize, Date.now())
  await database.close()
  const { child, address } = await startServer(dataDirectory)
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      args: launchArguments,
      viewport: { width: 1440, height: 900 },
    })
    const page = await context.newPage()
    await page.goto(`${address}/sign-in`)
    await page.getByLabel('Email').fill(ownerEmail)
    await page.getByLabel('Password').fill(ownerPassword)

    // 1. The first full feed into an empty browser.
    const begun = performance.now()
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('status').filter({ hasText: 'Online' }).first().waitFor({ timeout: 120_000 })
    note('first full feed into an empty browser', ms(performance.now() - begun), '≤ 10 s')
    const memory = memoryMB(child.pid)
    note('server memory after it, now and at most', `${memory.now} MB, ${memory.peak} MB`, '≤ 400 MB')
    const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0)
    note('stored in the browser', `${(usage / 1e6).toFixed(1)} MB`, '≤ 25 MB')

    // 2. Filter and sort of the list, from the key to the painted rows.
    await page.goto(`${address}/licenses`)
    await listIsThere(page)
    note('filter of the list', ms(await filterTime(page)), '≤ 100 ms')
    note('sort of the list', ms(await sortTime(page)), '≤ 100 ms')

    // 3. What an assignment to half the organisation would come to, before it is kept.
    await page.goto(`${address}/licenses/l7`)
    note(
      `preview of an assignment to ${fullSize.principals / 2} people, and again with other terms`,
      (await previewTimes(page)).map(ms).join(', '),
      '≤ 150 ms',
    )

    // 4. Opened again without a network.
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const times: number[] = []
    for (let n = 0; n < 5; n += 1) {
      await context.setOffline(true)
      const cold = await context.newPage()
      const opened = performance.now()
      await cold.goto(`${address}/licenses`)
      await listIsThere(cold)
      times.push(performance.now() - opened)
      await cold.close()
    }
    await context.setOffline(false)
    times.sort((a, b) => a - b)
    note(
      'opened offline to an interactive list, median of 5 (least, most)',
      `${ms(times[2] ?? 0)} (${ms(times[0] ?? 0)}, ${ms(times[4] ?? 0)})`,
      '≤ 1.5 s',
    )
    await context.close()
  } finally {
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
    for (const directory of [dataDirectory, profile]) rmSync(directory, { recursive: true, force: true })
  }
  const scores = await scoreLicenseList()
  note(
    'Lighthouse on the license list',
    Object.entries(scores)
      .map(([name, score]) => `${name} ${score}`)
      .join(', '),
    '≥ 95 each',
  )
}

/** Each round has a fresh database, and bare loops before and after. */
const rounds = 3

const measureSync = async (): Promise<void> => {
  const figures: FullSyncFigures[] = []
  for (let round = 0; round < rounds; round += 1) figures.push(await measureFullSync())
  const listed = (of: (one: FullSyncFigures) => number, digits: number): string => figures.map((one) => of(one).toFixed(digits)).join(', ')
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
  note(
    'first full sync against the bare loop, times, by the clock',
    listed(({ fullMs, bareMs }) => fullMs / mean(bareMs), 2),
    '≤ 1.5',
  )
  note(
    'the same in time of the working thread',
    listed(({ cpuMs }) => cpuMs.full / mean(cpuMs.bare), 2),
    'none',
  )
  note(
    'a full sync of what is known already, likewise by the clock',
    listed(({ againMs, bareMs }) => againMs / mean(bareMs), 2),
    '≤ 1.5',
  )
  note('the bare loop itself', figures.map(({ bareMs }) => ms(mean(bareMs))).join(', '), 'none')
  note(
    'server memory at most, after the first and after the second',
    figures.map(({ peakMB }) => `${peakMB.full}, ${peakMB.again} MB`).join('; '),
    '≤ 300 MB',
  )
  note('an increment that brings nothing', figures.map(({ incrementMs }) => ms(incrementMs)).join(', '), '< 1 s')
}

const measureCalls = async (): Promise<void> => {
  for (const scenario of callScenarios) {
    const { calls, least, aboveLimit } = await countCalls(scenario)
    note(`calls to the store: ${scenario.name}`, `${calls}, ${aboveLimit} above a limit`, `${least}, 0 above a limit`)
  }
}

const measureWeighing = async (): Promise<void> => {
  const { verdicts, fullMs, afterChangeMs, licensesTouched } = await measureReconcile()
  const part = (values: readonly number[], share: number): number =>
    values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? 0
  note(`all licenses weighed, ${verdicts} people and devices in all, members gathered anew`, fullMs.cold.map(ms).join(', '), '≤ 3 s')
  note('the same with the members at hand', fullMs.warm.map(ms).join(', '), '≤ 3 s')
  note('the same with a verdict made for each', fullMs.explained.map(ms).join(', '), '≤ 3 s')
  note(
    `after one change of a group, ${part(licensesTouched, 0.5)} licenses touched, ${part(licensesTouched, 1)} at most: median, 95 of 100, most`,
    [0.5, 0.95, 1].map((share) => ms(part(afterChangeMs, share))).join(', '),
    '≤ 20 ms',
  )
}

const importRows = 100_000

const measureImports = async (): Promise<void> => {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'quartermaster-bench-'))
  const { child, address } = await startServer(dataDirectory)
  try {
    for (const kind of ['users', 'devices'] as const) {
      const one = await measureImport({ address, pid: child.pid ?? 0, key: apiKey }, kind, importRows)
      const what = `a file of ${importRows} ${kind}`
      note(`${what}: looked at, taken, the same again`, [one.dryRunMs, one.takenMs, one.againMs].map(ms).join(', '), '≤ 30 s each')
      note(
        `${what}: the worst answer meanwhile, to a look and to an act of somebody else`,
        `${one.worstAnswerMs.map(ms).join(', ')}; ${one.worstActMs.map(ms).join(', ')}`,
        '≤ 500 ms, ≤ 1 s',
      )
      note(`${what}: server memory at most`, `${one.peakMB} MB`, '≤ 600 MB')
    }
  } finally {
    child.kill('SIGTERM')
    await new Promise((resolve) => child.once('exit', resolve))
    rmSync(dataDirectory, { recursive: true, force: true })
  }
}

/** Time from an input event to the frame after the rows have changed, measured inside the page. */
const filterTime = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const box = document.querySelector<HTMLInputElement>('main input[type="search"], main input')
    if (box === null) throw new Error('no filter box')
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    let worst = 0
    for (const text of ['a', 'al', 'algebra', 'algebra 1', '']) {
      const begun = performance.now()
      box.value = text
      box.dispatchEvent(new Event('input', { bubbles: true }))
      worst = Math.max(worst, (await frame()) - begun)
    }
    return worst
  })

/** From the press on "All people", and from a press on a priority, to the second frame after it. */
const previewTimes = async (page: Page): Promise<readonly number[]> => {
  await page.getByRole('button', { name: 'Assign', exact: true }).first().click()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('combobox').fill('All people')
  await dialog.getByRole('option', { name: /All people/ }).waitFor()
  const pressed = (find: string): Promise<number> =>
    page.evaluate(async (selector) => {
      const found = document.querySelector<HTMLElement>(selector)
      if (found === null) throw new Error(`nothing at ${selector}`)
      const begun = performance.now()
      found.click()
      const done: number = await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
      return done - begun
    }, find)
  // Read from the disk once, as any screen is.
  await pressed('dialog [role="option"]')
  await dialog.getByRole('region', { name: 'Who gains, who loses, who waits' }).waitFor()
  await dialog.getByRole('button', { name: 'Take All people out' }).click()
  await dialog.getByRole('combobox').fill('All people')
  await dialog.getByRole('option', { name: /All people/ }).waitFor()
  // Another minute would reckon anew anyway; another mode does.
  await dialog.getByText('Exclude', { exact: true }).click()
  const first = await pressed('dialog [role="option"]')
  await dialog.getByText('More: priority, dates, reserved seats').click()
  const second = await pressed('dialog .terms input[value="first"]')
  return [first, second]
}

const sortTime = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const heads = [...document.querySelectorAll<HTMLButtonElement>('main [role="columnheader"] button, main th button')]
    if (heads.length === 0) throw new Error('no column head to sort by')
    const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))
    let worst = 0
    for (const head of heads) {
      const begun = performance.now()
      head.click()
      worst = Math.max(worst, (await frame()) - begun)
    }
    return worst
  })

const { values } = parseArgs({ options: { only: { type: 'string' } } })
const parts = { browser: measureBrowser, sync: measureSync, calls: measureCalls, reconcile: measureWeighing, import: measureImports }
for (const [name, measure] of Object.entries(parts)) if ((values.only ?? name) === name) await measure()
process.stdout.write(
  `\n| Figure | Measured | Aim |\n|---|---|---|\n${rows.map(({ what, figure, aim }) => `| ${what} | ${figure} | ${aim} |`).join('\n')}\n`,
)
