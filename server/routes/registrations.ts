/** The people registered at a store: which state each is in, taking them up, retiring them, and their invitations. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { ordinalOf, parseConnectorId, type ConnectorId, type PrincipalId } from '../../shared/ids.ts'
import { displayNameOf, isUser, joinsByOf, type Principal, type User } from '../../shared/principal.ts'
import { notRegisteredInWords, registrationInWords, type Registration } from '../../shared/registration.ts'
import { exhaustive, type Result } from '../../shared/result.ts'
import type { Connectors } from '../connectors.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import { readHoldings } from '../holdings.ts'
import type { Journal } from '../journal.ts'
import { createPrincipalNames, named } from '../principals.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { mostPeople, type Asked, type NotAsked, type PeopleRefused, type Registering } from '../registering.ts'
import { findRegistration, readRegistrations } from '../registrations.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { directoryProblem } from './directory-problem.ts'
import { confirmationProblem, holdingFields, holdingViews, idsOf, noCredential, strangersProblem } from './holdings.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { orderViews } from './orders.ts'
import { idIn, readPeople } from './people.ts'
import { orderSchema, principalSchema } from './schemas.ts'
import { notWritable, storeProblem } from './store-problem.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const states = ['registered', 'associated', 'retired', 'none'] as const

const registrationSchema = v.object({
  principal: principalSchema,
  state: v.pipe(
    v.picklist(states),
    v.description('registered: invited, no Apple Account linked yet; associated: linked; retired: taken out; none: not on the list'),
  ),
  text: v.pipe(v.string(), v.description('What that means for their seats, for a person')),
  email: v.pipe(v.string(), v.description('As the store has it; of one who is not on its list, as the directory has it')),
  joinsBy: v.pipe(
    v.picklist(['account', 'mail', 'nothing']),
    v.description('How the store could take the person up: by an account of the organisation’s own, by an invitation, or not'),
  ),
  closedRecords: v.pipe(v.number(), v.description('Records of the same person that the store has closed')),
  since: v.pipe(v.nullable(v.string()), v.description('When this state was first seen here')),
})

/** `registration` undefined: the person is known here and not on the store's list. */
interface Row {
  readonly person: User
  readonly registration: Registration | undefined
}

const viewOf = ({ person, registration }: Row) => ({
  principal: named(person),
  state: registration?.state ?? ('none' as const),
  text: registration === undefined ? notRegisteredInWords[joinsByOf(person)] : registrationInWords[registration.state],
  email: registration?.email ?? person.email,
  joinsBy: joinsByOf(person),
  closedRecords: registration?.closedRecords ?? 0,
  since: registration?.since ?? null,
})

const keys = {
  name: ({ person }: Row) => displayNameOf(person).toLowerCase(),
  state: ({ registration }: Row) => registration?.state ?? 'none',
  email: ({ person, registration }: Row) => (registration?.email ?? person.email).toLowerCase(),
  since: ({ registration }: Row) => registration?.since ?? null,
}

const listedQuery = v.object({
  ...listQuery(['name', 'state', 'email', 'since']),
  state: v.optional(
    v.pipe(
      v.picklist(states, `must be one of ${states.join(', ')}`),
      v.description('none: people of the directory who are not on the store’s list. Left out: everybody who is'),
    ),
  ),
  q: v.optional(v.pipe(v.string(), v.maxLength(200), v.description('Part of the name, the user name or the mail address'))),
})

const registerBody = v.strictObject({ principals: idsOf(mostPeople) })
const retireBody = v.strictObject({ principals: idsOf(mostPeople), confirm: v.optional(v.boolean(), false) })
const previewBody = v.strictObject({ principals: idsOf(mostPeople) })
const text = v.pipe(v.string(), v.trim(), v.maxLength(256), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text'))
const changeBody = v.pipe(
  v.strictObject({ email: v.optional(text), managedAppleAccount: v.optional(text) }),
  v.description('Changes the person in the directory too. With neither of them the store is told what the directory has'),
)

const askedSchema = v.object({
  order: orderSchema,
  notAsked: v.pipe(
    v.array(v.object({ id: v.string(), code: v.string(), text: v.string() })),
    v.description('Who of those named is not in the order, and why'),
  ),
})
const retirePreviewSchema = v.object({
  ...holdingFields,
  wished: v.pipe(v.number(), v.description('Assignments that would wait until the person is registered again')),
})

export interface RegistrationRoutesDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly connectors: Pick<Connectors, 'find'>
  readonly registering: Registering
}

export const registrationRoutes =
  (deps: RegistrationRoutesDeps): RouteModule =>
  (web) => {
    const { journal, directory, connectors, registering } = deps
    const tags = ['People at stores']
    const base = `${api}/connectors/:id`
    const connectorIn = (c: WebContext): ConnectorId | undefined => parseConnectorId(c.req.param('id'))
    const personIn = (c: WebContext): PrincipalId | undefined => idIn(c.req.param('principal'), 'user')
    const unknownConnector = (c: WebContext) => answerProblem(c, notFound('connector'))
    const unknownPerson = (c: WebContext) => answerProblem(c, notFound('person'))

    const answerAsked = async (c: WebContext, asked: Result<Asked, PeopleRefused>): Promise<Response> => {
      if (!asked.ok) return answerProblem(c, refusedProblem(asked.error))
      const { order, notAsked } = asked.value
      return c.json(
        { order: (await orderViews(journal, [order]))[0], notAsked: notAsked.map(({ id, code, text: why }) => ({ id, code, text: why })) },
        202,
      )
    }

    web.get(
      `${base}/registrations`,
      describeRoute({
        tags,
        summary: 'Who is registered at the store, and how they stand',
        responses: { 200: answer('A page', pageSchema(registrationSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(listedQuery),
      async (c) => {
        const id = connectorIn(c)
        const connector = id === undefined ? undefined : await connectors.find(id)
        if (connector === undefined) return unknownConnector(c)
        const { state, q, ...list } = c.req.valid('query')
        const byId = new Map((await readRegistrations(journal, connector.id)).map((row) => [row.id, row]))
        const rows = (await readPeople(journal))
          .filter(isUser)
          .map((person): Row => ({ person, registration: byId.get(person.id) }))
          .filter(({ registration, person }) =>
            state === 'none'
              ? registration === undefined && person.left === null
              : registration !== undefined && (state === undefined || registration.state === state),
          )
          .filter((row) => q === undefined || textsOf(row).some((one) => one.toLowerCase().includes(q.toLowerCase())))
        return answerList<Row>(c, {
          query: list,
          read: (page) => pageOf(rows, page, keys, ({ person }) => person.id),
          view: (items) => items.map(viewOf),
          schema: registrationSchema,
          asOf: connector.people?.asOf ?? undefined,
        })
      },
    )
    web.get(
      `${base}/registrations/:principal`,
      describeRoute({
        tags,
        summary: 'How one person stands at the store',
        responses: { 200: answer('They', registrationSchema), ...problems(404) },
      }),
      allow('read'),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined || (await connectors.find(connector)) === undefined) return unknownConnector(c)
        const id = personIn(c)
        const person: Principal | undefined = id === undefined ? undefined : await createPrincipalNames(journal).find(ordinalOf(id))
        if (person === undefined || !isUser(person)) return unknownPerson(c)
        return c.json(viewOf({ person, registration: await findRegistration(journal, connector, ordinalOf(person.id)) }))
      },
    )
    web.post(
      `${base}/registrations`,
      describeRoute({
        tags,
        summary: 'Register people at the store',
        description:
          'With a managed account a person is registered at once; without one, an invitation is made, whose link is had at …/invitation. Whoever can not be registered is left out and named in `notAsked`; when that is everybody, 422 nobody-to-ask.',
        responses: { 202: answer('The order', askedSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('manage-directory'),
      body(registerBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        return await answerAsked(c, await registering.register(actorIn(c), connector, c.req.valid('json').principals))
      },
    )
    web.post(
      `${base}/registrations/retire/preview`,
      describeRoute({
        tags,
        summary: 'What retiring people would bring back, and what would stay; nothing is changed',
        responses: { 200: answer('What would become of their seats, as last read', retirePreviewSchema), ...problems(400, 404, 422) },
      }),
      allow('reclaim'),
      body(previewBody),
      async (c) => {
        const id = connectorIn(c)
        const connector = id === undefined ? undefined : await connectors.find(id)
        if (connector === undefined) return unknownConnector(c)
        const { principals } = c.req.valid('json')
        const people = principals.map((one) => idIn(one, 'user'))
        const strangers = principals.filter((_, at) => !isKnown(directory, people[at]))
        if (strangers.length > 0) return answerProblem(c, strangersProblem(strangers))
        const ordinals = [...new Set(people.flatMap((one) => (one === undefined ? [] : [ordinalOf(one)])))]
        const holdings = await readHoldings({ facts: journal, directory }, connector.id, ordinals)
        return c.json({
          ...(await holdingViews(journal, holdings)),
          wished: holdings.reduce((sum, { wished }) => sum + wished.length, 0),
          asOf: connector.lastGoodSyncAt,
        })
      },
    )
    web.post(
      `${base}/registrations/retire`,
      describeRoute({
        tags,
        summary: 'Retire people at the store',
        description:
          'What can come back of theirs comes back; books stay with them. Assignments that ask for them wait until they are registered again. Needs `confirm: true`.',
        responses: { 202: answer('The order', askedSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('reclaim'),
      body(retireBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const { principals, confirm } = c.req.valid('json')
        if (!confirm)
          return answerProblem(
            c,
            confirmationProblem('Retiring takes back what can come back. Look at …/registrations/retire/preview, then send confirm: true.'),
          )
        return await answerAsked(c, await registering.retire(actorIn(c), connector, principals))
      },
    )
    web.patch(
      `${base}/registrations/:principal`,
      describeRoute({
        tags,
        summary: 'Tell the store a new mail address or managed account of a registered person',
        responses: { 202: answer('The order', askedSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('manage-directory'),
      body(changeBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const id = personIn(c)
        if (id === undefined) return unknownPerson(c)
        const { email, managedAppleAccount } = c.req.valid('json')
        const updated = await registering.update(actorIn(c), connector, id, {
          ...(email === undefined ? {} : { email }),
          ...(managedAppleAccount === undefined ? {} : { managedAppleAccount }),
        })
        if (updated.ok) return await answerAsked(c, updated)
        if (updated.error.is !== 'directory') return answerProblem(c, refusedProblem(updated.error))
        const { refused } = updated.error
        return refused.is === 'changed-meanwhile' ? unknownPerson(c) : answerProblem(c, directoryProblem(refused, 'person'))
      },
    )
    web.get(
      `${base}/registrations/:principal/invitation`,
      describeRoute({
        tags,
        summary: 'The link with which a person accepts the invitation',
        description:
          'Whoever opens it joins in the person’s place: it is asked of the store each time, kept nowhere, and the asking is audited.',
        responses: { 200: answer('The link', v.object({ url: v.string() })), ...problems(404, 409, 422, 503) },
      }),
      allow('manage-directory'),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const id = personIn(c)
        if (id === undefined) return unknownPerson(c)
        const link = await registering.invitation(actorIn(c), connector, id)
        if (link.ok) return c.json({ url: link.value.url }, 200, { 'Cache-Control': 'no-store' })
        switch (link.error.is) {
          case 'no-invitation':
            return answerProblem(c, {
              status: 409,
              code: link.error.is,
              detail:
                'There is no invitation to accept: the person is not registered, or has accepted already. Sync this connector to see which.',
            })
          case 'store':
            return answerProblem(c, storeProblem(link.error.failure))
          default:
            return answerProblem(c, refusedProblem(link.error))
        }
      },
    )
  }

const textsOf = ({ person, registration }: Row): readonly string[] => [
  displayNameOf(person),
  person.userName,
  person.email,
  registration?.email ?? '',
]

const isKnown = (directory: DirectoryIndex, id: PrincipalId | undefined): boolean =>
  id !== undefined && directory.principal(ordinalOf(id)) !== undefined

const refusedProblem = (refused: PeopleRefused): Problem => {
  switch (refused.is) {
    case 'connector-unknown':
      return notFound('connector')
    case 'no-people':
      return { status: 422, code: refused.is, detail: 'This store keeps no list of people: everybody can be given a seat as they are.' }
    case 'no-credential':
      return noCredential
    case 'store-not-writable':
      return notWritable(refused.why)
    case 'nobody':
      return {
        status: 422,
        code: 'nobody-to-ask',
        detail: 'Nothing is asked of the store, since for none of those named there is anything to ask. The errors say why.',
        errors: refused.notAsked.slice(0, 50).map(({ index, text: why }: NotAsked) => ({ field: `principals.${index}`, text: why })),
      }
    default:
      return exhaustive(refused)
  }
}
