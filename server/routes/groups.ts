/** Groups of people or of devices, and who is in them. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { membersKey } from '../../shared/facts.ts'
import { parseGroupId, parsePrincipalId } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import type { Result } from '../../shared/result.ts'
import type { DirectoryByHand, DirectoryRefused } from '../directory/by-hand.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { directoryProblem } from './directory-problem.ts'
import { answerStale, etagOf, isMatch } from './etag.ts'
import { body, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import type { DirectoryFacts } from './people.ts'
import { groupSchema, principalSchema } from './schemas.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const addBody = v.object({ name: line(256), kind: v.picklist(['user', 'device'], 'must be user or device') })
const changeBody = v.strictObject({ name: line(256) })
const membersBody = v.union(
  [
    v.object({ members: v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(100_000)) }),
    v.pipe(
      v.array(v.pipe(v.string(), v.maxLength(64))),
      v.maxLength(100_000),
      v.transform((members) => ({ members })),
    ),
  ],
  'must be {members: [id, …]}',
)
const keys = { name: (group: Group) => group.name.toLowerCase(), memberCount: (group: Group) => group.memberCount }

export const groupRoutes =
  (deps: { readonly facts: DirectoryFacts; readonly byHand: DirectoryByHand }): RouteModule =>
  (web) => {
    const { facts, byHand } = deps
    const tags = ['Directory']
    const unknown = (c: WebContext) => answerProblem(c, notFound('group'))
    const find = async (c: WebContext): Promise<Group | undefined> => {
      const id = parseGroupId(c.req.param('id'))
      return id === undefined ? undefined : (await facts.rows('groups')).find((group) => group.id === id)
    }
    const asRead =
      (c: WebContext) =>
      (current: Group): boolean =>
        isMatch(c, etagOf(current))
    const answerOne = (c: WebContext, group: Group, status: 200 | 201 = 200) => c.json(group, status, { ETag: etagOf(group) })
    const answerRefused = (c: WebContext, refused: DirectoryRefused<Group>) =>
      refused.is === 'changed-meanwhile'
        ? answerStale(c, etagOf(refused.current), refused.current)
        : answerProblem(c, directoryProblem(refused, 'group'))
    const answerResult = (c: WebContext, result: Result<Group, DirectoryRefused<Group>>, status: 200 | 201 = 200) =>
      result.ok ? answerOne(c, result.value, status) : answerRefused(c, result.error)

    web.get(
      `${api}/groups`,
      describeRoute({ tags, summary: 'Groups', responses: { 200: answer('A page', pageSchema(groupSchema)), ...problems(400) } }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['name', 'memberCount']),
          q: v.optional(v.pipe(v.string(), v.maxLength(200))),
          kind: v.optional(v.picklist(['user', 'device'])),
          source: v.optional(v.pipe(v.string(), v.maxLength(100))),
        }),
      ),
      async (c) => {
        const { q, kind, source, ...list } = c.req.valid('query')
        const found = (await facts.rows('groups')).filter(
          (group) =>
            (kind === undefined || group.kind === kind) &&
            (source === undefined || group.sources.includes(source)) &&
            (q === undefined || group.name.toLowerCase().includes(q.toLowerCase())),
        )
        return answerList<Group>(c, {
          query: list,
          read: (page) => pageOf(found, page, keys, ({ id }) => id),
          view: (items) => items,
          schema: groupSchema,
        })
      },
    )
    web.get(
      `${api}/groups/:id`,
      describeRoute({ tags, summary: 'One group', responses: { 200: answer('It', groupSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const group = await find(c)
        return group === undefined ? unknown(c) : answerOne(c, group)
      },
    )
    web.get(
      `${api}/groups/:id/members`,
      describeRoute({
        tags,
        summary: 'Who is in a group',
        responses: { 200: answer('A page', pageSchema(principalSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['id']),
          transitive: v.optional(v.pipe(v.picklist(['true', 'false']), v.description('Groups do not nest here: both give the same'))),
        }),
      ),
      async (c) => {
        const group = await find(c)
        if (group === undefined) return unknown(c)
        const ordinals = (await facts.columns(membersKey(group.id))).ordinals
        return answerList<number>(c, {
          query: c.req.valid('query'),
          read: (page) => pageOf(ordinals, page, { id: (ordinal: number) => ordinal }, String),
          view: (items) => {
            const names = createPrincipalNames(facts)
            return Promise.all(items.map((ordinal) => names.of(ordinal)))
          },
          schema: principalSchema,
        })
      },
    )
    web.post(
      `${api}/groups`,
      describeRoute({ tags, summary: 'Add a group', responses: { 201: answer('Added', groupSchema), ...problems(400, 409) } }),
      allow('manage-directory'),
      body(addBody),
      async (c) => answerResult(c, await byHand.addGroup(actorIn(c), c.req.valid('json')), 201),
    )
    web.patch(
      `${api}/groups/:id`,
      describeRoute({
        tags,
        summary: 'Rename a group',
        responses: { 200: answer('Changed', groupSchema), ...problems(400, 404, 409, 412) },
      }),
      allow('manage-directory'),
      body(changeBody),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        return answerResult(c, await byHand.renameGroup(actorIn(c), id, c.req.valid('json').name, asRead(c)))
      },
    )
    web.put(
      `${api}/groups/:id/members`,
      describeRoute({
        tags,
        summary: 'Set who is in a group, in place of the members before',
        responses: { 200: answer('Changed', groupSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-directory'),
      body(membersBody),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        const { members } = c.req.valid('json')
        const known = members.map((member) => parsePrincipalId(member)).filter((member) => member !== undefined)
        if (known.length < members.length)
          return answerRefused(c, { is: 'members-unknown', ids: members.filter((member) => parsePrincipalId(member) === undefined) })
        return answerResult(c, await byHand.setMembers(actorIn(c), id, known, asRead(c)))
      },
    )
    web.delete(
      `${api}/groups/:id`,
      describeRoute({ tags, summary: 'Remove a group', responses: { ...noContent, ...problems(404, 409, 412) } }),
      allow('manage-directory'),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        const removed = await byHand.removeGroup(actorIn(c), id, asRead(c))
        return removed.ok ? c.body(null, 204) : answerRefused(c, removed.error)
      },
    )
  }
