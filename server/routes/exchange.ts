/**
 * The exchange's door: a WebSocket at `/sync`. Who asks is known before the handshake, and asked again every second, so
 * that whoever is signed out is cut off at once; what is said over it is exchange.ts's business.
 */
import { upgradeWebSocket } from '@hono/node-server'
import type { WebSocket } from 'ws'
import { may } from '../../shared/admin.ts'
import type { Clock } from '../../shared/clock.ts'
import { encodeServerFrame } from '../../shared/protocol.ts'
import type { Exchange, Session, Socket } from '../exchange.ts'
import { visitorOf } from '../peer-address.ts'
import { answerProblem } from '../problem.ts'
import type { SignedIn, WhoAsks } from '../who-asks.ts'
import type { RouteModule } from './web.ts'

export interface ExchangeRoutesDeps {
  readonly exchange: Exchange
  readonly whoAsks: WhoAsks
  readonly clock: Clock
  readonly onTrouble: (cause: unknown) => void
}

/** A school behind one address has many browsers; one session is one person's, with a few windows at most. */
export const mostSocketsOfAddress = 200
export const mostSocketsOfSession = 10
const askAgainEveryMs = 1_000

/** Codes of RFC 6455: what can not be accepted; too much at once; and, of our own range, signed out. */
const NOT_ACCEPTED = 1003
const TRY_LATER = 1013
const SIGNED_OUT = 4401

interface Open {
  readonly signedIn: SignedIn
  readonly address: string
  readonly socket: WebSocket
  readonly session: Session
}

const keyOf = ({ by }: SignedIn): string => (by.is === 'session' ? `session ${by.idHash}` : `key ${by.id}`)

export const exchangeRoutes =
  (deps: ExchangeRoutesDeps): RouteModule =>
  (web) => {
    const { exchange, whoAsks, clock } = deps
    const open = new Set<Open>()
    let isWatching = false

    const isFull = (signedIn: SignedIn, address: string): boolean => {
      let ofSession = 0
      let ofAddress = 0
      for (const other of open) {
        if (keyOf(other.signedIn) === keyOf(signedIn)) ofSession += 1
        if (other.address === address) ofAddress += 1
      }
      return ofSession >= mostSocketsOfSession || ofAddress >= mostSocketsOfAddress
    }

    const cutOff = ({ socket, session }: Open): void => {
      const text = 'You are signed out. Sign in again: your edits stay on this device.'
      socket.send(encodeServerFrame({ is: 'bye', code: 'signed-out', text }))
      session.closed()
      socket.close(SIGNED_OUT, 'signed out')
    }

    /** One look a second at each session that has a socket, while there is one. */
    const watch = (): void => {
      if (isWatching) return
      isWatching = true
      clock.after(askAgainEveryMs, () => {
        void look()
          .catch(deps.onTrouble)
          .finally(() => {
            isWatching = false
            if (open.size > 0) watch()
          })
      })
    }
    const look = async (): Promise<void> => {
      const byKey = new Map<string, Open[]>()
      for (const one of open) byKey.set(keyOf(one.signedIn), [...(byKey.get(keyOf(one.signedIn)) ?? []), one])
      for (const ofOne of byKey.values()) {
        const [first] = ofOne
        const now = first && (await whoAsks.again(first.signedIn))
        if (now === undefined || !may(now.actor, 'read')) for (const one of ofOne) cutOff(one)
      }
    }

    web.get(
      '/sync',
      async (c, next) => {
        if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') return next()
        const signedIn = await whoAsks.actorOf(c.req.raw.headers)
        if (signedIn === undefined)
          return answerProblem(c, {
            status: 401,
            code: 'not-signed-in',
            detail: 'Sign in, or send an API key that holds as Authorization: Bearer.',
            headers: { 'WWW-Authenticate': 'Bearer' },
          })
        if (!may(signedIn.actor, 'read'))
          return answerProblem(c, { status: 403, code: 'not-permitted', detail: `Your role, ${signedIn.actor.role}, does not cover this.` })
        if (isFull(signedIn, visitorOf(c.get('address'))))
          return answerProblem(c, {
            status: 429,
            code: 'too-many-connections',
            detail: 'Too many windows are connected. Close some and try again.',
            headers: { 'Retry-After': '10' },
          })
        c.set('signedIn', signedIn)
        return next()
      },
      upgradeWebSocket(
        (c) => {
          const signedIn = c.get('signedIn') as SignedIn
          const address = visitorOf(c.get('address') as string)
          let one: Open | undefined
          const close = (): void => {
            if (one === undefined) return
            open.delete(one)
            one.session.closed()
            one = undefined
          }
          return {
            onOpen: (_, context) => {
              const raw = context.raw as unknown as WebSocket
              // Counted again: many handshakes may have passed the question together.
              if (isFull(signedIn, address)) return raw.close(TRY_LATER, 'too many connections')
              const socket: Socket = {
                send: (bytes) => {
                  if (raw.readyState === raw.OPEN) raw.send(bytes, { binary: true, compress: false })
                },
                close: () => raw.close(),
                get bufferedBytes() {
                  return raw.bufferedAmount
                },
              }
              const session = exchange.connect(socket, async () => (await whoAsks.again(signedIn))?.actor)
              one = { signedIn, address, socket: raw, session }
              open.add(one)
              watch()
            },
            onMessage: ({ data }, context) => {
              if (one === undefined) return
              if (data instanceof ArrayBuffer) one.session.receive(new Uint8Array(data))
              else context.close(NOT_ACCEPTED, 'binary messages only')
            },
            onClose: close,
            onError: close,
          }
        },
        { onError: deps.onTrouble },
      ),
    )
  }
