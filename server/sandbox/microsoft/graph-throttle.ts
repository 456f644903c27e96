/** The documented limits, counted for each app in each tenant. Source: docs/stores/microsoft-graph.md, 3. */
import { failed, type GraphAnswer } from './graph-answer.ts'
import type { MicrosoftWorld } from './world.ts'

const WINDOW_MS = 10_000
const WRITE_WINDOW_MS = 150_000
const MOST_WRITES = 3000
const INTUNE_WINDOW_MS = 20_000
const MOST_INTUNE = 1000
const MOST_INTUNE_WRITES = 100

const unitsOf = (people: number): number => (people < 50 ? 3500 : people <= 500 ? 5000 : 8000)

/** `$select` takes a unit off, a small `$top` too; never below 1. */
const cost = (units: number, url: URL): number => {
  const top = Number(url.searchParams.get('$top') ?? '100')
  return Math.max(1, units - (url.searchParams.has('$select') ? 1 : 0) - (top < 20 ? 1 : 0))
}

interface Spent {
  readonly at: number
  readonly units: number
  readonly isWrite: boolean
}

export interface Throttled {
  readonly units: number
  readonly intune?: true
}

export type Throttle = (
  tenantId: string,
  clientId: string,
  route: Throttled,
  isWrite: boolean,
  url: URL,
  people: number,
) => GraphAnswer | undefined

export const createThrottle = (world: MicrosoftWorld): Throttle => {
  const spentBy = new Map<string, Spent[]>()

  const busy = (untilMs: number): GraphAnswer => {
    const leftS = Math.max(1, Math.ceil(untilMs / 1000))
    const { retryAfterOnThrottle: how } = world.switches
    const until = how === 'seconds' ? String(leftS) : new Date(world.clock.now() + leftS * 1000).toUTCString()
    const headers: Record<string, string> = { 'x-ms-throttle-scope': 'Tenant_Application/ReadWrite' }
    if (how !== 'none') headers['retry-after'] = until
    return failed(world, 429, { headers })
  }

  return (tenantId, clientId, route, isWrite, url, people) => {
    if (!world.switches.enforceThrottle) return undefined
    const name = `${tenantId}/${clientId}/${route.intune === true ? 'intune' : 'directory'}`
    const now = world.clock.now()
    const longest = route.intune === true ? INTUNE_WINDOW_MS : WRITE_WINDOW_MS
    const spent = (spentBy.get(name) ?? []).filter(({ at }) => at > now - longest)
    // Requests made while throttled still count.
    spent.push({ at: now, units: route.intune === true ? 1 : cost(route.units, url), isWrite })
    spentBy.set(name, spent)
    const within = (windowMs: number, writesOnly: boolean): readonly Spent[] =>
      spent.filter((one) => one.at > now - windowMs && (!writesOnly || one.isWrite))
    const over = (windowMs: number, most: number, writesOnly: boolean): number | undefined => {
      const list = within(windowMs, writesOnly)
      const sum = writesOnly ? list.length : list.reduce((total, { units }) => total + units, 0)
      return sum <= most ? undefined : (list[0]?.at ?? now) + windowMs - now
    }
    const waitMs =
      route.intune === true
        ? (over(INTUNE_WINDOW_MS, MOST_INTUNE, false) ?? over(INTUNE_WINDOW_MS, MOST_INTUNE_WRITES, true))
        : (over(WINDOW_MS, unitsOf(people), false) ?? over(WRITE_WINDOW_MS, MOST_WRITES, true))
    return waitMs === undefined ? undefined : busy(waitMs)
  }
}
