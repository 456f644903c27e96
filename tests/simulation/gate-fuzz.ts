/**
 * Damaged and crafted updates against the gate: a document that three devices have edited, and updates for it whose
 * bytes were changed. What the gate admits is applied to a copy, and must leave the other devices' clocks alone.
 */
import * as Y from 'yjs'
import { admitUpdate, type GateDoc } from '../../server/gate.ts'
import { parseTargetKey, type TargetKey } from '../../shared/ids.ts'
import { planMap, writeIntents, type PlanIntent } from '../../shared/plan.ts'
import type { Chance } from '../../shared/clock.ts'
import { seededChance } from '../world/hand-clock.ts'

export const target = (text: string): TargetKey => {
  const key = parseTargetKey(text)
  if (key === undefined) throw new Error(`gate-fuzz: ${text} is no target`)
  return key
}
export const give = (key: string, rev = 1): PlanIntent => ({
  part: 'wish',
  target: target(key),
  wish: { mode: 'include', intent: 'required', licenseType: 'device', rev },
  baseRev: rev - 1,
  confirmed: false,
})
const note = (key: string, text: string): PlanIntent => ({ part: 'note', target: target(key), note: text })

export interface GateWorld {
  readonly live: Y.Doc
  readonly gate: GateDoc
  /** Client ids of the three devices: `one` makes the updates, the others are to be left alone. */
  readonly clients: { readonly one: number; readonly two: number; readonly three: number }
  readonly edits: readonly { readonly intents: readonly PlanIntent[]; readonly update: Uint8Array }[]
}

export const deviceOne = 'device-one'

/** A document with a history of overwrites, and edits that `one` could send next. */
export const gateWorld = (): GateWorld => {
  const clients = { one: 1001, two: 2002, three: 3003 }
  const live = new Y.Doc()
  live.clientID = 9
  const edit = (clientId: number, intents: readonly PlanIntent[]): void => {
    const replica = new Y.Doc()
    Y.applyUpdate(replica, Y.encodeStateAsUpdate(live))
    // Set afterwards: Yjs takes another id when it meets its own in what comes from outside.
    replica.clientID = clientId
    Y.applyUpdate(live, writeIntents(replica, intents, 'edit'))
  }
  edit(clients.one, [give('d1'), give('d2'), note('d1', 'first')])
  edit(clients.two, [give('d3'), give('gtablets')])
  edit(clients.three, [give('d1', 2), give('all-devices')])
  edit(clients.two, [give('d2', 2), note('d3', 'second')])
  const next = (intents: readonly PlanIntent[]): { readonly intents: readonly PlanIntent[]; readonly update: Uint8Array } => {
    const replica = new Y.Doc()
    Y.applyUpdate(replica, Y.encodeStateAsUpdate(live))
    // Set afterwards: Yjs takes another id when it meets its own in what comes from outside.
    replica.clientID = clients.one
    return { intents, update: writeIntents(replica, intents, 'edit') }
  }
  const devices = new Map([
    [clients.one, deviceOne],
    [clients.two, 'device-two'],
    [clients.three, 'device-three'],
  ])
  return {
    live,
    gate: { nextClock: (id) => Y.getState(live.store, id), deviceOf: (id) => devices.get(id) },
    clients,
    edits: [
      next([give('d9')]),
      next([give('d1', 3)]),
      next([give('d1', 3), give('d2', 3), note('d2', 'third'), give('u7')]),
      next([note('d1', 'a longer note, so that bytes inside a text are hit as well: über, 名前')]),
      next(Array.from({ length: 20 }, (_, at) => give(`d${at + 20}`))),
    ],
  }
}

export const damage = (chance: Chance, source: Uint8Array): Uint8Array => {
  const pick = (count: number): number => Math.floor(chance.fraction() * count)
  const kind = chance.fraction()
  if (kind < 0.05) return source.subarray(0, pick(source.length))
  if (kind < 0.1) return Uint8Array.from([...source, ...chance.bytes(1 + pick(8))])
  if (kind < 0.15) {
    const at = pick(source.length)
    return Uint8Array.from([...source.subarray(0, at), ...chance.bytes(1 + pick(5)), ...source.subarray(at)])
  }
  if (kind < 0.2) {
    const at = pick(source.length)
    return Uint8Array.from([...source.subarray(0, at), ...source.subarray(at + 1 + pick(4))])
  }
  const bytes = Uint8Array.from(source)
  for (let times = 1 + pick(3); times > 0; times -= 1) bytes[pick(bytes.length)] = pick(256)
  return bytes
}

export interface GateFuzzed {
  readonly tried: number
  readonly admitted: number
  readonly slowestMs: number
}

/** Throws with the run's number at the first update that does harm. */
export const fuzzGate = (count: number, seed: number): GateFuzzed => {
  const { live, gate, clients, edits } = gateWorld()
  const chance = seededChance(seed)
  const state = Y.encodeStateAsUpdate(live)
  const admittedRuns = new Set<number>()
  let slowestMs = 0
  for (let run = 0; run < count; run += 1) {
    const edit = edits[run % edits.length]
    if (edit === undefined) throw new Error('gate-fuzz: no edits')
    const bytes = damage(chance, edit.update)
    const judge = (): boolean => {
      const verdict = admitUpdate(bytes, gate, edit.intents, deviceOne)
      if (verdict.ok) applyToCopy(state, bytes, [clients.two, clients.three], verdict.value.clientId, `seed ${seed}, run ${run}`)
      return verdict.ok
    }
    const timed = (): number => {
      const begun = performance.now()
      if (judge()) admittedRuns.add(run)
      return performance.now() - begun
    }
    // A busy machine makes us wait now and then; an update that is slow is slow each time.
    let tookMs = timed()
    for (let again = 0; again < 3 && tookMs > slowestMs; again += 1) tookMs = Math.min(tookMs, timed())
    slowestMs = Math.max(slowestMs, tookMs)
  }
  return { tried: count, admitted: admittedRuns.size, slowestMs }
}

const applyToCopy = (state: Uint8Array, bytes: Uint8Array, others: readonly number[], clientId: number, where: string): void => {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, state)
  const before = others.map((id) => Y.getState(copy.store, id))
  const own = Y.getState(copy.store, clientId)
  Y.applyUpdate(copy, bytes)
  others.forEach((id, at) => {
    if (Y.getState(copy.store, id) !== before[at]) throw new Error(`gate-fuzz: ${where} moved the clock of ${id}`)
  })
  if (copy.store.pendingStructs !== null || copy.store.pendingDs !== null)
    throw new Error(`gate-fuzz: ${where} waits for something that never comes`)
  if (Y.getState(copy.store, clientId) <= own) throw new Error(`gate-fuzz: ${where} was admitted and changed nothing`)
  if (Y.getState(copy.store, clientId) - own > bytes.length) throw new Error(`gate-fuzz: ${where} claims more than its bytes`)
  JSON.stringify(planMap(copy).toJSON())
}
