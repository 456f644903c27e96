/** Binding an organisation at a store that has a page for it: the way there, the way back, and what came of it. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import type { ConnectorKind } from '../../shared/connector.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import type { SignupRefused, Signups } from '../signups.ts'
import { answer, problems } from './describe.ts'
import { body } from './input.ts'
import { storeProblem } from './store-problem.ts'
import { actorIn, allow, api, type RouteModule } from './web.ts'

export const signupCallbackPath = '/hooks/google/signup'
const mostStateCharacters = 100

const signupSchema = v.object({
  status: v.pipe(
    v.picklist(['open', 'completing', 'bound', 'failed', 'unclear']),
    v.description('unclear: the vendor may have bound the organisation, and nobody can say'),
  ),
  text: v.string(),
  connectorId: v.nullable(v.string()),
})

const line = (most: number) => v.pipe(v.string(), v.trim(), v.minLength(1), v.maxLength(most))
const beginBody = v.strictObject({
  name: line(100),
  serviceAccountKey: v.pipe(
    v.union([v.string(), v.record(v.string(), v.unknown())]),
    v.description('The key file of the account that Google has validated for binding organisations, as text or as the object in it'),
  ),
  adminEmail: v.optional(v.pipe(line(254), v.description('Filled in on the page'))),
  scopeTags: v.optional(v.pipe(v.array(line(60)), v.maxLength(50)), []),
})

const kind: ConnectorKind = 'google-play-emm'

const refusedProblem = (refused: SignupRefused): Problem => {
  switch (refused.is) {
    case 'kind-not-bound-here':
      return { status: 422, code: refused.is, detail: 'Organisations are bound elsewhere at this store.' }
    case 'credential-malformed':
      return {
        status: 400,
        code: refused.is,
        detail: refused.text,
        errors: [{ field: 'serviceAccountKey', text: refused.text }],
        extra: { reason: refused.reason },
      }
    default:
      return storeProblem(refused)
  }
}

export const signupRoutes =
  ({ signups }: { readonly signups: Signups }): RouteModule =>
  (web) => {
    const tags = ['Connectors']

    web.post(
      `${api}/connectors/google/signup`,
      describeRoute({
        tags,
        summary: 'Begin to bind an organisation to managed Google Play',
        description:
          'Open `url` in a browser, in a tab of its own: an administrator of the organisation agrees there and is sent back here, where the connector is made. Google takes no new registrations for this API: only keys of accounts that it has validated earlier can do this.',
        responses: {
          201: answer('Where to go, and the state with which to ask what came of it', v.object({ state: v.string(), url: v.string() })),
          ...problems(400, 409, 422, 503),
        },
      }),
      allow('manage-connectors'),
      body(beginBody),
      async (c) => {
        const { name, serviceAccountKey, adminEmail, scopeTags } = c.req.valid('json')
        const begun = await signups.begin(actorIn(c), { kind, name, key: serviceAccountKey, adminEmail: adminEmail ?? null, scopeTags })
        return begun.ok ? c.json(begun.value, 201, { 'Cache-Control': 'no-store' }) : answerProblem(c, refusedProblem(begun.error))
      },
    )
    web.get(
      `${api}/connectors/google/signup/:state`,
      describeRoute({
        tags,
        summary: 'What came of binding an organisation',
        responses: { 200: answer('It', signupSchema), ...problems(404) },
      }),
      allow('manage-connectors'),
      async (c) => {
        const signup = await signups.find(c.req.param('state').slice(0, mostStateCharacters))
        return signup === undefined ? answerProblem(c, notFound('sign-up')) : c.json(signup)
      },
    )
    web.get(
      signupCallbackPath,
      describeRoute({
        tags,
        summary: 'Where Google sends the administrator back to, with a token in the address',
        description: 'The state in the address is what lets in. It is completed once, however often the address is opened.',
        security: [],
        responses: { 303: { description: 'To the connector, or to the list of connectors' }, ...problems(404) },
      }),
      async (c) => {
        // Google reads the address and writes it anew: only what its parameters say counts.
        const answerOfGoogle = new URL(c.req.url).searchParams
        const signup = await signups.complete((answerOfGoogle.get('state') ?? '').slice(0, mostStateCharacters), answerOfGoogle)
        if (signup === undefined) return answerProblem(c, notFound('sign-up'))
        c.header('Cache-Control', 'no-store')
        c.header('Referrer-Policy', 'no-referrer')
        return c.redirect(signup.connectorId === null ? `/connectors?signup=${signup.status}` : `/connectors/${signup.connectorId}`, 303)
      },
    )
  }
