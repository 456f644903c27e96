/**
 * Where Apple sends its notices. `client/config` tells the secret of the target back in clear to whoever holds a token of
 * the Location, so its answer is looked into here and goes no further: what leaves the parser is whether it is ours.
 * Source: docs/stores/apple-apps-and-books.md, 2.3.
 */
import * as v from 'valibot'
import { createHash, timingSafeEqual } from 'node:crypto'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { Listening, NoticeTarget } from '../store.ts'
import type { AppleClient, RequestFailure } from './client.ts'
import { coreNoticeTypes, laterNoticeTypes } from './notice.ts'
import type { OwnerFailure, Ownership } from './ownership.ts'
import type { ServiceConfigReader } from './service-config.ts'
import { parseEnvelope, type MdmInfo, type Unreadable } from './wire.ts'

const unreachableNumber = 9728
const invalidArgument = 9602

/** What stands at Apple, without its secret. */
interface Standing {
  readonly owner: MdmInfo | undefined
  readonly target: 'none' | 'ours' | 'other'
  readonly types: ReadonlySet<string>
}

const text = v.fallback(v.nullish(v.string()), undefined)
const standingForm = v.object({
  notificationUrl: text,
  notificationAuthToken: text,
  subscribedNotificationTypes: v.fallback(v.nullish(v.array(v.unknown())), undefined),
})

const isSame = (a: string, b: string): boolean => {
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  return timingSafeEqual(digest(a), digest(b))
}

const standingFor =
  (wanted: NoticeTarget | null) =>
  (json: unknown): Result<Standing, Unreadable> => {
    const parsed = v.safeParse(standingForm, json)
    if (!parsed.success) return err({ is: 'unreadable', where: 'the notice address' })
    const { notificationUrl, notificationAuthToken, subscribedNotificationTypes } = parsed.output
    const types = (subscribedNotificationTypes ?? []).filter((type) => typeof type === 'string')
    const isOurs = wanted !== null && notificationUrl === wanted.url && isSame(notificationAuthToken ?? '', wanted.secret.reveal())
    const target = isOurs ? 'ours' : (notificationUrl ?? '') === '' ? 'none' : 'other'
    return ok({ owner: parseEnvelope(json).mdmInfo, target, types: new Set(types) })
  }

export interface NoticeTargetSetting {
  listen(target: NoticeTarget | null): Promise<Result<Listening, OwnerFailure>>
}

export const createNoticeTarget = (deps: {
  readonly client: AppleClient
  readonly config: ServiceConfigReader
  readonly ownership: Pick<Ownership, 'isOurs' | 'mark'>
}): NoticeTargetSetting => {
  const { client, config, ownership } = deps
  /** Kinds that Apple did not take from us: asking for them again at every sync would lead nowhere. */
  const notTaken = new Set<string>()
  const wantedTypes = (): readonly string[] => [...coreNoticeTypes, ...laterNoticeTypes].filter((type) => !notTaken.has(type))

  const look = (target: NoticeTarget | null): Promise<Result<Standing, RequestFailure>> =>
    client.get('/client/config', {}, standingFor(target))

  const isComplete = ({ target, types }: Standing): boolean => target === 'ours' && wantedTypes().every((type) => types.has(type))

  const post = async (target: NoticeTarget | null): Promise<Result<unknown, RequestFailure>> =>
    await client.post(
      '/client/config',
      {
        mdmInfo: ownership.mark(),
        ...(target === null ? {} : { notificationUrl: target.url, notificationAuthToken: target.secret.reveal() }),
        // The complete set: it replaces the former. An empty one without an address ends it [unknown].
        notificationTypes: target === null ? [] : wantedTypes(),
      },
      ok,
    )

  /** A kind that Apple does not know may make the whole request invalid: then those of old are asked for. */
  const postKnown = async (target: NoticeTarget | null): Promise<Result<unknown, RequestFailure>> => {
    const posted = await post(target)
    if (target === null || posted.ok || posted.error.is !== 'refused' || posted.error.errorNumber !== invalidArgument) return posted
    if (laterNoticeTypes.every((type) => notTaken.has(type))) return posted
    for (const type of laterNoticeTypes) notTaken.add(type)
    return await post(target)
  }

  return {
    /** 1. Limits. 2. Look: is the Location ours, is all as wanted? 3. Write; Apple calls the address meanwhile. 4. Look again. */
    listen: async (target) => {
      await config.refresh()
      const { maxNotificationLength } = config.known()
      if (target !== null && Math.max(target.url.length, target.secret.reveal().length) > maxNotificationLength)
        return err({
          is: 'unreachable',
          text: `The address for notices is longer than the ${maxNotificationLength} characters that Apple takes. Everything works without notices, by asking Apple instead. Choose a shorter QM_PUBLIC_URL to have them.`,
        })
      const before = await look(target)
      if (!before.ok) return before
      if (before.value.owner === undefined || !ownership.isOurs(before.value.owner)) return ok('not-ours')
      if (target === null && (before.value.target === 'none' || before.value.types.size === 0)) return ok('silent')
      if (isComplete(before.value)) return ok('listening')
      const posted = await postKnown(target)
      if (!posted.ok && posted.error.is === 'refused' && posted.error.errorNumber === unreachableNumber) return ok('unreachable')
      // Without a clear answer the second look tells.
      if (!posted.ok && posted.error.is !== 'outcome-unknown') return posted
      const after = await look(target)
      if (!after.ok) return after
      const { owner } = after.value
      if (owner !== undefined && !ownership.isOurs(owner)) return err({ is: 'foreign-owner', owner })
      if (target === null) return ok('silent')
      if (after.value.target !== 'ours')
        return err({
          is: 'unreachable',
          text: 'Apple did not keep our address for notices. Nothing else was changed. It is tried again at the next sync.',
        })
      for (const type of wantedTypes()) if (!after.value.types.has(type)) notTaken.add(type)
      return ok('listening')
    },
  }
}
