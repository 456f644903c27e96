import { describe, expect, test } from 'vitest'
import type { Actor } from '../../shared/admin.ts'
import { parseDeviceId } from '../../shared/ids.ts'
import { decodeServerFrame, encodeClientFrame, protocol, type ClientFrame, type ServerFrame } from '../../shared/protocol.ts'
import { must } from '../shared/weighing.ts'
import { createWorld, type World } from '../world/world.ts'

const hello: ClientFrame = { is: 'hello', protocol, build: 'test', device: must(parseDeviceId('device-of-a-test')) }

/** A socket held by hand. */
const connect = (world: World, actorNow: () => Promise<Actor | undefined> = () => Promise.resolve(world.ana.actor)) => {
  const heard: ServerFrame[] = []
  let closed = false
  let buffered = 0
  const session = world.mustServer().house.exchange.connect(
    {
      send: (bytes) => void heard.push(must(decodeServerFrame(bytes))),
      close: () => void (closed = true),
      get bufferedBytes() {
        return buffered
      },
    },
    actorNow,
  )
  return {
    heard,
    isClosed: () => closed,
    fallBehind: () => void (buffered = 100 * 1024 * 1024),
    catchUp: () => void (buffered = 0),
    say: async (...frames: readonly ClientFrame[]) => {
      for (const frame of frames) session.receive(encodeClientFrame(frame))
      await world.schedule.rest()
    },
    saysBytes: async (bytes: Uint8Array) => {
      session.receive(bytes)
      await world.schedule.rest()
    },
  }
}
const last = (frames: readonly ServerFrame[]): ServerFrame => must(frames.at(-1))

describe('the greeting', () => {
  test('is answered with who one is and how far the server is', async () => {
    await using world = await createWorld()
    const { say, heard } = connect(world)
    await say(hello)
    expect(heard).toMatchObject([{ is: 'welcome', lastN: 0, seq: world.mustServer().house.journal.seq(), admin: { name: 'Ana' } }])
  })
  test('comes first, and once', async () => {
    await using world = await createWorld()
    const early = connect(world)
    await early.say({ is: 'pull', after: 0 })
    expect(last(early.heard)).toMatchObject({ is: 'bye', code: 'unreadable' })
    const twice = connect(world)
    await twice.say(hello, hello)
    expect(last(twice.heard)).toMatchObject({ is: 'bye', code: 'unreadable' })
    expect(twice.isClosed()).toBe(true)
  })
  test('of an older page and of a newer one is told which is too old', async () => {
    await using world = await createWorld()
    for (const [version, code] of [
      [protocol - 1, 'client-too-old'],
      [protocol + 1, 'server-too-old'],
    ] as const) {
      const { say, heard } = connect(world)
      await say({ ...hello, protocol: version })
      expect(last(heard)).toMatchObject({ is: 'bye', code })
    }
  })
  test('of nobody is told that they are signed out', async () => {
    await using world = await createWorld()
    const { say, heard } = connect(world, () => Promise.resolve(undefined))
    await say(hello)
    expect(heard).toMatchObject([{ is: 'bye', code: 'signed-out' }])
  })
  test('that does not come within ten seconds ends the connection', async () => {
    await using world = await createWorld()
    const { heard, isClosed } = connect(world)
    await world.pass(11_000)
    expect(heard).toMatchObject([{ is: 'bye', code: 'too-fast' }])
    expect(isClosed()).toBe(true)
  })
})

describe('facts', () => {
  test('are pulled whole, and followed from there without a gap', async () => {
    await using world = await createWorld()
    const { say, heard } = connect(world)
    await say(hello, { is: 'pull', after: 0 })
    const pulled = last(heard)
    expect(pulled).toMatchObject({ is: 'chunks', done: true })
    await world.ana.assign('Keynote', 'iPad-1')
    await world.settle()
    let upTo = pulled.is === 'chunks' ? pulled.upTo : 0
    for (const frame of heard)
      if (frame.is === 'feed') {
        expect(frame.from).toBe(upTo + 1)
        upTo = frame.to
      }
    expect(upTo).toBe(world.mustServer().house.journal.seq())
  })
  test('are not heaped up for a reader who falls behind', async () => {
    await using world = await createWorld()
    const reader = connect(world)
    await reader.say(hello, { is: 'pull', after: 0 })
    reader.fallBehind()
    await world.ana.assign('Keynote', 'iPad-1')
    await world.settle()
    expect(reader.heard.filter(({ is }) => is === 'lag')).toHaveLength(1)
    expect(reader.heard.filter(({ is }) => is === 'feed')).toEqual([])
    reader.catchUp()
    await reader.say({ is: 'pull', after: 0 })
    expect(last(reader.heard)).toMatchObject({ is: 'chunks', done: true, upTo: world.mustServer().house.journal.seq() })
  })
})

test('what can not be read ends the connection, and the server goes on', async () => {
  await using world = await createWorld()
  const { saysBytes, say, heard } = connect(world)
  await say(hello)
  await saysBytes(Uint8Array.of(0xff, 1, 2, 3))
  expect(last(heard)).toMatchObject({ is: 'bye', code: 'unreadable' })
  expect(world.mustServer().house.exchange.sessions()).toBe(2)
})

test('too many messages at once end the connection', async () => {
  await using world = await createWorld()
  const { say, heard } = connect(world)
  await say(hello)
  await say(...Array.from({ length: 400 }, (): ClientFrame => ({ is: 'ping' })))
  expect(heard.some((frame) => frame.is === 'bye' && frame.code === 'too-fast')).toBe(true)
})

test('a browser that is not heard for long is let go', async () => {
  await using world = await createWorld()
  const { say, heard } = connect(world)
  await say(hello)
  await world.pass(160_000)
  expect(last(heard)).toMatchObject({ is: 'bye', code: 'too-fast' })
})

test('somebody who is signed out between two messages is told so', async () => {
  await using world = await createWorld()
  let actor: Actor | undefined = world.ana.actor
  const { say, heard } = connect(world, () => Promise.resolve(actor))
  await say(hello)
  actor = undefined
  await say({ is: 'open', doc: `license:${world.licenseOf('Keynote')}` as never, epoch: 0, stateVector: new Uint8Array(0) })
  expect(last(heard)).toMatchObject({ is: 'bye', code: 'signed-out' })
})

test('a stop says goodbye to everybody', async () => {
  await using world = await createWorld()
  const { say, heard } = connect(world)
  await say(hello)
  world.mustServer().house.exchange.stop()
  expect(last(heard)).toMatchObject({ is: 'bye', code: 'stopping' })
  expect(world.mustServer().house.exchange.sessions()).toBe(0)
})
