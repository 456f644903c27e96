/**
 * The one writer of plan documents. An edit arrives as an update with its intents (from a browser), or as intents alone
 * (from the HTTP API, which acts as an administrator does); both go the same way:
 *
 * 1. the author's role, read afresh; 2. the document's epoch; 3. was this number of this device answered before? then
 * the same answer again; 4. the gate; 5. apply to the live document; 6. judge each changed key; 7. what the rules forbid
 * is set back in a second transaction, so that it never leaves this server; 8. one act of the journal keeps the net
 * change, the wishes as facts, the audit row and the number; 9. answer; 10. the net change goes to whoever has the
 * document open.
 *
 * A Yjs update is never dropped in silence: dropping one makes the rest of that author's stream wait for ever. So what
 * can be read is applied and set back, and what can't be read resets the author's session with the document.
 */
import * as Y from 'yjs'
import { createHash } from 'node:crypto'
import type { Db } from './database/schema.ts'
import { appendAudit } from './audit.ts'
import { admitUpdate, type GateRefused } from './gate.ts'
import type { Journal, Writing } from './journal.ts'
import { may, type Actor } from '../shared/admin.ts'
import {
  asksTheSame,
  kindsGiven,
  staleWishStands,
  wishRefused,
  wishRefusedInWords,
  type PlacedWish,
  type Wish,
} from '../shared/assignment.ts'
import { isoTime, type Chance, type Clock } from '../shared/clock.ts'
import { licensesKey, rowsFact, wishesKey } from '../shared/facts.ts'
import {
  docOfLicense,
  kindOfTarget,
  licenseOfDoc,
  principalKindOf,
  targetOf,
  type DeviceId,
  type DocId,
  type LicenseId,
  type PrincipalKind,
  type TargetKey,
} from '../shared/ids.ts'
import type { License } from '../shared/license.ts'
import { meaningOf, noteIn, parsePlanKey, planKeyOf, planMap, readRegister, registerOf, wishIn, type PlanIntent } from '../shared/plan.ts'
import { packIntents, type NackCode, type ResetReason } from '../shared/protocol.ts'

export interface PushedEdit {
  readonly device: DeviceId
  readonly n: number
  readonly doc: DocId
  readonly epoch: number
  readonly words: string
  readonly intents: readonly PlanIntent[]
  readonly update: Uint8Array
  readonly sum: Uint8Array
}

/** The server's word on an edit, the same however often it is asked. */
export type Answer =
  | { readonly is: 'ack'; readonly seq: number }
  | { readonly is: 'nack'; readonly code: NackCode; readonly text: string }
  | { readonly is: 'resend'; readonly from: number }
  | { readonly is: 'reset'; readonly epoch: number; readonly why: ResetReason }

export type IntentsRefused = { readonly code: NackCode; readonly text: string }

export interface OpenedDoc {
  readonly epoch: number
  readonly update: Uint8Array
}

export type DocListener = (doc: DocId, epoch: number, update: Uint8Array) => void

export interface Workspace {
  take(actor: Actor, edit: PushedEdit): Promise<Answer>
  /** The API's way: the server makes the update itself. Gives the revised wishes' seq. */
  takeIntents(
    actor: Actor,
    license: LicenseId,
    intents: readonly PlanIntent[],
    words: string,
    origin: 'api' | 'server',
    /** Refused as superseded unless this very revision stands for the target. */
    onlyIf?: { readonly target: TargetKey; readonly rev: number },
  ): Promise<IntentsRefused | { readonly seq: number }>
  /** What the reader lacks; a state vector that can't be read gives everything. */
  open(doc: DocId, epoch: number, stateVector: Uint8Array): Promise<OpenedDoc>
  /** The number of the last edit taken from a device; 0 for one that is new. */
  lastNumber(device: DeviceId): Promise<number>
  onUpdate(listener: DocListener): () => void
  /** Documents held in memory, for the figures. */
  held(): number
}

interface Live {
  readonly doc: Y.Doc
  readonly epoch: number
  readonly devices: Map<number, string>
  /** Log rows since the state was last kept whole. */
  logRows: number
  logBytes: number
}

/** Documents in memory; the least recently used is put away. Each is a few kilobytes. */
const mostLive = 500
/** The log is folded into the state beyond this; applied one by one, since merging many small updates takes seconds. */
const mostLogRows = 500
const mostLogBytes = 64 * 1024
const mostWordsKept = 500

export interface WorkspaceDeps {
  readonly db: Db
  readonly journal: Journal
  readonly clock: Clock
  readonly chance: Chance
}

/** What the rules say to one intent. */
type Judgement = { readonly is: 'stands' } | { readonly is: 'refused'; readonly code: NackCode; readonly text: string }

export const createWorkspace = (deps: WorkspaceDeps): Workspace => {
  const { db, journal, clock, chance } = deps
  const liveByDoc = new Map<DocId, Live>()
  const listeners = new Set<DocListener>()
  journal.onForget(() => liveByDoc.clear())

  const load = async (write: Writing, doc: DocId): Promise<Live> => {
    const held = liveByDoc.get(doc)
    if (held !== undefined) {
      liveByDoc.delete(doc)
      liveByDoc.set(doc, held)
      return held
    }
    const stored = await write.trx.selectFrom('plan_docs').select(['epoch', 'state', 'state_seq']).where('doc', '=', doc).executeTakeFirst()
    const log = await write.trx
      .selectFrom('plan_log')
      .select(['bytes'])
      .where('doc', '=', doc)
      .where('seq', '>', stored?.state_seq ?? 0)
      .orderBy('seq')
      .execute()
    const clients = await write.trx.selectFrom('plan_clients').select(['client_id', 'device']).where('doc', '=', doc).execute()
    const live: Live = {
      doc: new Y.Doc(),
      epoch: stored?.epoch ?? 1,
      devices: new Map(clients.map(({ client_id, device }) => [client_id, device])),
      logRows: log.length,
      logBytes: log.reduce((sum, { bytes }) => sum + bytes.length, 0),
    }
    live.doc.clientID = Math.floor(chance.fraction() * 0xffffffff)
    if (stored !== undefined && stored.state.length > 0) Y.applyUpdate(live.doc, stored.state, 'stored')
    for (const { bytes } of log) Y.applyUpdate(live.doc, bytes, 'stored')
    hold(doc, live)
    return live
  }

  const hold = (doc: DocId, live: Live): void => {
    liveByDoc.set(doc, live)
    if (liveByDoc.size > mostLive)
      for (const oldest of liveByDoc.keys()) {
        liveByDoc.delete(oldest)
        break
      }
  }

  /** Keeps the net change; folds the log into the state when it has grown. */
  const keepUpdate = async (write: Writing, doc: DocId, live: Live, update: Uint8Array): Promise<number> => {
    const seq = write.nextSeq()
    live.logRows += 1
    live.logBytes += update.length
    if (live.logRows > mostLogRows || live.logBytes > mostLogBytes || live.logRows === 1) {
      const state = Y.encodeStateAsUpdate(live.doc)
      await write.trx
        .insertInto('plan_docs')
        .values({ doc, epoch: live.epoch, state, state_seq: seq })
        .onConflict((conflict) => conflict.column('doc').doUpdateSet({ epoch: live.epoch, state, state_seq: seq }))
        .execute()
      await write.trx.deleteFrom('plan_log').where('doc', '=', doc).execute()
      live.logRows = 1
      live.logBytes = 0
    } else await write.trx.insertInto('plan_log').values({ seq, doc, epoch: live.epoch, bytes: update }).execute()
    return seq
  }

  const findLicense = async (write: Writing, license: LicenseId): Promise<License | undefined> =>
    (await write.rows(licensesKey(license))).find(({ id }) => id === license)

  /** Whether the target is known, and which sort it is. */
  const targetKind = async (write: Writing, key: TargetKey): Promise<PrincipalKind | undefined> => {
    const target = targetOf(key)
    switch (target.kind) {
      case 'all-users':
        return 'user'
      case 'all-devices':
        return 'device'
      case 'group':
        return (await write.rows('groups')).find(({ id }) => id === target.id)?.kind
      case 'user':
      case 'device': {
        const known = await write.trx
          .selectFrom('principal_keys')
          .select('kind')
          .where('ordinal', '=', Number(target.id.slice(1)))
          .executeTakeFirst()
        return known?.kind === principalKindOf(target.id) ? target.kind : undefined
      }
    }
  }

  /** Who removed this assignment last; the fact of it is gone once nothing was left to do. */
  const remover = async (write: Writing, doc: DocId, target: TargetKey): Promise<string> => {
    const edit = await write.trx
      .selectFrom('edits')
      .select('admin')
      .where('doc', '=', doc)
      .where('verdict', '=', '')
      .where('intents', 'like', `%["w","${target}",["removed"%`)
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (edit === undefined) return 'Somebody else'
    const named = await write.trx
      .selectFrom('audit')
      .select('actor_name')
      .where('actor', '=', edit.admin)
      .orderBy('n', 'desc')
      .limit(1)
      .executeTakeFirst()
    return named?.actor_name ?? 'Somebody else'
  }

  const judge = async (
    write: Writing,
    license: License,
    intent: PlanIntent,
    standing: PlacedWish | undefined,
    registered: Wish | undefined,
    included: ReadonlySet<PrincipalKind>,
  ): Promise<Judgement> => {
    if (intent.part === 'note') return { is: 'stands' }
    const kind = await targetKind(write, intent.target)
    // Taking back is possible for a target that has vanished; giving is not.
    if (kind === undefined && intent.wish.mode !== 'removed')
      return {
        is: 'refused',
        code: 'target-unknown',
        text: 'Whom this was meant for is no longer in the directory. Nothing changed. Choose another person, device or group.',
      }
    const never = kind === undefined ? undefined : wishRefused(license, kind, intent.wish, intent.confirmed, included)
    if (never !== undefined) return { is: 'refused', code: never, text: wishRefusedInWords(never, license.product.name) }
    // A settled removal has left the facts and not the document. Who saw no wish at all (0) knows no less than the facts tell.
    const stands = standing?.wish ?? (intent.baseRev > 0 ? registered : undefined)
    if (stands !== undefined && stands.rev !== intent.baseRev && !staleWishStands(stands, intent.wish))
      return {
        is: 'refused',
        code: 'superseded',
        text: `${standing?.by ?? (await remover(write, docOfLicense(license.id), intent.target))} ${inWords(stands)} while you were away. That stands, since giving can be asked for again. Nobody got a seat by your edit.`,
      }
    return { is: 'stands' }
  }

  /** The sorts of principals to which the license goes once this edit stands. */
  const kindsAfter = async (
    write: Writing,
    standing: readonly PlacedWish[],
    intents: readonly PlanIntent[],
  ): Promise<ReadonlySet<PrincipalKind>> => {
    const wishByKey = new Map(standing.map(({ key, wish }) => [key, wish]))
    for (const intent of intents) if (intent.part === 'wish') wishByKey.set(intent.target, intent.wish)
    const kindById = new Map((await write.rows('groups')).map(({ id, kind }) => [id, kind]))
    return kindsGiven(
      [...wishByKey].map(([key, wish]) => ({ key, wish })),
      (key) => kindOfTarget(key, kindById),
    )
  }

  /**
   * Judges what is in the document now against what stood before, sets back what may not stand, and gives the wishes
   * that changed. The document holds nothing but judged wishes when this returns.
   */
  const settle = async (
    write: Writing,
    actor: Actor,
    license: License | undefined,
    live: Live,
    intents: readonly PlanIntent[],
    before: ReadonlyMap<string, unknown>,
    changedKeys: ReadonlySet<string>,
  ): Promise<{
    readonly refused: IntentsRefused | undefined
    readonly changed: readonly TargetKey[]
    readonly standing: readonly PlacedWish[]
  }> => {
    const licenseId = license?.id
    const standing = licenseId === undefined ? [] : await write.rows(wishesKey(licenseId))
    const byKey = new Map(standing.map((placed) => [placed.key, placed]))
    const intentByKey = new Map(intents.map((intent) => [planKeyOf(intent), intent]))
    let refused: IntentsRefused | undefined
    if (!may(actor, 'edit-plan'))
      refused = {
        code: 'not-permitted',
        text: `Your role is ${actor.role}. Only an administrator or the owner may change assignments. Nothing changed.`,
      }
    else if (license === undefined) refused = { code: 'license-unknown', text: 'This license is no longer known here. Nothing changed.' }
    else if ([...changedKeys].some((key) => !intentByKey.has(key)))
      refused = { code: 'malformed', text: 'The edit changed more than it said. Nothing was taken over. Make it again.' }
    else {
      const included = await kindsAfter(write, standing, intents)
      for (const intent of intents) {
        const judgement = await judge(write, license, intent, byKey.get(intent.target), readRegister(before.get(intent.target)), included)
        if (judgement.is === 'refused') {
          refused = { code: judgement.code, text: judgement.text }
          break
        }
      }
    }

    // An edit is taken whole or not at all: half of a bulk act is nobody's wish.
    const wanted = new Map<string, unknown>()
    const changed = new Set<TargetKey>()
    if (refused !== undefined) for (const key of changedKeys) wanted.set(key, before.get(key))
    else
      for (const intent of intents) {
        const key = planKeyOf(intent)
        changed.add(intent.target)
        if (intent.part === 'note') wanted.set(key, intent.note)
        else wanted.set(key, registerOf({ ...intent.wish, rev: (byKey.get(intent.target)?.wish.rev ?? registerRev(before.get(key))) + 1 }))
      }
    live.doc.transact(() => {
      const map = planMap(live.doc)
      for (const [key, value] of wanted) {
        if (JSON.stringify(map.get(key)) === JSON.stringify(value)) continue
        if (value === undefined) map.delete(key)
        else map.set(key, value)
      }
    }, 'server')
    return { refused, changed: [...changed], standing }
  }

  /** The wishes as the server took them, as facts. */
  const recordWishes = async (
    write: Writing,
    actor: Actor,
    license: LicenseId,
    live: Live,
    standing: readonly PlacedWish[],
    changed: readonly TargetKey[],
    seq: number,
  ): Promise<void> => {
    const byKey = new Map(standing.map((placed) => [placed.key, placed]))
    const put: PlacedWish[] = []
    for (const key of changed) {
      const wish = wishIn(live.doc, key)
      if (wish === undefined) continue
      const placed = byKey.get(key)
      // A note, a repeated wish or other terms of it keep its place in the order of serving.
      const same = placed !== undefined && asksTheSame(placed.wish, wish)
      put.push({ key, wish, note: noteIn(live.doc, key), by: actor.name, at: isoTime(clock.now()), taken: same ? placed.taken : seq })
    }
    if (put.length > 0) await write.record(rowsFact(wishesKey(license), put))
  }

  const tell = (doc: DocId, epoch: number, update: Uint8Array): void => {
    for (const listener of listeners) listener(doc, epoch, update)
  }

  const takeInAct = async (write: Writing, actor: Actor, edit: PushedEdit): Promise<Answer> => {
    // 3. Answered before?
    const digest = sha256Hex(meaningOf(edit.doc, edit.intents))
    const seen = await write.trx
      .selectFrom('edits')
      .select(['digest', 'verdict', 'seq'])
      .where('device', '=', edit.device)
      .where('n', '=', edit.n)
      .executeTakeFirst()
    if (seen !== undefined)
      return seen.digest === digest
        ? readVerdict(seen.verdict, seen.seq)
        : {
            is: 'nack',
            code: 'number-taken',
            text: 'This number was used for another edit: this browser profile was copied or restored. The edit gets a new number.',
          }
    const device = await write.trx.selectFrom('devices').select('last_n').where('id', '=', edit.device).executeTakeFirst()
    const expected = (device?.last_n ?? 0) + 1
    if (edit.n > expected) return { is: 'resend', from: expected }
    // 2. The epoch.
    const live = await load(write, edit.doc)
    if (edit.epoch !== live.epoch) return { is: 'reset', epoch: live.epoch, why: 'epoch' }
    // 4. The gate.
    if (!sameBytes(edit.sum, sha256(edit.update))) return { is: 'reset', epoch: live.epoch, why: 'malformed' }
    const admitted = admitUpdate(
      edit.update,
      { nextClock: (clientId) => Y.getState(live.doc.store, clientId), deviceOf: (clientId) => live.devices.get(clientId) },
      edit.intents,
      edit.device,
    )
    if (!admitted.ok) return { is: 'reset', epoch: live.epoch, why: resetReasonOf(admitted.error) }
    const { clientId } = admitted.value
    // 5. Apply. From here on the live document is ahead of the disk: forget it if this act is undone.
    write.undone(() => void liveByDoc.delete(edit.doc))
    const stateBefore = Y.encodeStateVector(live.doc)
    const before = new Map(planMap(live.doc).entries())
    const changedKeys = new Set<string>()
    const observe = (event: Y.YMapEvent<unknown>): void => event.keysChanged.forEach((key: string) => void changedKeys.add(key))
    planMap(live.doc).observe(observe)
    try {
      Y.applyUpdate(live.doc, edit.update, 'edit')
    } catch {
      liveByDoc.delete(edit.doc)
      return { is: 'reset', epoch: live.epoch, why: 'malformed' }
    } finally {
      planMap(live.doc).unobserve(observe)
    }
    if (live.doc.store.pendingStructs !== null || live.doc.store.pendingDs !== null || !onlyPlainKeys(live.doc)) {
      liveByDoc.delete(edit.doc)
      return { is: 'reset', epoch: live.epoch, why: 'malformed' }
    }
    if (!live.devices.has(clientId)) {
      live.devices.set(clientId, edit.device)
      await write.trx.insertInto('plan_clients').values({ doc: edit.doc, client_id: clientId, device: edit.device }).execute()
    }
    // 6, 7. Judge, set back.
    const license = await findLicense(write, licenseOfDoc(edit.doc))
    const { refused, changed, standing } = await settle(write, actor, license, live, edit.intents, before, changedKeys)
    // 8. Keep the net change: everything the document gained, the refused values being gone from it already.
    const net = Y.encodeStateAsUpdate(live.doc, stateBefore)
    const seq = await keepUpdate(write, edit.doc, live, net)
    const answer: Answer = refused === undefined ? { is: 'ack', seq } : { is: 'nack', ...refused }
    if (refused === undefined && license !== undefined) await recordWishes(write, actor, license.id, live, standing, changed, seq)
    await keepEdit(write, actor, edit, digest, answer, seq)
    // 10. Whoever has it open.
    write.told(() => tell(edit.doc, live.epoch, net))
    return answer
  }

  const keepEdit = async (
    write: Writing,
    actor: Actor,
    edit: Pick<PushedEdit, 'device' | 'n' | 'doc' | 'words' | 'intents'>,
    digest: string,
    answer: Answer,
    seq: number,
  ): Promise<void> => {
    const at = clock.now()
    await write.trx
      .insertInto('edits')
      .values({
        device: edit.device,
        n: edit.n,
        doc: edit.doc,
        admin: actor.id,
        role: actor.role,
        digest,
        verdict: answer.is === 'nack' ? JSON.stringify([answer.code, answer.text]) : '',
        seq,
        at,
        // PostgreSQL knows no text with a NUL in it.
        words: edit.words.slice(0, mostWordsKept).replaceAll('\u0000', ''),
        intents: JSON.stringify(packIntents(edit.intents)),
      })
      .execute()
    await write.trx
      .insertInto('devices')
      .values({ id: edit.device, admin: actor.id, last_n: edit.n, seen_at: at })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ admin: actor.id, last_n: edit.n, seen_at: at }))
      .execute()
    await appendAudit(write.trx, {
      at,
      actor,
      action: answer.is === 'nack' ? 'assignment.refused' : 'assignment.changed',
      object: edit.doc,
      detail: { words: edit.words.slice(0, mostWordsKept), n: edit.n, ...(answer.is === 'nack' ? { code: answer.code } : {}) },
      origin: 'exchange',
    })
  }

  return {
    take: (actor, edit) => journal.write((write) => takeInAct(write, actor, edit)),
    takeIntents: (actor, licenseId, intents, words, origin, onlyIf) =>
      journal.write(async (write) => {
        const doc = docOfLicense(licenseId)
        const license = await findLicense(write, licenseId)
        const stands = onlyIf && (await write.rows(wishesKey(licenseId))).find(({ key }) => key === onlyIf.target)?.wish.rev
        if (onlyIf !== undefined && stands !== onlyIf.rev)
          return { code: 'superseded', text: 'It was changed since you read it. Nothing changed now. Read it again.' }
        const live = await load(write, doc)
        write.undone(() => void liveByDoc.delete(doc))
        const stateBefore = Y.encodeStateVector(live.doc)
        const before = new Map(planMap(live.doc).entries())
        const { refused, changed, standing } = await settle(write, actor, license, live, intents, before, new Set())
        if (refused !== undefined) return refused
        const net = Y.encodeStateAsUpdate(live.doc, stateBefore)
        const seq = await keepUpdate(write, doc, live, net)
        await recordWishes(write, actor, licenseId, live, standing, changed, seq)
        await appendAudit(write.trx, {
          at: clock.now(),
          actor,
          action: 'assignment.changed',
          object: doc,
          detail: { words: words.slice(0, mostWordsKept) },
          origin,
        })
        write.told(() => tell(doc, live.epoch, net))
        return { seq }
      }),
    open: (doc, epoch, stateVector) =>
      journal.write(async (write) => {
        const live = await load(write, doc)
        return { epoch: live.epoch, update: diff(live.doc, epoch === live.epoch ? stateVector : undefined) }
      }),
    lastNumber: async (device) =>
      (await db.selectFrom('devices').select('last_n').where('id', '=', device).executeTakeFirst())?.last_n ?? 0,
    onUpdate: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    held: () => liveByDoc.size,
  }
}

const inWords = (wish: Wish): string => {
  if (wish.mode === 'removed') return 'removed this assignment'
  if (wish.mode === 'exclude') return 'excluded this target'
  return wish.intent === 'uninstall' ? 'asked to uninstall it here' : 'changed this assignment'
}

const registerRev = (value: unknown): number => (Array.isArray(value) && typeof value[3] === 'number' ? value[3] : 0)

const readVerdict = (verdict: string, seq: number): Answer => {
  if (verdict === '') return { is: 'ack', seq }
  const [code, text] = JSON.parse(verdict) as readonly [NackCode, string]
  return { is: 'nack', code, text }
}

const resetReasonOf = (refused: GateRefused): ResetReason => (refused.is === 'malformed' ? 'malformed' : refused.is)

/** Nothing but wishes and notes under keys of the plan's own form, and nothing beside the one map. */
const onlyPlainKeys = (doc: Y.Doc): boolean => {
  for (const name of doc.share.keys()) if (name !== 'wishes') return false
  for (const key of planMap(doc).keys()) if (parsePlanKey(key) === undefined) return false
  return true
}

const diff = (doc: Y.Doc, stateVector: Uint8Array | undefined): Uint8Array => {
  if (stateVector === undefined || stateVector.length === 0 || stateVector.length > mostStateVectorBytes) return Y.encodeStateAsUpdate(doc)
  try {
    return Y.encodeStateAsUpdate(doc, stateVector)
  } catch {
    // A state vector that can't be read: the whole document answers every question.
    return Y.encodeStateAsUpdate(doc)
  }
}
const mostStateVectorBytes = 64 * 1024

const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')
const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, at) => byte === b[at])
