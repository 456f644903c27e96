/** Puts the console together in a browser: the one place where clock, chance, network and storage are the real ones. */
import type { Chance, Clock } from '../shared/clock.ts'
import { createAppUpdate, noUpdates, type AppUpdate } from './app-update.ts'
import type { OpenSocket, Socket, SocketListener } from './connection.ts'
import { createConsole } from './console.ts'
import { openDexieLocalDb } from './dexie-local-db.ts'
import { iconCacheName } from './icon-cache.ts'
import { createServerActs, type Fetch } from './server-acts.ts'
import { createSession } from './session.ts'
import { createTabs, loneTab, type Tabs } from './tabs.ts'
import { openWorkspace, type Workspace } from './workspace.svelte.ts'

const clock: Clock = {
  now: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
}

const chance: Chance = {
  fraction: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  bytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
}

const openSocket: OpenSocket = (listener) => {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/sync`)
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => listener.opened()
  // A text is nothing of ours: the empty frame that stands for it can't be read.
  socket.onmessage = ({ data }: MessageEvent<unknown>) =>
    listener.received(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(0))
  socket.onclose = () => listener.closed()
  return { send: (bytes) => socket.send(bytes), close: () => socket.close() }
}

const fetchHere: Fetch = (path, init) => fetch(path, init)

const tabs = (): Tabs =>
  'locks' in navigator && 'BroadcastChannel' in globalThis
    ? createTabs({
        clock,
        locks: { request: (name, options, held) => navigator.locks.request(name, options, held) },
        channel: new BroadcastChannel('quartermaster'),
        visible: () => document.visibilityState === 'visible',
      })
    : loneTab()

const appUpdate = (): AppUpdate =>
  import.meta.env.PROD && 'serviceWorker' in navigator
    ? createAppUpdate({ workerUrl: '/service-worker.js', reload: () => location.reload() })
    : noUpdates()

/** Between two questions whether the session still holds, while the connection does not come up. */
const askAgainMs = 15_000

/** Nobody is known here: the server would only say no, so it is not asked. */
const closedAtOnce = (listener: SocketListener): Socket => {
  queueMicrotask(() => listener.closed())
  return { send: () => undefined, close: () => undefined }
}

export const openInBrowser = (build: string): Workspace => {
  const mayConnect = (): boolean =>
    session.state().is === 'signed-in' || (session.state().is === 'unknown' && console.meta()?.admin != null)
  const localDb = openDexieLocalDb({
    onBlocked: () => {
      document.title = 'Close the other tabs of Quartermaster, then reload this one'
    },
  })
  const console = createConsole({
    clock,
    chance,
    localDb,
    openSocket: (listener) => (mayConnect() ? openSocket(listener) : closedAtOnce(listener)),
    build,
    tabs: tabs(),
  })
  const session = createSession(fetchHere)
  // What an organisation has bought leaves the device with whoever signs out.
  session.onChange(() => {
    if (session.state().is === 'signed-out' && 'caches' in globalThis) void caches.delete(iconCacheName)
  })
  const update = appUpdate()
  const workspace = openWorkspace({
    console,
    session,
    acts: createServerActs(fetchHere),
    update,
    clock,
    persist: () => void navigator.storage?.persist?.(),
  })

  let askedAt = 0
  let wasSignedOut = false
  const ask = async (): Promise<void> => {
    askedAt = clock.now()
    const state = await session.check(console.meta()?.admin ?? null)
    if (state.is === 'signed-in' && state.confirmed) await console.signedIn(state.admin)
    if (state.is === 'signed-out') console.endSession()
  }
  void console.opened.then(ask)
  console.onChange(() => {
    const { is } = console.connection()
    // The exchange was told that the session has ended.
    if (is === 'signed-out' && !wasSignedOut) session.ended()
    wasSignedOut = is === 'signed-out'
    // A socket that can't be opened does not say why: it may be the session.
    if (is === 'offline' && console.leads() && clock.now() - askedAt > askAgainMs) void ask()
  })
  addEventListener('online', () => console.tryNow())
  addEventListener('offline', () => console.networkGone())
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return
    console.tryNow()
    update.look()
  })
  return workspace
}
