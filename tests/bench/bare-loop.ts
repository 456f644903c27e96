/**
 * What reading cannot do without: the same requests one after another, each answer parsed as JSON and let go. Told over IPC:
 * `{origin, bearer, paths}`; it answers with milliseconds, by the clock and on a processor.
 */
export interface BareLoop {
  readonly origin: string
  readonly bearer: string
  readonly paths: readonly string[]
}

process.on('message', async ({ origin, bearer, paths }: BareLoop) => {
  const begun = performance.now()
  const cpu = process.threadCpuUsage()
  for (const path of paths) {
    const answer = await fetch(origin + path, { headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' } })
    JSON.parse(await answer.text())
  }
  const { user, system } = process.threadCpuUsage(cpu)
  process.send?.([performance.now() - begun, (user + system) / 1000])
})
process.on('disconnect', () => process.exit(0))
