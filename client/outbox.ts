/**
 * The outbox: edits that the server has not answered. Its laws:
 * - an edit is shown as saved on this device once it is on the disk, and not before;
 * - the numbers of the edits that wait are gap-free and in the order of making; what was answered leaves, alone;
 * - a refused edit stays, named and with its reason, until someone discards it, and blocks nothing;
 * - nothing that was not answered is ever dropped.
 *
 * Every function here is one step of a transaction.
 */
import { asksTheSame, unsent, type PlacedWish, type Wish } from '../shared/assignment.ts'
import { isoTime, randomId, type Chance } from '../shared/clock.ts'
import { readRows, wishesKey } from '../shared/facts.ts'
import { licenseOfDoc, parseDeviceId, type DeviceId, type DocId, type TargetKey } from '../shared/ids.ts'
import type { PlanIntent } from '../shared/plan.ts'
import type { ServerFrame } from '../shared/protocol.ts'
import {
  NotLeading,
  type KnownAdmin,
  type LocalWriting,
  type Meta,
  type OutboxRow,
  type Refusal,
  type SavedEdit,
  type StoodBefore,
  type Store,
} from './local-db.ts'
import { advanceBase, makeUpdate, noUpdate, remakeUpdates } from './replica.ts'

/** Edits that the server has on its disk, shown in the outbox. */
export const mostSaved = 50

// ---- What one sees: the facts with this device's edits on top ----

export interface Standing {
  readonly placed: PlacedWish
  /** Changed by an edit that the facts do not yet hold. */
  readonly unsent: boolean
}

type PendingEdit = Pick<OutboxRow, 'intents' | 'by' | 'madeAt'>

/**
 * The wishes for one license as this device sees them. Unsent ones come after all that the server has, in the order of
 * making. A note for a target without a wish is kept by the server and shown by nobody.
 */
export const standingWith = (wishes: readonly PlacedWish[], edits: readonly PendingEdit[]): ReadonlyMap<TargetKey, Standing> => {
  const standing = new Map<TargetKey, Standing>(wishes.map((placed) => [placed.key, { placed, unsent: false }]))
  edits.forEach((edit, at) => {
    for (const intent of edit.intents) {
      const found = standing.get(intent.target)?.placed
      if (intent.part === 'note') {
        if (found !== undefined) standing.set(intent.target, { placed: { ...found, note: intent.note }, unsent: true })
        continue
      }
      const same = found !== undefined && asksTheSame(found.wish, intent.wish)
      standing.set(intent.target, {
        placed: {
          key: intent.target,
          wish: intent.wish,
          note: found?.note ?? '',
          by: edit.by.name,
          at: isoTime(edit.madeAt),
          taken: same ? found.taken : unsent - edits.length + at,
        },
        unsent: true,
      })
    }
  })
  return standing
}

/** Edits of one document that the facts do not yet hold: those the server has, then those it has not. */
export const pendingEdits = (
  doc: DocId,
  rows: readonly OutboxRow[],
  saved: readonly SavedEdit[],
  factsSeq: number,
): readonly (OutboxRow | SavedEdit)[] => [
  ...saved.filter((edit) => edit.doc === doc && edit.seq > factsSeq).sort((a, b) => a.id - b.id),
  ...rows.filter((row) => row.doc === doc && row.state === 'waiting').sort((a, b) => a.n - b.n),
]

// ---- Keeping an edit ----

/** What an administrator wants of one target; the revisions are found when it is kept. */
export type WantedChange =
  | { readonly part: 'wish'; readonly target: TargetKey; readonly wish: UnrevisedWish; readonly confirmed: boolean }
  | { readonly part: 'note'; readonly target: TargetKey; readonly note: string }
type WithoutRev<T> = T extends unknown ? Omit<T, 'rev'> : never
export type UnrevisedWish = WithoutRev<Wish>

export interface WantedEdit {
  readonly doc: DocId
  readonly words: string
  readonly changes: readonly WantedChange[]
  /** A refused edit that this one replaces: it goes in the same transaction. */
  readonly replaces?: number
}

export const keepEditStores: readonly Store[] = ['meta', 'outbox', 'saved', 'docs', 'chunks']

export const keepEdit = async (
  writing: LocalWriting,
  wanted: WantedEdit,
  by: KnownAdmin,
  madeAt: number,
  clientId: number,
): Promise<OutboxRow> => {
  const meta = await mustReadMeta(writing)
  const rows = [...(await writing.rowsOfDoc(wanted.doc))].sort((a, b) => a.id - b.id)
  const chunk = await writing.chunk(wishesKey(licenseOfDoc(wanted.doc)))
  const standing = standingWith(readableWishes(wanted.doc, chunk?.bytes), pendingEdits(wanted.doc, rows, await writing.saved(), meta.seq))
  const intents = wanted.changes.map((change): PlanIntent => {
    if (change.part === 'note') return { part: 'note', target: change.target, note: change.note }
    const baseRev = standing.get(change.target)?.placed.wish.rev ?? 0
    return { part: 'wish', target: change.target, wish: { ...change.wish, rev: baseRev + 1 }, baseRev, confirmed: change.confirmed }
  })
  const { epoch, update } = makeUpdate(await writing.docBase(wanted.doc), rows, clientId, intents)
  const row: OutboxRow = {
    id: meta.lastId + 1,
    form: 1,
    n: meta.lastN + 1,
    doc: wanted.doc,
    epoch,
    words: wanted.words,
    intents,
    before: stoodBefore(standing, wanted.changes),
    update,
    madeAt,
    by,
    state: 'waiting',
    refusal: null,
  }
  await writing.putRows([row])
  if (wanted.replaces !== undefined) await writing.removeRows([wanted.replaces])
  await writing.putMeta({ ...meta, lastId: row.id, lastN: row.n })
  return row
}

const stoodBefore = (standing: ReadonlyMap<TargetKey, Standing>, changes: readonly WantedChange[]): readonly StoodBefore[] =>
  [...new Set(changes.map(({ target }) => target))].map((target) => {
    const placed = standing.get(target)?.placed
    return { target, wish: placed?.wish ?? null, note: placed?.note ?? '' }
  })

const readableWishes = (doc: DocId, bytes: Uint8Array | undefined): readonly PlacedWish[] => {
  try {
    return readRows(wishesKey(licenseOfDoc(doc)), bytes)
  } catch {
    // The chunk is found unreadable by whoever shows it, and fetched anew; the server judges a revision that was not known.
    return []
  }
}

// ---- What the server answers ----

export type Settled = { readonly id: number; readonly frame: Extract<ServerFrame, { readonly is: 'ack' | 'nack' }> }
export type DocUpdate = Extract<ServerFrame, { readonly is: 'update' }>

/** Answers and document updates in the order in which they came. */
export const settle = async (writing: LocalWriting, meta: Meta, told: readonly (Settled | DocUpdate)[], now: number): Promise<Meta> => {
  const updatesByDoc = new Map<DocId, { readonly epoch: number; readonly update: Uint8Array }[]>()
  const learn = (doc: DocId, epoch: number, update: Uint8Array): void => {
    const updates = updatesByDoc.get(doc)
    if (updates === undefined) updatesByDoc.set(doc, [{ epoch, update }])
    else updates.push({ epoch, update })
  }
  const refused: OutboxRow[] = []
  const gone: number[] = []
  const saved: SavedEdit[] = []
  let answeredN = meta.answeredN
  for (const item of told) {
    if (!('frame' in item)) {
      learn(item.doc, item.epoch, item.update)
      continue
    }
    const { frame } = item
    const row = await writing.row(item.id)
    if (row === undefined || row.n !== frame.n) continue
    answeredN = Math.max(answeredN, frame.n)
    if (frame.is === 'nack') {
      refused.push({ ...row, state: 'refused', refusal: { code: frame.code, text: frame.text, at: now } })
      continue
    }
    learn(row.doc, row.epoch, row.update)
    gone.push(row.id)
    const { id, n, doc, words, intents, before, madeAt, by } = row
    saved.push({ id, n, doc, words, intents, before, madeAt, by, savedAt: now, seq: frame.seq })
  }
  if (refused.length > 0) await writing.putRows(refused)
  if (gone.length > 0) await writing.removeRows(gone)
  if (saved.length > 0) await writing.putSaved(saved)
  for (const [doc, updates] of updatesByDoc) {
    const base = await writing.docBase(doc)
    const epoch = base?.epoch ?? updates[0]?.epoch ?? 0
    const fitting = updates.filter((update) => update.epoch === epoch).map(({ update }) => update)
    const advanced = advanceBase(base, doc, epoch, fitting)
    if (advanced !== undefined) await writing.putDocBase(advanced)
  }
  return { ...meta, answeredN }
}

/** The history of saved edits stays short, but for what the facts do not yet show. */
export const trimSaved = async (writing: LocalWriting, factsSeq: number): Promise<void> => {
  const saved = [...(await writing.saved())].sort((a, b) => b.id - a.id)
  const over = saved.slice(mostSaved).filter((edit) => edit.seq <= factsSeq)
  if (over.length > 0) await writing.removeSaved(over.map(({ id }) => id))
}

/**
 * The answer to `open`: what the reader lacked, or the whole document when `full`. When the history can't be followed
 * (`full` after a reset, another epoch, edits that have no update), the edits that wait are made anew on it, under their
 * old numbers. Refused edits keep their meaning and lose their update, which belonged to the old history.
 * Gives whether the edits were made anew.
 */
export const takeDoc = async (
  writing: LocalWriting,
  told: { readonly doc: DocId; readonly epoch: number; readonly update: Uint8Array },
  full: boolean,
  clientId: number,
): Promise<boolean> => {
  const known = await writing.docBase(told.doc)
  const goesOn = !full && known?.epoch === told.epoch
  const base = advanceBase(goesOn ? known : undefined, told.doc, told.epoch, [told.update])
  if (base === undefined) throw new Error(`outbox: the server's state of ${told.doc} has parts missing`)
  const rows = [...(await writing.rowsOfDoc(told.doc))].sort((a, b) => a.n - b.n || a.id - b.id)
  const waiting = rows.filter((row) => row.state === 'waiting')
  const anew = full || waiting.some((row) => row.epoch !== told.epoch || row.update.length === 0)
  await writing.putDocBase(base)
  if (!anew) return false
  const updates = remakeUpdates(
    base,
    waiting.map(({ intents }) => intents),
    clientId,
  )
  await writing.putRows([
    ...waiting.map((row, at) => ({ ...row, epoch: told.epoch, update: updates[at] ?? noUpdate })),
    ...rows.filter((row) => row.state === 'refused').map((row) => ({ ...row, update: noUpdate })),
  ])
  return true
}

/** The server reset the document for this edit again and again: it is set aside, and what follows closes up. */
export const setAside = async (writing: LocalWriting, meta: Meta, id: number, refusal: Refusal): Promise<Meta> => {
  const rows = await writing.rows()
  const row = rows.find((found) => found.id === id)
  if (row === undefined || row.state !== 'waiting') return meta
  await writing.putRows([{ ...row, state: 'refused', refusal, update: noUpdate }])
  const waiting = inOrder(rows).filter((found) => found.id !== id)
  return await renumber(writing, meta, waiting, meta.answeredN)
}

const inOrder = (rows: readonly OutboxRow[]): readonly OutboxRow[] =>
  rows.filter((row) => row.state === 'waiting').sort((a, b) => a.n - b.n || a.id - b.id)

/** Gives the rows that the server has not heard of the numbers after `lastN`, without a gap. */
const renumber = async (writing: LocalWriting, meta: Meta, waiting: readonly OutboxRow[], lastN: number): Promise<Meta> => {
  let next = lastN
  const changed: OutboxRow[] = []
  for (const row of waiting) {
    // Taken already, or for another edit: asking again under this number tells.
    if (row.n <= lastN) continue
    next += 1
    if (row.n !== next) changed.push({ ...row, n: next })
  }
  if (changed.length > 0) await writing.putRows(changed)
  return { ...meta, lastN: next }
}

// ---- Meeting the server ----

/**
 * Compares what the server remembers of this browser with what the browser remembers, at every welcome:
 * 1. another database: facts and documents begin anew, edits made on the other one are set aside;
 * 2. the server is behind what it had acknowledged: it was restored, and what is still held here is sent again;
 * 3. the server is ahead: this browser's store was lost or set back, and numbering goes on after the server's;
 * 4. somebody else is signed in: edits of the one before are set aside until they come back, since the server would
 *    otherwise take them for this one's.
 */
export const meetServer = async (
  writing: LocalWriting,
  meta: Meta,
  welcome: Extract<ServerFrame, { readonly is: 'welcome' }>,
  now: number,
): Promise<Meta> => {
  const rows = await writing.rows()
  const otherServer = meta.tenant !== null && meta.tenant !== welcome.tenant
  const restored = !otherServer && (welcome.lastN < meta.answeredN || welcome.seq < meta.seq)
  let next: Meta = { ...meta, tenant: welcome.tenant, admin: welcome.admin }
  if (otherServer || restored) {
    await writing.clearChunks()
    await writing.clearDocBases()
    next = { ...next, seq: 0, whole: false, heardAt: null, answeredN: welcome.lastN }
  }
  if (!otherServer && !restored && welcome.lastN > meta.lastN) next = { ...next, notice: { is: 'store-was-lost', at: now } }

  const setAsideNow: OutboxRow[] = []
  const aside = (row: OutboxRow, code: Refusal['code'], text: string): void =>
    void setAsideNow.push({ ...row, state: 'refused', refusal: { code, text, at: now }, update: noUpdate })
  let waiting: OutboxRow[] = []
  for (const row of inOrder(rows)) {
    if (otherServer)
      aside(row, 'other-server', 'This was made on the data of another server. Nothing was sent. Export it, or make it again here.')
    else if (row.by.id !== welcome.admin.id && row.n > welcome.lastN)
      aside(
        row,
        'other-admin',
        `${row.by.name} made this and was signed out before it was sent. It is sent when ${row.by.name} signs in here again.`,
      )
    else waiting.push(row)
  }
  if (otherServer) await writing.removeSaved((await writing.saved()).map(({ id }) => id))
  if (restored) {
    const again = await takeBackSaved(writing, rows, welcome, now)
    const known = rows.filter(
      (row) => row.refusal !== null && !isOurOwn(row.refusal) && row.n > welcome.lastN && row.n <= meta.answeredN,
    ).length
    // The documents' history may be lost as well: all that waits is made anew, and numbered anew unless the server has its number.
    waiting = [...again, ...waiting].map((row) => ({ ...row, n: row.n <= welcome.lastN ? row.n : Infinity, update: noUpdate }))
    await writing.putRows(waiting.filter((row) => row.n <= welcome.lastN))
    if (welcome.lastN < meta.answeredN)
      next = {
        ...next,
        notice: {
          is: 'server-was-restored',
          at: now,
          sentAgain: again.length,
          lost: Math.max(0, meta.answeredN - welcome.lastN - again.length - known),
        },
      }
  }
  const back = rows
    .filter((row) => row.state === 'refused' && row.refusal?.code === 'other-admin' && row.by.id === welcome.admin.id)
    .sort((a, b) => a.id - b.id)
    .map((row): OutboxRow => ({ ...row, n: Infinity, state: 'waiting', refusal: null, update: noUpdate }))
  if (setAsideNow.length > 0) await writing.putRows(setAsideNow)
  return await renumber(writing, next, [...waiting, ...back], welcome.lastN)
}

const isOurOwn = (refusal: Refusal): boolean => refusal.code === 'other-admin' || refusal.code === 'other-server'

/** Edits that the server had acknowledged and has no more; those of others stay in the history. */
const takeBackSaved = async (
  writing: LocalWriting,
  rows: readonly OutboxRow[],
  welcome: Extract<ServerFrame, { readonly is: 'welcome' }>,
  now: number,
): Promise<readonly OutboxRow[]> => {
  const held = new Set(rows.map(({ id }) => id))
  const lost = (await writing.saved()).filter((edit) => edit.n > welcome.lastN && edit.by.id === welcome.admin.id && !held.has(edit.id))
  await writing.removeSaved(lost.map(({ id }) => id))
  // The facts are fetched anew: what the server still has is in them.
  await writing.putSaved((await writing.saved()).map((edit) => ({ ...edit, seq: 0 })))
  return [...lost]
    .sort((a, b) => a.id - b.id)
    .map(({ id, n, doc, words, intents, before, madeAt, by }) => ({
      id,
      form: 1,
      n,
      doc,
      epoch: 0,
      words,
      intents,
      before,
      update: noUpdate,
      madeAt: Math.min(madeAt, now),
      by,
      state: 'waiting',
      refusal: null,
    }))
}

/** This profile was copied: it goes on under a name of its own, and what waits is numbered from 1. */
export const takeNewDevice = async (writing: LocalWriting, meta: Meta, chance: Chance, now: number): Promise<Meta> => {
  const waiting = inOrder(await writing.rows()).map((row) => ({ ...row, n: Infinity }))
  const renamed: Meta = { ...meta, device: freshDevice(chance), answeredN: 0, notice: { is: 'profile-was-copied', at: now } }
  return await renumber(writing, renamed, waiting, 0)
}

export const freshDevice = (chance: Chance): DeviceId => {
  const id = parseDeviceId(randomId(chance))
  if (id === undefined) throw new Error('outbox: chance gave no id')
  return id
}

export const firstMeta = (chance: Chance): Meta => ({
  device: freshDevice(chance),
  term: 0,
  lastId: 0,
  lastN: 0,
  answeredN: 0,
  tenant: null,
  seq: 0,
  whole: false,
  heardAt: null,
  admin: null,
  notice: null,
})

export const mustReadMeta = async (writing: Pick<LocalWriting, 'meta'>): Promise<Meta> => {
  const meta = await writing.meta()
  if (meta === undefined) throw new Error("outbox: this browser's own row is gone; site data was cleared while the console was open")
  return meta
}

/** A leader's transaction begins here: what comes from the server is written by the last leader alone. */
export const readAsLeader = async (writing: LocalWriting, term: number | undefined): Promise<Meta> => {
  const meta = await mustReadMeta(writing)
  if (meta.term !== term) throw new NotLeading()
  return meta
}
