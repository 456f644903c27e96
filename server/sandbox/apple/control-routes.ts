import { Hono } from 'hono'
import type { Context } from 'hono'
import { actOfForm, parseAct, perform } from './control-acts.ts'
import { assetPage, locationPage, overviewPage, refusedPage } from './control-page.ts'
import { CONTROL_STYLE } from './control-style.ts'
import type { AppleControl, LocationSummary } from './control.ts'
import type { OrganisationSummary } from './device-control.ts'
import { organisationPage } from './device-page.ts'

const isPricing = (text: string | undefined): text is 'STDQ' | 'PLUS' => text === 'STDQ' || text === 'PLUS'

/** A page of another site must not move seats in somebody's running sandbox. */
const isOwnOrigin = (c: Context): boolean => {
  const origin = c.req.header('origin')
  return origin === undefined || origin === new URL(c.req.url).origin
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * The control object over HTTP. Reads are `GET /control/api/…`; all that changes something is `POST /control/act` with
 * `{act, …}` as JSON, which answers `{done: …}` or 400 `{error}`, or as a form, which leads back to its page.
 */
export const createControlRoutes = (control: AppleControl): Hono => {
  const app = new Hono()

  app.use('/control/*', async (c, next) => {
    await next()
    c.header('content-security-policy', "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'")
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
  })

  const locationOf = (c: Context): LocationSummary | undefined => control.locations().find(({ uId }) => uId === c.req.param('uId'))

  app.get('/control', (c) => c.html(overviewPage(control)))
  app.get('/control/style.css', (c) => c.body(CONTROL_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))

  app.get('/control/locations/:uId', (c) => {
    const location = locationOf(c)
    return location === undefined ? c.notFound() : c.html(locationPage(control, location))
  })
  app.get('/control/locations/:uId/assets/:adamId/:pricingParam', (c) => {
    const location = locationOf(c)
    const asset =
      location === undefined
        ? undefined
        : control
            .owned(location.uId)
            .find((owned) => owned.adamId === c.req.param('adamId') && owned.pricingParam === c.req.param('pricingParam'))
    return location === undefined || asset === undefined ? c.notFound() : c.html(assetPage(control, location, asset))
  })
  app.get('/control/locations/:uId/token', (c) => {
    const location = locationOf(c)
    if (location === undefined) return c.notFound()
    return c.body(control.tokenFileFor(location.uId), 200, {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="sToken_for_${location.uId}.vpptoken"`,
    })
  })

  const organisationOf = (c: Context): OrganisationSummary | undefined =>
    control.organisations().find(({ name }) => name === c.req.param('name'))

  app.get('/control/organisations/:name', (c) => {
    const organisation = organisationOf(c)
    return organisation === undefined ? c.notFound() : c.html(organisationPage(control, organisation))
  })
  app.get('/control/organisations/:name/key', (c) => {
    const organisation = organisationOf(c)
    if (organisation?.accounts.every(({ revoked }) => revoked) !== false) return c.notFound()
    return c.body(control.deviceKeyFor(organisation.name).privateKey, 200, {
      'content-type': 'application/x-pem-file',
      'content-disposition': 'attachment; filename="device-api-key.pem"',
    })
  })
  app.get('/control/api/organisations', (c) => c.json(control.organisations()))
  app.get('/control/api/organisations/:name/devices', (c) => {
    const organisation = organisationOf(c)
    return organisation === undefined ? c.json({ error: 'no such organisation' }, 404) : c.json(control.orgDevices(organisation.name))
  })

  app.get('/control/api/locations', (c) => c.json(control.locations()))
  app.get('/control/api/locations/:uId/:what', (c) => {
    const location = locationOf(c)
    if (location === undefined) return c.json({ error: 'no such location' }, 404)
    const what = c.req.param('what')
    if (what === 'assets') return c.json(control.owned(location.uId))
    if (what === 'users') return c.json(control.users(location.uId))
    if (what === 'events') return c.json(control.events(location.uId))
    if (what === 'subscriptions') return c.json(control.subscriptions(location.uId))
    return c.json({ error: 'assets, users, events and subscriptions can be read here' }, 404)
  })
  app.get('/control/api/locations/:uId/assets/:adamId/holders', (c) => {
    const location = locationOf(c)
    const adamId = c.req.param('adamId')
    const pricing = c.req.query('pricingParam') ?? 'STDQ'
    const isOwned =
      location !== undefined && control.owned(location.uId).some((owned) => owned.adamId === adamId && owned.pricingParam === pricing)
    if (location === undefined || !isOwned || !isPricing(pricing)) return c.json({ error: 'the location does not own this' }, 404)
    return c.json(control.holders(location.uId, adamId, pricing))
  })
  app.get('/control/api/requests', (c) => c.json(control.requests()))
  app.get('/control/api/notices', (c) => c.json(control.notices()))
  app.get('/control/api/faults', (c) => c.json(control.faults.list()))
  app.get('/control/api/switches', (c) => c.json(control.switches()))
  app.get('/control/api/snapshot', (c) => c.json(control.snapshot()))
  app.put('/control/api/snapshot', async (c) => {
    if (!isOwnOrigin(c)) return c.json({ error: 'only this page itself may do that' }, 403)
    let given: unknown
    try {
      given = await c.req.json()
    } catch {
      return c.json({ error: 'the body is not JSON' }, 400)
    }
    const restored = control.restore(given)
    return restored.ok ? c.json({ done: null }) : c.json({ error: `the snapshot cannot be read: ${restored.error.where}` }, 400)
  })

  const performed = (given: unknown): { readonly done: unknown } | { readonly error: string } => {
    const act = parseAct(given)
    if (!act.ok) return { error: act.error.text }
    try {
      return { done: perform(control, act.value) ?? null }
    } catch (error) {
      // The control object throws for a location or asset that is not there; here that is a wrong input like any other.
      return { error: messageOf(error) }
    }
  }

  app.post('/control/act', async (c) => {
    if (!isOwnOrigin(c)) return c.json({ error: 'only this page itself may do that' }, 403)
    if (/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      let given: unknown
      try {
        given = await c.req.json()
      } catch {
        return c.json({ error: 'the body is not JSON' }, 400)
      }
      const outcome = performed(given)
      return c.json(outcome, 'error' in outcome ? 400 : 200)
    }
    const fields = new URLSearchParams(await c.req.text())
    const back = fields.get('back') ?? '/control'
    fields.delete('back')
    const wayBack = back.startsWith('/control') ? back : '/control'
    const outcome = performed(actOfForm(fields))
    if ('error' in outcome) return c.html(refusedPage(wayBack, outcome.error), 400)
    const refused = refusalsIn(outcome.done)
    return refused === undefined ? c.redirect(wayBack, 303) : c.html(refusedPage(wayBack, refused), 409)
  })
  return app
}

/** Refusals by Apple's own rules, in words for the page. */
const refusalsIn = (done: unknown): string | undefined => {
  if (typeof done !== 'object' || done === null) return undefined
  if ('errorNumber' in done && done.errorNumber !== 0) return `Apple's rules refuse this with ${String(done.errorNumber)}.`
  if (!('refused' in done) || !Array.isArray(done.refused) || done.refused.length === 0) return undefined
  const first: unknown = done.refused[0]
  const number = typeof first === 'object' && first !== null && 'errorNumber' in first ? String(first.errorNumber) : 'an error'
  return `Apple's rules refuse ${done.refused.length} of these with ${number}. The others are done.`
}
