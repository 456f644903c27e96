import { createAppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import type { AppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import type { Fetch } from '../../../server/sandbox/apple/notices.ts'
import type { Target } from '../../../server/sandbox/apple/state.ts'
import type { Switches } from '../../../server/sandbox/apple/switches.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'
import type { HandClock } from '../../world/hand-clock.ts'

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export const START = Date.UTC(2026, 9, 15, 8, 0, 0)

export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly text: string
  readonly headers: Headers
}

/** One location with its token, and short words to talk to the store. A tenth of a second lies before each request, so that only who wants to meets the rate limit. */
export interface Desk {
  readonly sandbox: AppleSandbox
  readonly control: AppleSandbox['control']
  readonly clock: HandClock
  readonly uId: string
  /** Lets time pass, and promises settle before and after. */
  pass(ms: number): Promise<void>
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
  const pass = async (ms: number): Promise<void> => {
    await settled()
    clock.pass(ms)
    await settled()
  }
  const { uId, tokenFile } = control.addLocation({ name: 'Eastmere Schools', uId: '7700000000000123', managedDomain: 'school.example' })

  const ask = async (method: string, path: string, body: string | undefined, asked: AskOptions): Promise<Answer> => {
    if (asked.close !== true) await pass(100)
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
    pass,
    get: (path, asked = {}) => ask('GET', path, undefined, asked),
    post: (path, body, asked = {}) => ask('POST', path, asked.rawBody ?? JSON.stringify(body), asked),
    async settle(path, body) {
      const accepted = await desk.post(path, body)
      if (accepted.status !== 200) throw new Error(`refused: ${accepted.text}`)
      await pass(1000)
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
