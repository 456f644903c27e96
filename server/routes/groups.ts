/** Groups of people or of devices: nested, made by a rule, and who is in them. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { mostConditionCharacters, mostConditions, ruleTests } from '../../shared/group-rule.ts'
import { deviceFields, userFields } from '../../shared/group-rule.ts'
import { parseGroupId, type GroupId } from '../../shared/ids.ts'
import type { Group } from '../../shared/principal.ts'
import type { Result } from '../../shared/result.ts'
import type { GroupActs, GroupRefused } from '../directory/group-acts.ts'
import { createGroupReading } from '../directory/group-reading.ts'
import type { RuleGroups } from '../directory/rule-groups.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { answerStale, etagOf, isMatch } from './etag.ts'
import { groupProblem } from './group-problem.ts'
import { body, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import type { DirectoryFacts } from './people.ts'
import { groupSchema, memberSchema } from './schemas.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const ruleBody = v.strictObject({
  match: v.picklist(['all', 'any'], 'must be all or any'),
  conditions: v.pipe(
    v.array(
      v.strictObject({
        field: v.picklist([...new Set([...userFields, ...deviceFields])], 'must be something that is known of people or of devices'),
        test: v.picklist(ruleTests, `must be one of ${ruleTests.join(', ')}`),
        value: v.pipe(v.string(), v.trim(), v.maxLength(mostConditionCharacters), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text')),
      }),
    ),
    v.minLength(1, 'must have at least one: without any, everybody would be in'),
    v.maxLength(mostConditions),
  ),
})
const addBody = v.object({
  name: line(256),
  kind: v.picklist(['user', 'device'], 'must be user or device'),
  rule: v.optional(ruleBody),
})
const changeBody = v.pipe(
  v.strictObject({ name: v.optional(line(256)), rule: v.optional(v.nullable(ruleBody)) }),
  v.check(({ name, rule }) => name !== undefined || rule !== undefined, 'must have a name or a rule'),
)
const idText = v.pipe(v.string(), v.maxLength(64))
/** An id, or the object that has it: a group or member as it was read can be put back. */
const ids = v.pipe(
  v.array(
    v.union([
      idText,
      v.pipe(
        v.object({ id: idText }),
        v.transform(({ id }) => id),
      ),
    ]),
  ),
  v.maxLength(100_000),
)
const membersBody = v.union(
  [
    v.object({ members: ids }),
    v.pipe(
      ids,
      v.transform((members) => ({ members })),
    ),
  ],
  'must be {members: [id, …]}',
)
const memberChangeBody = v.strictObject({ add: v.optional(ids, []), remove: v.optional(ids, []) })
const keys = { name: (group: Group) => group.name.toLowerCase(), memberCount: (group: Group) => group.memberCount }

export const groupRoutes =
  (deps: { readonly facts: DirectoryFacts; readonly acts: GroupActs; readonly rules: RuleGroups }): RouteModule =>
  (web) => {
    const { facts, acts, rules } = deps
    const tags = ['Directory']
    const unknown = (c: WebContext) => answerProblem(c, notFound('group'))
    const findGroup = async (id: GroupId | undefined): Promise<Group | undefined> =>
      id === undefined ? undefined : (await facts.rows('groups')).find((group) => group.id === id)
    const find = (c: WebContext) => findGroup(parseGroupId(c.req.param('id')))
    const asRead =
      (c: WebContext) =>
      (current: Group): boolean =>
        isMatch(c, etagOf(current))
    const answerOne = async (c: WebContext, group: Group, status: 200 | 201 = 200) =>
      c.json(await createGroupReading(facts).counted(group), status, { ETag: etagOf(group) })
    const answerRefused = (c: WebContext, refused: GroupRefused) =>
      refused.is === 'changed-meanwhile'
        ? answerStale(c, etagOf(refused.current), refused.current)
        : answerProblem(c, groupProblem(refused))
    const answerResult = async (c: WebContext, result: Result<Group, GroupRefused>, status: 200 | 201 = 200) => {
      if (!result.ok) return answerRefused(c, result.error)
      if (result.value.rule === undefined) return await answerOne(c, result.value, status)
      // Who is in by the rule is found in an act after: it is answered with them.
      await rules.idle()
      return await answerOne(c, (await findGroup(result.value.id)) ?? result.value, status)
    }

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
          ruleMade: v.optional(v.pipe(v.picklist(['true', 'false']), v.description('Whether a rule says who is in'))),
          within: v.optional(v.pipe(v.string(), v.maxLength(64), v.description('The id of a group: those directly nested in it'))),
        }),
      ),
      async (c) => {
        const { q, kind, source, ruleMade, within, ...list } = c.req.valid('query')
        const all = await facts.rows('groups')
        const inner = within === undefined ? undefined : new Set(all.find(({ id }) => id === within)?.groups ?? [])
        const found = all.filter(
          (group) =>
            (kind === undefined || group.kind === kind) &&
            (source === undefined || group.sources.includes(source)) &&
            (ruleMade === undefined || (group.rule !== undefined) === (ruleMade === 'true')) &&
            (inner === undefined || inner.has(group.id)) &&
            (q === undefined || group.name.toLowerCase().includes(q.toLowerCase())),
        )
        return answerList<Group>(c, {
          query: list,
          read: (page) => pageOf(found, page, keys, ({ id }) => id),
          view: (items) => createGroupReading(facts).countedCheaply(items),
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
        description: 'Its own members; with `transitive=true` those of nested groups too, each with the groups that lead to them.',
        responses: { 200: answer('A page', pageSchema(memberSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['id']),
          transitive: v.optional(v.pipe(v.picklist(['true', 'false']), v.description('Those of nested groups too')), 'false'),
        }),
      ),
      async (c) => {
        const group = await find(c)
        if (group === undefined) return unknown(c)
        const { transitive, ...list } = c.req.valid('query')
        const members = await createGroupReading(facts).members(group, transitive === 'true')
        return answerList<number>(c, {
          query: list,
          read: (page) => pageOf(members.ordinals, page, { id: (ordinal: number) => ordinal }, String),
          view: (items) => {
            const names = createPrincipalNames(facts)
            return Promise.all(
              items.map(async (ordinal) => ({
                ...(await names.of(ordinal)),
                through: members.pathTo(ordinal).map(({ id, name }) => ({ id, name })),
              })),
            )
          },
          schema: memberSchema,
        })
      },
    )
    web.post(
      `${api}/groups`,
      describeRoute({
        tags,
        summary: 'Add a group, with members named one by one or with a rule that says who is in',
        responses: { 201: answer('Added', groupSchema), ...problems(400, 409, 422) },
      }),
      allow('manage-directory'),
      body(addBody),
      async (c) => answerResult(c, await acts.add(actorIn(c), c.req.valid('json')), 201),
    )
    web.patch(
      `${api}/groups/:id`,
      describeRoute({
        tags,
        summary: 'Rename a group, or change its rule; `rule: null` leaves those in who are in',
        responses: { 200: answer('Changed', groupSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-directory'),
      body(changeBody),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        return answerResult(c, await acts.change(actorIn(c), id, c.req.valid('json'), asRead(c)))
      },
    )
    web.put(
      `${api}/groups/:id/members`,
      describeRoute({
        tags,
        summary: 'Set who is in a group, people or devices and nested groups, in place of those before',
        responses: { 200: answer('Changed', groupSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-directory'),
      body(membersBody),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        return answerResult(c, await acts.setMembers(actorIn(c), id, c.req.valid('json').members, asRead(c)))
      },
    )
    web.patch(
      `${api}/groups/:id/members`,
      describeRoute({
        tags,
        summary: 'Put some into a group and take some out, people or devices and nested groups',
        responses: { 200: answer('Changed', groupSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-directory'),
      body(memberChangeBody),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        return answerResult(c, await acts.changeMembers(actorIn(c), id, c.req.valid('json'), asRead(c)))
      },
    )
    web.delete(
      `${api}/groups/:id`,
      describeRoute({
        tags,
        summary: 'Remove a group, also out of those in which it is nested',
        responses: { ...noContent, ...problems(404, 409, 412) },
      }),
      allow('manage-directory'),
      async (c) => {
        const id = parseGroupId(c.req.param('id'))
        if (id === undefined) return unknown(c)
        const removed = await acts.remove(actorIn(c), id, asRead(c))
        return removed.ok ? c.body(null, 204) : answerRefused(c, removed.error)
      },
    )
  }
