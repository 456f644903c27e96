/** What each source says of a person or a device; who is one person, corrected. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { namesPrincipals } from '../../shared/device-list.ts'
import { parsePrincipalId } from '../../shared/ids.ts'
import { joinedByInWords } from '../../shared/joining.ts'
import { isUser } from '../../shared/principal.ts'
import { exhaustive } from '../../shared/result.ts'
import type { JoiningByHand, JoiningRefused, SourceTold } from '../directory/joining-by-hand.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { answer, problems } from './describe.ts'
import { answerStale, etagOf } from './etag.ts'
import { body, line } from './input.ts'
import { asRead, findPrincipal, idIn, type DirectoryFacts } from './people.ts'
import { userSchema } from './schemas.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const time = v.pipe(v.string(), v.description('ISO 8601, UTC'))
const fieldsSchema = v.object({
  userName: v.optional(v.string()),
  displayName: v.optional(v.string()),
  email: v.optional(v.string()),
  department: v.optional(v.string()),
  active: v.optional(v.boolean()),
  managedAppleAccount: v.optional(v.string()),
})
const sourceSchema = v.object({
  source: v.string(),
  key: v.pipe(v.string(), v.description('The source’s own key of the record')),
  fields: v.pipe(fieldsSchema, v.description('What the source says; a field that is absent it does not say')),
  stands: v.pipe(v.array(v.string()), v.description('The fields that stand because this source says them')),
  joinedBy: v.object({ code: v.string(), text: v.string() }),
  since: v.pipe(v.nullable(time), v.description('First named; null: before this was kept')),
  goneAt: v.pipe(v.nullable(time), v.description('When the source stopped naming it; null: it names it')),
})
const sourcesSchema = v.object({
  records: v.array(sourceSchema),
  stores: v.pipe(v.array(v.string()), v.description('Stores that know the person by a seat or on their list of people, and name nobody')),
  accounts: v.pipe(
    v.array(v.object({ id: v.string(), userName: v.string(), seats: v.number() })),
    v.description('Further accounts of the person, under which stores keep seats'),
  ),
})
const splitBody = v.pipe(
  v.union([
    v.strictObject({
      source: line(100),
      key: line(256),
      userName: v.optional(v.pipe(line(256), v.description('Where the name that the source gives is taken'))),
    }),
    v.strictObject({ account: v.pipe(v.string(), v.maxLength(64)) }),
  ]),
  v.description('One record of a source, or a further account'),
)
const joinBody = v.strictObject({ id: v.pipe(v.string(), v.maxLength(64), v.description('The other person')) })

const timeOrNull = (at: number | null): string | null => (at === null || at === 0 ? null : isoTime(at))
const sourceView = ({ source, key, fields, stands, joinedBy, since, goneAt }: SourceTold) => ({
  source,
  key,
  fields,
  stands,
  joinedBy: { code: joinedBy, text: joinedByInWords[joinedBy] },
  since: timeOrNull(since),
  goneAt: timeOrNull(goneAt),
})

export const sourceRoutes =
  (deps: { readonly facts: DirectoryFacts; readonly joining: JoiningByHand }): RouteModule =>
  (web) => {
    const { facts, joining } = deps
    const tags = ['Directory']
    const refuse = (c: WebContext, refused: JoiningRefused) =>
      refused.is === 'changed-meanwhile'
        ? answerStale(c, etagOf(refused.current), refused.current)
        : answerProblem(c, joiningProblem(refused))

    web.get(
      `${api}/users/:id/sources`,
      describeRoute({
        tags,
        summary: 'Where a person is known from',
        description: 'What each source says, which of it stands, and the rule by which the record is this person’s.',
        responses: { 200: answer('Records, stores and further accounts', sourcesSchema), ...problems(404) },
      }),
      allow('read'),
      async (c) => {
        const user = await findPrincipal(facts, c.req.param('id'), 'user')
        if (user === undefined || !isUser(user)) return answerProblem(c, notFound('person'))
        const { records, stores, accounts } = await joining.sourcesOf(user)
        return c.json({ records: records.map(sourceView), stores, accounts })
      },
    )
    web.post(
      `${api}/users/:id/split`,
      describeRoute({
        tags,
        summary: 'Not the same person: split a source’s record off',
        description:
          'The record becomes a person of its own, and stays one whatever the rules say. Seats stay with the user name under which the stores keep them.',
        responses: {
          200: answer('The person, and who was split off', v.object({ user: userSchema, splitOff: userSchema })),
          ...problems(400, 404, 409, 412),
        },
      }),
      allow('manage-directory'),
      body(splitBody),
      async (c) => {
        const id = idIn(c.req.param('id'), 'user')
        if (id === undefined) return answerProblem(c, notFound('person'))
        const wanted = c.req.valid('json')
        const account = 'account' in wanted ? idIn(wanted.account, 'user') : undefined
        if ('account' in wanted && account === undefined) return refuse(c, { is: 'record-unknown' })
        const done = await joining.split(
          actorIn(c),
          id,
          'account' in wanted ? { account: account ?? id } : { source: wanted.source, key: wanted.key, userName: wanted.userName },
          asRead(c),
        )
        return done.ok ? c.json(done.value) : refuse(c, done.error)
      },
    )
    web.post(
      `${api}/users/:id/join`,
      describeRoute({
        tags,
        summary: 'The same person: join two',
        description:
          'The one that holds more stays the person; the other becomes a further account of theirs. No seat is moved, lost or given twice. `licenses`: those whose assignments name the account directly, which now ask for nothing.',
        responses: {
          200: answer('Who stays, and the account', v.object({ user: userSchema, account: userSchema, licenses: v.array(v.string()) })),
          ...problems(400, 404, 409, 412),
        },
      }),
      allow('manage-directory'),
      body(joinBody),
      async (c) => {
        const id = idIn(c.req.param('id'), 'user')
        const other = parsePrincipalId(c.req.valid('json').id)
        if (id === undefined || other === undefined) return answerProblem(c, notFound('person'))
        const done = await joining.join(actorIn(c), id, other, asRead(c))
        return done.ok ? c.json(done.value) : refuse(c, done.error)
      },
    )
    web.get(
      `${api}/devices/:id/sources`,
      describeRoute({
        tags,
        summary: 'Where a device is known from',
        description: 'A device is one by its serial number, whoever names it.',
        responses: {
          200: answer(
            'Sources',
            v.object({ records: v.array(v.pick(sourceSchema, ['source', 'key', 'joinedBy'])), stores: v.array(v.string()) }),
          ),
          ...problems(404),
        },
      }),
      allow('read'),
      async (c) => {
        const device = await findPrincipal(facts, c.req.param('id'), 'device')
        if (device === undefined || isUser(device)) return answerProblem(c, notFound('device'))
        const joinedBy = { code: 'serial-number', text: joinedByInWords['serial-number'] }
        const naming = device.sources.filter(namesPrincipals)
        return c.json({
          records: naming.map((source) => ({ source, key: device.serialNumber, joinedBy })),
          stores: device.sources.filter((source) => !naming.includes(source)),
        })
      },
    )
  }

const joiningProblem = (refused: Exclude<JoiningRefused, { readonly is: 'changed-meanwhile' }>): Problem => {
  switch (refused.is) {
    case 'unknown':
      return notFound('person')
    case 'same-as':
      return {
        status: 409,
        code: refused.is,
        detail: 'This is a further account of somebody else. Open that person, and split it off there first.',
        extra: { id: refused.id },
      }
    case 'record-unknown':
      return { status: 404, code: refused.is, detail: 'The person has no such record or account. Read the sources again.' }
    case 'only-record':
      return { status: 409, code: refused.is, detail: 'It is the only record of this person: there is nobody to split it off from.' }
    case 'user-name-taken':
      return {
        status: 409,
        code: refused.is,
        detail: `Somebody is called ${refused.userName} already, and stores tell people apart by their user name. Give another in userName.`,
        errors: [{ field: 'userName', text: 'is taken' }],
        extra: { id: refused.id },
      }
    case 'same-person':
      return { status: 409, code: refused.is, detail: 'These are one person already.' }
    case 'both-in-source':
      return {
        status: 409,
        code: refused.is,
        detail: `${refused.source} names both, each by an id of its own. Make them one there first; the other then goes from here by itself.`,
        extra: { source: refused.source },
      }
    default:
      return exhaustive(refused)
  }
}
