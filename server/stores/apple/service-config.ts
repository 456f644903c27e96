/** Apple's present limits. They may change without notice. Source: docs/stores/apple-apps-and-books.md, 2.2. */
import { ok, type Result } from '../../../shared/result.ts'
import type { Clock } from '../../../shared/clock.ts'
import type { AppleClient, RequestFailure } from './client.ts'
import { defaultRequestsPerSecond } from '../pace.ts'
import { parseServiceConfig } from './wire.ts'

/** The published values; older answers leave some of them out. */
const publishedLimits = {
  maxAssets: 25,
  maxClientUserIds: 1000,
  maxSerialNumbers: 1000,
  maxRevokeClientUserIds: 100,
  maxRevokeSerialNumbers: 100,
  maxUsers: 100,
  maxSubscriptions: 25,
  maxSubscriptionClientUserIds: 1000,
  maxRequestPerSecond: defaultRequestsPerSecond,
  maxNotificationLength: 512,
  maxMdmIdLength: 100,
  maxMdmNameLength: 100,
  maxMdmMetadataLength: 255,
} as const
export type Limits = Readonly<Record<keyof typeof publishedLimits, number>>

const staleAfterMs = 5 * 60_000

export interface ServiceConfigReader {
  /** The limits, read again when older than 5 minutes or forgotten. */
  read(): Promise<Result<Limits, RequestFailure>>
  /** As `read`, for those whom the limits only make faster: a failure leaves the last ones for another 5 minutes. */
  refresh(): Promise<void>
  /** The last limits, or the published ones. */
  known(): Limits
  /** Apple said that a limit is lower than we knew: the next `read` asks. */
  forget(): void
  messageOf(errorNumber: number): string | undefined
  /** As Apple last told it, unchecked; undefined where it told none. */
  invitationTemplate(): string | undefined
}

export const createServiceConfig = (deps: { readonly clock: Clock; readonly client: AppleClient }): ServiceConfigReader => {
  const { clock, client } = deps
  let limits: Limits = publishedLimits
  let messageByErrorNumber: ReadonlyMap<number, string> = new Map()
  let invitationTemplate: string | undefined
  let readAt: number | undefined
  let triedAt: number | undefined

  /** A clock that was set back makes old what was read in its future. */
  const isFresh = (at: number | undefined): boolean => at !== undefined && at <= clock.now() && clock.now() - at < staleAfterMs

  const read = async (): Promise<Result<Limits, RequestFailure>> => {
    if (isFresh(readAt)) return ok(limits)
    triedAt = clock.now()
    // Nobody needs a token here, so none is sent. No request follows the addresses that it tells: they could be poisoned.
    const answer = await client.get('/service/config', {}, parseServiceConfig, { withToken: false })
    if (!answer.ok) return answer
    const { limitByName } = answer.value
    const limit = (name: keyof Limits): number => limitByName.get(name) ?? publishedLimits[name]
    limits = {
      maxAssets: limit('maxAssets'),
      maxClientUserIds: limit('maxClientUserIds'),
      maxSerialNumbers: limit('maxSerialNumbers'),
      maxRevokeClientUserIds: limit('maxRevokeClientUserIds'),
      maxRevokeSerialNumbers: limit('maxRevokeSerialNumbers'),
      maxUsers: limit('maxUsers'),
      maxSubscriptions: limit('maxSubscriptions'),
      maxSubscriptionClientUserIds: limit('maxSubscriptionClientUserIds'),
      maxRequestPerSecond: limit('maxRequestPerSecond'),
      maxNotificationLength: limit('maxNotificationLength'),
      maxMdmIdLength: limit('maxMdmIdLength'),
      maxMdmNameLength: limit('maxMdmNameLength'),
      maxMdmMetadataLength: limit('maxMdmMetadataLength'),
    }
    messageByErrorNumber = answer.value.messageByErrorNumber
    invitationTemplate = answer.value.invitationTemplate
    readAt = clock.now()
    client.setRate(limits.maxRequestPerSecond)
    return ok(limits)
  }

  return {
    read,
    refresh: async () => {
      if (!isFresh(readAt) && !isFresh(triedAt)) await read()
    },
    known: () => limits,
    forget: () => {
      readAt = undefined
    },
    messageOf: (errorNumber) => messageByErrorNumber.get(errorNumber),
    invitationTemplate: () => invitationTemplate,
  }
}
