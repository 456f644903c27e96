/** The calls of the people's own page. Without a network they fail at once; nothing is queued. */
import { parseOffer, type Offer } from './offer.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface Mine {
  readonly name: string
  readonly offers: readonly Offer[]
}

export type DoorFailed =
  | { readonly is: 'offline' }
  /** A link or session that opens nothing, or a person who may not: `title` and `text` say what it is and what to do. */
  | { readonly is: 'closed'; readonly title: string; readonly text: string }
  | { readonly is: 'refused'; readonly text: string }

type Answer<T> = Promise<Result<T, DoorFailed>>

export interface Door {
  open(link: string): Answer<void>
  mine(): Answer<Mine>
  take(id: string, confirmed: boolean): Answer<Offer | undefined>
  giveBack(id: string): Answer<Offer | undefined>
  leave(): Answer<void>
}

const at = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (Reflect.get(value, name) as unknown) : undefined
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

export const createDoor = (fetch: typeof globalThis.fetch): Door => {
  const ask = async (method: string, path: string, body?: unknown): Answer<unknown> => {
    let response: Response
    try {
      response = await fetch(`/self-service/api/${path}`, {
        method,
        credentials: 'same-origin',
        cache: 'no-store',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
        headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch {
      return err({ is: 'offline' })
    }
    if (response.status === 204) return ok(undefined)
    let value: unknown
    try {
      value = await response.json()
    } catch {
      return err({ is: 'refused', text: 'What came back is not from this server. Nothing changed, as far as is known here. Look again.' })
    }
    if (response.ok) return ok(value)
    const [title, detail] = [text(at(value, 'title')), text(at(value, 'detail'))]
    return response.status === 401 || (response.status === 403 && text(at(value, 'code')) !== 'origin-refused')
      ? err({ is: 'closed', title, text: detail })
      : err({ is: 'refused', text: detail || title })
  }
  const one = async (answer: Answer<unknown>): Answer<Offer | undefined> => {
    const read = await answer
    return read.ok ? ok(parseOffer(read.value)) : read
  }
  const done = async (answer: Answer<unknown>): Answer<void> => {
    const read = await answer
    return read.ok ? ok(undefined) : read
  }
  const claimOf = (id: string): string => `licenses/${encodeURIComponent(id)}/claim`

  return {
    open: (link) => done(ask('POST', 'session', { link })),
    mine: async () => {
      const read = await ask('GET', 'mine')
      if (!read.ok) return read
      const items = at(read.value, 'items')
      return ok({
        name: text(at(read.value, 'name')),
        offers: Array.isArray(items) ? items.flatMap((item: unknown) => parseOffer(item) ?? []) : [],
      })
    },
    take: (id, confirmed) => one(ask('POST', claimOf(id), { confirmIrreversible: confirmed })),
    giveBack: (id) => one(ask('DELETE', claimOf(id))),
    leave: () => done(ask('DELETE', 'session')),
  }
}
