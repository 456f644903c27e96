if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Quartermaster runs on Node 24, and this is ${process.versions.node}. Start it with: npm start (it brings Node 24).\n`,
  )
  process.exit(1)
}

/** The product: `npm start`. Settings come from the environment; the first line on standard output holds the address. */
const { readFileSync } = await import('node:fs')
const { join } = await import('node:path')
const { setFlagsFromString } = await import('node:v8')
const { createIconProcess } = await import('./icon-process.ts')
const { createLog } = await import('./log.ts')
const { serve } = await import('./serve.ts')
const { readSettings } = await import('./settings.ts')
const { StartRefused } = await import('./start-refused.ts')
const { systemChance, systemClock } = await import('./system-clock.ts')

// A sync of a million seats makes gigabytes of objects that are gone at once, and keeps 40 MB. Left to itself the heap grows
// to a multiple of what is kept; so it stays below 300 MB, for some five percent of the time (tests/bench/README.md).
setFlagsFromString('--semi-space-growth-factor=1')
setFlagsFromString('--heap-growing-percent=50')

const root = join(import.meta.dirname, '..')
const version = String(Reflect.get(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object, 'version'))
const refuse = (text: string): never => {
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

const settings = readSettings(process.env)
if (!settings.ok) refuse(settings.error.text)
else {
  const log = createLog({ clock: systemClock })
  process.on('unhandledRejection', (cause) => log.error({ err: cause }, 'a promise nobody waited for failed'))
  const serving = await serve({
    settings: settings.value,
    clock: systemClock,
    chance: systemChance,
    fetch: globalThis.fetch,
    drawIcon: createIconProcess({ clock: systemClock }),
    log,
    version,
    consoleDirectory: join(root, 'dist', 'client'),
    memoryBytes: () => process.memoryUsage.rss(),
  }).catch((cause: unknown) => {
    if (cause instanceof StartRefused) return refuse(cause.message)
    throw cause
  })
  process.stdout.write(`Quartermaster is at ${serving.publicUrl}\n`)
  if (serving.access.setUpUrl !== null)
    process.stdout.write(`Nobody can sign in yet. Make the owner's account here; the link works once: ${serving.access.setUpUrl}\n`)

  let isStopping = false
  const stop = (): void => {
    if (isStopping) return
    isStopping = true
    serving.close().then(
      () => process.exit(0),
      (cause: unknown) => {
        log.error({ err: cause }, 'the stop went wrong; what was acknowledged is kept')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

export {}
