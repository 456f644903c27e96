/**
 * `/users/delta` and `/groups/delta`: a first round of all there is, then rounds of what has changed. The options of the
 * query are frozen into the token. Source: docs/stores/microsoft-graph.md, 4.
 */
import * as v from 'valibot'
import { failed, good, inToken, tokenOf, type GraphAnswer } from './graph-answer.ts'
import { directMembers, groupFields, groupView, userFields, userView } from './graph-directory.ts'
import { isAnswer, isStruck, selectOf, type GraphRequest } from './graph-request.ts'
import { uuid } from './made-ids.ts'
import type { Change, GraphState } from './graph-state.ts'

/** A token of directory objects is good for seven days. */
const TOKEN_LIFE_MS = 7 * 86_400_000

const state = v.object({
  of: v.picklist(['user', 'group']),
  /** What was asked for when the rounds began. */
  select: v.array(v.string()),
  epoch: v.number(),
  issuedAt: v.number(),
  /** A round tells changes after `from` up to `to`; `from` null: all there is. */
  from: v.nullable(v.number()),
  to: v.number(),
  /** How many entries of the round were told. */
  told: v.number(),
  /** Tells two links apart that lead to the same place. */
  again: v.optional(v.string()),
})
type DeltaState = v.InferOutput<typeof state>

interface Entry {
  /** Made when its page is asked for. */
  readonly object: () => Record<string, unknown>
  readonly weight: number
}

const memberOf = ({ id, type, removed }: NonNullable<Change['member']>): unknown => ({
  '@odata.type': `#microsoft.graph.${type}`,
  id,
  ...(removed ? { '@removed': { reason: 'deleted' } } : {}),
})

/** A group with many members is told in several parts. */
const inParts = (object: () => Record<string, unknown>, members: readonly unknown[], most: number): readonly Entry[] => {
  if (members.length === 0) return [{ object, weight: 1 }]
  const parts: Entry[] = []
  for (let at = 0; at < members.length; at += most) {
    const some = members.slice(at, at + most)
    parts.push({ object: () => ({ ...object(), 'members@delta': some }), weight: some.length + 1 })
  }
  return parts
}

const wanted = (object: Readonly<Record<string, unknown>>, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name === 'id' || names.includes(name)))

const isRemovedAt = (held: { readonly deletedAt: number | null } | undefined): boolean => held === undefined || held.deletedAt !== null

const everything = ({ state: graph, world }: GraphRequest, { of, select }: DeltaState): readonly Entry[] => {
  const most = world.switches.deltaPageSize
  if (of === 'user')
    return [...graph.users.values()].map((user) => ({
      object: () => (user.deletedAt === null ? wanted(userView(graph, user), select) : { id: user.id, '@removed': { reason: 'changed' } }),
      weight: 1,
    }))
  return [...graph.groups.values()].flatMap((group): readonly Entry[] => {
    if (group.deletedAt !== null) return [{ object: () => ({ id: group.id, '@removed': { reason: 'changed' } }), weight: 1 }]
    const members = select.includes('members') ? directMembers(graph, group).map((one) => memberOf({ ...one, removed: false })) : []
    return inParts(() => wanted(groupView(group), select), members, most)
  })
}

/** Of each object what has changed since; of members the last word on each. */
const changesIn = (request: GraphRequest, { of, select, from, to }: DeltaState): readonly Entry[] => {
  const { state: graph, world } = request
  const byObject = new Map<string, Change[]>()
  for (const change of graph.changes) {
    if (change.of !== of || change.n <= (from ?? 0) || change.n > to) continue
    const list = byObject.get(change.id)
    if (list === undefined) byObject.set(change.id, [change])
    else list.push(change)
  }
  return [...byObject].flatMap(([id, changes]): readonly Entry[] => {
    const held = of === 'user' ? graph.users.get(id) : graph.groups.get(id)
    if (isRemovedAt(held)) {
      const reason = changes.findLast(({ removed }) => removed !== null)?.removed ?? 'deleted'
      return [{ object: () => ({ id, '@removed': { reason } }), weight: 1 }]
    }
    const fields = new Set(changes.flatMap((change) => change.fields))
    const names = world.switches.deltaPartial === 'whole' ? select : select.filter((name) => fields.has(name))
    const members = new Map(changes.flatMap(({ member }) => (member === null ? [] : [[member.id, member] as const])))
    const told = select.includes('members') ? [...members.values()] : []
    if (names.length === 0 && told.length === 0) return []
    return inParts(() => wanted(viewOf(graph, of, id), names), told.map(memberOf), world.switches.deltaPageSize)
  })
}

const viewOf = (graph: GraphState, of: Change['of'], id: string): Record<string, unknown> => {
  const user = of === 'user' ? graph.users.get(id) : undefined
  const group = of === 'group' ? graph.groups.get(id) : undefined
  return user !== undefined ? userView(graph, user) : group !== undefined ? groupView(group) : { id }
}

const expired = ({ world }: GraphRequest): GraphAnswer =>
  failed(world, 400, {
    code: 'syncStateNotFound',
    message: 'The sync state generation is not found. Please resync from the beginning.',
  })

const gone = (request: GraphRequest): GraphAnswer => {
  const { world, url } = request
  const location = new URL(url.href)
  location.searchParams.delete('$skiptoken')
  location.searchParams.set('$deltatoken', '')
  return failed(world, 410, { headers: { location: location.href } })
}

const beginning = (request: GraphRequest, of: DeltaState['of']): DeltaState | GraphAnswer => {
  const { world, state: graph, url } = request
  const known: readonly string[] = of === 'user' ? userFields : [...groupFields, 'members']
  const select = selectOf(request, of, known, known)
  if (isAnswer(select)) return select
  const isLatest = url.searchParams.get('$deltatoken') === 'latest'
  return {
    of,
    select: [...select],
    epoch: graph.epoch,
    issuedAt: world.clock.now(),
    from: isLatest ? graph.lastChange : null,
    to: graph.lastChange,
    told: 0,
  }
}

const readState = (request: GraphRequest, of: DeltaState['of']): DeltaState | GraphAnswer => {
  const { world, state: graph, url } = request
  const token = url.searchParams.get('$skiptoken') ?? url.searchParams.get('$deltatoken')
  // An empty token is how a resync begins.
  if (token === null || token === '' || token === 'latest') return beginning(request, of)
  const parsed = v.safeParse(state, inToken(token))
  if (!parsed.success || parsed.output.of !== of) return failed(world, 400, { code: 'Request_BadRequest', message: 'Badly formed token.' })
  const read = parsed.output
  if (isStruck(request, 'delta-gone') || read.epoch !== graph.epoch) return gone(request)
  if (isStruck(request, 'delta-expired') || world.clock.now() - read.issuedAt > TOKEN_LIFE_MS) return expired(request)
  return url.searchParams.has('$skiptoken') ? read : { ...read, from: read.to, to: graph.lastChange, told: 0 }
}

export const delta = (request: GraphRequest, of: DeltaState['of']): GraphAnswer => {
  const { world, url } = request
  const read = readState(request, of)
  if (isAnswer(read)) return read
  const entries = read.from === null ? everything(request, read) : changesIn(request, read)
  let end = read.told
  for (let weight = 0; end < entries.length; end += 1) {
    weight += entries[end]?.weight ?? 1
    if (weight > world.switches.deltaPageSize && end > read.told) break
  }
  const isEmptied = isStruck(request, 'empty-page')
  if (isEmptied) end = read.told
  const page = entries.slice(read.told, end)
  const replayed = world.switches.deltaReplay && read.told > 0 ? entries.slice(read.told - 1, read.told) : []
  const value = [...replayed, ...page].map(({ object }) => object())
  const link = (name: '$skiptoken' | '$deltatoken', next: DeltaState): string => {
    const to = new URL(`${url.origin}/${request.version}/${of}s/delta`)
    to.searchParams.set(name, tokenOf(next))
    return to.href
  }
  const body: Record<string, unknown> = { '@odata.context': `${url.origin}/${request.version}/$metadata#${of}s`, value }
  const foreign = request.faults.find((fault) => fault.is === 'foreign-next-link')
  if (foreign?.is === 'foreign-next-link') body['@odata.nextLink'] = `${foreign.origin}/${request.version}/${of}s/delta?$skiptoken=x`
  else if (isStruck(request, 'page-loop')) body['@odata.nextLink'] = link('$skiptoken', read)
  else if (end < entries.length || isEmptied)
    body['@odata.nextLink'] = link('$skiptoken', { ...read, told: end, ...(isEmptied ? { again: uuid(world.chance) } : {}) })
  else body['@odata.deltaLink'] = link('$deltatoken', { ...read, issuedAt: world.clock.now(), told: 0 })
  return good(body)
}
