/**
 * The one connection of this browser to the server, and how it comes back. It knows the greeting, the heartbeat and the
 * waiting between tries; what the frames mean is the console's.
 *
 * A connection that is half open (the network went without a word) is found by a ping that nobody answers. What is not
 * a frame (a captive portal's page) ends the connection: it is never taken for data.
 */
import type { Chance, Clock } from '../shared/clock.ts'
import { decodeServerFrame, encodeClientFrame, type ClientFrame, type ServerFrame } from '../shared/protocol.ts'

export type ConnectionStatus =
  /** `why` in words when the server or a proxy said so; null when there is simply no network. */
  | { readonly is: 'offline'; readonly since: number; readonly nextTryAt: number | null; readonly why: string | null }
  | { readonly is: 'connecting' }
  /** `done` of `total` of the server's order. */
  | { readonly is: 'pulling'; readonly done: number; readonly total: number }
  | { readonly is: 'online' }
  /** The session has ended: everything stays here until someone signs in. */
  | { readonly is: 'signed-out' }
  | { readonly is: 'update-needed'; readonly which: 'this-page' | 'server'; readonly text: string }

export interface Socket {
  send(bytes: Uint8Array<ArrayBuffer>): void
  close(): void
}
export interface SocketListener {
  opened(): void
  received(bytes: Uint8Array): void
  /** Also when it could not be opened. */
  closed(): void
}
export type OpenSocket = (listener: SocketListener) => Socket

export type Welcome = Extract<ServerFrame, { readonly is: 'welcome' }>

export interface ConnectionListener {
  /** A new connection: what was asked on the one before is not answered any more. */
  welcomed(welcome: Welcome): void
  received(frame: ServerFrame): void
  down(): void
  changed(): void
}

export interface Connection {
  status(): ConnectionStatus
  /** Begins to connect, and comes back by itself. */
  start(): void
  stop(): void
  /** Tries at once, also after the session had ended. */
  tryNow(): void
  /** Ends this connection and tries again after the usual wait. */
  drop(why: string | null): void
  /** Ends this connection and opens another at once. */
  reopen(): void
  send(frame: ClientFrame): void
  /** Between welcome and done of the pull. */
  pulling(done: number, total: number): void
  /** All is fetched: the waits begin anew at the shortest. */
  online(): void
  endSession(): void
}

export interface ConnectionDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly openSocket: OpenSocket
  readonly hello: () => Extract<ClientFrame, { readonly is: 'hello' }>
  readonly listener: ConnectionListener
}

const shortestWaitMs = 500
const longestWaitMs = 30_000
/** Until a server that is too old for this page is asked again. */
const updateWaitMs = 60_000
const welcomeWithinMs = 15_000
const pingEveryMs = 20_000
const answerWithinMs = 10_000

export const createConnection = (deps: ConnectionDeps): Connection => {
  const { clock, chance, openSocket, hello, listener } = deps
  let status: ConnectionStatus = { is: 'offline', since: clock.now(), nextTryAt: null, why: null }
  let started = false
  let tries = 0
  /** Undefined while the server is there. */
  let offlineSince: number | undefined = clock.now()
  let socket: Socket | undefined
  let welcomed = false
  /** Counts sockets: what an old one still says is not heard. */
  let socketNumber = 0
  let cancelRetry = (): void => undefined
  let cancelHeartbeat = (): void => undefined

  const change = (next: ConnectionStatus): void => {
    status = next
    listener.changed()
  }

  const close = (): void => {
    const closing = socket
    const wasWelcomed = welcomed
    socketNumber += 1
    socket = undefined
    welcomed = false
    cancelHeartbeat()
    closing?.close()
    if (wasWelcomed) listener.down()
  }

  /** Half of the wait is chance: consoles that lost one server do not come back all at once. */
  const waitMs = (): number => {
    const longest = Math.min(longestWaitMs, shortestWaitMs * 2 ** Math.min(tries, 10))
    return Math.round(longest * (0.5 + chance.fraction() / 2))
  }

  const goOffline = (why: string | null, ms = waitMs()): void => {
    close()
    tries += 1
    cancelRetry()
    offlineSince ??= clock.now()
    if (!started) return change({ is: 'offline', since: offlineSince, nextTryAt: null, why })
    cancelRetry = clock.after(ms, connect)
    change({ is: 'offline', since: offlineSince, nextTryAt: clock.now() + ms, why })
  }

  const halt = (next: ConnectionStatus): void => {
    close()
    cancelRetry()
    change(next)
  }

  const expect = (ms: number): void => {
    cancelHeartbeat()
    cancelHeartbeat = clock.after(ms, () => goOffline(null))
  }

  /** Each frame proves that the other end is there, and puts off the next question. */
  const rest = (): void => {
    cancelHeartbeat()
    cancelHeartbeat = clock.after(pingEveryMs, () => {
      send({ is: 'ping' })
      if (socket !== undefined) expect(answerWithinMs)
    })
  }

  const connect = (): void => {
    cancelRetry()
    close()
    const number = socketNumber
    const ifCurrent = (act: () => void): void => {
      if (number === socketNumber) act()
    }
    status = { is: 'connecting' }
    expect(welcomeWithinMs)
    try {
      socket = openSocket({
        opened: () => ifCurrent(() => send(hello())),
        received: (bytes) => ifCurrent(() => onBytes(bytes)),
        closed: () => ifCurrent(() => goOffline(null)),
      })
    } catch {
      // A browser refuses some addresses at once; to the person that is the same as no network.
      return goOffline(null)
    }
    if (number === socketNumber) listener.changed()
  }

  const onBytes = (bytes: Uint8Array): void => {
    const frame = decodeServerFrame(bytes)
    if (frame === undefined)
      return goOffline('What came is not from this server. Check that no sign-in page of the network stands between.')
    if (frame.is === 'bye') return onBye(frame)
    if (!welcomed) {
      if (frame.is !== 'welcome')
        return goOffline('What came is not from this server. Check that no sign-in page of the network stands between.')
      welcomed = true
      offlineSince = undefined
      rest()
      return listener.welcomed(frame)
    }
    rest()
    if (frame.is !== 'pong') listener.received(frame)
  }

  const onBye = (frame: Extract<ServerFrame, { readonly is: 'bye' }>): void => {
    switch (frame.code) {
      case 'signed-out':
        return halt({ is: 'signed-out' })
      case 'client-too-old':
        return halt({ is: 'update-needed', which: 'this-page', text: frame.text })
      case 'server-too-old':
        halt({ is: 'update-needed', which: 'server', text: frame.text })
        cancelRetry = clock.after(updateWaitMs, connect)
        return
      case 'unreadable':
      case 'too-fast':
      case 'stopping':
      case 'storage':
        return goOffline(frame.text)
    }
  }

  const send = (frame: ClientFrame): void => {
    try {
      socket?.send(encodeClientFrame(frame))
    } catch {
      // The socket is closing; its end is told by `closed`.
    }
  }

  return {
    status: () => status,
    start: () => {
      if (started) return
      started = true
      connect()
    },
    stop: () => {
      started = false
      tries = 0
      cancelRetry()
      close()
      offlineSince ??= clock.now()
      change({ is: 'offline', since: offlineSince, nextTryAt: null, why: null })
    },
    tryNow: () => {
      if (!started || socket !== undefined) return
      tries = 0
      connect()
    },
    drop: (why) => goOffline(why),
    reopen: () => {
      if (started) connect()
    },
    send,
    pulling: (done, total) => {
      if (welcomed) change({ is: 'pulling', done, total })
    },
    online: () => {
      tries = 0
      if (welcomed && status.is !== 'online') change({ is: 'online' })
    },
    endSession: () => halt({ is: 'signed-out' }),
  }
}
