/**
 * A new build is offered, never forced: the page goes on with the build it has until someone takes the offer, and the
 * offer waits while a form is open that would lose what was written in it.
 */
import { Workbox } from 'workbox-window'

export type UpdateState = { readonly is: 'none' } | { readonly is: 'ready' } | { readonly is: 'failed'; readonly text: string }

export interface AppUpdate {
  state(): UpdateState
  onChange(listener: () => void): () => void
  /** Looks for a new build at the server. */
  look(): void
  /** Takes the new build over and loads the page anew; while a form is open nothing happens until the last one closes. */
  apply(): void
  /** A form opened that would lose its content. Gives the way to say that it is closed. */
  formOpen(): () => void
}

/** Without a service worker (a browser that has none, or plain http) the page is simply loaded anew by the person. */
export const noUpdates = (): AppUpdate => ({
  state: () => ({ is: 'none' }),
  onChange: () => () => undefined,
  look: () => undefined,
  apply: () => undefined,
  formOpen: () => () => undefined,
})

export const createAppUpdate = (deps: { readonly workerUrl: string; readonly reload: () => void }): AppUpdate => {
  const workbox = new Workbox(deps.workerUrl)
  const listeners = new Set<() => void>()
  let state: UpdateState = { is: 'none' }
  let openForms = 0
  let wanted = false
  const change = (next: UpdateState): void => {
    state = next
    for (const listener of listeners) listener()
  }

  const takeOver = (): void => {
    if (!wanted || openForms > 0) return
    wanted = false
    // The page is loaded anew when the new worker controls it, not before: it would get the old build again.
    workbox.addEventListener('controlling', () => deps.reload())
    workbox.messageSkipWaiting()
  }

  workbox.addEventListener('waiting', () => change({ is: 'ready' }))
  void workbox
    .register()
    .then((registration) => {
      // workbox-window hears of the first new build only; one that comes later, while the page stays open, is found here.
      registration?.addEventListener('updatefound', () => {
        const worker = registration.installing
        worker?.addEventListener('statechange', () => {
          if (worker.state === 'installed' && navigator.serviceWorker.controller !== null) change({ is: 'ready' })
        })
      })
    })
    .catch((cause: unknown) =>
      change({
        is: 'failed',
        text: `This browser does not keep the console for offline use (${cause instanceof Error ? cause.message : String(cause)}). Edits are kept all the same.`,
      }),
    )

  return {
    state: () => state,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    look: () => void workbox.update().catch(() => undefined),
    apply: () => {
      wanted = true
      takeOver()
    },
    formOpen: () => {
      let open = true
      openForms += 1
      return () => {
        if (!open) return
        open = false
        openForms -= 1
        takeOver()
      }
    },
  }
}
