/**
 * A small world: the real server on a disk of its own, the real Apple connector before the real sandbox store,
 * administrators with real consoles, and between them a network and a clock that are ours. Everything in it follows from
 * the seed: the same seed gives the same course of things, byte for byte.
 */
import Sqlite from 'better-sqlite3'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqlite } from '../../server/database/database.ts'
import { knowPrincipals, membersFact } from '../../server/directory/directory.ts'
import { createAppleSandbox, type AppleSandbox } from '../../server/sandbox/apple/apple-sandbox.ts'
import type { AppleControl } from '../../server/sandbox/apple/control.ts'
import type { AppleSnapshot } from '../../server/sandbox/apple/snapshot.ts'
import type { Actor, Role } from '../../shared/admin.ts'
import type { Chance } from '../../shared/clock.ts'
import { writingBlockedBy, type Connector } from '../../shared/connector.ts'
import { columnsOfMembers, noColumns, rowsFact } from '../../shared/facts.ts'
import { parseAdminId, parseGroupId, parseTargetKey, principalIdOf, targetKeyOf, type LicenseId, type TargetKey } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import type { Order } from '../../shared/order.ts'
import { createAdmin, type Admin } from './admin.ts'
import { createDisk, type Disk } from './disk.ts'
import { seededChance } from './hand-clock.ts'
import { createBrowserLine, createNoticeLine, createStoreLine, type BrowserLine, type NoticeLine, type StoreLine } from './network.ts'
import { createSchedule, type Schedule } from './schedule.ts'
import { startServer, type ServerProcess } from './server-process.ts'

export const products = { Keynote: '361285480', Pages: '361309726', Numbers: '361304891' } as const
export type ProductName = keyof typeof products
const devices = Array.from({ length: 8 }, (_, at) => `iPad-${at + 1}`)
const users = ['ada', 'bob']
export const locationId = '7700000000000001'

export const isProduct = (name: string): name is ProductName => Object.hasOwn(products, name)
const serialOf = (name: string): string => name.toUpperCase()

/** What people see of the store, from outside of it. */
export interface StoreSeen {
  readonly control: AppleControl
  readonly line: StoreLine
  /** The way of its notices to the server. */
  readonly notices: NoticeLine
  /** The location owns so many seats of the product; those who hold one keep it. */
  owns(product: string, given: { readonly seats: number }): void
  /** In the order in which they got it. */
  holders(product: string): readonly string[]
  /** Somebody else, at the store itself. */
  gives(product: string, holder: string): void
  takes(product: string, holder: string): void
}

export interface World {
  readonly seed: number
  readonly schedule: Schedule
  readonly chance: Chance
  readonly disk: Disk
  readonly store: StoreSeen
  readonly ana: Admin
  readonly ben: Admin
  readonly admins: readonly Admin[]
  /** Undefined while it is down. */
  server(): ServerProcess | undefined
  mustServer(): ServerProcess
  addAdmin(name: string, role: Role): Promise<Admin>
  connector(): Promise<Connector>
  license(product: string): Promise<License>
  orders(product: string): Promise<readonly Order[]>
  licenseOf(product: string): LicenseId
  targetOf(name: string): TargetKey
  nameOfOrdinal(ordinal: number): string
  pass(ms: number): Promise<void>
  /** Lets time pass until nothing is under way any more. Throws when that never comes. */
  settle(mostMs?: number): Promise<void>
  isSettled(): Promise<boolean>
  syncNow(full?: boolean): Promise<void>
  crashServer(): void
  restartServer(): Promise<void>
  /** True: the process dies at this named moment. */
  crashesAt: (name: string) => boolean
  /** What the server could not answer. */
  readonly troubles: readonly unknown[]
  [Symbol.asyncDispose](): Promise<void>
}

export interface Template {
  readonly at: number
  readonly file: Buffer
  readonly store: AppleSnapshot
  readonly licenseByProduct: ReadonlyMap<string, LicenseId>
  readonly targetByName: ReadonlyMap<string, TargetKey>
}

const START = Date.UTC(2026, 10, 24, 9)
let made: Promise<Template> | undefined

/** The beginning of every world, made once: a connected location, synced, with devices, people and a group. */
export const template = (): Promise<Template> => (made ??= furnish())

const owner = (name: string, role: Role): Actor => {
  const id = parseAdminId(name.toLowerCase())
  if (id === undefined) throw new Error(`world: ${name} makes no id`)
  return { kind: 'admin', id, name, role }
}

const furnish = async (): Promise<Template> => {
  const schedule = createSchedule(START)
  const chance = seededChance(0)
  const disk = createDisk(schedule, await migrated())
  const sandbox = createAppleSandbox({ clock: schedule.clockOf({ alive: true }), chance })
  const { tokenFile } = sandbox.control.addLocation({ uId: locationId, name: 'Location Berlin', country: 'DE' })
  for (const [name, adamId] of Object.entries(products))
    sandbox.control.own(locationId, adamId, {
      total: 3,
      product: { name, publisher: 'Apple', kind: 'iosSoftware', genres: [], price: 0 },
    })
  for (const user of users) sandbox.control.registerUser(locationId, { clientUserId: user })
  const storeLine = createStoreLine(schedule, (request) => sandbox.fetch(request))
  const server = await startServer({
    schedule,
    disk,
    storeLine,
    chance,
    isReachable: false,
    crashesAt: () => false,
    onDeath: () => undefined,
    onTrouble: (cause) => {
      throw cause
    },
  })
  if (server === undefined) throw new Error('world: the first server did not begin')
  const { house } = server
  const targetByName = new Map<string, TargetKey>()
  await house.journal.write(async (write) => {
    const known = await knowPrincipals(write, house.directory, 'csv', [
      ...devices.map((name) => ({ kind: 'device' as const, key: serialOf(name) })),
      ...users.map((key) => ({ kind: 'user' as const, key })),
    ])
    for (const name of devices)
      targetByName.set(name, targetKeyOf({ kind: 'device', id: principalIdOf('device', known.ordinalOf('device', serialOf(name))) }))
    for (const name of users)
      targetByName.set(name, targetKeyOf({ kind: 'user', id: principalIdOf('user', known.ordinalOf('user', name)) }))
    const group = parseGroupId('tablets')
    if (group === undefined) throw new Error('world: no group')
    const members = devices.slice(0, 3).map((name) => known.ordinalOf('device', serialOf(name)))
    await write.record(rowsFact('groups', [{ id: group, name: 'Tablets', kind: 'device', memberCount: members.length, sources: ['csv'] }]))
    const fact = membersFact(group, noColumns, columnsOfMembers(members))
    if (fact !== undefined) await write.record(fact)
    targetByName.set('Tablets', targetKeyOf({ kind: 'group', id: group }))
  })
  const added = await schedule.run(
    house.connectors.add(owner('Olga', 'owner'), {
      kind: 'apple-apps-books',
      name: 'Berlin',
      credential: { contentToken: tokenFile },
      settings: {},
      scopeTags: [],
    }),
  )
  if (!added.ok) throw new Error(`world: the connector was refused: ${JSON.stringify(added.error)}`)
  await schedule.pass(30_000)
  const licenseByProduct = new Map<string, LicenseId>()
  for (const license of await house.journal.rows('licenses/0')) licenseByProduct.set(license.product.id, license.id)
  if (licenseByProduct.size !== Object.keys(products).length) throw new Error('world: the first sync did not bring the products')
  await schedule.run(house.stop())
  return { at: schedule.now(), file: disk.copy(), store: sandbox.control.snapshot(), licenseByProduct, targetByName }
}

/** An empty database in the present schema. */
const migrated = async (): Promise<Buffer> => {
  const directory = mkdtempSync(join(tmpdir(), 'quartermaster-world-'))
  const path = join(directory, 'empty.sqlite')
  const opened = await openSqlite(path)
  await opened.close()
  const handle = new Sqlite(path)
  // A file in memory has no write-ahead log.
  handle.pragma('journal_mode = DELETE')
  const file = handle.serialize()
  handle.close()
  rmSync(directory, { recursive: true })
  return file
}

export interface WorldOptions {
  readonly seed?: number
  /** The store can reach the server, and tells it of changes. */
  readonly isReachable?: boolean
}

export const createWorld = async ({ seed = 1, isReachable = false }: WorldOptions = {}): Promise<World> => {
  const { at, file, store: snapshot, licenseByProduct, targetByName } = await template()
  const schedule = createSchedule(at)
  const chance = seededChance(seed)
  const disk = createDisk(schedule, Buffer.from(file))
  const storeLife = { alive: true }
  const noticeLine = createNoticeLine(schedule, () => server?.notices)
  const sandbox: AppleSandbox = createAppleSandbox({
    clock: schedule.clockOf(storeLife),
    chance,
    state: snapshot,
    ...(isReachable ? { fetch: noticeLine.fetch } : {}),
  })
  const storeLine = createStoreLine(schedule, (request) => sandbox.fetch(request))
  const troubles: unknown[] = []
  const admins: Admin[] = []
  const lines: BrowserLine[] = []
  let server: ServerProcess | undefined

  const nameByOrdinal = new Map([...targetByName].map(([name, key]) => [Number(key.slice(1)), name]))
  const nameBySerial = new Map([...devices.map((name) => [serialOf(name), name] as const), ...users.map((name) => [name, name] as const)])
  /** Whom only the store named. */
  const keyOfOrdinal = (ordinal: number): string | undefined =>
    disk.handle.prepare<[number], { readonly key: string }>('select key from principal_keys where ordinal = ?').get(ordinal)?.key
  const adamIdOf = (product: string): string => {
    if (!isProduct(product)) throw new Error(`world: no product ${product}`)
    return products[product]
  }
  const storeTarget = (holder: string) =>
    users.includes(holder)
      ? ({ kind: 'user', clientUserId: holder } as const)
      : ({ kind: 'device', serialNumber: serialOf(holder) } as const)

  const world: World = {
    seed,
    schedule,
    chance,
    disk,
    store: {
      control: sandbox.control,
      line: storeLine,
      notices: noticeLine,
      owns: (product, { seats }) => sandbox.control.setTotal(locationId, adamIdOf(product), seats),
      holders: (product) =>
        sandbox.control
          .holders(locationId, adamIdOf(product))
          .map((holder) => (holder.kind === 'device' ? holder.serialNumber : holder.clientUserId))
          .map((key) => nameBySerial.get(key) ?? key),
      gives: (product, holder) => void sandbox.control.assignOutside(locationId, adamIdOf(product), [storeTarget(holder)]),
      takes: (product, holder) => void sandbox.control.freeOutside(locationId, adamIdOf(product), [storeTarget(holder)]),
    },
    get ana() {
      return mustAdmin('Ana')
    },
    get ben() {
      return mustAdmin('Ben')
    },
    admins,
    troubles,
    server: () => server,
    mustServer: () => {
      if (server === undefined) throw new Error('world: the server is down')
      return server
    },
    addAdmin: async (name, role) => {
      const line = createBrowserLine(schedule, (socket) =>
        server?.life.alive === true ? server.house.exchange.connect(socket, () => Promise.resolve(admin.actor)) : undefined,
      )
      const admin: Admin = createAdmin({ name, role, schedule, chance, line, licenseOf: world.licenseOf, targetOf: world.targetOf })
      admins.push(admin)
      lines.push(line)
      await admin.openBrowser()
      return admin
    },
    connector: async () => {
      const [connector] = await world.mustServer().house.connectors.list()
      if (connector === undefined) throw new Error('world: no connector')
      return connector
    },
    license: async (product) => {
      const id = world.licenseOf(product)
      const license = (await world.mustServer().house.journal.rows('licenses/0')).find((row) => row.id === id)
      if (license === undefined) throw new Error(`world: ${product} is not known to the server`)
      return license
    },
    orders: (product) => world.mustServer().house.journal.rows(`orders/${world.licenseOf(product)}`),
    licenseOf: (product) => {
      const license = licenseByProduct.get(adamIdOf(product))
      if (license === undefined) throw new Error(`world: no license of ${product}`)
      return license
    },
    targetOf: (name) => {
      const known = targetByName.get(name) ?? parseTargetKey(name)
      if (known === undefined) throw new Error(`world: nobody is called ${name}`)
      return known
    },
    nameOfOrdinal: (ordinal) => nameByOrdinal.get(ordinal) ?? keyOfOrdinal(ordinal) ?? String(ordinal),
    pass: (ms) => schedule.pass(ms),
    isSettled: async () => {
      if (server === undefined || storeLine.inFlight() > 0) return false
      const { house, db } = server
      const [connector] = await house.connectors.list()
      const blocked = connector === undefined || writingBlockedBy(connector, schedule.now()) !== undefined
      // What is planned waits in its line for as long as nothing may be written.
      const restless = blocked ? (['sent', 'pending'] as const) : (['planned', 'sent', 'pending'] as const)
      const open = await db.selectFrom('orders').select('id').where('state', 'in', restless).executeTakeFirst()
      if (open !== undefined) return false
      if (!blocked && (await house.journal.rows('licenses/0')).some(({ tally }) => tally.pending > 0)) return false
      return admins.every((admin) => {
        if (!admin.isOpen() || !admin.line.isOnline()) return true
        const console = admin.console()
        return (
          console.connection().is === 'online' &&
          console.meta()?.seq === house.journal.seq() &&
          console.outbox().every(({ state }) => state === 'refused')
        )
      })
    },
    settle: async (mostMs = 60 * 60_000) => {
      const end = schedule.now() + mostMs
      for (let quiet = 0; quiet < 2;) {
        await schedule.pass(2_000)
        quiet = (await world.isSettled()) ? quiet + 1 : 0
        if (schedule.now() > end)
          throw new Error(`world: seed ${seed} does not come to rest within ${mostMs / 60_000} minutes: ${await unrest()}`)
      }
    },
    syncNow: async (full = false) => {
      const { house } = world.mustServer()
      const { id } = await world.connector()
      const sync = await schedule.run(house.syncs.request(id, 'admin', full))
      for (;;) {
        const found = sync === undefined ? undefined : await schedule.run(house.syncs.find(sync.id))
        if (found === undefined || (found.state !== 'running' && found.state !== 'queued')) return
        await schedule.pass(1_000)
      }
    },
    crashServer: () => {
      if (server !== undefined) server.life.alive = false
      server = undefined
      disk.recover()
      for (const line of lines) line.serverGone()
    },
    restartServer: async () => {
      world.crashServer()
      let died = (): void => undefined
      const death = new Promise<undefined>((resolve) => void (died = () => resolve(undefined)))
      disk.onDeath = () => {
        died()
        world.crashServer()
      }
      const starting = startServer({
        schedule,
        disk,
        storeLine,
        chance,
        isReachable,
        crashesAt: (name) => world.crashesAt(name),
        onDeath: () => disk.onDeath(),
        onTrouble: (cause) => void troubles.push(cause),
      })
      const started = await schedule.run(Promise.race([starting, death]))
      server = started?.life.alive === true ? started : undefined
      if (server === undefined) disk.recover()
    },
    crashesAt: () => false,
    [Symbol.asyncDispose]: async () => {
      for (const admin of admins) if (admin.isOpen()) admin.killBrowser()
      if (server !== undefined) server.life.alive = false
      storeLife.alive = false
      await schedule.rest()
      disk.handle.close()
    },
  }
  /** What is still under way, in words. */
  const unrest = async (): Promise<string> => {
    if (server === undefined) return 'the server is down'
    const { house, db } = server
    const orders = await db.selectFrom('orders').selectAll().where('state', 'in', ['planned', 'sent', 'pending']).execute()
    const licenses = await house.journal.rows('licenses/0')
    const [connector] = await house.connectors.list()
    const consoles = admins.map((admin) =>
      admin.isOpen()
        ? {
            name: admin.name,
            connection: admin.console().connection().is,
            seq: admin.console().meta()?.seq,
            unsent: admin.unsent(),
            trouble: admin.console().storeTrouble(),
          }
        : { name: admin.name },
    )
    return JSON.stringify({
      seq: house.journal.seq(),
      trouble: house.journal.trouble(),
      inFlight: storeLine.inFlight(),
      orders,
      pending: licenses.map(({ product, tally }) => [product.name, tally.pending]),
      credential: connector?.credential,
      lastSync: connector?.lastSync,
      consoles,
    })
  }
  const mustAdmin = (name: string): Admin => {
    const admin = admins.find((known) => known.name === name)
    if (admin === undefined) throw new Error(`world: nobody is called ${name}`)
    return admin
  }
  await world.restartServer()
  await world.addAdmin('Ana', 'administrator')
  await world.addAdmin('Ben', 'administrator')
  await world.settle()
  return world
}
