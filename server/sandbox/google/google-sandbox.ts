import type { Chance, Clock } from '../../../shared/clock.ts'
import { answerToken } from './accounts.ts'
import { createGoogleControl, type GoogleControl } from './control.ts'
import { answerControl } from './control-routes.ts'
import { before as faultBefore, after as faultAfter, createGoogleDoor } from './door.ts'
import { errorAnswer, noSuchPath, Refused } from './errors.ts'
import { createGoogleFaults } from './faults.ts'
import { createManagementApi, managementScope } from './management/management-api.ts'
import { emptyManagementState } from './management/enterprises.ts'
import { signUpPage } from './play/enterprises.ts'
import { createPlayApi, playScope } from './play/play-api.ts'
import { emptyPlayState, type GoogleWorld } from './play/state.ts'
import { createGoogleRequestLog } from './request-log.ts'
import type { GoogleSnapshot } from './snapshot.ts'
import { DEFAULT_GOOGLE_SWITCHES, type GoogleSwitches } from './switches.ts'

export const GOOGLE_TOKEN_PATH = '/token'

export interface GoogleSandboxDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly state?: GoogleSnapshot
  readonly switches?: Partial<GoogleSwitches>
}

export interface GoogleSandbox {
  /** Rejects with `ConnectionCut` when a fault cuts the line. */
  fetch(request: Request): Promise<Response>
  readonly control: GoogleControl
}

/**
 * Google's sign-in and its APIs for managed Google Play, played from a state of its own and nowhere kinder than Google's
 * documents: what no table of methods knows is refused. Time passes only by the clock.
 */
export const createGoogleSandbox = ({ clock, chance, state, switches }: GoogleSandboxDeps): GoogleSandbox => {
  const world: GoogleWorld = {
    clock,
    chance,
    switches: { ...DEFAULT_GOOGLE_SWITCHES, ...switches },
    faults: createGoogleFaults(),
    accounts: { accounts: new Map(), tokens: new Map() },
    play: emptyPlayState(),
    management: emptyManagementState(),
    waiting: new Set(),
  }
  const log = createGoogleRequestLog()
  const control = createGoogleControl(world, log)
  if (state !== undefined) control.restore(state)
  const play = createGoogleDoor(world, log, createPlayApi(world))
  const management = createGoogleDoor(world, log, createManagementApi(world))

  const token = async (request: Request, url: URL): Promise<Response> => {
    log.note({ method: 'token', verb: request.method, path: url.pathname, bodyBytes: 0 })
    if (request.method !== 'POST') return noSuchPath(url.pathname)
    const faults = world.faults.take('token')
    const struck = faultBefore(faults)
    if (struck !== undefined) return struck
    const deps = { clock, chance, knownScopes: new Set([playScope, managementScope]) }
    const answer = await answerToken(world.accounts, deps, request, url.origin + url.pathname)
    // Whoever is refused for the sake of the time reads Google's clock here.
    answer.headers.set('Date', new Date(clock.now()).toUTCString())
    return await faultAfter(faults, answer)
  }

  return {
    control,
    fetch: async (request) => {
      const url = new URL(request.url)
      if (url.pathname === GOOGLE_TOKEN_PATH) return await token(request, url)
      if (url.pathname.startsWith('/androidenterprise/')) return await play.answer(request)
      if (url.pathname.startsWith('/v1/')) return await management.answer(request)
      if (url.pathname === '/work/adminsignup') {
        try {
          return signUpPage(world, url.searchParams.get('token') ?? '', url.searchParams.get('organization') ?? 'Eastmere Schools')
        } catch (error) {
          if (!(error instanceof Refused)) throw error
          return errorAnswer(error.error)
        }
      }
      if (url.pathname.startsWith('/google/control')) return await answerControl(control, request, url)
      return noSuchPath(url.pathname)
    },
  }
}
