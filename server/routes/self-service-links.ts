/** Self-service as administrators see it: on or off, links for people, and their end. */
import type { Context } from 'hono'
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { ordinalOf, parseGroupId, parsePrincipalId, principalIdOf } from '../../shared/ids.ts'
import { displayNameOf, isUser, type User } from '../../shared/principal.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { Journal } from '../journal.ts'
import { createPrincipalNames, named } from '../principals.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { selfServiceLink } from '../self-service-page.ts'
import type { LinkHolder, SelfService } from '../self-service.ts'
import { answerList, csvText, wantsCsv } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { principalSchema } from './schemas.ts'
import { allow, api, byOf, type RouteModule, type WebContext } from './web.ts'

export const mostLinksAtOnce = 10_000
const mostValidDays = 400
const dayMs = 24 * 60 * 60_000

const stateSchema = v.object({
  on: v.boolean(),
  people: v.pipe(v.number(), v.description('People who hold a link that is good now')),
  changedAt: v.nullable(v.string()),
  changedBy: v.nullable(v.string()),
  address: v.pipe(v.string(), v.description('Where the page is')),
})
const linksBody = v.strictObject({
  users: v.optional(
    v.pipe(v.array(v.pipe(v.string(), v.maxLength(64))), v.maxLength(mostLinksAtOnce, `must name at most ${mostLinksAtOnce}`)),
  ),
  group: v.optional(v.pipe(v.string(), v.maxLength(64), v.description('A group of people, with those nested in it'))),
  validDays: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(1, 'must be at least 1'),
      v.maxValue(mostValidDays, `must be at most ${mostValidDays}`),
    ),
    90,
  ),
})
const linkRowSchema = v.object({
  userName: v.string(),
  name: v.string(),
  email: v.string(),
  link: v.string(),
  expiresAt: v.string(),
})
const linksSchema = v.object({
  items: v.array(v.object({ ...linkRowSchema.entries, principal: principalSchema })),
  leftOut: v.pipe(v.array(v.object({ id: v.string(), code: v.string(), text: v.string() })), v.description('Who got none, and why')),
})
const holderSchema = v.object({
  principal: principalSchema,
  madeAt: v.string(),
  madeBy: v.string(),
  expiresAt: v.string(),
  usedAt: v.nullable(v.string()),
})

const isOff: Problem = {
  status: 409,
  code: 'self-service-off',
  detail: 'Self-service is off, so a link would open nothing. None was made. An owner can turn it on under People, Self-service.',
}

type LeftOut = { readonly id: string; readonly code: string; readonly text: string }

export const selfServiceLinkRoutes =
  (deps: {
    readonly journal: Journal
    readonly directory: DirectoryIndex
    readonly selfService: SelfService
    readonly publicUrl: string
  }): RouteModule =>
  (web) => {
    const { journal, directory, selfService, publicUrl } = deps
    const tags = ['Self-service']
    const base = `${api}/self-service`
    const view = async () => {
      const { isOn, people, changedAt, changedBy } = await selfService.state()
      return { on: isOn, people, changedAt, changedBy, address: selfServiceLink(publicUrl, '').slice(0, -1) }
    }

    web.get(
      base,
      describeRoute({
        tags,
        summary: 'Whether people may take seats by themselves, and how many hold a link',
        responses: { 200: answer('How it stands', stateSchema), ...problems() },
      }),
      allow('read'),
      async (c) => c.json(await view()),
    )
    web.put(
      base,
      describeRoute({
        tags,
        summary: 'Turn self-service on or off',
        description: 'Off ends all sessions, and no link opens anything. Links that are good hold again when it is turned on again.',
        responses: { 200: answer('How it stands', stateSchema), ...problems(400) },
      }),
      allow('manage-admins'),
      body(v.strictObject({ on: v.boolean() })),
      async (c) => {
        await selfService.turn(byOf(c), c.req.valid('json').on)
        return c.json(await view())
      },
    )

    web.get(
      `${base}/links`,
      describeRoute({
        tags,
        summary: 'Who holds a link that is good, without the links themselves',
        responses: { 200: answer('A page', pageSchema(holderSchema)), ...problems(400) },
      }),
      allow('read'),
      query(v.object(listQuery(['madeAt', 'expiresAt', 'usedAt', 'principal']))),
      async (c) => {
        const holders = await selfService.holders()
        return answerList<LinkHolder>(c, {
          query: c.req.valid('query'),
          read: (page) =>
            pageOf(
              holders,
              page,
              {
                madeAt: ({ madeAt }: LinkHolder) => madeAt,
                expiresAt: ({ expiresAt }: LinkHolder) => expiresAt,
                usedAt: ({ usedAt }: LinkHolder) => usedAt,
                principal: ({ ordinal }: LinkHolder) => ordinal,
              },
              ({ ordinal }) => String(ordinal),
            ),
          view: async (items) => {
            const names = createPrincipalNames(journal)
            return await Promise.all(
              items.map(async ({ ordinal, madeAt, madeBy, expiresAt, usedAt }) => ({
                principal: await names.of(ordinal),
                madeAt: isoTime(madeAt),
                madeBy,
                expiresAt: isoTime(expiresAt),
                usedAt: usedAt === null ? null : isoTime(usedAt),
              })),
            )
          },
          schema: holderSchema,
        })
      },
    )

    /** Ordinals as they were asked for; undefined: no such group of people. */
    const wantedIn = async (c: Context, wanted: v.InferOutput<typeof linksBody>): Promise<readonly number[] | Response> => {
      if ((wanted.users === undefined) === (wanted.group === undefined))
        return answerProblem(c, {
          status: 400,
          code: 'request-malformed',
          detail: 'Name either users or a group. Mend it and send it again.',
          errors: [{ field: 'users', text: 'or group must be named, and not both' }],
        })
      if (wanted.group === undefined) return (wanted.users ?? []).flatMap((id) => ordinalOfUser(id) ?? [])
      const group = parseGroupId(wanted.group)
      const known = (await journal.rows('groups')).find(({ id }) => id === group)
      if (group === undefined || known?.kind !== 'user') return answerProblem(c, notFound('group of people'))
      await directory.prepare([group])
      const members = [...(directory.members(group) ?? [])]
      return members.length <= mostLinksAtOnce
        ? members
        : answerProblem(c, {
            status: 422,
            code: 'too-many-links',
            detail: `The group has ${members.length} people, and links are made for at most ${mostLinksAtOnce} at once. None was made. Make them for its smaller groups.`,
          })
    }
    const ordinalOfUser = (id: string): number | undefined => {
      const parsed = parsePrincipalId(id)
      return parsed?.startsWith('u') === true ? ordinalOf(parsed) : undefined
    }

    web.post(
      `${base}/links`,
      describeRoute({
        tags,
        summary: 'Make links for people or for a group',
        description:
          'Each link is told this once and kept nowhere. With Accept: text/csv the answer is a file for a mail merge. Earlier links of these people stay good until their own end.',
        responses: { 201: answer('The links', linksSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('edit-plan'),
      body(linksBody),
      async (c) => {
        const wanted = c.req.valid('json')
        const asked = await wantedIn(c, wanted)
        if (asked instanceof Response) return asked
        const leftOut: LeftOut[] = (wanted.users ?? [])
          .filter((id) => ordinalOfUser(id) === undefined)
          .map((id) => ({ id, code: 'principal-unknown', text: 'No person is known by this id.' }))
        const people = new Map<number, User>()
        const names = createPrincipalNames(journal)
        for (const ordinal of asked) {
          const person = await names.find(ordinal)
          const id = principalIdOf('user', ordinal)
          if (person === undefined || !isUser(person))
            leftOut.push({ id, code: 'principal-unknown', text: 'No person is known by this id.' })
          else if (person.left !== null) leftOut.push({ id, code: 'person-left', text: `${displayNameOf(person)} has left.` })
          else if (!person.active) leftOut.push({ id, code: 'person-inactive', text: `${displayNameOf(person)} is not active.` })
          else people.set(ordinal, person)
        }
        if (people.size === 0)
          return answerProblem(c, {
            status: 422,
            code: 'nobody-to-link',
            detail: 'Nobody of them can be given a link: unknown, left or not active. None was made.',
            extra: { leftOut: leftOut.slice(0, 100) },
          })
        const made = await selfService.makeLinks(byOf(c), [...people.keys()], wanted.validDays * dayMs)
        if (!made.ok) return answerProblem(c, isOff)
        const items = made.value.flatMap(({ ordinal, token, expiresAt }) => {
          const person = people.get(ordinal)
          return person === undefined
            ? []
            : [
                {
                  userName: person.userName,
                  name: displayNameOf(person),
                  email: person.email,
                  link: selfServiceLink(publicUrl, token),
                  expiresAt: isoTime(expiresAt),
                  principal: named(person),
                },
              ]
        })
        if (!wantsCsv(c)) return c.json({ items, leftOut }, 201)
        return c.body(csvText(Object.keys(linkRowSchema.entries), items, true), 201, {
          'Content-Type': 'text/csv; charset=utf-8; header=present',
          'Content-Disposition': 'attachment; filename="self-service-links.csv"',
        })
      },
    )
    web.delete(
      `${base}/links`,
      describeRoute({
        tags,
        summary: 'End all links and sessions at once, with a new key',
        responses: { 200: answer('Whose links ended', v.object({ people: v.number() })), ...problems(409) },
      }),
      allow('manage-admins'),
      async (c) => {
        const people = await selfService.endAll(byOf(c))
        return people === undefined
          ? answerProblem(c, { ...isOff, detail: 'Self-service was never turned on, so there are no links to end.' })
          : c.json({ people })
      },
    )
    web.delete(
      `${base}/links/:principal`,
      describeRoute({ tags, summary: 'End all links and sessions of one person', responses: { ...noContent, ...problems(404) } }),
      allow('edit-plan'),
      async (c: WebContext) => {
        const ordinal = ordinalOfUser(c.req.param('principal') ?? '')
        return ordinal !== undefined && (await selfService.endLinksOf(byOf(c), ordinal))
          ? c.body(null, 204)
          : answerProblem(c, notFound('link'))
      },
    )
  }
