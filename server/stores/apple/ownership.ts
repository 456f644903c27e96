/**
 * Who holds the Location. There is no lock at Apple: `mdmInfo` is a label that the last writer owns, so it is looked at
 * in every answer, and read afresh before each write. Source: docs/stores/apple-apps-and-books.md, 2.3 and 2.4.
 */
import { isoTime } from '../../../shared/clock.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { ConnectionDeps, LocationIdentity, OwnerMark } from '../store.ts'
import { parseAppleTime } from './apple-time.ts'
import type { AppleClient, RequestFailure } from './client.ts'
import type { ContentToken } from './content-token.ts'
import type { ServiceConfigReader } from './service-config.ts'
import { parseClientConfig, parseEnvelope, type MdmInfo } from './wire.ts'

export type OwnerFailure = RequestFailure | { readonly is: 'foreign-owner'; readonly owner: MdmInfo }

export interface Ownership {
  /** To be called with every good answer. */
  note(json: unknown): void
  identify(): Promise<Result<LocationIdentity, RequestFailure>>
  claim(): Promise<Result<LocationIdentity, OwnerFailure>>
  /** Asks who holds the Location, and fails when it is somebody else. A Location that nobody holds may be written to. */
  assertOurs(): Promise<Result<void, OwnerFailure>>
  isOurs(owner: MdmInfo): boolean
  /** Our name, as it stands on a Location that we hold. */
  mark(): MdmInfo
  /** Apple's name for the sort of shop, for the look-up. */
  platform(): string
}

export const createOwnership = (deps: {
  readonly client: AppleClient
  readonly config: ServiceConfigReader
  readonly token: ContentToken
  readonly mark: OwnerMark
  readonly onOwner: ConnectionDeps['onOwner']
}): Ownership => {
  const { client, config, token } = deps
  /** As last told by any answer; undefined before the first. */
  let holder: MdmInfo | null | undefined
  let platform = 'enterprisestore'
  let expiresAt: string | undefined

  /** Our mark, cut to what Apple takes, none of it empty. */
  const mark = (): MdmInfo => {
    const { maxMdmIdLength, maxMdmNameLength, maxMdmMetadataLength } = config.known()
    const { id, name, metadata } = deps.mark
    return {
      id: id.slice(0, maxMdmIdLength),
      name: (name || 'Quartermaster').slice(0, maxMdmNameLength),
      metadata: (metadata || name || 'Quartermaster').slice(0, maxMdmMetadataLength),
    }
  }
  const isOurs = (owner: MdmInfo): boolean => owner.id === deps.mark.id || owner.id === mark().id

  const identify = async (): Promise<Result<LocationIdentity, RequestFailure>> => {
    let told: ReturnType<typeof parseEnvelope> | undefined
    const answer = await client.get('/client/config', {}, (json) => {
      told = parseEnvelope(json)
      return parseClientConfig(json)
    })
    if (!answer.ok) return answer
    const { uId, locationName, country } = answer.value
    platform = answer.value.platform ?? platform
    // Other answers may leave the holder out; this one does so only while nobody holds the Location.
    holder = told?.mdmInfo ?? null
    const expiresAtMs = told?.expiresAt === undefined ? undefined : parseAppleTime(told.expiresAt)
    expiresAt = isoTime(expiresAtMs ?? token.expiresAtMs)
    return ok({
      location: {
        key: uId,
        name: locationName ?? uId,
        country: (country ?? '').toUpperCase(),
        organization: token.organization,
        ...portalOf(answer.value.platform),
      },
      expiresAt,
      owner: holder,
    })
  }

  const foreign = (identity: LocationIdentity): Result<never, OwnerFailure> | undefined =>
    identity.owner === null || isOurs(identity.owner) ? undefined : err({ is: 'foreign-owner', owner: identity.owner })

  return {
    note: (json) => {
      const { mdmInfo } = parseEnvelope(json)
      if (mdmInfo === undefined) return
      const isNews = holder?.id !== mdmInfo.id
      holder = mdmInfo
      if (isNews) deps.onOwner?.(mdmInfo)
    },
    identify,
    isOurs,
    mark,
    platform: () => platform,
    assertOurs: async () => {
      const identity = await identify()
      return identity.ok ? (foreign(identity.value) ?? ok(undefined)) : identity
    },
    /** 1. Look. 2. Write our name. 3. Look again: between the two another service may have written its own. */
    claim: async () => {
      const shown = holder
      const before = await identify()
      if (!before.ok) return before
      const { owner } = before.value
      // Whoever asked for the claim knew of the holder of then: another one may not be put out unseen.
      if (shown !== undefined && owner !== null && !isOurs(owner) && owner.id !== shown?.id) return err({ is: 'foreign-owner', owner })
      await config.refresh()
      const mdmInfo = mark()
      if (owner !== null && owner.id === mdmInfo.id && owner.name === mdmInfo.name && owner.metadata === mdmInfo.metadata) return before
      const written = await client.post('/client/config', { mdmInfo }, ok)
      // Without a clear answer the second look tells.
      if (!written.ok && written.error.is !== 'outcome-unknown') return written
      const after = await identify()
      if (!after.ok) return after
      if (after.value.owner !== null) return foreign(after.value) ?? after
      return err({
        is: 'unreachable',
        text: 'Apple did not keep our name on the location. Nothing else was changed. Claim it again in a while.',
      })
    },
  }
}

/** Its word for the sort of shop tells the portal too. */
const portalOf = (platform: string | undefined): Pick<LocationIdentity['location'], 'portal'> =>
  platform === 'volumestore' ? { portal: 'school' } : platform === 'enterprisestore' ? { portal: 'business' } : {}
