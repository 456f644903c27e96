import { expect, test } from 'vitest'
import { createCredentials } from '../../server/credentials.ts'
import { openSqlite } from '../../server/database/database.ts'
import { knowPrincipals } from '../../server/directory/directory.ts'
import { createHouse, type House } from '../../server/house.ts'
import { createSealer } from '../../server/seal.ts'
import { Secret } from '../../server/secret.ts'
import type { Accepted, HolderKey, SeatRead, Store, StoreConnection, TargetFailure } from '../../server/stores/store.ts'
import type { Actor } from '../../shared/admin.ts'
import { seatAt, seatsKey } from '../../shared/facts.ts'
import { parseAdminId, targetKeyOf, principalIdOf, type LicenseId } from '../../shared/ids.ts'
import type { Order } from '../../shared/order.ts'
import { ok } from '../../shared/result.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'

const id = parseAdminId('olga')
if (id === undefined) throw new Error('no id')
const olga: Actor = { kind: 'admin', id, name: 'Olga', role: 'owner' }

/** A store that does its work within the call, and keeps no reference of it. */
const createQuickStore = () => {
  const seats: SeatRead[] = []
  const refuses = new Set<string>()
  const calls: string[] = []
  let isComplete = true
  const holds = ({ holder }: SeatRead, { kind, key }: HolderKey): boolean => holder.kind === kind && holder.key === key
  const identity = {
    location: { key: 'quick', name: 'Quick', country: 'DE', organization: 'Quick' },
    expiresAt: null,
    owner: { id: '', name: '', metadata: '' },
  }
  const connect = (mark: { readonly id: string; readonly name: string; readonly metadata: string }): StoreConnection => {
    const counts = () => ({
      productId: 'app',
      pricing: null,
      kind: 'app' as const,
      platforms: ['iOS'],
      licenseTypes: ['device' as const],
      assignable: true,
      revocable: true,
      total: 5,
      inUse: seats.length,
      available: 5 - seats.length,
      retired: 0,
      unlimited: false,
    })
    return {
      identify: async () => ok({ ...identity, owner: mark }),
      claim: async () => ok({ ...identity, owner: mark }),
      readLicenses: async () => ok([counts()]),
      readLicense: async () => ok(counts()),
      readSeats: async (_, sink) => {
        sink.begin(true)
        sink.page([...seats], 1)
        return ok({ cursor: null, full: true })
      },
      readSeatsOf: async () => ok([...seats]),
      readSeatsOfHolder: async (holder) => ok(seats.filter((seat) => holds(seat, holder))),
      people: undefined,
      subscriptions: undefined,
      devices: undefined,
      describe: async () => ok([]),
      limits: async () =>
        ok({
          mostProducts: 10,
          mostUsers: 10,
          mostDevices: 10,
          mostUsersRevoked: 10,
          mostDevicesRevoked: 10,
          mostPeople: 10,
          mostSubscribers: 10,
        }),
      write: async (request) => {
        if (request.action !== 'associate' && request.action !== 'disassociate') throw new Error(`the store does no ${request.action}`)
        calls.push(`${request.action} ${request.holders.map(({ key }) => key).join(' ')}`)
        const failures: TargetFailure[] = []
        for (const holder of request.holders) {
          const at = seats.findIndex((seat) => holds(seat, holder))
          if (refuses.has(holder.key)) {
            if (isComplete)
              failures.push({ holders: [holder], products: null, code: 'no', text: 'The store refused it.', retryable: false })
          } else if (request.action === 'associate' && at < 0) seats.push({ productId: 'app', pricing: null, holder })
          else if (request.action === 'disassociate' && at >= 0) seats.splice(at, 1)
        }
        const settled: Accepted['settled'] =
          failures.length === 0 && isComplete ? { is: 'done' } : { is: 'failed', failures, complete: isComplete }
        return ok({ reference: `call-${calls.length}`, settled })
      },
      // It keeps no record of its calls: what it is asked about it does not know.
      orderStatus: async () => {
        calls.push('status')
        return ok({ is: 'gone' })
      },
      listen: async () => ok('silent'),
    }
  }
  const store: Store = {
    kind: 'apple-apps-books',
    store: 'apple',
    capabilities: {
      counts: 'live',
      assign: true,
      revoke: true,
      deviceLicenses: true,
      userLicenses: false,
      books: false,
      push: false,
      retired: null,
    },
    readCredential: () =>
      ok({
        secret: Secret.of('quick'),
        expiresAt: null,
        organization: 'Quick',
        given: { token: true, devices: false },
        hasDevices: false,
      }),
    connect: (_, __, mark) => connect(mark),
    readNotice: () => undefined,
  }
  return { store, seats, calls, refuses, tellsNothing: () => void (isComplete = false) }
}

const open = async () => {
  const database = await openSqlite(':memory:')
  const clock = handClock()
  const chance = seededChance(3)
  const quick = createQuickStore()
  let dies = ''
  const begin = async (): Promise<House> => {
    const house = await createHouse({
      db: database.db,
      clock,
      chance,
      fetch: () => Promise.reject(new Error('nothing is asked over the network')),
      credentials: createCredentials({ db: database.db, sealer: createSealer(seededChance(1).bytes(32), chance), clock }),
      stores: [quick.store],
      host: 'test',
      build: 'test',
      syncIntervalMinutes: 15,
      crashpoint: (name) => {
        if (name === dies) throw new Error(`died at ${name}`)
      },
      onTrouble: () => undefined,
    })
    await house.start()
    return house
  }
  let house = await begin()
  const settle = async (ms = 5_000): Promise<void> => {
    for (let left = ms; left > 0; left -= 250) {
      clock.pass(250)
      for (let turn = 0; turn < 30; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const added = await house.connectors.add(olga, {
    kind: 'apple-apps-books',
    name: 'Quick',
    credential: {},
    settings: {},
    scopeTags: [],
  })
  if (!added.ok) throw new Error(JSON.stringify(added.error))
  await settle()
  const devices = new Map<string, number>()
  await house.journal.write(async (write) => {
    const keys = ['ONE', 'TWO', 'THREE']
    const known = await knowPrincipals(
      write,
      house.directory,
      'csv',
      keys.map((key) => ({ kind: 'device' as const, key })),
    )
    for (const key of keys) devices.set(key, known.ordinalOf('device', key))
  })
  const license = (await house.journal.rows('licenses/0'))[0]?.id as LicenseId
  return {
    quick,
    settle,
    assign: (...keys: readonly string[]) =>
      house.workspace.takeIntents(
        olga,
        license,
        keys.map((key) => ({
          part: 'wish' as const,
          target: targetKeyOf({ kind: 'device', id: principalIdOf('device', devices.get(key) ?? 0) }),
          wish: { mode: 'include' as const, intent: 'required' as const, licenseType: 'device' as const, rev: 1 },
          baseRev: 0,
          confirmed: false,
        })),
        'give',
        'api',
      ),
    orders: (): Promise<readonly Order[]> => house.journal.rows(`orders/${license}`),
    holders: async (): Promise<readonly string[]> => {
      const columns = await house.journal.columns(seatsKey(license))
      const keyOf = new Map([...devices].map(([key, ordinal]) => [ordinal, key]))
      return Array.from(columns.ordinals, (ordinal, at) => `${keyOf.get(ordinal)} ${seatAt(columns, at).origin}`)
    },
    diesAt: (name: string) => void (dies = name),
    restart: async (): Promise<void> => {
      await house.stop()
      dies = ''
      house = await begin()
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await house.stop()
      await database.close()
    },
  }
}

test('what a store did within the call is settled with the call: nobody asks it again', async () => {
  await using at = await open()
  await at.assign('ONE', 'TWO')
  await at.settle()
  expect(await at.orders()).toMatchObject([{ state: 'done', done: 2, storeReference: 'call-1', unknown: false }])
  expect(await at.holders()).toEqual(['ONE assignment', 'TWO assignment'])
  expect(at.quick.calls).toEqual(['associate ONE TWO'])
})

test('whom it names is refused, and the others are served', async () => {
  await using at = await open()
  at.quick.refuses.add('TWO')
  await at.assign('ONE', 'TWO', 'THREE')
  await at.settle()
  const [order] = await at.orders()
  expect(order).toMatchObject({ state: 'partly-done', done: 2, failures: [{ code: 'no', retryable: false }] })
  expect(await at.holders()).toEqual(['ONE assignment', 'THREE assignment'])
  expect(at.quick.calls).toEqual(['associate ONE TWO THREE'])
})

test('when it says that some failed and not which, its list is the answer', async () => {
  await using at = await open()
  at.quick.refuses.add('TWO')
  at.quick.tellsNothing()
  await at.assign('ONE', 'TWO')
  await at.settle(2_000)
  const [order] = await at.orders()
  expect(order).toMatchObject({ done: 1, failures: [{ code: 'outcome-not-seen' }] })
  expect(await at.holders()).toEqual(['ONE assignment'])
})

test('a stop between the call and its record leaves a question, which reading answers', async () => {
  await using at = await open()
  at.diesAt('after-call')
  await at.assign('ONE')
  await at.settle(1_000)
  expect(await at.orders()).toMatchObject([{ state: 'sent', unknown: true, storeReference: null }])
  expect(await at.holders()).toEqual([])
  await at.restart()
  await at.settle()
  expect(await at.orders()).toMatchObject([{ state: 'done', unknown: false }])
  expect(await at.holders()).toEqual(['ONE assignment'])
  expect(at.quick.calls).toEqual(['associate ONE'])
})
