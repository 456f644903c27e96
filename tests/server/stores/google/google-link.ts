/** The sandbox's Google over real HTTP, beside a clock moved by hand: time passes only while no request is under way. */
import type { KeyFile } from '../../../../server/sandbox/google/accounts.ts'
import { startGoogle, type StartedGoogle } from '../../../../server/sandbox/google/start.ts'
import type { GoogleSwitches } from '../../../../server/sandbox/google/switches.ts'
import { parseServiceAccountKey } from '../../../../server/stores/google/service-account.ts'
import { createGoogleSignIn, playScope, type GoogleSignIn } from '../../../../server/stores/google/sign-in.ts'
import { seededChance } from '../../../world/hand-clock.ts'
import { drivenClock, type DrivenClock } from '../apple/apple-link.ts'

export { drivenClock, failureIn, mark, mustBeOk, START, type DrivenClock } from '../apple/apple-link.ts'

export interface GoogleLink extends AsyncDisposable {
  readonly clock: DrivenClock
  readonly google: StartedGoogle
  readonly control: StartedGoogle['control']
  readonly enterpriseId: string
  readonly keyFile: KeyFile
  signIn(file?: KeyFile, scope?: string): GoogleSignIn
  /** How often a method was asked, such as `grouplicenses.list`, or `token`. */
  asked(method: string): number
}

/** The store's clock stays right when the server's is set wrong: `skewMs` is how far. */
export const openGoogleLink = async (switches: Partial<GoogleSwitches> = {}, skewMs = 0): Promise<GoogleLink> => {
  const clock = drivenClock()
  const google = await startGoogle({ clock: { ...clock, now: () => clock.now() - skewMs }, chance: seededChance(1), port: 0, switches })
  const { enterpriseId, keyFile } = google.control.addEnterprise({ name: 'Eastmere Schools' })
  return {
    clock,
    google,
    control: google.control,
    enterpriseId,
    keyFile,
    signIn: (file = keyFile, scope = playScope) => {
      const key = parseServiceAccountKey(file)
      if (!key.ok) throw new Error(key.error.reason)
      return createGoogleSignIn({ clock, chance: seededChance(3), fetch: clock.fetch, tokenUrl: google.tokenUrl, key: key.value, scope })
    },
    asked: (method) => google.control.requests().filter((request) => request.method === method).length,
    [Symbol.asyncDispose]: () => google.close(),
  }
}
