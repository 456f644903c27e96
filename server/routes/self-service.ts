/**
 * What a person without an account does with their link: open it, see what is theirs, take and give back. None of it knows
 * administrators' sessions or API keys, and its own cookie opens nothing else. Why it is built so: docs/self-service.md.
 */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { describeRoute } from 'hono-openapi'
import type { MiddlewareHandler } from 'hono'
import * as v from 'valibot'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { parseAdminId, parseLicenseId, principalIdOf, type LicenseId } from '../../shared/ids.ts'
import { displayNameOf } from '../../shared/principal.ts'
import { exhaustive } from '../../shared/result.ts'
import type { By } from '../api-keys.ts'
import type { ClaimRefused, Claims, GiveBackRefused } from '../claims.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import { createLimit } from '../limit.ts'
import { visitorOf } from '../peer-address.ts'
import { answerProblem, retryAfter, type Problem } from '../problem.ts'
import { selfServicePath } from '../self-service-page.ts'
import { offerStates, type Offer, type Offers } from '../self-service-offers.ts'
import type { LinkRefused, SelfService } from '../self-service.ts'
import { tokenHash } from '../sessions.ts'
import { answer, noContent, problems } from './describe.ts'
import { body } from './input.ts'
import type { RouteModule, WebContext, WebEnv } from './web.ts'

const base = `${selfServicePath}/api`

/** Wrong links of one visitor; good ones do not count, since a whole school comes from one address. */
const wrongLinks = { most: 60, windowMs: 60_000 }
const openings = { most: 30, windowMs: 10 * 60_000 }
const looks = { most: 120, windowMs: 60_000 }
const acts = { most: 30, windowMs: 60_000 }

const personSchema = v.object({ name: v.string(), sessionExpiresAt: v.string() })
const offerSchema = v.object({
  id: v.string(),
  product: v.object({ name: v.string(), publisher: v.string(), kind: v.string() }),
  store: v.string(),
  state: v.picklist(offerStates),
  text: v.pipe(v.string(), v.description('For the person')),
  position: v.nullable(v.number()),
  since: v.nullable(v.string()),
  isRequired: v.boolean(),
  isForGood: v.pipe(v.boolean(), v.description('Once taken it can never be given back')),
  mayTake: v.boolean(),
  mayGiveBack: v.boolean(),
  wouldWait: v.boolean(),
  endsAt: v.nullable(v.string()),
  asOf: v.pipe(v.string(), v.description('How old the store’s own counts are')),
})
const mineSchema = v.object({ ...personSchema.entries, now: v.string(), items: v.array(offerSchema) })

const viewOf = (offer: Offer) => ({
  id: offer.license.id,
  product: { name: offer.license.product.name, publisher: offer.license.product.publisher, kind: offer.license.product.kind },
  store: offer.license.store,
  state: offer.state,
  text: offer.text,
  position: offer.position,
  since: offer.since,
  isRequired: offer.isRequired,
  isForGood: offer.isForGood,
  mayTake: offer.mayTake,
  mayGiveBack: offer.mayGiveBack,
  wouldWait: offer.wouldWait,
  endsAt: offer.endsAt,
  asOf: offer.license.asOf,
})

const linkProblem = (refused: LinkRefused | { readonly is: 'session-over' }): Problem => {
  switch (refused.is) {
    case 'self-service-off':
      return {
        status: 403,
        code: refused.is,
        title: 'Not open now',
        detail: 'Your organisation does not offer self-service now. Nothing that you have changes. Ask your IT department.',
      }
    case 'link-not-valid':
      return {
        status: 401,
        code: refused.is,
        title: 'The link does not hold',
        detail:
          'The link was not copied whole, or it has been ended. Open it from the message once more, or ask your IT department for a new one.',
      }
    case 'link-expired':
      return {
        status: 401,
        code: refused.is,
        title: 'The link has expired',
        detail: `The link was good until ${refused.expiredAt.slice(0, 10)}. What you have stays yours. Ask your IT department for a new one.`,
      }
    case 'session-over':
      return {
        status: 401,
        code: refused.is,
        title: 'Open your link once more',
        detail: 'This page stays open for an hour. Open your link once more to go on; nothing was lost.',
      }
    case 'person-left':
      return {
        status: 403,
        code: refused.is,
        title: 'Your account has been closed',
        detail:
          'By what your organisation’s directory says you have left it, so nothing can be taken or given back here. If that is wrong, ask your IT department.',
      }
    case 'person-inactive':
      return {
        status: 403,
        code: refused.is,
        title: 'Your account is not active',
        detail:
          'While your account is not active nothing can be taken or given back here. What you have stays as it is. Ask your IT department.',
      }
    default:
      return exhaustive(refused)
  }
}

/** The same for a license that is not there and one that is not theirs: nobody learns which there are. */
const notYours: Problem = {
  status: 404,
  code: 'not-offered',
  detail: 'This is not offered to you, or not any longer. Nothing changed. Look again at the list.',
}

const claimProblem = (refused: ClaimRefused | GiveBackRefused): Problem => {
  switch (refused.is) {
    case 'license-unknown':
    case 'principal-unknown':
    case 'not-offered':
    case 'not-device-assignable':
    case 'not-user-assignable':
      return notYours
    case 'principal-left':
      return linkProblem({ is: 'person-left' })
    case 'principal-inactive':
      return linkProblem({ is: 'person-inactive' })
    case 'not-yet-offered':
      return { status: 422, code: refused.is, detail: `This is offered to you from ${refused.startsAt.slice(0, 10)} on. Nothing changed.` }
    case 'license-not-assignable':
      return { status: 422, code: refused.is, detail: 'It can not be had from the store any more. Nothing changed.' }
    case 'confirmation-required':
      return {
        status: 409,
        code: refused.is,
        detail: 'It can never be given back once it is taken. Nothing changed. Confirm that you take it for good.',
      }
    case 'irrevocable':
      return { status: 409, code: refused.is, detail: 'The store does not take it back. Nothing changed: you have it for good.' }
    case 'required':
      return {
        status: 409,
        code: refused.is,
        detail: 'Your organisation has given it to you, so it can not be given back here. Nothing changed.',
      }
    case 'seat-found':
      return {
        status: 422,
        code: refused.is,
        detail: 'You had it before it was offered here. Nothing changed. Ask your IT department to take it back.',
      }
    case 'nothing-to-give-back':
      return { status: 422, code: refused.is, detail: 'You do not have it, and wait for none. Nothing changed.' }
    default:
      return exhaustive(refused)
  }
}

const tooMany = (retryAfterMs: number): Problem => ({
  status: 429,
  code: 'too-many-tries',
  detail: `Too many tries. Wait ${Math.max(1, Math.ceil(retryAfterMs / 1000))} s and try again. Nothing changed.`,
  headers: retryAfter(retryAfterMs),
})

export interface SelfServiceRoutesDeps {
  readonly selfService: SelfService
  readonly offers: Offers
  readonly claims: Claims
  readonly directory: DirectoryIndex
  readonly clock: Clock
  readonly isPublic: boolean
}

export const selfServiceRoutes =
  (deps: SelfServiceRoutesDeps): RouteModule =>
  (web) => {
    const { selfService, offers, claims, directory, clock } = deps
    const tags = ['Self-service, for the person']
    const cookie = deps.isPublic ? '__Secure-qm-self' : 'qm-self'
    const attributes = { path: selfServicePath, httpOnly: true, secure: deps.isPublic, sameSite: 'Strict' } as const
    const limits = {
      wrong: createLimit(clock, wrongLinks),
      openings: createLimit(clock, openings),
      looks: createLimit(clock, looks),
      acts: createLimit(clock, acts),
    }
    const restUntil = new Map<string, number>()
    const countWrong = (visitor: string): void => {
      const counted = limits.wrong.take(visitor)
      if (counted.ok) return
      const now = clock.now()
      for (const [other, until] of restUntil) if (until <= now) restUntil.delete(other)
      restUntil.set(visitor, now + counted.error.retryAfterMs)
    }

    web.use(`${base}/*`, async (c, next) => {
      await next()
      c.header('Cache-Control', 'no-store')
    })
    /** A form of another site can send text, but no JSON; a request with a body of ours says that it is. */
    const sendsJson: MiddlewareHandler<WebEnv> = async (c, next) =>
      /^application\/json *(;|$)/i.test(c.req.header('content-type') ?? '')
        ? next()
        : answerProblem(c, { status: 415, code: 'json-expected', detail: 'Send the body as JSON, with Content-Type: application/json.' })

    interface Visiting {
      readonly ordinal: number
      readonly by: By
      readonly person: { readonly name: string; readonly sessionExpiresAt: string }
    }
    /** Who holds the cookie; else the answer to give. */
    const visiting = async (c: WebContext, limit: 'looks' | 'acts'): Promise<Visiting | Response> => {
      const session = await selfService.findSession(getCookie(c, cookie) ?? '')
      if (!session.ok) return answerProblem(c, linkProblem(session.error))
      const { ordinal, expiresAt } = session.value
      const counted = limits[limit].take(String(ordinal))
      if (!counted.ok) return answerProblem(c, tooMany(counted.error.retryAfterMs))
      return await knownAs(c, ordinal, expiresAt)
    }
    const knownAs = async (c: Context, ordinal: number, expiresAt: number): Promise<Visiting> => {
      const person = await directory.find(ordinal)
      const actorId = parseAdminId(`person-${principalIdOf('user', ordinal)}`)
      if (person === undefined || actorId === undefined) throw new Error(`self-service: the directory has lost ${ordinal}`)
      const name = displayNameOf(person)
      return {
        ordinal,
        by: { actor: { id: actorId, name }, origin: c.get('address') as string },
        person: { name, sessionExpiresAt: isoTime(expiresAt) },
      }
    }
    const mine = async ({ ordinal, person }: Visiting) => ({
      ...person,
      now: isoTime(clock.now()),
      items: (await offers.of(ordinal)).map(viewOf),
    })
    const answerOne = async (c: WebContext, id: LicenseId, { ordinal }: Visiting) => {
      const offer = await offers.find(id, ordinal)
      return offer === undefined ? answerProblem(c, notYours) : c.json(viewOf(offer))
    }

    web.post(
      `${base}/session`,
      describeRoute({
        tags,
        summary: 'Exchange a link for a session; the answer sets its cookie',
        security: [],
        responses: { 200: answer('Opened', personSchema), ...problems(400, 429) },
      }),
      sendsJson,
      body(v.strictObject({ link: v.pipe(v.string(), v.maxLength(200), v.description('What follows the # of the link')) })),
      async (c) => {
        const visitor = visitorOf(c.get('address'))
        const restMs = (restUntil.get(visitor) ?? 0) - clock.now()
        if (restMs > 0 && restMs <= wrongLinks.windowMs) return answerProblem(c, tooMany(restMs))
        const { link } = c.req.valid('json')
        // Opening the same link over and over makes a session each time.
        const counted = limits.openings.take(tokenHash(link))
        if (!counted.ok) return answerProblem(c, tooMany(counted.error.retryAfterMs))
        const opened = await selfService.open(link)
        if (!opened.ok) {
          if (opened.error.is === 'link-not-valid') countWrong(visitor)
          return answerProblem(c, linkProblem(opened.error))
        }
        const { token, expiresAt, ordinal } = opened.value
        setCookie(c, cookie, token, { ...attributes, expires: new Date(expiresAt) })
        return c.json((await knownAs(c, ordinal, expiresAt)).person)
      },
    )
    web.delete(`${base}/session`, describeRoute({ tags, summary: 'End this session', security: [], responses: noContent }), async (c) => {
      await selfService.close(getCookie(c, cookie) ?? '')
      deleteCookie(c, cookie, attributes)
      return c.body(null, 204)
    })
    web.get(
      `${base}/mine`,
      describeRoute({
        tags,
        summary: 'What is offered to this person, what they have and what they wait for',
        security: [],
        responses: { 200: answer('By name', mineSchema), ...problems(429) },
      }),
      async (c) => {
        const visit = await visiting(c, 'looks')
        return visit instanceof Response ? visit : c.json(await mine(visit))
      },
    )
    web.post(
      `${base}/licenses/:id/claim`,
      describeRoute({
        tags,
        summary: 'Take a seat; taking again changes nothing',
        security: [],
        responses: { 200: answer('How it stands', offerSchema), ...problems(400, 404, 409, 422, 429) },
      }),
      sendsJson,
      body(v.strictObject({ confirmIrreversible: v.optional(v.boolean(), false) })),
      async (c) => {
        const visit = await visiting(c, 'acts')
        if (visit instanceof Response) return visit
        const id = parseLicenseId(c.req.param('id'))
        if (id === undefined) return answerProblem(c, notYours)
        const claimed = await claims.claim(visit.by, id, visit.ordinal, { confirmed: c.req.valid('json').confirmIrreversible })
        return claimed.ok ? answerOne(c, id, visit) : answerProblem(c, claimProblem(claimed.error))
      },
    )
    web.delete(
      `${base}/licenses/:id/claim`,
      describeRoute({
        tags,
        summary: 'Give a seat back, or a place in the line up',
        security: [],
        responses: { 200: answer('How it stands', offerSchema), ...problems(404, 409, 422, 429) },
      }),
      async (c) => {
        const visit = await visiting(c, 'acts')
        if (visit instanceof Response) return visit
        const id = parseLicenseId(c.req.param('id'))
        if (id === undefined) return answerProblem(c, notYours)
        const given = await claims.giveBack(visit.by, id, visit.ordinal)
        return given.ok ? answerOne(c, id, visit) : answerProblem(c, claimProblem(given.error))
      },
    )
  }
