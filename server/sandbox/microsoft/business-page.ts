/**
 * The control object of the Store for Business over HTTP: `GET /control/business` is its page, `GET /control/api/business`
 * the same as JSON, and `POST /control/business/act` changes something: `{act, …}` as JSON, or a form that leads back.
 */
import { Hono, type Context } from 'hono'
import { CONTROL_STYLE } from '../apple/control-style.ts'
import { html } from 'hono/html'
import * as v from 'valibot'
import type { BusinessControl } from './business-control.ts'
import { usualSku } from './business-control.ts'
import type { BusinessWorld } from './business.ts'
import { BUSINESS_SWITCH_HELP, BUSINESS_SWITCH_OPTIONS, DEFAULT_BUSINESS_SWITCHES, type BusinessSwitches } from './business-switches.ts'

type Html = ReturnType<typeof html>

/** A page of another site must not move seats in somebody's running sandbox. */
const isOwnOrigin = (c: Context): boolean => {
  const origin = c.req.header('origin')
  return origin === undefined || origin === new URL(c.req.url).origin
}

const filled = v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty'))
const whole = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,10}$/, 'a whole number is expected'), v.transform(Number))]),
  v.integer(),
  v.minValue(0),
)
const place = { tenant: filled, product: filled, sku: v.optional(filled, usualSku) }
const actSchema = v.variant('act', [
  v.strictObject({ act: v.literal('assign'), ...place, user: filled }),
  v.strictObject({ act: v.literal('reclaim'), ...place, user: filled }),
  v.strictObject({ act: v.literal('set-capacity'), ...place, capacity: whole }),
  v.strictObject({ act: v.literal('remove'), ...place, kind: v.optional(v.picklist(['Online', 'Offline']), 'Online') }),
  v.strictObject({ act: v.literal('add-user'), tenant: filled, user: filled }),
  v.strictObject({
    act: v.literal('switch'),
    name: v.picklist(Object.keys(BUSINESS_SWITCH_HELP)),
    value: v.union([v.string(), v.number(), v.boolean(), v.null()]),
  }),
])

const isSwitch = (name: string): name is keyof BusinessSwitches => name in DEFAULT_BUSINESS_SWITCHES

/** A form can only send text. Undefined: no such value. */
const switchValue = (name: keyof BusinessSwitches, value: string | number | boolean | null): Partial<BusinessSwitches> | undefined => {
  const options = BUSINESS_SWITCH_OPTIONS[name]
  const text = value === null ? '' : String(value)
  if (options !== undefined) {
    if (!options.includes(text)) return undefined
    return { [name]: name === 'oddMembers' ? text === 'true' : text }
  }
  if (text === '') return name === 'continuationLifeMs' || name === 'requestsPerSecond' ? { [name]: null } : undefined
  return /^-?\d{1,10}$/.test(text) ? { [name]: Number(text) } : undefined
}

const perform = (control: BusinessControl, given: unknown): { readonly done: unknown } | { readonly error: string } => {
  const parsed = v.safeParse(actSchema, given)
  if (!parsed.success) return { error: `${v.getDotPath(parsed.issues[0]) ?? 'act'}: ${parsed.issues[0].message}` }
  const act = parsed.output
  try {
    switch (act.act) {
      case 'assign':
      case 'reclaim': {
        const outside = act.act === 'assign' ? control.assignOutside : control.reclaimOutside
        const status = outside(act.tenant, act.product, act.user, act.sku)
        return status === undefined ? { done: null } : { error: `The store's rules refuse this with ${status}.` }
      }
      case 'set-capacity':
        control.setCapacity(act.tenant, act.product, act.capacity, act.sku)
        return { done: null }
      case 'remove':
        control.remove(act.tenant, act.product, act.sku, act.kind)
        return { done: null }
      case 'add-user':
        control.addUsers(act.tenant, act.user)
        return { done: null }
      case 'switch': {
        const change = isSwitch(act.name) ? switchValue(act.name, act.value) : undefined
        if (change === undefined) return { error: `value: not one of ${act.name}` }
        control.setSwitches(change)
        return { done: null }
      }
    }
  } catch (error) {
    // The control object throws for a tenant or product that is not there; here that is a wrong input like any other.
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

const hidden = (fields: Readonly<Record<string, string>>): Html =>
  html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}`
const form = (fields: Readonly<Record<string, string>>, content: Html, button: string): Html =>
  html`<form method="post" action="/control/business/act">${hidden(fields)} ${content}<button>${button}</button></form>`
const field = (label: string, name: string, value = ''): Html =>
  html`<label>${label}<input name="${name}" value="${value}" class="short" /></label>`

const switchRow = (name: keyof BusinessSwitches, value: unknown): Html => {
  const options = BUSINESS_SWITCH_OPTIONS[name]
  const text = value === null ? '' : String(value)
  const control =
    options === undefined
      ? html`<input name="value" value="${text}" aria-label="${name}" />`
      : html`<select name="value" aria-label="${name}">
          ${options.map((option) => html`<option ${option === text ? 'selected' : ''}>${option}</option>`)}
        </select>`
  return html`<tr>
    <td>${name}</td>
    <td>${form({ act: 'switch', name }, control, 'Set')}</td>
    <td>${BUSINESS_SWITCH_HELP[name]}</td>
  </tr>`
}

const tenantSection = (control: BusinessControl, id: string, name: string): Html =>
  html`<h2>${name}, <code>${id}</code></h2>
    <table>
      <tr>
        <th>Product</th>
        <th>Kind</th>
        <th>Status</th>
        <th class="n">Owned</th>
        <th class="n">In use</th>
        <th></th>
      </tr>
      ${control.entries(id).map(({ productId, skuId, licenseType, name: product, capacity, inUse, status }) => {
        const at = { tenant: id, product: productId, sku: skuId }
        return html`<tr>
          <td>${product ?? productId} <code>${productId}/${skuId}</code></td>
          <td>${licenseType}</td>
          <td>${status}</td>
          <td class="n">${capacity ?? 'no limit'}</td>
          <td class="n">${inUse}</td>
          <td>
            ${form({ act: 'assign', ...at }, field('User', 'user'), 'Give')}
            ${form({ act: 'reclaim', ...at }, field('User', 'user'), 'Take')}
            ${form({ act: 'set-capacity', ...at }, field('Owned', 'capacity', String(capacity ?? '')), 'Set')}
            ${form({ act: 'remove', ...at, kind: licenseType }, html``, 'Refund')}
          </td>
        </tr>`
      })}
    </table>
    ${form({ act: 'add-user', tenant: id }, field('User', 'user'), 'Make known')}`

const page = (business: BusinessWorld, control: BusinessControl): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Store for Business</title>
        <link rel="stylesheet" href="/control/style.css" />
      </head>
      <body>
        <h1>Store for Business</h1>
        <p>A store that its vendor has retired, as its documents describe it. Nobody ever compared it with the real one.</p>
        ${[...business.world.tenants.values()].map(({ id, name }) => tenantSection(control, id, name))}
        <h2>Ways of the store that nobody documented</h2>
        <table>
          ${Object.entries(control.switches()).map(([name, value]) => (isSwitch(name) ? switchRow(name, value) : html``))}
        </table>
      </body>
    </html>`

export const createBusinessPage = (business: BusinessWorld, control: BusinessControl): Hono => {
  const app = new Hono()
  app.use('/control/*', async (c, next) => {
    await next()
    c.header('content-security-policy', "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'")
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
  })
  app.get('/control/style.css', (c) => c.body(CONTROL_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get('/control/business', (c) => c.html(page(business, control)))
  app.get('/control/api/business', (c) =>
    c.json({
      tenants: [...business.world.tenants.values()].map(({ id, name }) => ({ id, name, entries: control.entries(id) })),
      switches: control.switches(),
    }),
  )
  app.post('/control/business/act', async (c) => {
    if (!isOwnOrigin(c)) return c.json({ error: 'only this page itself may do that' }, 403)
    if (/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      let given: unknown
      try {
        given = await c.req.json()
      } catch {
        return c.json({ error: 'the body is not JSON' }, 400)
      }
      const outcome = perform(control, given)
      return c.json(outcome, 'error' in outcome ? 400 : 200)
    }
    const outcome = perform(control, Object.fromEntries(new URLSearchParams(await c.req.text())))
    return 'error' in outcome ? c.text(outcome.error, 400) : c.redirect('/control/business', 303)
  })
  return app
}
