/** The people of the organisation: whom licenses go to. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isUser, type User } from '../../shared/principal.ts'
import type { Result } from '../../shared/result.ts'
import type { DirectoryByHand, DirectoryRefused } from '../directory/by-hand.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { directoryProblem } from './directory-problem.ts'
import { answerStale, etagOf } from './etag.ts'
import { body, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { asRead, byHolding, findPrincipal, idIn, isWanted, peopleFilters, readPeople, type DirectoryFacts } from './people.ts'
import { userSchema } from './schemas.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const text = v.pipe(v.string(), v.trim(), v.maxLength(256), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text'))
const addBody = v.object({
  userName: line(256),
  displayName: v.optional(text, ''),
  email: v.optional(text, ''),
  department: v.optional(text, ''),
  active: v.optional(v.boolean(), true),
  managedAppleAccount: v.optional(text, ''),
})
const changeBody = v.pipe(
  v.strictObject({
    displayName: v.optional(text),
    email: v.optional(text),
    department: v.optional(text),
    active: v.optional(v.boolean()),
    managedAppleAccount: v.optional(text),
  }),
  v.description('The user name is fixed: under it the stores keep seats'),
)
const keys = {
  userName: (user: User) => user.userName.toLowerCase(),
  displayName: (user: User) => user.displayName.toLowerCase(),
  department: (user: User) => user.department.toLowerCase(),
}

export const userRoutes =
  (deps: { readonly facts: DirectoryFacts; readonly byHand: DirectoryByHand }): RouteModule =>
  (web) => {
    const { facts, byHand } = deps
    const tags = ['Directory']
    const unknown = (c: WebContext) => answerProblem(c, notFound('person'))
    const answerOne = (c: WebContext, user: User, status: 200 | 201 = 200) => c.json(user, status, { ETag: etagOf(user) })
    const answerResult = (c: WebContext, result: Result<User, DirectoryRefused<User>>, status: 200 | 201 = 200) => {
      if (result.ok) return answerOne(c, result.value, status)
      return result.error.is === 'changed-meanwhile'
        ? answerStale(c, etagOf(result.error.current), result.error.current)
        : answerProblem(c, directoryProblem(result.error, 'person'))
    }

    web.get(
      `${api}/users`,
      describeRoute({ tags, summary: 'People', responses: { 200: answer('A page', pageSchema(userSchema)), ...problems(400) } }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['userName', 'displayName', 'department']),
          ...peopleFilters,
          userName: v.optional(v.pipe(v.string(), v.maxLength(256))),
          email: v.optional(v.pipe(v.string(), v.maxLength(256))),
          department: v.optional(v.pipe(v.string(), v.maxLength(256))),
        }),
      ),
      async (c) => {
        const wanted = c.req.valid('query')
        const is = (field: 'userName' | 'email' | 'department') => (user: User) =>
          wanted[field] === undefined || user[field].toLowerCase() === wanted[field].toLowerCase()
        const found = (await readPeople(facts))
          .filter(isUser)
          .filter((user) => isWanted(user, wanted) && is('userName')(user) && is('email')(user) && is('department')(user))
        const asked = await byHolding(facts, found, wanted.holding)
        return answerList<User>(c, {
          query: wanted,
          read: (page) => pageOf(asked, page, keys, ({ id }) => id),
          view: (items) => items,
          schema: userSchema,
        })
      },
    )
    web.get(
      `${api}/users/:id`,
      describeRoute({ tags, summary: 'One person', responses: { 200: answer('They', userSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const user = await findPrincipal(facts, c.req.param('id'), 'user')
        return user === undefined || !isUser(user) ? unknown(c) : answerOne(c, user)
      },
    )
    web.post(
      `${api}/users`,
      describeRoute({
        tags,
        summary: 'Add a person by hand',
        responses: { 201: answer('Added', userSchema), ...problems(400, 409) },
      }),
      allow('manage-directory'),
      body(addBody),
      async (c) => answerResult(c, await byHand.addUser(actorIn(c), c.req.valid('json')), 201),
    )
    web.patch(
      `${api}/users/:id`,
      describeRoute({
        tags,
        summary: 'Change a person, where no source owns the record',
        responses: { 200: answer('Changed', userSchema), ...problems(400, 404, 409, 412) },
      }),
      allow('manage-directory'),
      body(changeBody),
      async (c) => {
        const id = idIn(c.req.param('id'), 'user')
        if (id === undefined) return unknown(c)
        const change = Object.fromEntries(Object.entries(c.req.valid('json')).filter(([, value]) => value !== undefined))
        return answerResult(c, await byHand.changeUser(actorIn(c), id, change, asRead(c)))
      },
    )
    web.delete(
      `${api}/users/:id`,
      describeRoute({
        tags,
        summary: 'Someone has left',
        description: 'They stay known, with the time in `left`: their seats are as they were, and nothing new is given to them.',
        responses: { ...noContent, ...problems(404, 409, 412) },
      }),
      allow('manage-directory'),
      async (c) => {
        const id = idIn(c.req.param('id'), 'user')
        if (id === undefined) return unknown(c)
        const gone = await byHand.letGo(actorIn(c), id, asRead(c))
        if (gone.ok) return c.body(null, 204)
        return gone.error.is === 'changed-meanwhile'
          ? answerStale(c, etagOf(gone.error.current), gone.error.current)
          : answerProblem(c, directoryProblem(gone.error, 'person'))
      },
    )
  }
