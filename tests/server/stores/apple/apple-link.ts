/**
 * A connection over real HTTP, on a clock moved by hand: time passes only while no request is under way, so that a wait
 * of an hour takes no time and no answer ever comes too late by itself.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startSandbox, type Sandbox } from '../../../../server/sandbox/sandbox.ts'
import type { Switches } from '../../../../server/sandbox/apple/switches.ts'
import type { DeviceKeyFile } from '../../../../server/sandbox/apple/device-control.ts'
import { createAppleStore, type AppleAddresses } from '../../../../server/stores/apple/store.ts'
import type { HolderKey, OwnerMark, SeatRead, StoreConnection, StoreDevices, StorePeople } from '../../../../server/stores/store.ts'
import type { Clock } from '../../../../shared/clock.ts'
import { seededChance } from '../../../world/hand-clock.ts'

export const START = Date.UTC(2026, 10, 24, 9)
export const mark: OwnerMark = { id: 'tenant.connector', name: 'Quartermaster', metadata: 'licenses.eastmere.example' }
export const CANARY = 'canary-inner-token'
export const tokenFile = (members: Record<string, unknown> = {}): string =>
  Buffer.from(JSON.stringify({ token: CANARY, expDate: '2027-05-02T09:14:55+0000', orgName: 'Eastmere', ...members })).toString('base64')

export interface DrivenClock extends Clock {
  /** Lets time pass until the promise settles. Requests in `stalled` are waited for no longer. */
  run<T>(promise: Promise<T>): Promise<T>
  /** The clock is set to another time, as by a careless hand; what is waited for stays as far off as it was. */
  jump(ms: number): void
  readonly fetch: typeof globalThis.fetch
  /** How often and how long was waited, time-outs that were taken back left out. */
  readonly waits: readonly number[]
  stalled: number
}

export const drivenClock = (start = START): DrivenClock => {
  let now = start
  let made = 0
  let inFlight = 0
  const due = new Map<number, { at: number; readonly ms: number; readonly act: () => void }>()
  const waits: number[] = []

  const counted: typeof globalThis.fetch = async (input, init) => {
    inFlight += 1
    let open = true
    const close = (): void => {
      if (open) inFlight -= 1
      open = false
    }
    try {
      const response = await fetch(input, init)
      const reader = response.body?.getReader()
      if (reader === undefined) {
        close()
        return response
      }
      const body = new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          try {
            const { done, value } = await reader.read()
            if (!done) return controller.enqueue(value)
            close()
            controller.close()
          } catch (error) {
            close()
            controller.error(error)
          }
        },
        cancel: (reason) => {
          close()
          return reader.cancel(reason)
        },
      })
      return new Response(body, { status: response.status, headers: response.headers })
    } catch (error) {
      close()
      throw error
    }
  }

  const clock: DrivenClock = {
    stalled: 0,
    waits,
    fetch: counted,
    now: () => now,
    after: (ms, act) => {
      const id = ++made
      due.set(id, { at: now + Math.max(0, ms), ms, act })
      return () => void due.delete(id)
    },
    jump: (ms) => {
      now += ms
      for (const entry of due.values()) entry.at += ms
    },
    run: async (promise) => {
      let settled = false
      void promise.then(
        () => (settled = true),
        () => (settled = true),
      )
      for (let quiet = 0; !settled;) {
        await new Promise((resolve) => setImmediate(resolve))
        quiet = inFlight > clock.stalled ? 0 : quiet + 1
        // A few rounds of the event loop, in which whatever has its answer goes on.
        if (quiet < 4) continue
        quiet = 0
        const next = [...due].sort(([a, first], [b, second]) => first.at - second.at || a - b)[0]
        if (next === undefined) continue
        due.delete(next[0])
        now = Math.max(now, next[1].at)
        waits.push(next[1].ms)
        next[1].act()
      }
      return await promise
    },
  }
  return clock
}

const peopleWithRun = (people: StorePeople | undefined, clock: DrivenClock): StorePeople | undefined =>
  people === undefined
    ? undefined
    : {
        read: (...given) => clock.run(people.read(...given)),
        find: (...given) => clock.run(people.find(...given)),
        invitationUrl: (...given) => clock.run(people.invitationUrl(...given)),
      }

const devicesWithRun = (devices: StoreDevices | undefined, clock: DrivenClock): StoreDevices | undefined =>
  devices === undefined
    ? undefined
    : {
        check: () => clock.run(devices.check()),
        read: (...given) => clock.run(devices.read(...given)),
        find: (...given) => clock.run(devices.find(...given)),
      }

const withRun = (connection: StoreConnection, clock: DrivenClock): StoreConnection => ({
  identify: () => clock.run(connection.identify()),
  claim: () => clock.run(connection.claim()),
  readLicenses: () => clock.run(connection.readLicenses()),
  readLicense: (...given) => clock.run(connection.readLicense(...given)),
  readSeats: (...given) => clock.run(connection.readSeats(...given)),
  readSeatsOf: (...given) => clock.run(connection.readSeatsOf(...given)),
  readSeatsOfHolder: (...given) => clock.run(connection.readSeatsOfHolder(...given)),
  people: peopleWithRun(connection.people, clock),
  subscriptions: connection.subscriptions,
  devices: devicesWithRun(connection.devices, clock),
  listen: (...given) => clock.run(connection.listen(...given)),
  describe: (...given) => clock.run(connection.describe(...given)),
  limits: () => clock.run(connection.limits()),
  write: (...given) => clock.run(connection.write(...given)),
  orderStatus: (...given) => clock.run(connection.orderStatus(...given)),
})

const connect = (clock: DrivenClock, addresses: AppleAddresses, file: string, devices?: DeviceKeyFile) => {
  const store = createAppleStore(addresses)
  const read = store.readCredential({ contentToken: file, ...(devices === undefined ? {} : { devices }) }, clock.now())
  if (!read.ok) throw new Error(read.error.reason)
  return withRun(store.connect({ clock, chance: seededChance(3), fetch: clock.fetch }, read.value.secret, mark), clock)
}

export interface SandboxLink extends AsyncDisposable {
  readonly clock: DrivenClock
  readonly sandbox: Sandbox
  readonly control: Sandbox['control']
  readonly uId: string
  readonly connection: StoreConnection
  /** One more connection, for another token of the sandbox. */
  connect(file: string, devices?: DeviceKeyFile): StoreConnection
  /** Requests that reached the store at a path, such as `/assets/associate`. */
  asked(path: string): number
}

export const openSandboxLink = async (switches: Partial<Switches> = {}): Promise<SandboxLink> => {
  const clock = drivenClock()
  const sandbox = await startSandbox({ clock, chance: seededChance(1), port: 0, switches: { pageSize: 3, ...switches } })
  const { uId, tokenFile: file } = sandbox.control.addLocation({ name: 'Eastmere Schools', organisation: 'Eastmere', country: 'DE' })
  const { appsAndBooksUrl: appsBooksUrl, metadataUrl, devicesUrl, authUrl } = sandbox
  const addresses = { appsBooksUrl, metadataUrl, devicesUrl, authUrl }
  return {
    clock,
    sandbox,
    control: sandbox.control,
    uId,
    connection: connect(clock, addresses, file),
    connect: (other, devices) => connect(clock, addresses, other, devices),
    asked: (path) => sandbox.control.requests().filter((request) => request.path.split('?')[0] === `/mdm/v2${path}`).length,
    [Symbol.asyncDispose]: () => sandbox.close(),
  }
}

export interface Asked {
  readonly n: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type OddAnswer =
  | { readonly status?: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  /** The line drops, before the first byte or in the middle of the body. */
  | { readonly cut: 'at-once' | 'in-the-body' }
  | { readonly never: true }

export interface OddLink extends AsyncDisposable {
  readonly clock: DrivenClock
  readonly url: string
  readonly asked: readonly Asked[]
  readonly connection: StoreConnection
}

/** A store that answers by hand. `n` counts the requests of one path from 1. The service configuration is answered by itself unless told otherwise. */
export const openOddLink = async (
  answer: (asked: Asked) => OddAnswer | undefined,
  file = tokenFile(),
  { withPublicLookup = false } = {},
): Promise<OddLink> => {
  const clock = drivenClock()
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const url = new URL(request.url ?? '/', 'http://store.test')
      const path = url.pathname.replace('/mdm/v2', '')
      const n = asked.filter((earlier) => earlier.path === path && earlier.method === request.method).length + 1
      const one: Asked = {
        n,
        method: request.method ?? '',
        path,
        query: url.searchParams,
        headers: request.headers,
        body: Buffer.concat(parts).toString(),
      }
      asked.push(one)
      const told = answer(one) ?? (path === '/service/config' ? { body: { limits: {} } } : { status: 404, body: 'nothing here' })
      if ('never' in told) {
        clock.stalled += 1
        request.socket.once('close', () => (clock.stalled -= 1))
        return
      }
      if ('cut' in told) {
        if (told.cut === 'at-once') return void request.socket.destroy()
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
        response.write('{"assets":[', () => request.socket.destroy())
        return
      }
      const body = typeof told.body === 'string' ? told.body : JSON.stringify(told.body ?? {})
      response.writeHead(told.status ?? 200, { 'content-type': 'application/json', ...told.headers })
      response.end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    clock,
    url,
    asked,
    connection: connect(
      clock,
      { appsBooksUrl: `${url}/mdm/v2`, metadataUrl: `${url}/lookup`, publicLookupUrl: withPublicLookup ? `${url}/public` : null },
      file,
    ),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

// ---- Words for the tests ----

export const APP = '900000011'
export const serial = (n: number): string => `C02ZZ0AA${String(n).padStart(4, '0')}`
export const devices = (count: number, from = 1): readonly HolderKey[] =>
  Array.from({ length: count }, (_, n) => ({ kind: 'device', key: serial(n + from) }))
export const targets = (count: number, from = 1) =>
  Array.from({ length: count }, (_, n) => ({ kind: 'device' as const, serialNumber: serial(n + from) }))

export const collectSeats = async (connection: StoreConnection, cursor: string | null = null) => {
  let seats: SeatRead[] = []
  const begins: boolean[] = []
  const totals: (number | null)[] = []
  const read = await connection.readSeats(cursor, {
    begin: (full) => {
      seats = []
      begins.push(full)
    },
    page: (page, total) => {
      seats.push(...page)
      totals.push(total)
    },
  })
  return { read, begins, totals, keys: seats.map(({ holder }) => holder.key), seats }
}

export const mustBeOk = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error))
  return result.value
}
export const failureIn = (result: { readonly ok: boolean; readonly error?: unknown }): unknown => (result.ok ? 'no failure' : result.error)
