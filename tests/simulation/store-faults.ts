/**
 * What a store can do wrong while it is being asked, each by itself: the columns of the crash matrix. What is only a guess
 * about Apple is marked where the sandbox plays it.
 */
import type { RequestFault } from '../world/network.ts'
import { locationId, products, type World } from '../world/world.ts'
import type { Drawn } from './faults.ts'

export const storeFaults = [
  'none',
  'time-out-after-effect',
  'time-out-before-effect',
  'done-without-effect',
  'never-completes',
  'never-completes-undone',
  'done-for-another-serial',
  'too-many-requests',
  'unauthorised',
  'forbidden',
  'invalid-argument',
  'limits-shrink',
  'partly-done',
  'partly-done-unnamed',
  'pages-change',
  'counts-lie',
  'empty-list',
  'lists-lag',
  'notices-doubled',
  'notices-late',
  'notices-lost',
  'notices-forged',
  'token-expires',
] as const
export type StoreFault = (typeof storeFaults)[number]

export interface ArmedStoreFault {
  /** How often it struck. */
  struck(): number
  /** Called after each act. */
  tend(): Promise<void>
  /** The store is well again; what the administrator has to do is done. */
  heal(): Promise<void>
}

const isWrite = (path: string): boolean => /\/(dis)?associate$/.test(path)

export const armStoreFault = (fault: StoreFault, world: World, drawn: Drawn): ArmedStoreFault => {
  const { store, schedule } = world
  const { control, line } = store
  const { faults } = control
  let struck = 0
  const times = 1 + drawn.below(2)
  const skip = drawn.below(2)
  const armed: (readonly [id: number, times: number])[] = []
  const arm = (given: Parameters<typeof faults.arm>[0]): void => {
    const count = given.times ?? times
    armed.push([faults.arm({ skip, ...given, times: count }), count])
  }
  const struckByArmed = (): number => {
    const left = new Map(faults.list().map(({ id, struck: so }) => [id, so]))
    return armed.reduce((sum, [id, most]) => sum + (left.get(id) ?? most), 0)
  }
  const onWrites = (made: RequestFault): void => {
    let seen = 0
    line.fault = ({ method, path }) => {
      if (method !== 'POST' || !isWrite(path)) return undefined
      seen += 1
      if (seen <= skip || struck >= times) return undefined
      struck += 1
      return made
    }
  }
  const bothWays = (given: Omit<Parameters<typeof faults.arm>[0], 'endpoint'>): void => {
    for (const endpoint of ['associate', 'disassociate'] as const) arm({ ...given, endpoint })
  }
  let tend = (): Promise<void> => Promise.resolve()
  let renews = false
  let retries = false

  switch (fault) {
    case 'none':
      break
    case 'time-out-after-effect':
      onWrites({ is: 'silent', when: 'after' })
      break
    case 'time-out-before-effect':
      onWrites({ is: 'silent', when: 'before' })
      break
    case 'done-without-effect':
      bothWays({ fault: { is: 'event-without-effect' } })
      break
    case 'never-completes':
      bothWays({ fault: { is: 'event-never-ends' } })
      break
    case 'never-completes-undone':
      bothWays({ fault: { is: 'event-stays-pending' } })
      break
    case 'done-for-another-serial':
      arm({ fault: { is: 'event-serves-another' }, endpoint: 'associate' })
      break
    case 'too-many-requests':
      arm({ fault: { is: 'rate-limited', retryAfter: drawn.pick(['1', '20', '75']) }, times: 1 + drawn.below(4) })
      bothWays({ fault: { is: 'rate-limited', retryAfter: '10' }, times: 1 })
      break
    case 'unauthorised':
      renews = true
      bothWays({ fault: { is: 'apple-error', errorNumber: drawn.pick([9622, 9625]) }, times: 1 })
      break
    case 'forbidden':
      renews = true
      bothWays({ fault: { is: 'apple-error', errorNumber: 9637 }, times: 1 })
      break
    case 'invalid-argument':
      retries = true
      bothWays({ fault: { is: 'apple-error', errorNumber: 9602 }, times: 1 })
      break
    case 'limits-shrink':
      // A call is too large before anybody was told of it; that the limits are lower shows a little later.
      bothWays({ fault: { is: 'apple-error', errorNumber: drawn.pick([9700, 9701, 9702]) }, times: 1 })
      tend = () => {
        if (control.requests().some(({ errorNumber }) => errorNumber !== null && errorNumber >= 9700 && errorNumber <= 9702))
          control.setLimits({ maxSerialNumbers: 1, maxAssets: 1, maxClientUserIds: 1 })
        return Promise.resolve()
      }
      break
    case 'partly-done':
      bothWays({ fault: { is: 'targets-fail', errorNumber: drawn.pick([9603, 9612]), keys: ['IPAD-2', 'IPAD-4'] } })
      break
    case 'partly-done-unnamed':
      bothWays({ fault: { is: 'tasks-fail', errorNumber: 9603, every: 2 } })
      bothWays({ fault: { is: 'failures-without-info' } })
      if (drawn.happens(0.5)) bothWays({ fault: { is: 'event-falls-short', by: 1 } })
      break
    case 'pages-change':
      control.setSwitches({ pageSize: drawn.pick([1, 2]) })
      for (const is of ['page-moved', 'page-out-of-range', 'empty-page'] as const) arm({ fault: { is }, times: 1 })
      break
    case 'counts-lie':
      control.setSwitches({ countsDisagree: true })
      arm({ fault: { is: 'empty-list' }, endpoint: 'assets', times: 1 })
      break
    case 'empty-list':
      arm({ fault: { is: 'empty-list' }, endpoint: 'assignments', times: 1 })
      break
    case 'lists-lag': {
      const lag = drawn.pick([2_000, 60_000, 240_000])
      control.setSwitches({ listLagMs: { assets: lag, assignments: lag, users: lag } })
      struck = 1
      break
    }
    case 'notices-doubled':
      arm({ fault: { is: 'notification-doubled' }, times: 3 })
      arm({ fault: { is: 'notification-retold' }, times: 3 })
      break
    case 'notices-late':
      arm({ fault: { is: 'notification-delayed', ms: drawn.pick([8_000, 60_000, 400_000]) }, times: 3 })
      break
    case 'notices-lost':
      arm({ fault: { is: 'notification-lost' }, times: 20 })
      break
    case 'notices-forged':
      tend = async () => {
        struck += 1
        await forge(world, drawn)
      }
      break
    case 'token-expires': {
      renews = true
      let acts = 0
      tend = () => {
        acts += 1
        if (acts !== 1 + drawn.below(3) || struck > 0) return Promise.resolve()
        struck += 1
        control.expireToken(locationId)
        return Promise.resolve()
      }
      break
    }
  }

  const renew = async (): Promise<void> => {
    const fresh = control.newToken(locationId)
    const house = world.server()?.house
    const [connector] = (await house?.connectors.list()) ?? []
    if (house === undefined || connector === undefined) return
    await schedule.run(house.connectors.renew(world.ana.actor, connector.id, { contentToken: fresh }))
    await schedule.run(house.syncs.request(connector.id, 'admin', false))
  }

  /** A refusal for good stands until somebody asks again. */
  const retry = async (): Promise<void> => {
    const house = world.server()?.house
    for (const product of Object.keys(products))
      for (const { id, failures } of await world.orders(product))
        if (house !== undefined && failures.length > 0) await schedule.run(house.orders.retry(id))
  }

  return {
    struck: () => struck + struckByArmed(),
    tend: () => tend(),
    heal: async () => {
      struck += struckByArmed()
      armed.length = 0
      line.fault = () => undefined
      faults.clear()
      control.setSwitches({ listLagMs: { assets: 0, assignments: 0, users: 0 }, pageSize: 500, countsDisagree: false })
      control.finishEvents()
      if (renews) await renew()
      if (retries) await retry()
    },
  }
}

/** What somebody could send who knows the address, and what somebody could who has read the secret at the store. */
const forge = async ({ store, schedule }: World, drawn: Drawn): Promise<void> => {
  const { control, notices } = store
  const pair = { adamId: drawn.pick(Object.values(products)), pricingParam: 'STDQ', serialNumber: `IPAD-${1 + drawn.below(8)}` }
  const known = control.events(locationId).at(-1)?.id
  const made = `${'0'.repeat(8)}-0000-4000-8000-${String(drawn.below(1e9)).padStart(12, '0')}`
  const eventId = known !== undefined && drawn.happens(0.5) ? known : made
  const notice = (notificationType: string, notification: unknown, uId: string = locationId) => ({
    notificationId: made,
    notificationType,
    notification,
    uId,
  })
  const body = drawn.pick([
    notice('ASSET_MANAGEMENT', { eventId, type: 'DISASSOCIATE', result: 'SUCCESS', assignments: [pair] }),
    notice('ASSET_MANAGEMENT', { eventId, type: 'ASSOCIATE', result: 'SUCCESS', assignments: [pair] }),
    notice('ASSET_MANAGEMENT', {
      eventId,
      type: 'ASSOCIATE',
      result: 'FAILURE',
      error: { errorNumber: 9709, errorMessage: '' },
      assignments: [pair],
    }),
    notice('ASSET_COUNT', { adamId: pair.adamId, pricingParam: 'STDQ', countDelta: drawn.pick([-100, 100]) }),
    notice('ASSET_MANAGEMENT', { eventId, type: 'REVOKE', result: 'SUCCESS', assignments: [pair] }, '7700000000000999'),
  ])
  await schedule.run(notices.forge(body, drawn.happens(0.3) ? 'not-the-secret' : undefined))
}
