/**
 * What can happen in a tenant, over HTTP: `GET /control/graph` is the page, `GET /control/api/graph` the same as JSON, and
 * `POST /control/graph/act` changes something: `{act, …}` as JSON, or a form that leads back.
 */
import { Hono, type Context } from 'hono'
import { html } from 'hono/html'
import * as v from 'valibot'
import type { Fault } from './faults.ts'
import { createGraphControl, type GraphControl } from './graph-control.ts'
import type { Graph } from './graph.ts'
import { DEFAULT_SWITCHES, SWITCH_HELP, type Switches } from './switches.ts'
import type { MicrosoftWorld } from './world.ts'

type Html = ReturnType<typeof html>

/** A page of another site must not change somebody's running sandbox. */
const isOwnOrigin = (c: Context): boolean => {
  const origin = c.req.header('origin')
  return origin === undefined || origin === new URL(c.req.url).origin
}

const filled = v.pipe(v.string(), v.trim(), v.nonEmpty('must not be empty'), v.maxLength(300))
const whole = v.pipe(
  v.union([v.number(), v.pipe(v.string(), v.regex(/^\d{1,10}$/, 'a whole number is expected'), v.transform(Number))]),
  v.integer(),
  v.minValue(0),
)
const faultNames = [
  'throttled',
  'unavailable',
  'connection-cut',
  'bad-gateway',
  'captive-page',
  'token-refused',
  'delta-gone',
  'delta-expired',
  'empty-list',
] as const
const tenant = filled
const actSchema = v.variant('act', [
  v.strictObject({ act: v.literal('add-user'), tenant, user: filled }),
  v.strictObject({ act: v.literal('rename-user'), tenant, user: filled, to: filled }),
  v.strictObject({ act: v.literal('delete-user'), tenant, user: filled }),
  v.strictObject({ act: v.literal('set-usage-location'), tenant, user: filled, country: v.optional(v.string(), '') }),
  v.strictObject({ act: v.literal('enable-user'), tenant, user: filled, enabled: v.picklist(['true', 'false']) }),
  v.strictObject({ act: v.literal('add-member'), tenant, group: filled, user: filled }),
  v.strictObject({ act: v.literal('remove-member'), tenant, group: filled, user: filled }),
  v.strictObject({ act: v.literal('set-units'), tenant, sku: filled, enabled: whole, warning: v.optional(whole, 0) }),
  v.strictObject({ act: v.literal('give'), tenant, sku: filled, user: filled }),
  v.strictObject({ act: v.literal('take'), tenant, sku: filled, user: filled }),
  v.strictObject({ act: v.literal('grant'), tenant, role: filled }),
  v.strictObject({ act: v.literal('withdraw'), tenant, role: filled }),
  v.strictObject({ act: v.literal('expire-secrets'), tenant }),
  v.strictObject({ act: v.literal('move'), tenant }),
  v.strictObject({ act: v.literal('break'), fault: v.picklist(faultNames), times: v.optional(whole, 1) }),
  v.strictObject({ act: v.literal('mend') }),
  v.strictObject({ act: v.literal('switch'), name: v.picklist(Object.keys(SWITCH_HELP)), value: v.string() }),
])
type Act = v.InferOutput<typeof actSchema>

const faultOf = (name: (typeof faultNames)[number]): Fault => {
  switch (name) {
    case 'connection-cut':
    case 'bad-gateway':
      return { is: name, when: 'before' }
    default:
      return { is: name }
  }
}

const isSwitch = (name: string): name is keyof Switches => name in DEFAULT_SWITCHES

/** As the switch is: a number, yes or no, or one of its words. Undefined: no such value. */
const switchValue = (name: keyof Switches, text: string): Partial<Switches> | undefined => {
  const usual = DEFAULT_SWITCHES[name]
  if (typeof usual === 'number') return /^\d{1,9}$/.test(text) ? { [name]: Number(text) } : undefined
  if (typeof usual === 'boolean') return text === 'true' || text === 'false' ? { [name]: text === 'true' } : undefined
  return wordsOf(name).includes(text) ? { [name]: text } : undefined
}

const words: Partial<Record<keyof Switches, readonly string[]>> = {
  retryAfterOnThrottle: ['seconds', 'date', 'none'],
  batchOrder: ['as-given', 'reversed'],
  intuneLicense: ['active', 'none'],
  deltaPartial: ['changed-members', 'whole'],
  removedLicense: ['refused', 'accepted'],
  vppSync: ['completes', 'stays-in-progress', 'fails'],
  errorMember: ['innerError', 'innererror'],
}
const wordsOf = (name: keyof Switches): readonly string[] => words[name] ?? []

type Outcome = { readonly done: null } | { readonly error: string }
const done: Outcome = { done: null }

export const createGraphPage = (world: MicrosoftWorld, graph: Pick<Graph, 'stateOf'>): Hono => {
  const controlOf = (tenantId: string): GraphControl => {
    if (!world.tenants.has(tenantId)) throw new Error(`sandbox: no such tenant as ${tenantId}`)
    return createGraphControl(world, graph.stateOf(tenantId))
  }
  const groupId = (control: GraphControl, name: string): string => {
    const found = [...control.state.groups.values()].find(({ id, displayName }) => id === name || displayName === name)
    if (found === undefined) throw new Error(`sandbox: no such group as ${name}`)
    return found.id
  }
  const userId = (control: GraphControl, name: string): string => {
    const found = [...control.state.users.values()].find(
      ({ userPrincipalName, deletedAt }) => deletedAt === null && userPrincipalName === name,
    )
    if (found === undefined) throw new Error(`sandbox: no such user as ${name}`)
    return found.id
  }

  const inTenant = (act: Extract<Act, { readonly tenant: string }>): void => {
    const control = controlOf(act.tenant)
    const apps = [...(world.tenants.get(act.tenant)?.apps.values() ?? [])]
    switch (act.act) {
      case 'add-user':
        return void control.addUser({ userPrincipalName: act.user })
      case 'rename-user':
        return control.changeUser(act.user, { userPrincipalName: act.to })
      case 'delete-user':
        return control.deleteUser(act.user)
      case 'set-usage-location':
        return control.changeUser(act.user, { usageLocation: act.country === '' ? null : act.country })
      case 'enable-user':
        return control.changeUser(act.user, { accountEnabled: act.enabled === 'true' })
      case 'add-member':
        return control.addMember(groupId(control, act.group), userId(control, act.user))
      case 'remove-member':
        return control.removeMember(groupId(control, act.group), userId(control, act.user))
      case 'set-units':
        return control.changeSku(act.sku, { prepaidUnits: { enabled: act.enabled, warning: act.warning, suspended: 0, lockedOut: 0 } })
      case 'give':
        return control.give(act.user, act.sku)
      case 'take':
        return control.take(act.user, act.sku)
      case 'grant':
        for (const app of apps) app.roles.add(act.role)
        return
      case 'withdraw':
        for (const app of apps) app.roles.delete(act.role)
        return
      case 'expire-secrets':
        for (const app of apps) for (const secret of app.secrets) secret.expiresAt = world.clock.now()
        return
      case 'move':
        return control.move()
    }
  }

  const perform = (given: unknown): Outcome => {
    const parsed = v.safeParse(actSchema, given)
    if (!parsed.success) return { error: `${v.getDotPath(parsed.issues[0]) ?? 'act'}: ${parsed.issues[0].message}` }
    const act = parsed.output
    if (act.act === 'break') {
      world.faults.arm({ fault: faultOf(act.fault), times: Math.max(1, act.times) })
      return done
    }
    if (act.act === 'mend') {
      world.faults.clear()
      return done
    }
    if (act.act === 'switch') {
      const change = isSwitch(act.name) ? switchValue(act.name, act.value) : undefined
      if (change === undefined) return { error: `value: not one of ${act.name}` }
      world.switches = { ...world.switches, ...change }
      return done
    }
    try {
      inTenant(act)
      return done
    } catch (error) {
      // The control object throws for what is not there; here that is a wrong input like any other.
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }

  // ---- The page ----

  const form = (fields: Readonly<Record<string, string>>, content: Html, button: string): Html =>
    html`<form method="post" action="/control/graph/act">
      ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)} ${content}
      <button>${button}</button>
    </form>`
  const field = (label: string, name: string, value = ''): Html =>
    html`<label>${label}<input name="${name}" value="${value}" class="short" /></label>`

  const tenantSection = (id: string, name: string): Html => {
    const control = controlOf(id)
    const roles = new Set([...(world.tenants.get(id)?.apps.values() ?? [])].flatMap((app) => [...app.roles]))
    return html`<h2>${name}, <code>${id}</code></h2>
      <table>
        <tr>
          <th>Subscription</th>
          <th>State</th>
          <th class="n">Enabled</th>
          <th class="n">In use</th>
          <th></th>
        </tr>
        ${[...control.state.skus.values()].map(({ skuId, skuPartNumber, capabilityStatus, prepaidUnits }) => {
          const at = { tenant: id, sku: skuId }
          return html`<tr>
            <td>${skuPartNumber}</td>
            <td>${capabilityStatus}</td>
            <td class="n">${prepaidUnits.enabled}</td>
            <td class="n">${control.consumed(skuId)}</td>
            <td>
              ${form({ act: 'give', ...at }, field('User', 'user'), 'Give')} ${form({ act: 'take', ...at }, field('User', 'user'), 'Take')}
              ${form({ act: 'set-units', ...at }, field('Enabled', 'enabled', String(prepaidUnits.enabled)), 'Set')}
            </td>
          </tr>`
        })}
      </table>
      <h2>People and groups of ${name}</h2>
      <p>${control.state.users.size} people, ${control.state.groups.size} groups.</p>
      ${form({ act: 'add-user', tenant: id }, field('User name', 'user'), 'Add')}
      ${form({ act: 'rename-user', tenant: id }, html`${field('User name', 'user')} ${field('New one', 'to')}`, 'Rename')}
      ${form({ act: 'delete-user', tenant: id }, field('User name', 'user'), 'Delete')}
      ${form({ act: 'set-usage-location', tenant: id }, html`${field('User name', 'user')} ${field('Country', 'country')}`, 'Set usage location')}
      ${form({ act: 'add-member', tenant: id }, html`${field('Group', 'group')} ${field('User name', 'user')}`, 'Put in')}
      ${form({ act: 'remove-member', tenant: id }, html`${field('Group', 'group')} ${field('User name', 'user')}`, 'Take out')}
      ${form({ act: 'move', tenant: id }, html``, 'Move the directory')}
      <h2>The app of ${name}</h2>
      <p>${[...roles].sort().join(', ') || 'It may do nothing.'}</p>
      ${form({ act: 'grant', tenant: id }, field('Permission', 'role'), 'Grant')}
      ${form({ act: 'withdraw', tenant: id }, field('Permission', 'role'), 'Withdraw')}
      ${form({ act: 'expire-secrets', tenant: id }, html``, 'Let the client secret expire')}`
  }

  const page = (): Html =>
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width" />
          <title>Microsoft Graph</title>
          <link rel="stylesheet" href="/control/style.css" />
        </head>
        <body>
          <h1>Microsoft Graph</h1>
          <p>Tenants as Graph's documents describe them. Nobody ever compared this with the real one.</p>
          ${[...world.tenants.values()].map(({ id, name }) => tenantSection(id, name))}
          <h2>Trouble for the next requests</h2>
          <p>
            ${
              world.faults
                .list()
                .map(({ fault }) => fault.is)
                .join(', ') || 'None is armed.'
            }
          </p>
          ${form(
            { act: 'break' },
            html`<select name="fault" aria-label="Trouble">
                ${faultNames.map((name) => html`<option>${name}</option>`)}</select
              >${field('Times', 'times', '1')}`,
            'Arm',
          )}
          ${form({ act: 'mend' }, html``, 'Mend everything')}
          <h2>Ways of Graph that are not pinned down</h2>
          <table>
            ${Object.entries(SWITCH_HELP).map(
              ([name, help]) =>
                html`<tr>
                  <td>${name}</td>
                  <td>
                    ${form({ act: 'switch', name }, html`<input name="value" value="${isSwitch(name) ? String(world.switches[name]) : ''}" aria-label="${name}" />`, 'Set')}
                  </td>
                  <td>${help}</td>
                </tr>`,
            )}
          </table>
        </body>
      </html>`

  const app = new Hono()
  app.get('/control/graph', (c) => {
    c.header('content-security-policy', "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'")
    c.header('x-content-type-options', 'nosniff')
    c.header('cache-control', 'no-store')
    return c.html(page())
  })
  app.get('/control/api/graph', (c) =>
    c.json({
      tenants: [...world.tenants.values()].map(({ id, name }) => {
        const control = controlOf(id)
        return {
          id,
          name,
          users: control.state.users.size,
          groups: control.state.groups.size,
          skus: [...control.state.skus.values()].map((sku) => ({
            skuId: sku.skuId,
            skuPartNumber: sku.skuPartNumber,
            ...sku.prepaidUnits,
            consumed: control.consumed(sku.skuId),
          })),
        }
      }),
      switches: world.switches,
      faults: world.faults.list(),
    }),
  )
  app.post('/control/graph/act', async (c) => {
    if (!isOwnOrigin(c)) return c.json({ error: 'only this page itself may do that' }, 403)
    if (/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      let given: unknown
      try {
        given = await c.req.json()
      } catch {
        return c.json({ error: 'the body is not JSON' }, 400)
      }
      const outcome = perform(given)
      return c.json(outcome, 'error' in outcome ? 400 : 200)
    }
    const outcome = perform(Object.fromEntries(new URLSearchParams(await c.req.text())))
    return 'error' in outcome ? c.text(outcome.error, 400) : c.redirect('/control/graph', 303)
  })
  return app
}
