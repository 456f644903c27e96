/**
 * A server at the other end of the wire, in memory: it speaks the frames by their real codecs, keeps documents behind the
 * real gate, and judges edits as a test tells it to. What it does not know is stores, directories and rules.
 */
import * as Y from 'yjs'
import type { OpenSocket, SocketListener } from '../../client/connection.ts'
import { admitUpdate } from '../../server/gate.ts'
import type { Role } from '../../shared/admin.ts'
import type { PlacedWish } from '../../shared/assignment.ts'
import { factBytes, foldFact, readRows, rowsFact, wishesKey, type ChunkKey, type Fact } from '../../shared/facts.ts'
import { licenseOfDoc, type AdminId, type DeviceId, type DocId } from '../../shared/ids.ts'
import { meaningOf, noteIn, planKeyOf, planMap, planValueOf, wishIn } from '../../shared/plan.ts'
import {
  decodeClientFrame,
  encodeServerFrame,
  mostChunksBytes,
  protocol,
  type ClientFrame,
  type NackCode,
  type ServerFrame,
} from '../../shared/protocol.ts'

type Push = Extract<ClientFrame, { readonly is: 'push' }>
type Answer = { readonly is: 'ack'; readonly seq: number } | { readonly is: 'nack'; readonly code: NackCode; readonly text: string }
export type Judgement =
  { readonly is: 'take' } | { readonly is: 'refuse'; readonly code: NackCode; readonly text: string } | { readonly is: 'reset' }

interface HeldDoc {
  epoch: number
  doc: Y.Doc
  readonly owners: Map<number, DeviceId>
}

export interface WireServer {
  readonly openSocket: OpenSocket
  tenant: string
  admin: { readonly id: AdminId; readonly name: string; readonly role: Role }
  /** The network is there. Taking it away closes what is open. */
  online: boolean
  /** What comes of an edit that passes the gate. */
  judge: (push: Push) => Judgement
  /** Called for each frame before it goes out; false swallows it, and all that follows on that connection. */
  lets: (frame: ServerFrame) => boolean
  readonly received: ClientFrame[]
  record(fact: Fact): number
  chunk(key: ChunkKey): Uint8Array | undefined
  /** Puts other bytes in a chunk's place, without a word. */
  spoil(key: ChunkKey, bytes: Uint8Array): void
  readonly chunkKeys: readonly ChunkKey[]
  readonly seq: number
  /** Edits that took effect, in the server's order. */
  readonly taken: readonly { readonly device: DeviceId; readonly n: number; readonly words: string }[]
  answerOf(device: DeviceId, n: number): Answer | undefined
  lastN(device: DeviceId): number
  doc(doc: DocId): Y.Doc
  /** A new history of the document with the same values. */
  newEpoch(doc: DocId): void
  /** Another browser's edit. */
  write(doc: DocId, key: string, value: unknown): void
  say(frame: ServerFrame): void
  /** Sends bytes that are not a frame. */
  sayBytes(bytes: Uint8Array): void
  /** A copy to be put back later, as from a backup. */
  backUp(): () => void
}

/** A small part at a time, so that a pull has several. */
const chunkBytesTogether = 4096

export const createWireServer = (): WireServer => {
  const docs = new Map<DocId, HeldDoc>()
  const chunks = new Map<ChunkKey, { seq: number; bytes: Uint8Array }>()
  const answers = new Map<string, { readonly meaning: string; readonly answer: Answer }>()
  const lastNs = new Map<DeviceId, number>()
  let taken: { device: DeviceId; n: number; words: string }[] = []
  let seq = 0
  let online = true
  interface Wire {
    readonly listener: SocketListener
    device: DeviceId | undefined
    fedTo: number | undefined
    readonly open: Set<DocId>
    ended: boolean
    mute: boolean
  }
  const wires = new Set<Wire>()

  const later = (wire: Wire, act: () => void): void =>
    queueMicrotask(() => {
      if (!wire.ended) act()
    })
  const send = (wire: Wire, frame: ServerFrame): void => {
    if (wire.ended || wire.mute) return
    if (!server.lets(frame)) {
      wire.mute = true
      return
    }
    const bytes = encodeServerFrame(frame)
    later(wire, () => wire.listener.received(bytes))
  }
  const end = (wire: Wire): void => {
    if (wire.ended) return
    wires.delete(wire)
    queueMicrotask(() => {
      if (wire.ended) return
      wire.ended = true
      wire.listener.closed()
    })
  }

  const held = (doc: DocId): HeldDoc => {
    const found = docs.get(doc)
    if (found !== undefined) return found
    const made = { epoch: 1, doc: new Y.Doc(), owners: new Map<number, DeviceId>() }
    docs.set(doc, made)
    return made
  }

  const fold = (fact: Fact): number => {
    seq += 1
    chunks.set(fact.chunk, { seq, bytes: foldFact(chunks.get(fact.chunk)?.bytes, fact) })
    return seq
  }
  const feed = (from: number, facts: readonly { readonly fact: Fact; readonly seq: number }[]): void => {
    for (const wire of wires)
      if (wire.fedTo !== undefined) {
        const changes = facts.map(({ fact, seq: at }) => ({ key: fact.chunk, seq: at, bytes: factBytes(fact) }))
        send(wire, { is: 'feed', from: wire.fedTo + 1, to: Math.max(from, seq), changes })
        wire.fedTo = seq
      }
  }

  const publish = (doc: DocId, before: Uint8Array): void => {
    const { doc: opened, epoch } = held(doc)
    const net = Y.encodeStateAsUpdate(opened, before)
    for (const wire of wires) if (wire.open.has(doc)) send(wire, { is: 'update', doc, epoch, update: net })
  }

  const wishFacts = (doc: DocId, keys: readonly Parameters<typeof wishIn>[1][], at: number): Fact | undefined => {
    const { doc: opened } = held(doc)
    const key = wishesKey(licenseOfDoc(doc))
    const put: PlacedWish[] = []
    for (const target of keys) {
      const wish = wishIn(opened, target)
      if (wish !== undefined)
        put.push({ key: target, wish, note: noteIn(opened, target), by: server.admin.name, at: '2026-11-24T09:00:00.000Z', taken: at })
    }
    return put.length === 0 ? undefined : rowsFact(key, put)
  }

  const onPush = (wire: Wire, push: Push, device: DeviceId): void => {
    const name = `${device}/${push.n}`
    const seen = answers.get(name)
    const meaning = meaningOf(push.doc, push.intents)
    if (seen !== undefined) {
      if (seen.meaning !== meaning)
        return send(wire, { is: 'nack', n: push.n, code: 'number-taken', text: 'This number was used for another edit.' })
      return send(wire, { ...seen.answer, n: push.n })
    }
    const expected = (lastNs.get(device) ?? 0) + 1
    if (push.n > expected) return send(wire, { is: 'resend', from: expected })
    const live = held(push.doc)
    if (push.epoch !== live.epoch) return send(wire, { is: 'reset', doc: push.doc, epoch: live.epoch, why: 'epoch' })
    const admitted = admitUpdate(
      push.update,
      { nextClock: (clientId) => Y.getState(live.doc.store, clientId), deviceOf: (clientId) => live.owners.get(clientId) },
      push.intents,
      device,
    )
    if (!admitted.ok)
      return send(wire, {
        is: 'reset',
        doc: push.doc,
        epoch: live.epoch,
        why: admitted.error.is === 'malformed' ? 'malformed' : admitted.error.is,
      })
    const judgement = server.judge(push)
    if (judgement.is === 'reset') return send(wire, { is: 'reset', doc: push.doc, epoch: live.epoch, why: 'malformed' })
    const stateBefore = Y.encodeStateVector(live.doc)
    const before = new Map(planMap(live.doc).entries())
    Y.applyUpdate(live.doc, push.update)
    if (live.doc.store.pendingStructs !== null) throw new Error('wire-server: an update left something pending')
    live.owners.set(admitted.value.clientId, device)
    live.doc.transact(() => {
      for (const intent of push.intents) {
        const key = planKeyOf(intent)
        const value = judgement.is === 'take' ? planValueOf(intent) : before.get(key)
        if (JSON.stringify(planMap(live.doc).get(key)) === JSON.stringify(value)) continue
        if (value === undefined) planMap(live.doc).delete(key)
        else planMap(live.doc).set(key, value)
      }
    })
    seq += 1
    const at = seq
    lastNs.set(device, push.n)
    const answer: Answer = judgement.is === 'take' ? { is: 'ack', seq: at } : { is: 'nack', code: judgement.code, text: judgement.text }
    answers.set(name, { meaning, answer })
    if (judgement.is === 'take') {
      taken.push({ device, n: push.n, words: push.words })
      const fact = wishFacts(push.doc, [...new Set(push.intents.map(({ target }) => target))], at)
      if (fact !== undefined) feed(at, [{ fact, seq: fold(fact) }])
    }
    publish(push.doc, stateBefore)
    send(wire, { ...answer, n: push.n })
  }

  const onPull = (wire: Wire, after: number): void => {
    wire.fedTo = undefined
    const due = [...chunks.entries()].filter(([, chunk]) => chunk.seq > after).sort(([, a], [, b]) => a.seq - b.seq)
    const part: { key: ChunkKey; seq: number; bytes: Uint8Array }[] = []
    let bytes = 0
    for (const [key, chunk] of due) {
      if (part.length > 0 && bytes + chunk.bytes.length > Math.min(chunkBytesTogether, mostChunksBytes)) break
      part.push({ key, ...chunk })
      bytes += chunk.bytes.length
    }
    const done = part.length === due.length
    const upTo = done ? Math.max(seq, after) : (part.at(-1)?.seq ?? after)
    send(wire, { is: 'chunks', chunks: part, upTo, done })
    if (done) wire.fedTo = upTo
  }

  const onFrame = (wire: Wire, frame: ClientFrame): void => {
    server.received.push(frame)
    if (frame.is === 'hello') {
      wire.device = frame.device
      return send(wire, {
        is: 'welcome',
        protocol,
        build: 'test',
        tenant: server.tenant,
        serverTime: 0,
        lastN: lastNs.get(frame.device) ?? 0,
        seq,
        admin: server.admin,
      })
    }
    if (wire.device === undefined) throw new Error('wire-server: the greeting comes first')
    switch (frame.is) {
      case 'ping':
        return send(wire, { is: 'pong', serverTime: 0 })
      case 'pull':
        return onPull(wire, frame.after)
      case 'open': {
        wire.open.add(frame.doc)
        const { doc, epoch } = held(frame.doc)
        const known = frame.epoch === epoch && frame.stateVector.length > 0 ? frame.stateVector : undefined
        return send(wire, { is: 'doc', doc: frame.doc, epoch, update: Y.encodeStateAsUpdate(doc, known) })
      }
      case 'close':
        wire.open.delete(frame.doc)
        return
      case 'push':
        return onPush(wire, frame, wire.device)
    }
  }

  const server: WireServer = {
    tenant: 'tenant-1',
    admin: { id: 'ana' as AdminId, name: 'Ana', role: 'owner' },
    judge: () => ({ is: 'take' }),
    lets: () => true,
    received: [],
    get online() {
      return online
    },
    set online(value) {
      online = value
      if (!value) wires.forEach(end)
    },
    get taken() {
      return taken
    },
    get seq() {
      return seq
    },
    get chunkKeys() {
      return [...chunks.keys()]
    },
    openSocket: (listener) => {
      const wire: Wire = { listener, device: undefined, fedTo: undefined, open: new Set(), ended: false, mute: false }
      if (online) {
        wires.add(wire)
        later(wire, () => listener.opened())
      } else end(wire)
      return {
        send: (bytes) => {
          const frame = decodeClientFrame(bytes)
          if (frame === undefined) throw new Error('wire-server: a browser sent what is not a frame')
          later(wire, () => onFrame(wire, frame))
        },
        close: () => {
          wire.ended = true
          wires.delete(wire)
        },
      }
    },
    record: (fact) => {
      const at = fold(fact)
      feed(at, [{ fact, seq: at }])
      return at
    },
    chunk: (key) => chunks.get(key)?.bytes,
    spoil: (key, bytes) => {
      const chunk = chunks.get(key)
      if (chunk !== undefined) chunk.bytes = new Uint8Array(bytes)
    },
    answerOf: (device, n) => answers.get(`${device}/${n}`)?.answer,
    lastN: (device) => lastNs.get(device) ?? 0,
    doc: (doc) => held(doc).doc,
    newEpoch: (doc) => {
      const live = held(doc)
      const values = [...planMap(live.doc).entries()]
      live.doc = new Y.Doc()
      live.owners.clear()
      live.epoch += 1
      live.doc.transact(() => values.forEach(([key, value]) => planMap(live.doc).set(key, value)))
    },
    write: (doc, key, value) => {
      const live = held(doc)
      const before = Y.encodeStateVector(live.doc)
      planMap(live.doc).set(key, value)
      seq += 1
      const target = key.replace(/#n$/, '') as Parameters<typeof wishIn>[1]
      const fact = wishFacts(doc, [target], seq)
      if (fact !== undefined) feed(seq, [{ fact, seq: fold(fact) }])
      publish(doc, before)
    },
    say: (frame) => {
      for (const wire of wires) send(wire, frame)
    },
    sayBytes: (bytes) => {
      for (const wire of wires) later(wire, () => wire.listener.received(bytes))
    },
    backUp: () => {
      const kept = {
        docs: [...docs].map(([doc, live]) => [doc, live.epoch, Y.encodeStateAsUpdate(live.doc), new Map(live.owners)] as const),
        chunks: new Map([...chunks].map(([key, chunk]) => [key, { ...chunk }])),
        answers: new Map(answers),
        lastNs: new Map(lastNs),
        taken: [...taken],
        seq,
      }
      return () => {
        docs.clear()
        for (const [doc, epoch, state, owners] of kept.docs) {
          const restored = new Y.Doc()
          Y.applyUpdate(restored, state)
          docs.set(doc, { epoch, doc: restored, owners: new Map(owners) })
        }
        chunks.clear()
        for (const [key, chunk] of kept.chunks) chunks.set(key, chunk)
        answers.clear()
        for (const [key, answer] of kept.answers) answers.set(key, answer)
        lastNs.clear()
        for (const [device, n] of kept.lastNs) lastNs.set(device, n)
        taken = [...kept.taken]
        seq = kept.seq
      }
    },
  }
  return server
}

export const wishesAt = (server: WireServer, doc: DocId): readonly PlacedWish[] => {
  const key = wishesKey(licenseOfDoc(doc))
  return readRows(key, server.chunk(key))
}
