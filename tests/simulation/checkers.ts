/**
 * The invariants, each asked at every commit of the server, at every request that leaves it, after every act, and once
 * everything has come to rest. Their numbers are those of docs/invariants.md.
 */
import * as Y from 'yjs'
import { indexOfOrdinal, isByAssignment } from '../../shared/facts.ts'
import { licenseOfDoc, targetOf, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import { decodeClientFrame, decodeServerFrame, type ClientFrame } from '../../shared/protocol.ts'
import { meaningOf, planMap, readRegister } from '../../shared/plan.ts'
import { sameWish, type Wish } from '../../shared/assignment.ts'
import type { OutboxRow, SavedEdit } from '../../client/local-db.ts'
import { createHash } from 'node:crypto'
import type { Admin } from '../world/admin.ts'
import type { RequestFault, RequestSeen } from '../world/network.ts'
import type { Life } from '../world/schedule.ts'
import { isProduct, locationId, products, type World } from '../world/world.ts'
import { readCommitted, type CommittedLicense } from './committed.ts'

/** An invariant does not hold. */
export class Broken extends Error {
  readonly invariant: string
  constructor(invariant: string, text: string) {
    super(`${invariant}: ${text}`)
    this.invariant = invariant
  }
}

/** An edit that a screen has called saved. */
export interface KeptEdit {
  readonly admin: Admin
  readonly id: number
  readonly words: string
}

export interface Checkers {
  /** After every act: what can be asked at any time. */
  always(): void
  kept(edit: KeptEdit): void
  /** A removal that leaves the seat where it is. */
  keptSeat(product: string, target: string): void
  outside(product: string, holder: string): void
  /** An own edit is seen at once. */
  ownWish(admin: Admin, product: string, target: string, wanted: Wish['mode']): Promise<void>
  /** What is put on a console's line. */
  frame(admin: Admin, from: 'browser' | 'server', bytes: Uint8Array): void
  /** Once nothing is under way any more. */
  atRest(): Promise<void>
}

/** Reads and writes of one seat may cross within this time: what a list says of it then proves nothing. */
const crossingMs = 6 * 60_000

type Pushed = Extract<ClientFrame, { readonly is: 'push' }>

/** Longer than this the server does not wait for the answer to a write. */
const answerWithinMs = 55_000

interface EditRow {
  readonly device: string
  readonly n: number
  readonly verdict: string
  readonly digest: string
}

export const createCheckers = (world: World): Checkers => {
  const { schedule, disk, store } = world
  const committed = readCommitted(disk)
  committed.refresh()
  const knownOrders = new Set<string>()
  const sentByOrder = new Map<string, { readonly life: Life; readonly unknown: boolean }>()
  const oursGiven = new Set<string>()
  /** Orders that were written down as leaving while something was wished to be uninstalled: on its way a call can't be held back. */
  const uninstalling = new Set<string>()
  const outsideGiven = new Set<string>(
    Object.keys(products).flatMap((product) => world.store.holders(product).map((holder) => `${product}/${holder.toLowerCase()}`)),
  )
  const keptSeats = new Set<string>()
  const activity = new Map<string, number>()
  const kept: KeptEdit[] = []
  const seqByAdmin = new Map<Admin, { readonly device: string | undefined; readonly seq: number }>()
  let broken: Broken | undefined

  const productByLicense = new Map<LicenseId, string>(Object.keys(products).map((name) => [world.licenseOf(name), name]))
  const productOf = (id: LicenseId): string => productByLicense.get(id) ?? id
  const licenseByAdamId = new Map(Object.entries(products).map(([name, adamId]) => [adamId as string, world.licenseOf(name)]))
  const seatName = (product: string, holder: string): string => `${product}/${holder.toLowerCase()}`
  const holderOf = (ordinal: number): string => world.nameOfOrdinal(ordinal)

  /** What breaks inside the server's own work is kept until the step ends: the server must not catch it. */
  const breaks = (invariant: string, text: string): void => void (broken ??= new Broken(invariant, text))

  const openOf = ({ orders }: CommittedLicense, action: string): readonly number[] =>
    orders.filter((order) => order.action === action).flatMap(({ open }) => open)

  // ---- At each commit ----

  const atCommit = (): void => {
    for (const { id, before, now } of committed.refresh()) {
      const product = productOf(id)
      neverMoreThanOwned(product, now)
      neverTwice(product, now)
      noBlindLoss(product, before, now)
      noteUninstalls(before, now)
    }
  }
  disk.onCommit = atCommit

  const neverMoreThanOwned = (product: string, now: CommittedLicense): void => {
    const { license, seats } = now
    let fresh = false
    for (const order of now.orders) {
      // Written as leaving: whatever gave the seat meanwhile, the server can't tell it from its own order.
      if (order.action === 'associate' && order.state !== 'planned')
        for (const ordinal of order.open) oursGiven.add(seatName(product, holderOf(ordinal)))
      // Known to have done nothing, and planned again: it may be sent again, also by the next process.
      if (order.state === 'planned' && sentByOrder.get(order.id)?.unknown === false) sentByOrder.delete(order.id)
      if (!knownOrders.has(order.id) && order.action === 'associate') fresh = true
      knownOrders.add(order.id)
    }
    if (!fresh || license === undefined || license.total === null) return
    const taken = new Set([...seats.ordinals, ...openOf(now, 'associate')])
    const owned = license.total - (license.retired ?? 0)
    if (taken.size > owned) breaks('I-12', `${product}: ${taken.size} seats are held or asked for, ${owned} are owned`)
  }

  const neverTwice = (product: string, now: CommittedLicense): void => {
    const open = [...openOf(now, 'associate'), ...openOf(now, 'disassociate')]
    const twice = open.find((ordinal, at) => open.indexOf(ordinal) !== at)
    if (twice !== undefined) breaks('I-13', `${product}: two orders at once for ${holderOf(twice)}`)
  }

  /** A seat that is there, and was there all the time, is not lost by a wrong answer. */
  const noBlindLoss = (product: string, before: CommittedLicense, now: CommittedLicense): void => {
    for (const ordinal of before.seats.ordinals) {
      if (indexOfOrdinal(now.seats.ordinals, ordinal) >= 0) continue
      const seat = seatName(product, holderOf(ordinal))
      if (schedule.now() - (activity.get(seat) ?? -Infinity) < crossingMs) continue
      if (store.holders(product).includes(holderOf(ordinal)))
        breaks('I-20', `${product}: the seat of ${holderOf(ordinal)} was forgotten, and the store has it`)
    }
  }

  const noteUninstalls = (before: CommittedLicense, now: CommittedLicense): void => {
    const uninstalls = [before, now].some(({ wishes }) => wishes.some(({ wish }) => wish.mode === 'include' && wish.intent === 'uninstall'))
    if (!uninstalls) return
    for (const { id, state } of now.orders)
      if (state === 'sent' && before.orders.find((order) => order.id === id)?.state !== 'sent') uninstalling.add(id)
  }

  // ---- At each request ----

  store.line.onLeave = (request: RequestSeen, fault: RequestFault | undefined, life: Life): void => {
    if (request.method !== 'POST' || !/\/(dis)?associate$/.test(request.path)) return
    const action = request.path.endsWith('/disassociate') ? 'disassociate' : 'associate'
    const body = JSON.parse(request.body) as {
      readonly assets: readonly { readonly adamId: string }[]
      readonly serialNumbers?: readonly string[]
      readonly clientUserIds?: readonly string[]
    }
    const holders = [...(body.serialNumbers ?? []), ...(body.clientUserIds ?? [])].map((key) => key.toLowerCase()).toSorted()
    for (const { adamId } of body.assets) productLeaves(adamId, action, holders, fault, life)
  }

  const productLeaves = (
    adamId: string,
    action: 'associate' | 'disassociate',
    holders: readonly string[],
    fault: RequestFault | undefined,
    life: Life,
  ): void => {
    const id = licenseByAdamId.get(adamId)
    const now = id === undefined ? undefined : committed.licenses.get(id)
    if (id === undefined || now === undefined) return breaks('I-14', 'a request for a license that is not known left the server')
    const product = productOf(id)
    const order = now.orders.find(
      (known) =>
        known.action === action &&
        known.state === 'sent' &&
        JSON.stringify(known.open.map((ordinal) => holderOf(ordinal).toLowerCase()).toSorted()) === JSON.stringify(holders),
    )
    if (order === undefined) return breaks('I-14', `${product}: ${action} of ${holders.join(', ')} left before it was written down`)
    const before = sentByOrder.get(order.id)
    if (before !== undefined && (before.unknown || before.life !== life))
      breaks('I-15', `${product}: ${action} of ${holders.join(', ')} was sent again without having been asked about`)
    const unknown =
      fault?.is === 'cut' || fault?.is === 'silent' || fault?.is === 'bad-gateway' || (fault?.is === 'slow' && fault.ms >= answerWithinMs)
    sentByOrder.set(order.id, { life, unknown })
    for (const holder of holders) {
      const seat = seatName(product, holder)
      activity.set(seat, schedule.now())
      if (action === 'associate') oursGiven.add(seat)
      else if (!oursGiven.has(seat) && !uninstalling.has(order.id))
        breaks('I-16', `${product}: the seat of ${holder} was found, and is taken away`)
    }
  }

  // ---- At each frame ----

  /** The clocks of the edits that were pushed, one for each intent in its order, and of the values that were told to anybody. */
  const pushed = new Map<string, { readonly push: Pushed; readonly clocks: readonly string[] }>()
  const told = new Set<string>()
  /** Set back to the very same value, a refused one may stay: nothing of it can be told apart. */
  const isAsItStands = ({ doc, intents }: Pushed, at: number): boolean => {
    const intent = intents[at]
    const stands = committed.licenses.get(licenseOfDoc(doc))?.wishes.find(({ key }) => key === intent?.target)
    if (intent === undefined) return false
    if (intent.part === 'note') return intent.note === (stands?.note ?? '')
    return stands === undefined ? intent.wish.mode === 'removed' : sameWish(stands.wish, intent.wish)
  }
  const clocksOf = (doc: string, update: Uint8Array): readonly string[] =>
    Y.decodeUpdate(update).structs.flatMap((struct) =>
      struct instanceof Y.Item && !struct.deleted && struct.content instanceof Y.ContentAny
        ? [`${doc}/${struct.id.client}/${struct.id.clock}`]
        : [],
    )
  const PUSH = 4
  const [DOC, UPDATE, NACK] = [4, 5, 7]

  const frame: Checkers['frame'] = (admin, from, bytes) => {
    const kind = bytes[0]
    if (from === 'browser') {
      if (kind !== PUSH) return
      const push = decodeClientFrame(bytes)
      if (push?.is !== 'push') return
      try {
        pushed.set(`${admin.name}/${push.n}`, { push, clocks: clocksOf(push.doc, push.update) })
      } catch {
        // An update that can't be read tells nothing to anybody.
      }
      return
    }
    if (kind !== DOC && kind !== UPDATE && kind !== NACK) return
    const answer = decodeServerFrame(bytes)
    if (answer?.is === 'update' || answer?.is === 'doc') for (const clock of clocksOf(answer.doc, answer.update)) told.add(clock)
    if (answer?.is !== 'nack') return
    const refused = pushed.get(`${admin.name}/${answer.n}`)
    if (refused?.clocks.some((clock, at) => told.has(clock) && !isAsItStands(refused.push, at)) === true)
      breaks('I-1', `a value of ${admin.name}'s refused edit ${answer.n} was told to others`)
  }

  // ---- After each act ----

  const always = (): void => {
    if (broken !== undefined) throw broken
    const gaps = disk.handle
      .prepare<[], { readonly device: string }>(
        `select d.id as device from devices d left join (select device, count(*) as c, max(n) as m from edits group by device) e
         on e.device = d.id where coalesce(e.c, 0) <> d.last_n or coalesce(e.m, 0) <> d.last_n`,
      )
      .all()
    if (gaps.length > 0) throw new Broken('I-6', `the numbers of ${gaps.map(({ device }) => device).join(', ')} have a gap`)
    for (const admin of world.admins) {
      if (!admin.isOpen()) continue
      const meta = admin.console().meta()
      const before = seqByAdmin.get(admin)
      if (meta === undefined) continue
      if (meta.notice?.is === 'server-was-restored')
        throw new Broken('I-2', `the server has lost what it had acknowledged to ${admin.name}`)
      if (before !== undefined && before.device === meta.device && meta.seq < before.seq)
        throw new Broken('I-5', `${admin.name} went back from ${before.seq} to ${meta.seq}`)
      seqByAdmin.set(admin, { device: meta.device, seq: meta.seq })
    }
  }

  // ---- At rest ----

  const editsOf = (): ReadonlyMap<string, EditRow> =>
    new Map(
      disk.handle
        .prepare<[], EditRow>('select device, n, verdict, digest from edits')
        .all()
        .map((row) => [`${row.device}/${row.n}`, row]),
    )

  const noEditIsLost = (): void => {
    const edits = editsOf()
    for (const { admin, id, words } of kept) {
      const device = admin.console().meta()?.device ?? ''
      const row = admin
        .console()
        .outbox()
        .find((known) => known.id === id)
      const saved = admin
        .console()
        .saved()
        .find((known) => known.id === id)
      const what = `${admin.name}'s edit ${id}, “${words}”`
      if (row?.state === 'waiting') throw new Broken('I-7', `${what} still waits`)
      if (row === undefined && saved === undefined) throw new Broken('I-1', `${what} is gone from the device`)
      const held: OutboxRow | SavedEdit | undefined = row ?? saved
      if (held === undefined) continue
      const answered = edits.get(`${device}/${held.n}`)
      if (answered === undefined)
        throw new Broken('I-1', `${what} is ${row === undefined ? 'acknowledged' : 'refused'} and the server does not know it`)
      if (answered.digest !== createHash('sha256').update(meaningOf(held.doc, held.intents)).digest('hex'))
        throw new Broken('I-1', `${what} is another edit at the server`)
      if ((answered.verdict === '') !== (row === undefined)) throw new Broken('I-1', `${what}: device and server tell different verdicts`)
    }
    const audited = disk.handle
      .prepare<[], { readonly c: number }>(`select count(*) as c from audit where origin = 'exchange' and action like 'assignment.%'`)
      .get()
    if (audited?.c !== edits.size) throw new Broken('I-3', `${edits.size} edits had effect ${audited?.c} times`)
  }

  const replicasAgree = async (): Promise<void> => {
    const server = disk.handle
      .prepare<[], { readonly key: string; readonly bytes: Buffer }>('select key, bytes from chunks order by key')
      .all()
      .filter(({ bytes }) => bytes.length > 0)
    for (const admin of world.admins) {
      const { kept: local } = admin.store
      for (const { key, bytes } of server) {
        const chunk = [...local.chunks.values()].find((known) => known.key === key)
        if (chunk === undefined) throw new Broken('I-4', `${admin.name} lacks ${key}`)
        if (!bytes.equals(chunk.bytes)) throw new Broken('I-4', `${admin.name} and the server differ in ${key}`)
      }
      if (local.chunks.size !== server.length) throw new Broken('I-4', `${admin.name} has chunks that the server has not`)
      for (const base of local.docs.values()) {
        const opened = await world.mustServer().house.workspace.open(base.doc, 0, new Uint8Array(0))
        const [here, there] = [new Y.Doc(), new Y.Doc()]
        Y.applyUpdate(here, base.state)
        Y.applyUpdate(there, opened.update)
        // A document that nobody follows any more may be behind; it is never ahead, and never torn.
        if (there.store.pendingStructs !== null || here.store.pendingStructs !== null)
          throw new Broken('I-6', `${base.doc} has parts missing`)
        const [before, state] = [Y.encodeStateVector(there), Y.encodeStateAsUpdate(there)]
        Y.applyUpdate(there, base.state)
        if (!Buffer.from(before).equals(Buffer.from(Y.encodeStateVector(there))))
          throw new Broken('I-4', `${admin.name} is ahead of the server in ${base.doc}`)
        const merged = new Y.Doc()
        Y.applyUpdate(merged, state)
        Y.applyUpdate(merged, base.state)
        if (JSON.stringify(planMap(merged).toJSON()) !== JSON.stringify(planMap(there).toJSON()))
          throw new Broken('I-4', `${base.doc} differs`)
      }
    }
  }

  const documentsSayTheWishes = async (): Promise<void> => {
    for (const [id, { wishes }] of committed.licenses) {
      const opened = await world.mustServer().house.workspace.open(`license:${id}` as never, 0, new Uint8Array(0))
      const doc = new Y.Doc()
      Y.applyUpdate(doc, opened.update)
      const registers = new Map(
        [...planMap(doc).entries()].flatMap(([key, value]) => (key.endsWith('#n') ? [] : [[key, readRegister(value)] as const])),
      )
      for (const { key, wish } of wishes) {
        const register = registers.get(key)
        if (register === undefined || !sameWish(register, wish) || register.rev !== wish.rev)
          throw new Broken('I-4', `${productOf(id)}: the wish for ${key} is not the document's`)
        registers.delete(key)
      }
      for (const [key, register] of registers)
        if (register !== undefined && register.mode !== 'removed')
          throw new Broken('I-4', `${productOf(id)}: ${key} is in the document and no fact`)
    }
  }

  const membersOf = async (key: TargetKey): Promise<readonly number[]> => {
    const target = targetOf(key)
    if (target.kind !== 'group') return target.kind === 'user' || target.kind === 'device' ? [Number(key.slice(1))] : []
    return [...(await world.mustServer().house.journal.columns(`members/${target.id}`)).ordinals]
  }

  const seatsAreExplained = async (): Promise<void> => {
    for (const [id, now] of committed.licenses) {
      const product = productOf(id)
      if (!isProduct(product) || now.license === undefined) continue
      const held = store.holders(product).toSorted()
      const known = [...now.seats.ordinals].map(holderOf).toSorted()
      if (JSON.stringify(held) !== JSON.stringify(known))
        throw new Broken('I-16', `${product}: the store has ${held.join(', ')}, the server ${known.join(', ')}`)
      const counts = store.control.counts(locationId, products[product])
      const { tally } = now.license
      if (tally.pending > 0) throw new Broken('I-7', `${product}: ${tally.pending} stay pending`)
      if (tally.waiting > 0 && held.length < (counts.total ?? Infinity) - counts.retired)
        throw new Broken('I-7', `${product}: ${tally.waiting} wait, and a seat is free`)
      const touched = new Set<string>()
      for (const { key, wish } of now.wishes)
        if (wish.mode === 'include' && wish.intent !== 'uninstall')
          for (const ordinal of await membersOf(key)) touched.add(holderOf(ordinal))
      now.seats.ordinals.forEach((ordinal, at) => {
        const holder = holderOf(ordinal)
        const seat = seatName(product, holder)
        if (touched.has(holder) || outsideGiven.has(seat) || keptSeats.has(seat)) return
        throw new Broken(
          'I-16',
          `${product}: ${holder} has a seat that nobody wants (${isByAssignment(now.seats, at) ? 'by assignment' : 'found'})`,
        )
      })
    }
  }

  const consolesTellTheSame = async (): Promise<void> => {
    for (const product of Object.keys(products)) {
      for (let device = 1; device <= 8; device += 1) {
        const seen = await Promise.all(world.admins.map((admin) => admin.sees(product, `iPad-${device}`)))
        if (seen.some((one) => JSON.stringify(one) !== JSON.stringify(seen[0])))
          throw new Broken('I-4', `${product} for iPad-${device}: ${JSON.stringify(seen)}`)
      }
    }
  }

  return {
    always,
    frame,
    kept: (edit) => void kept.push(edit),
    keptSeat: (product, target) => {
      const names = target === 'Tablets' ? ['iPad-1', 'iPad-2', 'iPad-3'] : [target]
      for (const name of names) keptSeats.add(seatName(product, name))
    },
    outside: (product, holder) => {
      outsideGiven.add(seatName(product, holder))
      activity.set(seatName(product, holder), schedule.now())
    },
    ownWish: async (admin, product, target, wanted) => {
      const key = world.targetOf(target)
      const stands = (await admin.wishes(product)).find((placed) => placed.key === key)
      if (stands?.wish.mode !== wanted) throw new Broken('I-5', `${admin.name} does not see the own edit of ${product} for ${target}`)
    },
    atRest: async () => {
      always()
      const integrity = disk.handle.pragma('integrity_check', { simple: true })
      if (integrity !== 'ok') throw new Broken('I-2', `the database is damaged: ${String(integrity)}`)
      noEditIsLost()
      await replicasAgree()
      await documentsSayTheWishes()
      await seatsAreExplained()
      await consolesTellTheSame()
    },
  }
}
