import { expect, test } from 'vitest'
import { createConnection, type Connection, type SocketListener } from '../../client/connection.ts'
import type { AdminId, DeviceId } from '../../shared/ids.ts'
import { decodeClientFrame, encodeServerFrame, protocol, type ByeCode, type ClientFrame, type ServerFrame } from '../../shared/protocol.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'

const welcome: ServerFrame = {
  is: 'welcome',
  protocol,
  build: 'b',
  tenant: 't',
  serverTime: 0,
  lastN: 0,
  seq: 0,
  admin: { id: 'ana' as AdminId, name: 'Ana', role: 'owner' },
}

const createLine = () => {
  const clock = handClock()
  const sent: ClientFrame[] = []
  const told: string[] = []
  let socket: SocketListener | undefined
  let opened = 0
  const connection: Connection = createConnection({
    clock,
    chance: seededChance(1),
    hello: () => ({ is: 'hello', protocol, build: 'b', device: 'device-one' as DeviceId }),
    openSocket: (listener) => {
      opened += 1
      socket = listener
      return {
        send: (bytes) => {
          const frame = decodeClientFrame(bytes)
          if (frame !== undefined) sent.push(frame)
        },
        close: () => undefined,
      }
    },
    listener: {
      welcomed: () => void told.push('welcomed'),
      received: (frame) => void told.push(frame.is),
      down: () => void told.push('down'),
      changed: () => undefined,
    },
  })
  const say = (frame: ServerFrame): void => socket?.received(encodeServerFrame(frame))
  return {
    clock,
    connection,
    sent,
    told,
    say,
    socket: () => socket,
    openings: () => opened,
    come: () => {
      connection.start()
      socket?.opened()
      say(welcome)
      connection.online()
    },
  }
}

test('the browser greets first, and is online once all is fetched', () => {
  const line = createLine()
  line.connection.start()
  expect(line.connection.status()).toEqual({ is: 'connecting' })
  line.socket()?.opened()
  expect(line.sent).toEqual([{ is: 'hello', protocol, build: 'b', device: 'device-one' }])
  line.say(welcome)
  expect(line.told).toEqual(['welcomed'])
  line.connection.pulling(3, 9)
  expect(line.connection.status()).toEqual({ is: 'pulling', done: 3, total: 9 })
  line.connection.online()
  expect(line.connection.status()).toEqual({ is: 'online' })
})

test('a connection that went silent is found by a ping that nobody answers', () => {
  const line = createLine()
  line.come()
  line.clock.pass(20_000)
  expect(line.sent.at(-1)).toEqual({ is: 'ping' })
  line.say({ is: 'pong', serverTime: 1 })
  line.clock.pass(29_000)
  expect(line.connection.status()).toEqual({ is: 'online' })
  line.clock.pass(1000)
  expect(line.connection.status()).toMatchObject({ is: 'offline' })
  expect(line.told).toEqual(['welcomed', 'down'])
})

test('tries come slower and slower, never further apart than 30 s, and at once when asked', () => {
  const line = createLine()
  line.connection.start()
  const waits: number[] = []
  for (let tries = 0; tries < 12; tries += 1) {
    line.socket()?.closed()
    const status = line.connection.status()
    if (status.is !== 'offline' || status.nextTryAt === null) throw new Error('not offline')
    waits.push(status.nextTryAt - line.clock.now())
    line.clock.pass(waits.at(-1) ?? 0)
  }
  expect(waits[0]).toBeLessThanOrEqual(500)
  expect(waits[0]).toBeGreaterThanOrEqual(250)
  expect(Math.max(...waits)).toBeLessThanOrEqual(30_000)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(15_000)
  line.socket()?.closed()
  const before = line.openings()
  line.connection.tryNow()
  expect(line.openings()).toBe(before + 1)
})

test('offline counts from when it began, not from the last try', () => {
  const line = createLine()
  line.come()
  line.clock.pass(5000)
  const since = line.clock.now()
  line.socket()?.closed()
  line.clock.pass(600)
  line.socket()?.closed()
  line.clock.pass(1200)
  line.socket()?.closed()
  expect(line.connection.status()).toMatchObject({ is: 'offline', since })
})

test('a page of a captive portal is never taken for data', () => {
  const line = createLine()
  line.connection.start()
  line.socket()?.opened()
  line.socket()?.received(new TextEncoder().encode('<html>Sign in to the hotel'))
  expect(line.connection.status()).toMatchObject({ is: 'offline', why: expect.stringContaining('not from this server') })
  expect(line.told).toEqual([])
})

const byes: readonly (readonly [ByeCode, object])[] = [
  ['signed-out', { is: 'signed-out' }],
  ['client-too-old', { is: 'update-needed', which: 'this-page' }],
  ['server-too-old', { is: 'update-needed', which: 'server' }],
  ['storage', { is: 'offline', why: 'said' }],
  ['stopping', { is: 'offline', why: 'said' }],
]
for (const [code, expected] of byes)
  test(`after the goodbye "${code}" the browser knows what to do`, () => {
    const line = createLine()
    line.come()
    line.say({ is: 'bye', code, text: 'said' })
    expect(line.connection.status()).toMatchObject(expected)
    const before = line.openings()
    line.clock.pass(70_000)
    expect(line.openings() > before).toBe(code !== 'signed-out' && code !== 'client-too-old')
  })

test('what an older socket still says is not heard', () => {
  const line = createLine()
  line.come()
  const old = line.socket()
  line.connection.reopen()
  line.socket()?.opened()
  line.say(welcome)
  line.told.length = 0
  old?.received(encodeServerFrame({ is: 'lag' }))
  old?.closed()
  expect(line.told).toEqual([])
  line.connection.online()
  expect(line.connection.status()).toEqual({ is: 'online' })
})
