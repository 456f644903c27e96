/** Acts about people and devices at a store. What would go is asked first; nothing here is kept, least of all an invitation. */
import { ok } from '../shared/result.ts'
import type { ConnectorId, PrincipalId } from '../shared/ids.ts'
import { list, member, numberOf, textOf, textOrNull } from './server-lists.ts'
import type { Answer, Request } from './server-request.ts'

/** What was asked of the store, and who is not in it. */
export interface PeopleAsked {
  readonly total: number
  readonly notAsked: readonly { readonly id: string; readonly text: string }[]
}

export interface HeldProduct {
  readonly name: string
  readonly pricing: string | null
}

/** What one person or device holds at the Location. */
export interface HoldingTold {
  readonly id: string
  readonly name: string
  readonly returns: readonly HeldProduct[]
  readonly stays: readonly HeldProduct[]
  readonly wished: readonly HeldProduct[]
}

export interface TakingPreview {
  readonly holdings: readonly HoldingTold[]
  readonly returns: number
  readonly stays: number
  /** Retiring: assignments that would wait. Taking back: those that end. */
  readonly assignments: number
  /** ISO 8601: when the store told it. */
  readonly asOf: string | null
}

export interface PeopleActs {
  /** Who can't be registered is left out and named; when that is everybody, refused with `nobody-to-ask`. */
  register(connector: ConnectorId, people: readonly PrincipalId[]): Answer<PeopleAsked>
  /** Tells the store, and our directory, another mail address or managed account. */
  update(
    connector: ConnectorId,
    person: PrincipalId,
    change: { readonly email?: string; readonly managedAppleAccount?: string },
  ): Answer<PeopleAsked>
  retirePreview(connector: ConnectorId, people: readonly PrincipalId[]): Answer<TakingPreview>
  /** Confirmed already. */
  retire(connector: ConnectorId, people: readonly PrincipalId[]): Answer<PeopleAsked>
  /** Asked of the store now. */
  revokePreview(connector: ConnectorId, principals: readonly PrincipalId[]): Answer<TakingPreview>
  /** Confirmed already. */
  revoke(connector: ConnectorId, principals: readonly PrincipalId[]): Answer<PeopleAsked>
  /** Whoever has the link joins in the person's place. */
  invitation(connector: ConnectorId, person: PrincipalId): Answer<string>
}

export const createPeopleActs = (request: Request): PeopleActs => {
  const at = (connector: ConnectorId, rest: string): string => `/connectors/${encodeURIComponent(connector)}/${rest}`

  const ask = async (method: string, path: string, body: unknown): Answer<PeopleAsked> => {
    const read = await request(method, path, body)
    return read.ok ? ok(askedOf(read.value)) : read
  }
  const preview = async (path: string, principals: readonly PrincipalId[]): Answer<TakingPreview> => {
    const read = await request('POST', path, { principals })
    return read.ok ? ok(previewOf(read.value)) : read
  }

  return {
    register: (connector, principals) => ask('POST', at(connector, 'registrations'), { principals }),
    update: (connector, person, change) => ask('PATCH', at(connector, `registrations/${person}`), change),
    retirePreview: (connector, principals) => preview(at(connector, 'registrations/retire/preview'), principals),
    retire: (connector, principals) => ask('POST', at(connector, 'registrations/retire'), { principals, confirm: true }),
    revokePreview: (connector, principals) => preview(at(connector, 'revoke/preview'), principals),
    revoke: (connector, principals) => ask('POST', at(connector, 'revoke'), { principals, confirm: true }),
    invitation: async (connector, person) => {
      const read = await request('GET', at(connector, `registrations/${person}/invitation`))
      return read.ok ? ok(textOf(member(read.value, 'url'))) : read
    },
  }
}

const askedOf = (value: unknown): PeopleAsked => ({
  total: numberOf(member(member(value, 'order'), 'total')),
  notAsked: list(member(value, 'notAsked')).map((row) => ({ id: textOf(member(row, 'id')), text: textOf(member(row, 'text')) })),
})

const productsOf = (value: unknown): readonly HeldProduct[] =>
  list(value).map((row) => ({ name: textOf(member(member(row, 'product'), 'name')), pricing: textOrNull(member(row, 'pricing')) }))

const previewOf = (value: unknown): TakingPreview => ({
  holdings: list(member(value, 'holdings')).map((row) => ({
    id: textOf(member(member(row, 'principal'), 'id')),
    name: textOf(member(member(row, 'principal'), 'name')),
    returns: productsOf(member(row, 'returns')),
    stays: productsOf(member(row, 'stays')),
    wished: productsOf(member(row, 'wished')),
  })),
  returns: numberOf(member(value, 'returns')),
  stays: numberOf(member(value, 'stays')),
  assignments: numberOf(member(value, 'assignments') ?? member(value, 'wished')),
  asOf: textOrNull(member(value, 'asOf')),
})
