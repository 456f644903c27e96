/**
 * The token addresses of the login authority, version 1 and 2: a client secret in, an access token out. A token is given
 * to an app without any consent too, as at Microsoft; what it may do shows at the service.
 * Source: docs/stores/microsoft-graph.md, 2.
 */
import { Hono } from 'hono'
import { isoTime } from '../../../shared/clock.ts'
import { JSON_TYPE, served, type ErrorAnswer } from './door.ts'
import { randomHex, uuid } from './made-ids.ts'
import { GRAPH_AUDIENCE, STORE_AUDIENCE } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

const AUDIENCES: readonly string[] = [GRAPH_AUDIENCE, STORE_AUDIENCE]

interface Refusal {
  readonly status: number
  readonly error: string
  readonly code: number
  readonly text: string
}

const refusals: Readonly<Record<number, Omit<Refusal, 'code'>>> = {
  7000215: {
    status: 401,
    error: 'invalid_client',
    text: 'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID.',
  },
  7000222: { status: 401, error: 'invalid_client', text: 'The provided client secret keys are expired.' },
  7000218: {
    status: 401,
    error: 'invalid_client',
    text: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  },
  700016: { status: 400, error: 'unauthorized_client', text: 'Application was not found in the directory.' },
  90002: { status: 400, error: 'invalid_request', text: 'Tenant not found. Check to make sure you have the correct tenant ID.' },
  53003: { status: 400, error: 'invalid_grant', text: 'Access has been blocked by Conditional Access policies.' },
  50034: { status: 400, error: 'invalid_grant', text: 'The user account does not exist in the directory.' },
  65001: { status: 400, error: 'invalid_grant', text: 'The user or administrator has not consented to use the application.' },
  70003: { status: 400, error: 'unsupported_grant_type', text: 'The app requested an unsupported grant type.' },
  900144: { status: 400, error: 'invalid_request', text: 'The request body must contain a parameter that is missing.' },
  1002012: { status: 400, error: 'invalid_scope', text: 'The provided value for scope is not valid; it must end with /.default.' },
  500011: { status: 400, error: 'invalid_resource', text: 'The resource principal was not found in the tenant.' },
}

const refusalOf = (code: number): Refusal => {
  const known = refusals[code]
  return known === undefined ? { status: 400, error: 'invalid_request', code, text: 'The request was refused.' } : { ...known, code }
}

const refused = (world: MicrosoftWorld, { status, error, code, text }: Refusal): Response =>
  new Response(
    JSON.stringify({
      error,
      error_description: `AADSTS${code}: ${text}`,
      error_codes: [code],
      timestamp: isoTime(world.clock.now())
        .replace('T', ' ')
        .replace(/\.\d+Z/, 'Z'),
      trace_id: uuid(world.chance),
      correlation_id: uuid(world.chance),
    }),
    { status, headers: JSON_TYPE },
  )

/** The number of the refusal, or the audience of the token. */
const judged = (world: MicrosoftWorld, tenantId: string, version: 1 | 2, form: URLSearchParams): number | string => {
  const tenant = world.tenants.get(tenantId.toLowerCase()) ?? [...world.tenants.values()].find(({ domain }) => domain === tenantId)
  if (tenant === undefined) return 90002
  const grant = form.get('grant_type')
  if (grant === null) return 900144
  if (grant !== 'client_credentials') return 70003
  const app = tenant.apps.get(form.get('client_id')?.toLowerCase() ?? '')
  if (!form.has('client_id')) return 900144
  if (app === undefined) return 700016
  const given = form.get('client_secret')
  if (given === null) return 7000218
  const secret = app.secrets.find(({ value }) => value === given)
  if (secret === undefined) return 7000215
  if (secret.expiresAt <= world.clock.now()) return 7000222
  if (app.isBlocked) return 53003
  const asked = version === 1 ? form.get('resource') : form.get('scope')
  if (asked === null) return 900144
  if (version === 2 && !asked.endsWith('/.default')) return 1002012
  const audience = asked.replace(/\/\.default$/, '').replace(/\/$/, '')
  return AUDIENCES.includes(audience) ? audience : 500011
}

export const createLogin = (world: MicrosoftWorld): Hono => {
  const app = new Hono()
  const errorAnswer: ErrorAnswer = (status, headers) => {
    const answer = refused(world, { status, error: 'temporarily_unavailable', code: 90033, text: 'A transient error has occurred.' })
    return new Response(answer.body, { status, headers: { ...JSON_TYPE, ...headers } })
  }
  const token = async (request: Request, tenantId: string, version: 1 | 2): Promise<Response> =>
    await served(world, request, 'token', tenantId.toLowerCase(), errorAnswer, async (entry, faults) => {
      if (request.method !== 'POST') return refused(world, refusalOf(900144))
      const form = new URLSearchParams(await request.text())
      entry.told = { version, members: [...form.keys()].sort() }
      for (const fault of faults) if (fault.is === 'sign-in-refused') return refused(world, refusalOf(fault.code))
      if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers.get('content-type') ?? ''))
        return refused(world, refusalOf(900144))
      const audience = judged(world, tenantId, version, form)
      if (typeof audience === 'number') return refused(world, refusalOf(audience))
      const seconds = world.switches.tokenSeconds
      const expiresAt = world.clock.now() + seconds * 1000
      // Opaque here, and longer than most headers one sees: about as long as a real one.
      const accessToken = `eyJ0eXAiOiJKV1Qi.${randomHex(world.chance, 500)}.${randomHex(world.chance, 100)}`
      const tenant = world.tenants.get(tenantId.toLowerCase()) ?? [...world.tenants.values()].find(({ domain }) => domain === tenantId)
      world.accessTokens.set(accessToken, {
        tenantId: tenant?.id ?? '',
        clientId: form.get('client_id')?.toLowerCase() ?? '',
        audience,
        expiresAt,
      })
      const body =
        version === 1
          ? {
              token_type: 'Bearer',
              expires_in: String(seconds),
              ext_expires_in: String(seconds),
              expires_on: String(Math.floor(expiresAt / 1000)),
              not_before: String(Math.floor(world.clock.now() / 1000)),
              resource: audience,
              access_token: accessToken,
            }
          : { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: accessToken }
      return new Response(JSON.stringify(body), { status: 200, headers: { ...JSON_TYPE, 'cache-control': 'no-store' } })
    })

  app.all('/:tenant/oauth2/token', (c) => token(c.req.raw, c.req.param('tenant'), 1))
  app.all('/:tenant/oauth2/v2.0/token', (c) => token(c.req.raw, c.req.param('tenant'), 2))
  return app
}
