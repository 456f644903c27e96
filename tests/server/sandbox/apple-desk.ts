import { createAppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import type { AppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import type { Fetch } from '../../../server/sandbox/apple/notices.ts'
import type { Target } from '../../../server/sandbox/apple/state.ts'
import type { Switches } from '../../../server/sandbox/apple/switches.ts'
import type { Chance, Clock } from '../../../shared/clock.ts'

export interface HandClock extends Clock {
  /** Moves on, calling what falls due on the way in its order, and lets promises settle in between. */
  advance(ms: number): Promise<void>
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const handClock = (start: number): HandClock => {
  let now = start
  let n = 0
  const due = new Map<number, { readonly at: number; readonly act: () => void }>()
  return {
    now: () => now,
    after(ms, act) {
      n += 1
      const id = n
      due.set(id, { at: now + ms, act })
      return () => void due.delete(id)
    },
    async advance(ms) {
      const until = now + ms
      for (;;) {
        await settled()
        const [next] = [...due].filter(([, { at }]) => at <= until).sort(([a, x], [b, y]) => x.at - y.at || a - b)
        if (next === undefined) break
        due.delete(next[0])
        now = Math.max(now, next[1].at)
        next[1].act()
      }
      now = until
      await settled()
    },
  }
}

export const seededChance = (seed: number): Chance => {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  return { fraction, bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(fraction() * 256)) }
}

export const START = Date.UTC(2026, 9, 15, 8, 0, 0)

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly text: string
  readonly headers: Headers
}

/** One location with its token, and short words to talk to the store. Requests are spaced out, so that only who wants to meets the rate limit. */
export interface Desk {
  readonly sandbox: AppleSandbox
  readonly control: AppleSandbox['control']
  readonly clock: HandClock
  readonly uId: string
  get(path: string, options?: AskOptions): Promise<Answer>
  post(path: string, body: unknown, options?: AskOptions): Promise<Answer>
  /** Posts, waits until the event is over and gives its status. */
  settle(path: string, body: unknown): Promise<Record<string, unknown>>
  /** Every page of a list, one after the other. */
  walk(path: string, items: string): Promise<{ readonly pages: readonly Record<string, unknown>[]; readonly items: readonly Item[] }>
}

export type Item = Readonly<Record<string, unknown>>

export interface AskOptions {
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  readonly rawBody?: string
  readonly close?: boolean
}

export const isItem = (value: unknown): value is Item => typeof value === 'object' && value !== null && !Array.isArray(value)

export const itemsOf = (value: unknown): readonly Item[] => (Array.isArray(value) ? value.filter(isItem) : [])

export const device = (serialNumber: string): Target => ({ kind: 'device', serialNumber })
export const user = (clientUserId: string): Target => ({ kind: 'user', clientUserId })

export const openDesk = (options: { readonly switches?: Partial<Switches>; readonly fetch?: Fetch } = {}): Desk => {
  const clock = handClock(START)
  const sandbox = createAppleSandbox({
    clock,
    chance: seededChance(1),
    switches: { pageSize: 3, ...options.switches },
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  })
  const { control } = sandbox
  const { uId, tokenFile } = control.addLocation({ name: 'Eastmere Schools', uId: '7700000000000123', managedDomain: 'school.example' })

  const ask = async (method: string, path: string, body: string | undefined, asked: AskOptions): Promise<Answer> => {
    if (asked.close !== true) await clock.advance(100)
    const token = asked.token === undefined ? tokenFile : asked.token
    const headers = new Headers(asked.headers)
    if (token !== null) headers.set('authorization', `Bearer ${token}`)
    if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
    const request = new Request(`https://vpp.example/mdm/v2${path}`, {
      method: asked.method ?? method,
      headers,
      ...(body === undefined ? {} : { body }),
    })
    const response = await sandbox.fetch(request)
    const text = await response.text()
    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      parsed = {}
    }
    return { status: response.status, body: isItem(parsed) ? parsed : {}, text, headers: response.headers }
  }

  const desk: Desk = {
    sandbox,
    control,
    clock,
    uId,
    get: (path, asked = {}) => ask('GET', path, undefined, asked),
    post: (path, body, asked = {}) => ask('POST', path, asked.rawBody ?? JSON.stringify(body), asked),
    async settle(path, body) {
      const accepted = await desk.post(path, body)
      if (accepted.status !== 200) throw new Error(`refused: ${accepted.text}`)
      await clock.advance(1000)
      return (await desk.get(`/status?eventId=${String(accepted.body['eventId'])}`)).body
    },
    async walk(path, items) {
      const pages: Record<string, unknown>[] = []
      let next: unknown = 0
      while (typeof next === 'number') {
        const { status, body, text } = await desk.get(`${path}${path.includes('?') ? '&' : '?'}pageIndex=${next}`)
        if (status !== 200) throw new Error(`page ${next}: ${status} ${text}`)
        pages.push(body)
        next = body['nextPageIndex']
      }
      return { pages, items: pages.flatMap((page) => itemsOf(page[items])) }
    },
  }
  return desk
}
