/**
 * What reading cannot do without: the same requests one after another, each answer parsed as JSON and let go. Told over IPC:
 * `{origin, bearer, paths}`; it answers with milliseconds.
 */
export interface BareLoop {
  readonly origin: string
  readonly bearer: string
  readonly paths: readonly string[]
}

process.on('message', async ({ origin, bearer, paths }: BareLoop) => {
  const begun = performance.now()
  for (const path of paths) {
    const answer = await fetch(origin + path, { headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' } })
    JSON.parse(await answer.text())
  }
  process.send?.(performance.now() - begun)
})
process.on('disconnect', () => process.exit(0))
