/**
 * The network of the world: requests of the server to the store, and sockets of the consoles to the server. Both take
 * time, and both can fail in every way that a network fails; what fails is drawn by whoever made the world.
 */
import type { OpenSocket, SocketListener } from '../../client/connection.ts'
import type { Socket as ServerSocket } from '../../server/exchange.ts'
import type { Notices } from '../../server/notices.ts'
import type { Life, Schedule } from './schedule.ts'

export type RequestFault =
  /** No connection: nothing was sent. */
  | { readonly is: 'refused' }
  /** The line drops, before the store has it or after it has done everything. */
  | { readonly is: 'cut'; readonly when: 'before' | 'after' }
  /** No answer comes, although the store may have it. */
  | { readonly is: 'silent'; readonly when: 'before' | 'after' }
  | { readonly is: 'slow'; readonly ms: number }
  | { readonly is: 'bad-gateway'; readonly when: 'before' | 'after' }
  /** A captive portal, or a proxy's own page. */
  | { readonly is: 'page' }

export interface RequestSeen {
  readonly method: string
  readonly path: string
  readonly body: string
}

export interface StoreLine {
  /** The server's `fetch`. */
  fetchOf(life: Life): typeof globalThis.fetch
  fault: (request: RequestSeen) => RequestFault | undefined
  /** Called as a request leaves the server. */
  onLeave: (request: RequestSeen, fault: RequestFault | undefined, life: Life) => void
  latencyMs: () => number
  /** Requests that are on their way or at the store. */
  inFlight(): number
}

const failed = (code: string): TypeError => new TypeError('fetch failed', { cause: Object.assign(new Error(code), { code }) })

export const createStoreLine = (schedule: Schedule, store: (request: Request) => Promise<Response>): StoreLine => {
  let inFlight = 0
  const line: StoreLine = {
    inFlight: () => inFlight,
    fault: () => undefined,
    onLeave: () => undefined,
    latencyMs: () => 20,
    fetchOf: (life) => async (input, init) => {
      const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url)
      const method = init?.method ?? 'GET'
      const body = typeof init?.body === 'string' ? init.body : ''
      const seen = { method, path: url.pathname + url.search, body }
      if (!life.alive) return await new Promise<never>(() => undefined)
      const fault = line.fault(seen)
      if (fault?.is !== 'refused') line.onLeave(seen, fault, life)
      inFlight += 1
      let ended = false
      return await new Promise<Response>((resolve, reject) => {
        const end = (act: () => void): void => {
          schedule.stir()
          if (!ended) inFlight -= 1
          ended = true
          if (life.alive) act()
        }
        const later = (ms: number, act: () => void): void => void schedule.after(ms, act)
        const arrive = async (): Promise<Response> => {
          const answer = await store(new Request(url, { method, headers: init?.headers ?? {}, ...(body === '' ? {} : { body }) }))
          const bytes = await answer.arrayBuffer()
          schedule.stir()
          return new Response(answer.status === 204 ? null : bytes, { status: answer.status, headers: answer.headers })
        }
        const there = line.latencyMs()
        const back = line.latencyMs() + (fault?.is === 'slow' ? fault.ms : 0)
        init?.signal?.addEventListener('abort', () => end(() => reject(new DOMException('aborted', 'AbortError'))))
        if (fault?.is === 'refused') return later(there, () => end(() => reject(failed('ECONNREFUSED'))))
        if (fault?.is === 'page')
          return later(there + back, () =>
            end(() =>
              resolve(new Response('<!doctype html><title>Sign in to the network</title>', { headers: { 'content-type': 'text/html' } })),
            ),
          )
        const reaches = fault === undefined || !('when' in fault) || fault.when === 'after'
        later(there, () => {
          const done: Promise<Response | undefined> = reaches ? arrive() : Promise.resolve(undefined)
          void done.then(
            (answer) => {
              switch (fault?.is) {
                case 'cut':
                  return later(back, () => end(() => reject(failed('ECONNRESET'))))
                case 'silent':
                  // Longer than anybody waits for an answer.
                  return later(120_000, () => end(() => undefined))
                case 'bad-gateway':
                  return later(back, () => end(() => resolve(new Response('<html><h1>502 Bad Gateway</h1></html>', { status: 502 }))))
                default:
                  return later(back, () => end(() => (answer === undefined ? reject(failed('ECONNRESET')) : resolve(answer))))
              }
            },
            () => later(back, () => end(() => reject(failed('ECONNRESET')))),
          )
        })
      })
    },
  }
  return line
}

/** Longer than this the store does not wait for the answer to a notice. */
const noAnswerMs = 30_000

export interface NoticeLine {
  /** The store's `fetch` for its notices. */
  readonly fetch: (request: Request) => Promise<Response>
  /** A notice of somebody else's making: at the address and with the secret that the store was given last, or with another secret. */
  forge(body: unknown, secret?: string): Promise<void>
  /** How many came to the server, forged ones too. */
  arrived(): number
}

export const createNoticeLine = (schedule: Schedule, server: () => Pick<Notices, 'take'> | undefined): NoticeLine => {
  let last: { readonly connector: string; readonly secret: string } | undefined
  let arrived = 0
  const there = (): Promise<void> =>
    new Promise((resolve) =>
      schedule.after(30, () => {
        schedule.stir()
        resolve()
      }),
    )
  const deliver = async (connector: string, secret: string | undefined, body: string): Promise<Response> => {
    await there()
    const notices = server()
    if (notices === undefined) throw failed('ECONNREFUSED')
    arrived += 1
    const tooLong = new Promise<never>((_, reject) => void schedule.after(noAnswerMs, () => reject(failed('UND_ERR_HEADERS_TIMEOUT'))))
    // A process that dies over it answers nothing.
    const taken = await Promise.race([notices.take(connector, secret, () => Promise.resolve(body)), tooLong])
    schedule.stir()
    return new Response(null, { status: taken === 'not-let-in' ? 403 : taken === 'no-notice' ? 400 : 200 })
  }
  return {
    fetch: async (request) => {
      const connector = new URL(request.url).pathname.split('/').at(-1) ?? ''
      const secret = request.headers.get('authorization')?.slice('Bearer '.length)
      if (secret !== undefined) last = { connector, secret }
      return await deliver(connector, secret, await request.text())
    },
    forge: async (body, secret) => {
      if (last === undefined) return
      await deliver(last.connector, secret ?? last.secret, JSON.stringify(body)).catch(() => undefined)
    },
    arrived: () => arrived,
  }
}

/** The server's end of a new socket: undefined while no server listens. */
export type Accept = (socket: ServerSocket) => { receive(bytes: Uint8Array): void; closed(): void } | undefined

export interface Frame {
  readonly from: 'browser' | 'server'
  readonly bytes: Uint8Array
}

export interface BrowserLine {
  openSocketOf(life: Life): OpenSocket
  /** No new connection comes about, and the present one is gone. `told`: the server hears of it. */
  goOffline(told: boolean): void
  goOnline(): void
  isOnline(): boolean
  /** Ends the connection for both sides. */
  cut(): void
  /** The server's process is gone: what it had sent still arrives, and then the end. */
  serverGone(): void
  /** From now on nothing passes, and nobody is told. */
  goSilent(): void
  /** A frame was put on the line. */
  onFrame: (frame: Frame) => void
  latencyMs: () => number
  connections(): number
}

interface Wire {
  open: boolean
  silent: boolean
  /** The next frame of a direction arrives no earlier than the one before it. */
  toServerAt: number
  toBrowserAt: number
  end: { receive(bytes: Uint8Array): void; closed(): void } | undefined
  readonly life: Life
  readonly listener: SocketListener
}

/** One browser's way to the server. Its frames keep their order; what was on its way when the line is cut is lost. */
export const createBrowserLine = (schedule: Schedule, accept: Accept): BrowserLine => {
  const wires = new Set<Wire>()
  let online = true

  const closeServerEnd = (wire: Wire): void => {
    const { end } = wire
    wire.end = undefined
    end?.closed()
  }
  const closeBrowserEnd = (wire: Wire): void => {
    if (!wire.open) return
    wire.open = false
    wires.delete(wire)
    if (wire.life.alive) wire.listener.closed()
  }

  const line: BrowserLine = {
    serverGone: () => {
      for (const wire of wires) {
        wire.end = undefined
        wire.toBrowserAt = Math.max(wire.toBrowserAt, schedule.now() + line.latencyMs())
        schedule.after(wire.toBrowserAt - schedule.now(), () => closeBrowserEnd(wire))
      }
    },
    onFrame: () => undefined,
    latencyMs: () => 10,
    isOnline: () => online,
    connections: () => wires.size,
    goOffline: (told) => {
      online = false
      for (const wire of wires) {
        wire.silent = true
        if (told) schedule.after(line.latencyMs(), () => closeServerEnd(wire))
        schedule.after(0, () => closeBrowserEnd(wire))
      }
    },
    goOnline: () => void (online = true),
    cut: () => {
      for (const wire of wires) {
        wire.silent = true
        schedule.after(line.latencyMs(), () => closeServerEnd(wire))
        schedule.after(line.latencyMs(), () => closeBrowserEnd(wire))
      }
    },
    goSilent: () => {
      for (const wire of wires) wire.silent = true
    },
    openSocketOf: (life) => (listener) => {
      const wire: Wire = { open: true, silent: false, toServerAt: 0, toBrowserAt: 0, end: undefined, life, listener }
      wires.add(wire)
      const toServer = (act: () => void): void => {
        wire.toServerAt = Math.max(wire.toServerAt, schedule.now() + line.latencyMs())
        schedule.after(wire.toServerAt - schedule.now(), () => (wire.silent ? undefined : act()))
      }
      const toBrowser = (act: () => void): void => {
        wire.toBrowserAt = Math.max(wire.toBrowserAt, schedule.now() + line.latencyMs())
        schedule.after(wire.toBrowserAt - schedule.now(), () => (wire.silent || !wire.open || !life.alive ? undefined : act()))
      }
      const serverEnd: ServerSocket = {
        bufferedBytes: 0,
        send: (bytes) => {
          line.onFrame({ from: 'server', bytes })
          toBrowser(() => listener.received(bytes))
        },
        close: () => {
          wire.end = undefined
          toBrowser(() => closeBrowserEnd(wire))
        },
      }
      toServer(() => {
        if (!wire.open) return
        const end = online ? accept(serverEnd) : undefined
        if (end === undefined) return closeBrowserEnd(wire)
        wire.end = end
        toBrowser(() => listener.opened())
      })
      return {
        send: (bytes) => {
          if (!wire.open) return
          line.onFrame({ from: 'browser', bytes })
          toServer(() => wire.end?.receive(bytes))
        },
        close: () => {
          if (!wire.open) return
          wire.open = false
          wires.delete(wire)
          toServer(() => closeServerEnd(wire))
        },
      }
    },
  }
  return line
}
