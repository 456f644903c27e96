/**
 * A file of 100,000 rows into the real server, in a process of its own with SQLite on disk: how long it takes, how long the
 * event loop stands still meanwhile (as the worst answer of /healthz, asked every 5 ms), and how much memory it needs.
 */
import { readFileSync } from 'node:fs'

export interface ImportFigures {
  readonly dryRunMs: number
  readonly takenMs: number
  readonly againMs: number
  /** While it was looked at, taken, and taken again. */
  readonly worstAnswerMs: readonly number[]
  /** The worst of an act of somebody else: a person put in by hand meanwhile. */
  readonly worstActMs: readonly number[]
  readonly peakMB: number
}

const heads = {
  users: 'userName,displayName,email,department,active,managedAppleAccount',
  devices: 'serialNumber,name,platform,model,ownerUserName',
}

const fileOf = (kind: keyof typeof heads, rows: number): string => {
  const lines = [heads[kind]]
  for (let n = 0; n < rows; n += 1)
    lines.push(
      kind === 'users'
        ? `person${n},Person Number ${n},person${n}@school.example,Department ${n % 50},true,person${n}@appleid.school.example`
        : `SERIAL${n},Tablet ${n},iPadOS,iPad (10th generation),person${n}`,
    )
  return `${lines.join('\n')}\n`
}

export const measureImport = async (
  server: { readonly address: string; readonly pid: number; readonly key: string },
  kind: keyof typeof heads,
  rows: number,
): Promise<ImportFigures> => {
  const headers = { authorization: `Bearer ${server.key}` }
  const file = fileOf(kind, rows)
  const send = async (options: string): Promise<number> => {
    const began = performance.now()
    const answer = await fetch(`${server.address}/api/v1/directory/import?kind=${kind}${options}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'text/csv' },
      body: file,
    })
    if (answer.status !== 200) throw new Error(`the import was answered with ${answer.status}: ${(await answer.text()).slice(0, 500)}`)
    await answer.json()
    return performance.now() - began
  }
  let worstAnswerMs = 0
  let worstActMs = 0
  let isOver = false
  const watch = async (ask: () => Promise<Response>, note: (ms: number) => void, everyMs: number): Promise<void> => {
    while (!isOver) {
      const began = performance.now()
      await (await ask()).arrayBuffer()
      note(performance.now() - began)
      await new Promise((resolve) => void setTimeout(resolve, everyMs))
    }
  }
  let added = 0
  const watching = [
    watch(
      () => fetch(`${server.address}/healthz`),
      (ms) => void (worstAnswerMs = Math.max(worstAnswerMs, ms)),
      5,
    ),
    watch(
      () =>
        fetch(`${server.address}/api/v1/users`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify({ userName: `meanwhile-${kind}-${(added += 1)}` }),
        }),
      (ms) => void (worstActMs = Math.max(worstActMs, ms)),
      200,
    ),
  ]
  const worstAnswers: number[] = []
  const worstActs: number[] = []
  const phase = async (options: string): Promise<number> => {
    worstAnswerMs = worstActMs = 0
    const took = await send(options)
    worstAnswers.push(worstAnswerMs)
    worstActs.push(worstActMs)
    return took
  }
  const dryRunMs = await phase('&dryRun=true')
  const takenMs = await phase('')
  const againMs = await phase('')
  isOver = true
  await Promise.all(watching)
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]
  return { dryRunMs, takenMs, againMs, worstAnswerMs: worstAnswers, worstActMs: worstActs, peakMB: Math.round(Number(peak ?? 0) / 1024) }
}
