/** Several tabs of one browser, without a browser. */
import { createTabs, type Channel, type Locks } from '../../client/tabs.ts'
import type { HandClock } from '../world/hand-clock.ts'

/** Web Locks and BroadcastChannel of one browser, as far as they are used. */
export const createBrowser = (clock: HandClock) => {
  let holder: { readonly steal: () => void } | undefined
  const queue: (() => void)[] = []
  const channels = new Set<{ readonly hear: (data: unknown) => void; frozen: boolean }>()
  const locks: Locks = {
    request: (_name, { steal, signal }, held) =>
      new Promise<void>((resolve, reject) => {
        const take = (): void => {
          let given = true
          holder = {
            steal: () => {
              given = false
              reject(new DOMException('stolen', 'AbortError'))
            },
          }
          void held().then(() => {
            if (!given) return
            holder = undefined
            resolve()
            queue.shift()?.()
          })
        }
        if (steal === true) {
          holder?.steal()
          take()
        } else if (holder === undefined) take()
        else {
          queue.push(take)
          signal?.addEventListener('abort', () => {
            const at = queue.indexOf(take)
            if (at >= 0) queue.splice(at, 1)
            reject(new DOMException('aborted', 'AbortError'))
          })
        }
      }),
  }
  const open = (visible: () => boolean = () => true) => {
    const end: { hear: (data: unknown) => void; frozen: boolean } = { hear: () => undefined, frozen: false }
    channels.add(end)
    const channel: Channel = {
      postMessage: (message) => {
        if (end.frozen) return
        for (const other of channels) if (other !== end && !other.frozen) queueMicrotask(() => other.hear(structuredClone(message)))
      },
      addEventListener: (_type, listener) => void (end.hear = (data) => listener({ data })),
      close: () => void channels.delete(end),
    }
    return { tabs: createTabs({ clock, locks, channel, visible }), end }
  }
  return { open }
}
