/** Self-service, as administrators keep it: on or off, links for people, and their end. A link is told once and kept nowhere here. */
import { parsePrincipalId, type GroupId, type PrincipalId } from '../shared/ids.ts'
import { ok } from '../shared/result.ts'
import { list, member, numberOf, textOf, textOrNull } from './server-lists.ts'
import type { Answer, Request } from './server-request.ts'

export interface SelfServiceTold {
  readonly on: boolean
  /** People who hold a link that is good now. */
  readonly people: number
  /** ISO 8601. */
  readonly changedAt: string | null
  readonly changedBy: string | null
  readonly address: string
}

export interface LinkHolderTold {
  readonly id: PrincipalId
  readonly name: string
  readonly key: string
  readonly madeAt: string
  readonly madeBy: string
  readonly expiresAt: string
  readonly usedAt: string | null
}

export interface LinkTold {
  readonly id: string
  readonly userName: string
  readonly name: string
  readonly email: string
  readonly link: string
  readonly expiresAt: string
}

export interface LinksMade {
  readonly links: readonly LinkTold[]
  /** Who got none, and why. */
  readonly leftOut: readonly string[]
}

export interface SelfServiceActs {
  state(): Answer<SelfServiceTold>
  turn(on: boolean): Answer<SelfServiceTold>
  /** A page, the latest first; `next` is the cursor of what follows. */
  holders(cursor: string | null): Answer<{ readonly items: readonly LinkHolderTold[]; readonly next: string | null }>
  makeLinks(whom: { readonly users: readonly PrincipalId[] } | { readonly group: GroupId }, validDays: number): Answer<LinksMade>
  endLinksOf(person: PrincipalId): Answer<void>
  /** Gives whose links ended. */
  endAll(): Answer<number>
}

export const createSelfServiceActs = (request: Request): SelfServiceActs => {
  const base = '/self-service'
  const told = async (answer: Answer<unknown>): Answer<SelfServiceTold> => {
    const read = await answer
    return read.ok ? ok(stateOf(read.value)) : read
  }
  return {
    state: () => told(request('GET', base)),
    turn: (on) => told(request('PUT', base, { on })),
    holders: async (cursor) => {
      const read = await request(
        'GET',
        `${base}/links?limit=100&sort=-madeAt${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
      )
      if (!read.ok) return read
      return ok({ items: list(member(read.value, 'items')).flatMap(holderOf), next: textOrNull(member(read.value, 'next')) })
    },
    makeLinks: async (whom, validDays) => {
      const read = await request('POST', `${base}/links`, { ...whom, validDays })
      if (!read.ok) return read
      return ok({
        links: list(member(read.value, 'items')).map(linkOf),
        leftOut: list(member(read.value, 'leftOut')).map((row) => textOf(member(row, 'text'))),
      })
    },
    endLinksOf: async (person) => {
      const read = await request('DELETE', `${base}/links/${encodeURIComponent(person)}`)
      return read.ok ? ok(undefined) : read
    },
    endAll: async () => {
      const read = await request('DELETE', `${base}/links`)
      return read.ok ? ok(numberOf(member(read.value, 'people'))) : read
    },
  }
}

const stateOf = (value: unknown): SelfServiceTold => ({
  on: member(value, 'on') === true,
  people: numberOf(member(value, 'people')),
  changedAt: textOrNull(member(value, 'changedAt')),
  changedBy: textOrNull(member(value, 'changedBy')),
  address: textOf(member(value, 'address')),
})

const holderOf = (row: unknown): readonly LinkHolderTold[] => {
  const principal = member(row, 'principal')
  const id = parsePrincipalId(member(principal, 'id'))
  return id === undefined
    ? []
    : [
        {
          id,
          name: textOf(member(principal, 'name')),
          key: textOf(member(principal, 'key')),
          madeAt: textOf(member(row, 'madeAt')),
          madeBy: textOf(member(row, 'madeBy')),
          expiresAt: textOf(member(row, 'expiresAt')),
          usedAt: textOrNull(member(row, 'usedAt')),
        },
      ]
}

const linkOf = (row: unknown): LinkTold => ({
  id: textOf(member(member(row, 'principal'), 'id')),
  userName: textOf(member(row, 'userName')),
  name: textOf(member(row, 'name')),
  email: textOf(member(row, 'email')),
  link: textOf(member(row, 'link')),
  expiresAt: textOf(member(row, 'expiresAt')),
})

/** What a spreadsheet would run, in half and full width; the server writes its files by the same rule. */
const formula = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/
const cell = (text: string): string => `"${(formula.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`

/** For a mail merge: RFC 4180, in which no name is a formula. */
export const linksAsCsv = (links: readonly LinkTold[]): string =>
  [
    'userName,name,email,link,expiresAt',
    ...links.map(({ userName, name, email, link, expiresAt }) => [userName, name, email, link, expiresAt].map(cell).join(',')),
    '',
  ].join('\r\n')

/** A mail of one's own program; nothing is sent from here. */
export const linkMail = ({ email, name, link, expiresAt }: LinkTold): string =>
  `mailto:${encodeURIComponent(email)}?subject=${encodeURIComponent('Apps and books for you')}&body=${encodeURIComponent(
    `Hello ${name},\n\nhere you see which apps and books your organisation offers you, take one and give one back:\n\n${link}\n\nThe link is yours alone, so pass it on to nobody. It is good until ${expiresAt.slice(0, 10)}.`,
  )}`
