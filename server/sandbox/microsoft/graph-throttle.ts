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

/** What was spent in the last so many milliseconds. */
interface Window {
  /** Undefined: within the limit. Else how long until it is again. */
  spend(now: number, units: number, most: number): number | undefined
}

const createWindow = (lengthMs: number): Window => {
  const spent: { readonly at: number; readonly units: number }[] = []
  let first = 0
  let sum = 0
  return {
    spend: (now, units, most) => {
      spent.push({ at: now, units })
      sum += units
      for (let oldest = spent[first]; oldest !== undefined && oldest.at <= now - lengthMs; oldest = spent[first]) {
        sum -= oldest.units
        first += 1
      }
      if (first > 10_000) {
        spent.splice(0, first)
        first = 0
      }
      return sum <= most ? undefined : (spent[first]?.at ?? now) + lengthMs - now
    },
  }
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

interface Windows {
  readonly all: Window
  readonly writes: Window
}

export const createThrottle = (world: MicrosoftWorld): Throttle => {
  const windowsBy = new Map<string, Windows>()

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
    const isIntune = route.intune === true
    const name = `${tenantId}/${clientId}/${isIntune ? 'intune' : 'directory'}`
    const windows = windowsBy.get(name) ?? {
      all: createWindow(isIntune ? INTUNE_WINDOW_MS : WINDOW_MS),
      writes: createWindow(isIntune ? INTUNE_WINDOW_MS : WRITE_WINDOW_MS),
    }
    windowsBy.set(name, windows)
    const now = world.clock.now()
    // Requests made while throttled still count.
    const waitMs = windows.all.spend(now, isIntune ? 1 : cost(route.units, url), isIntune ? MOST_INTUNE : unitsOf(people))
    const writeWaitMs = isWrite ? windows.writes.spend(now, 1, isIntune ? MOST_INTUNE_WRITES : MOST_WRITES) : undefined
    const longest = Math.max(waitMs ?? 0, writeWaitMs ?? 0)
    return longest === 0 ? undefined : busy(longest)
  }
}
