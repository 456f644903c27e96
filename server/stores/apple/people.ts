/**
 * The people of a Location, every record of their history among them: a person who was retired and came back has several,
 * at most one of which is not retired. Source: docs/stores/apple-apps-and-books.md, 2.7 and 2.12.
 */
import { normalUserName } from '../../../shared/principal.ts'
import type { RegistrationState } from '../../../shared/registration.ts'
import { err, ok, type Result } from '../../../shared/result.ts'
import type { PersonRead, StoreFailure, StorePeople } from '../store.ts'
import type { AppleClient, RequestFailure } from './client.ts'
import { invitationAddress } from './invitation.ts'
import type { ServiceConfigReader } from './service-config.ts'
import { mostPages, mostRepeats, pagesLost, walkOnce, walkSettled, type WalkFailure } from './walk.ts'
import { parseUsersPage, type Page, type UserRecord } from './wire.ts'

/** A longer list that changed under its walk is not walked again at once. */
const mostPagesToWalkAgain = 50
/** More people than this are looked for in one walk through the whole list. */
const mostLookedForSingly = 100

export const createPeople = (deps: {
  readonly client: AppleClient
  readonly config: ServiceConfigReader
  readonly appsBooksUrl: string
  readonly failureOf: (failure: WalkFailure) => StoreFailure
}): StorePeople => {
  const { client, config, appsBooksUrl, failureOf } = deps

  const usersPage =
    (query: Readonly<Record<string, string | undefined>>) =>
    async (index: number): Promise<Result<Page<UserRecord>, RequestFailure>> => {
      await config.refresh()
      return await client.get('/users', { ...query, pageIndex: index === 0 ? undefined : String(index) }, parseUsersPage)
    }

  /** Every record of one person, or of all. The filter of the request is not relied on. */
  const recordsOf = async (key: string | undefined): Promise<Result<readonly UserRecord[], WalkFailure>> =>
    await walkSettled(usersPage({ clientUserId: key }), (record) =>
      key === undefined || normalUserName(record.clientUserId ?? '') === normalUserName(key) ? [identityOf(record), record] : undefined,
    )

  /**
   * 1. An increment where there is a cursor; a full walk where there is none or Apple no longer takes it (9721).
   * 2. Pages that lead nowhere: begin again, bounded. 3. A list that changed under its walk: a short one is walked again;
   * a longer one proves no absences, and who changed meanwhile is in the increment since its first page.
   */
  const read: StorePeople['read'] = async (cursor, sink) => {
    let since = cursor ?? undefined
    let failure: WalkFailure = { is: 'changed-meanwhile' }
    for (let walks = 0; walks <= mostRepeats; walks += 1) {
      const full = since === undefined
      const seen = new Set<string>()
      sink.begin(full)
      const walked = await walkOnce(usersPage({ sinceVersionId: since }), ({ items, totalPages }) => {
        const fresh = items.filter((item) => seen.size !== seen.add(identityOf(item)).size)
        // An absurd number of pages is no measure of progress.
        sink.page(fresh.flatMap(personOf), totalPages !== undefined && totalPages <= mostPages ? totalPages : null)
      })
      if (!walked.ok) return err(failureOf(walked.error))
      if (walked.value.is === 'end') {
        const { firstVersion, moved, pages } = walked.value
        if (!moved) return ok({ cursor: firstVersion ?? since ?? null, full })
        if (pages > mostPagesToWalkAgain || walks === mostRepeats) return ok({ cursor: firstVersion ?? null, full: false })
        failure = { is: 'changed-meanwhile' }
      } else {
        if (walked.value.is === 'version-invalid') since = undefined
        failure = walked.value.is === 'lost' ? pagesLost : { is: 'changed-meanwhile' }
      }
    }
    return err(failureOf(failure))
  }

  const find: StorePeople['find'] = async (keys) => {
    const people = distinct(keys)
    const wanted = new Set(people.map(normalUserName))
    const found: PersonRead[] = []
    for (const key of people.length > mostLookedForSingly ? [undefined] : people) {
      const records = await recordsOf(key)
      if (!records.ok) return err(failureOf(records.error))
      found.push(...records.value.flatMap(personOf).filter((person) => wanted.has(normalUserName(person.key))))
    }
    return ok(found)
  }

  const invitationUrl: StorePeople['invitationUrl'] = async (key) => {
    const limits = await config.read()
    if (!limits.ok) return err(failureOf(limits.error))
    const records = await recordsOf(key)
    if (!records.ok) return err(failureOf(records.error))
    // A code may stay on a record that needs none any more.
    const open = records.value.find((record) => stateOf(record) === 'registered' && typeof record.inviteCode === 'string')
    if (typeof open?.inviteCode !== 'string' || open.inviteCode === '') return ok(undefined)
    const url = invitationAddress(config.invitationTemplate(), open.inviteCode, appsBooksUrl)
    return url === undefined
      ? err({
          is: 'store-answer-unreadable',
          text: 'Apple named an address for invitations that is none of its own, so no link was made. Check QM_APPLE_APPS_BOOKS_URL, and whether a proxy stands between.',
        })
      : ok(url)
  }

  return { read, find, invitationUrl }
}

/** A status that is not known is that of someone who is on the list: only these two words say that a record is closed. */
const stateOf = ({ status }: UserRecord): RegistrationState =>
  status === 'Retired' || status === 'Deleted' ? 'retired' : status === 'Associated' ? 'associated' : 'registered'

const personOf = (record: UserRecord): readonly PersonRead[] => {
  const key = (record.clientUserId ?? '').trim()
  return key === '' ? [] : [{ key, state: stateOf(record), email: record.email ?? '' }]
}

/** Records have no id: of one person they differ in the account, the code or the state. */
const identityOf = ({ clientUserId, idHash, inviteCode, status }: UserRecord): string =>
  JSON.stringify([clientUserId, idHash, inviteCode, status])

/** Each person once, in the first way of writing, in the order given. */
const distinct = (keys: readonly string[]): readonly string[] => {
  const keyByName = new Map<string, string>()
  for (const key of keys) {
    const name = normalUserName(key)
    if (name !== '' && !keyByName.has(name)) keyByName.set(name, key.trim())
  }
  return [...keyByName.values()]
}
