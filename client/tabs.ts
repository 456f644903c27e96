/**
 * Several tabs of one browser: one leads and holds the connection, the others follow by reading what it keeps. Every tab
 * may keep edits. Leading is a Web Lock, so a tab that closes or crashes hands over at once; a leader that is frozen is
 * found by its missing heartbeat, and a tab that is looked at takes over. Two leaders for a moment are harmless: what
 * the older one writes is refused by its term, and edits are numbered.
 */
import type { Clock } from '../shared/clock.ts'
import type { ChunkKey } from '../shared/facts.ts'
import type { ServerFrame } from '../shared/protocol.ts'
import type { ConnectionStatus } from './connection.ts'

export type Poke =
  | { readonly is: 'outbox' }
  /** The facts are those of `seq` with this change; the keys are all that changed since the poke before. */
  | { readonly is: 'chunks'; readonly keys: readonly ChunkKey[] | 'all'; readonly seq: number }
  /**
   * The leader's connection and how far it is, told at each change, at each beat and to whoever asks: so that a tab that
   * slept through other pokes finds out.
   */
  | {
      readonly is: 'connection'
      readonly status: ConnectionStatus
      readonly seq: number
      readonly outboxMark: number
    }
  | { readonly is: 'progress'; readonly frame: Extract<ServerFrame, { readonly is: 'progress' }> }
  | { readonly is: 'who-leads' }
  | { readonly is: 'try-now' }

export interface Tabs {
  /** `leads` is called when this tab leads, `follows` when it does no longer, `beats` every now and then while it leads. */
  join(listener: { leads(): void; follows(): void; poked(poke: Poke): void; beats(): void }): void
  poke(poke: Poke): void
  leave(): void
}

/** The only tab: where Web Locks are missing, and in tests. */
export const loneTab = (): Tabs => ({
  join: (listener) => listener.leads(),
  poke: () => undefined,
  leave: () => undefined,
})

/** The part of Web Locks that is used. */
export interface Locks {
  request(name: string, options: { readonly steal?: boolean; readonly signal?: AbortSignal }, held: () => Promise<void>): Promise<void>
}
/** The part of BroadcastChannel that is used. */
export interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  close(): void
}

export interface TabsDeps {
  readonly clock: Clock
  readonly locks: Locks
  readonly channel: Channel
  /** The tab is looked at. */
  readonly visible: () => boolean
}

const lockName = 'quartermaster-leader'
const beatEveryMs = 2000
const silentTooLongMs = 5000

export const createTabs = ({ clock, locks, channel, visible }: TabsDeps): Tabs => {
  let leading = false
  let left = false
  let heardAt = clock.now()
  let release = (): void => undefined
  let cancelBeat = (): void => undefined
  let waiting = new AbortController()

  return {
    join: (listener) => {
      const lead = (steal: boolean): void => {
        waiting.abort()
        waiting = new AbortController()
        const options = steal ? { steal } : { signal: waiting.signal }
        const mine = waiting
        void locks
          .request(lockName, options, () => {
            if (left || (!steal && mine.signal.aborted)) return Promise.resolve()
            leading = true
            heardAt = clock.now()
            channel.postMessage({ is: 'beat' })
            listener.leads()
            return new Promise<void>((resolve) => void (release = resolve))
          })
          .catch(() => undefined)
          .then(() => {
            // Given back, or stolen by a tab that thought this one frozen: follow, and queue for the next turn.
            if (!leading || mine !== waiting) return
            leading = false
            if (left) return
            heardAt = clock.now()
            listener.follows()
            lead(false)
          })
      }
      const beat = (): void => {
        cancelBeat = clock.after(beatEveryMs, beat)
        if (leading) {
          channel.postMessage({ is: 'beat' })
          listener.beats()
        } else if (visible() && clock.now() - heardAt > silentTooLongMs) {
          heardAt = clock.now()
          lead(true)
        }
      }
      channel.addEventListener('message', ({ data }) => {
        if (left || typeof data !== 'object' || data === null) return
        if (Reflect.get(data, 'is') === 'beat') heardAt = clock.now()
        // Written by a tab of this same origin; a word that only another build knows is passed over by who reads it.
        else listener.poked(data as Poke)
      })
      lead(false)
      beat()
    },
    poke: (poke) => {
      if (!left) channel.postMessage(poke)
    },
    leave: () => {
      left = true
      leading = false
      cancelBeat()
      waiting.abort()
      release()
      channel.close()
    },
  }
}
