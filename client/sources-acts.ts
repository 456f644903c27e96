/** What each source says of a person, which is kept on the server alone, and the acts that correct who is one person. */
import { parsePrincipalId, type PrincipalId } from '../shared/ids.ts'
import { ok } from '../shared/result.ts'
import { list, member, numberOf, textOf, textOrNull } from './server-lists.ts'
import type { Answer, Request } from './server-request.ts'

export interface SourceRow {
  readonly source: string
  readonly key: string
  /** What it says, in the order in which it is shown. */
  readonly says: readonly { readonly field: string; readonly value: string; readonly stands: boolean }[]
  /** The rule by which the record is this person's. */
  readonly joinedBy: string
  readonly since: string | null
  readonly goneAt: string | null
}

export interface AccountRow {
  readonly id: PrincipalId
  readonly userName: string
  readonly seats: number
}

export interface SourcesTold {
  readonly records: readonly SourceRow[]
  readonly stores: readonly string[]
  readonly accounts: readonly AccountRow[]
}

export type SplitOf = { readonly source: string; readonly key: string; readonly userName?: string } | { readonly account: PrincipalId }

export interface SourcesActs {
  read(id: PrincipalId): Answer<SourcesTold>
  /** Gives the id of who was split off. */
  split(id: PrincipalId, of: SplitOf): Answer<PrincipalId | undefined>
  /** Gives who stays the person, and how many licenses have an assignment that names the other directly. */
  join(id: PrincipalId, other: PrincipalId): Answer<{ readonly id: PrincipalId | undefined; readonly licenses: number }>
}

const fields = ['userName', 'displayName', 'email', 'department', 'active', 'managedAppleAccount'] as const

export const createSourcesActs = (request: Request): SourcesActs => ({
  read: async (id) => {
    const kind = id.startsWith('d') ? 'devices' : 'users'
    const read = await request('GET', `/${kind}/${id}/sources`)
    return read.ok ? ok(toldOf(read.value)) : read
  },
  split: async (id, of) => {
    const done = await request('POST', `/users/${id}/split`, of)
    return done.ok ? ok(parsePrincipalId(member(member(done.value, 'splitOff'), 'id'))) : done
  },
  join: async (id, other) => {
    const done = await request('POST', `/users/${id}/join`, { id: other })
    if (!done.ok) return done
    return ok({ id: parsePrincipalId(member(member(done.value, 'user'), 'id')), licenses: list(member(done.value, 'licenses')).length })
  },
})

const toldOf = (value: unknown): SourcesTold => ({
  records: list(member(value, 'records')).map((row) => {
    const stands = list(member(row, 'stands')).map(textOf)
    return {
      source: textOf(member(row, 'source')),
      key: textOf(member(row, 'key')),
      says: fields.flatMap((field) => {
        const says = member(member(row, 'fields'), field)
        const text = typeof says === 'boolean' ? (says ? 'yes' : 'no') : textOf(says)
        return text === '' ? [] : [{ field, value: text, stands: stands.includes(field) }]
      }),
      joinedBy: textOf(member(member(row, 'joinedBy'), 'text')),
      since: textOrNull(member(row, 'since')),
      goneAt: textOrNull(member(row, 'goneAt')),
    }
  }),
  stores: list(member(value, 'stores')).map(textOf),
  accounts: list(member(value, 'accounts')).flatMap((row) => {
    const id = parsePrincipalId(member(row, 'id'))
    return id === undefined ? [] : [{ id, userName: textOf(member(row, 'userName')), seats: numberOf(member(row, 'seats')) }]
  }),
})
