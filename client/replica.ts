/**
 * This device's plan documents. Nothing is held in memory between two edits: a document is the server's state with the
 * edits that wait put on top, opened inside the transaction that keeps the next edit. So there is no second copy that
 * could drift from what is on the disk, two tabs can edit one document, and a build from the ground up is all there is.
 *
 * What people see comes from the facts and the intents, never from here: a document only makes updates that the
 * server's gate can follow.
 */
import * as Y from 'yjs'
import type { Chance } from '../shared/clock.ts'
import type { DocId } from '../shared/ids.ts'
import { writeIntents, type PlanIntent } from '../shared/plan.ts'
import type { DocBase, OutboxRow } from './local-db.ts'

/** Documents begin in this epoch at the server; a guess that is wrong leads to a reset. */
export const firstEpoch = 1
export const noUpdate = new Uint8Array(0)

/** Never stored and never used twice: two replicas of one id would part for ever. 31 bits. */
export const freshClientId = (chance: Chance): number => {
  const [a = 0, b = 0, c = 0, d = 0] = chance.bytes(4)
  return (((a & 0x7f) << 24) | (b << 16) | (c << 8) | d) >>> 0
}

const open = (base: DocBase | undefined, rows: readonly OutboxRow[], clientId: number): Y.Doc => {
  const doc = new Y.Doc()
  if (base !== undefined && base.state.length > 0) Y.applyUpdate(doc, base.state, 'server')
  for (const row of rows) if (row.update.length > 0) Y.applyUpdate(doc, row.update, 'outbox')
  // Set last: Yjs takes another id by chance of its own when what it applies holds its own.
  doc.clientID = clientId
  return doc
}

const isTorn = (doc: Y.Doc): boolean => doc.store.pendingStructs !== null || doc.store.pendingDs !== null

/**
 * The update that carries an edit, made on the server's state and this device's earlier edits of the document. Refused
 * edits are among them as long as they are kept: what follows was written on top of them, and the server has them, set back.
 */
export const makeUpdate = (
  base: DocBase | undefined,
  rows: readonly OutboxRow[],
  clientId: number,
  intents: readonly PlanIntent[],
): { readonly epoch: number; readonly update: Uint8Array<ArrayBuffer> } => {
  const epoch = base?.epoch ?? rows.at(-1)?.epoch ?? firstEpoch
  const earlier = rows.filter((row) => row.epoch === epoch)
  let doc = open(base, earlier, clientId)
  // Something before the earlier edits is missing: they will be made anew once the server says so, this one stands alone.
  if (isTorn(doc)) doc = open(base, [], clientId)
  return { epoch, update: writeIntents(doc, intents, 'edit') }
}

/** The updates of several edits on a new state, in their order: the way back after a reset. */
export const remakeUpdates = (
  base: DocBase,
  edits: readonly (readonly PlanIntent[])[],
  clientId: number,
): readonly Uint8Array<ArrayBuffer>[] => {
  const doc = open(base, [], clientId)
  return edits.map((intents) => writeIntents(doc, intents, 'edit'))
}

/** The server's state with updates of it applied; applied one by one, since merging many small updates takes seconds. */
export const advanceBase = (base: DocBase | undefined, doc: DocId, epoch: number, updates: readonly Uint8Array[]): DocBase | undefined => {
  const opened = open(base, [], 0)
  for (const update of updates) if (update.length > 0) Y.applyUpdate(opened, update, 'server')
  // The state goes on from what was missing once it has come; until then the old one is the last that was whole.
  if (isTorn(opened)) return undefined
  return { doc, epoch, state: new Uint8Array(Y.encodeStateAsUpdate(opened)) }
}

export const stateVectorOf = (base: DocBase): Uint8Array<ArrayBuffer> => new Uint8Array(Y.encodeStateVectorFromUpdate(base.state))
