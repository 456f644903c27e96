/**
 * The control of this Google over HTTP: a page for people at `/google/control`, and `POST /google/control/act` with `{act, …}`
 * as JSON, which answers `{done}` or 400 `{error}`, or as a form, which leads back to the page.
 */
import { html } from 'hono/html'
import * as v from 'valibot'
import { CONTROL_STYLE } from '../apple/control-style.ts'
import type { GoogleControl } from './control.ts'
import type { ArmedGoogleFault } from './faults.ts'
import { GOOGLE_SWITCH_HELP, type GoogleSwitches } from './switches.ts'

const BASE = '/google/control'
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(300))
const whole = v.pipe(v.union([v.number(), v.pipe(v.string(), v.nonEmpty(), v.transform(Number))]), v.integer(), v.minValue(0))
const unlimited = v.pipe(
  v.literal('unlimited'),
  v.transform(() => null),
)
const at = { enterprise: text, product: text } as const

const acts = v.variant('act', [
  v.strictObject({ act: v.literal('set-purchased'), ...at, purchased: v.union([unlimited, whole, v.null()]) }),
  v.strictObject({
    act: v.literal('set-approval'),
    ...at,
    approval: v.picklist(['approved', 'unapproved']),
    permissions: v.optional(v.picklist(['currentApproved', 'needsReapproval', 'allCurrentAndFutureApproved'])),
  }),
  v.strictObject({
    act: v.literal('entitle'),
    ...at,
    user: text,
    reason: v.optional(v.picklist(['free', 'groupLicense', 'userPurchase'])),
  }),
  v.strictObject({ act: v.literal('unentitle'), ...at, user: text }),
  v.strictObject({ act: v.literal('set-status'), enterprise: text, status: v.picklist(['bound', 'unenrolled', 'deleted']) }),
  v.strictObject({ act: v.literal('revoke-keys'), account: text }),
  v.strictObject({ act: v.literal('notify'), enterprise: text, type: text, event: v.optional(v.record(v.string(), v.unknown()), {}) }),
  v.strictObject({ act: v.literal('set-switch'), name: text, value: v.unknown() }),
  v.strictObject({
    act: v.literal('fault'),
    method: v.optional(text),
    times: v.optional(whole),
    skip: v.optional(whole),
    fault: v.variant('is', [
      v.object({
        is: v.literal('error'),
        status: v.pipe(v.number(), v.minValue(400), v.maxValue(599)),
        reason: text,
        message: v.optional(text),
        retryAfter: v.optional(text),
      }),
      v.object({ is: v.literal('unavailable'), when: v.picklist(['before', 'after']), retryAfter: v.optional(text) }),
      v.object({ is: v.picklist(['connection-cut', 'bad-gateway']), when: v.picklist(['before', 'after']) }),
      v.object({ is: v.picklist(['truncated-body', 'empty-body', 'gzip', 'page-repeats']) }),
    ]),
  }),
  v.strictObject({ act: v.literal('clear-faults') }),
])

/** A value in the sort that the switch has now. Throws for another. */
const switchOf = (control: GoogleControl, name: string, value: unknown): Partial<GoogleSwitches> => {
  const now: unknown = Object.hasOwn(control.switches(), name) ? Reflect.get(control.switches(), name) : undefined
  if (now === undefined) throw new Error(`no switch ${name}`)
  const read: unknown =
    typeof now === 'number' && value !== ''
      ? Number(value)
      : typeof now === 'boolean'
        ? value === true || value === 'true'
        : value === '' || value === 'null'
          ? null
          : value
  if (typeof now === 'number' && !Number.isFinite(read)) throw new Error(`${name} is a number`)
  return { [name]: read }
}

/** Wrong input throws: it is told as it is. */
const perform = (control: GoogleControl, given: unknown): void => {
  const parsed = v.safeParse(acts, given)
  if (!parsed.success) throw new Error(parsed.issues.map(({ message }) => message).join('; '))
  const act = parsed.output
  switch (act.act) {
    case 'set-purchased':
      return control.setPurchased(act.enterprise, act.product, act.purchased)
    case 'set-approval':
      return control.setApproval(act.enterprise, act.product, act.approval, act.permissions)
    case 'entitle':
      return control.entitle(act.enterprise, act.user, act.product, act.reason)
    case 'unentitle':
      return control.unentitle(act.enterprise, act.user, act.product)
    case 'set-status':
      return control.setStatus(act.enterprise, act.status)
    case 'revoke-keys':
      return control.revokeKeys(act.account)
    case 'notify':
      return control.notify(act.enterprise, act.type, act.event)
    case 'set-switch':
      return control.setSwitches(switchOf(control, act.name, act.value))
    case 'fault': {
      const { act: _, ...armed } = act
      control.faults.arm(armed as ArmedGoogleFault)
      return
    }
    case 'clear-faults':
      return control.faults.clear()
  }
}

const page = (control: GoogleControl) => {
  const switches = control.switches()
  const hidden = (fields: Readonly<Record<string, string>>) =>
    Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>Google, played</title>
        <link rel="stylesheet" href="${BASE}/style.css" />
      </head>
      <body>
        <h1>Google, played</h1>
        <p>
          Enterprises of managed Google Play as they stood before 30 September 2025. Google sells no licenses any more, and turned the
          license methods off on that day: the switch licenseApi plays that.
        </p>
        ${control.enterprises().map(
          (enterprise) =>
            html`<h2>${enterprise.name} <code>${enterprise.id}</code></h2>
              <p>
                ${enterprise.status}, ${enterprise.kind}, ${Object.keys(enterprise.users).length} users, account
                ${enterprise.account ?? 'none'}
              </p>
              <form method="post" action="${BASE}/act">
                ${hidden({ act: 'set-status', enterprise: enterprise.id })}
                <select name="status" aria-label="Status">
                  ${['bound', 'unenrolled', 'deleted'].map((each) => html`<option ${each === enterprise.status ? 'selected' : ''}>${each}</option>`)}
                </select>
                <button>Set</button>
              </form>
              ${
                enterprise.account === null
                  ? ''
                  : html`<form method="post" action="${BASE}/act">
                      ${hidden({ act: 'revoke-keys', account: enterprise.account })}<button>Revoke its keys</button>
                    </form>`
              }
              <table>
                <thead>
                  <tr>
                    <th>Product</th>
                    <th class="n">Purchased</th>
                    <th class="n">Provisioned</th>
                    <th>Approval</th>
                    <th>Change</th>
                  </tr>
                </thead>
                <tbody>
                  ${Object.entries(enterprise.licenses).map(
                    ([productId, license]) =>
                      html`<tr>
                        <td>${String(enterprise.products[productId]?.['title'] ?? productId)} <code>${productId}</code></td>
                        <td class="n">${license.purchased ?? 'no limit'}</td>
                        <td class="n">${String(control.counts(enterprise.id, productId)['numProvisioned'])}</td>
                        <td>${license.approval}, ${license.permissions}</td>
                        <td>
                          <form method="post" action="${BASE}/act">
                            ${hidden({ act: 'set-purchased', enterprise: enterprise.id, product: productId })}
                            <input
                              class="short"
                              name="purchased"
                              aria-label="Purchased"
                              value="${license.purchased ?? 'unlimited'}"
                            /><button>Set</button>
                          </form>
                          <form method="post" action="${BASE}/act">
                            ${hidden({
                              act: 'set-approval',
                              enterprise: enterprise.id,
                              product: productId,
                              approval: license.approval === 'approved' ? 'unapproved' : 'approved',
                            })}
                            <button>${license.approval === 'approved' ? 'Unapprove' : 'Approve'}</button>
                          </form>
                        </td>
                      </tr>`,
                  )}
                </tbody>
              </table>`,
        )}
        <h2>Switches</h2>
        ${Object.entries(GOOGLE_SWITCH_HELP).map(
          ([name, help]) =>
            html`<form class="block" method="post" action="${BASE}/act">
              ${hidden({ act: 'set-switch', name })}
              <label>${name}<input name="value" value="${String(Reflect.get(switches, name) ?? '')}" /></label><button>Set</button
              ><span>${help}</span>
            </form>`,
        )}
        <form method="post" action="${BASE}/act">${hidden({ act: 'clear-faults' })}<button>Clear all faults</button></form>
      </body>
    </html>`
}

const headers = {
  'Content-Security-Policy': "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
}

export const answerControl = async (control: GoogleControl, request: Request, url: URL): Promise<Response> => {
  if (request.method === 'GET' && url.pathname === BASE)
    return new Response(String(await page(control)), { headers: { ...headers, 'Content-Type': 'text/html; charset=utf-8' } })
  if (request.method === 'GET' && url.pathname === `${BASE}/style.css`)
    return new Response(CONTROL_STYLE, { headers: { ...headers, 'Content-Type': 'text/css; charset=utf-8' } })
  if (request.method === 'GET' && url.pathname === `${BASE}/api/requests`) return Response.json(control.requests(), { headers })
  if (request.method === 'GET' && url.pathname === `${BASE}/api/enterprises`) return Response.json(control.enterprises(), { headers })
  if (request.method !== 'POST' || url.pathname !== `${BASE}/act`) return new Response('nothing here', { status: 404, headers })
  const origin = request.headers.get('origin')
  // A page of another site must not change somebody's running sandbox.
  if (origin !== null && origin !== url.origin)
    return Response.json({ error: 'only this page itself may do that' }, { status: 403, headers })
  const isJson = /^application\/json\b/.test(request.headers.get('content-type') ?? '')
  const body = await request.text()
  try {
    perform(control, isJson ? JSON.parse(body) : Object.fromEntries(new URLSearchParams(body)))
  } catch (error) {
    return Response.json({ error: error instanceof Error ? error.message : String(error) }, { status: 400, headers })
  }
  return isJson ? Response.json({ done: null }, { headers }) : new Response(null, { status: 303, headers: { ...headers, Location: BASE } })
}
