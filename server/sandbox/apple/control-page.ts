import { html } from 'hono/html'
import { ENDPOINTS, FAULT_NAMES } from './control-acts.ts'
import { choice, field, form, frame, when } from './control-forms.ts'
import type { Html } from './control-forms.ts'
import { organisationsSection } from './device-page.ts'
import type { AppleControl, LocationSummary, OwnedSummary } from './control.ts'
import { targetKey } from './state.ts'
import { subscriptionsSection } from './subscription-page.ts'
import { SWITCH_HELP } from './switches.ts'
import type { Switches } from './switches.ts'

const plain = (count: number | null): string => (count === null ? 'no limit' : String(count))
const pathOf = (uId: string): string => `/control/locations/${encodeURIComponent(uId)}`

const OPTIONS: { readonly [Name in keyof Switches]?: readonly string[] } = {
  holdEvents: ['false', 'true'],
  enforceRateLimit: ['true', 'false'],
  errorBodiesWith200: ['never', 'only-9622', 'all'],
  tokenExpirationDate: ['always', 'last-15-days', 'never'],
  unsetMdmInfo: ['absent', 'null'],
  mdmInfoIn: ['every-answer', 'client-config'],
  removedAssignments: ['absent', 'not-reported'],
  includeRetired: ['ignored', 'honoured'],
  returningAccount: ['swaps', 'supersedes'],
  inviteCodes: ['while-registered', 'kept'],
  repeatedWrite: ['success', 'v1-errors'],
  unknownSerials: ['accepted', 'refused'],
  extraMembers: ['false', 'true'],
  countsDisagree: ['false', 'true'],
  goneAssets: ['vanish', 'stay-with-zeros'],
  failureGrouping: ['by-error', 'by-error-and-asset'],
  taskOrder: ['as-given', 'shuffled'],
  syncErrorInfo: ['false', 'true'],
  deviceKid: ['checked', 'required', 'refused'],
  releasedDevices: ['left-out', 'listed'],
  subscriptionService: ['offered', 'not-found', 'no-longer-offered'],
  subscriptionsEnabled: ['while-none-owned', 'for-good'],
  subscriptionManagement: ['on-change', 'always'],
  subscriptionNames: ['not-told', 'told'],
  subscriptionsForInvited: ['accepted', 'refused'],
  deferredRemovals: ['shown-as-expiring', 'not-shown'],
  cursorsAfterChange: ['invalid', 'go-on'],
  httpNotices: ['refused', 'on-this-machine'],
  tooManySubscriptions: ['9816', '9805'],
}

const switchRow = (name: keyof Switches, value: unknown): Html => {
  const options = OPTIONS[name]
  const id = `switch-${name}`
  const text = Array.isArray(value) ? value.join(' ') : value === null ? '' : String(value)
  const control =
    options === undefined
      ? html`<input id="${id}" name="changes.${name}" value="${text}" />`
      : html`<select id="${id}" name="changes.${name}">
          ${options.map((option) => html`<option ${option === text ? 'selected' : ''}>${option}</option>`)}
        </select>`
  return html`<label for="${id}">${name}</label>${control}<span>${SWITCH_HELP[name]}</span>`
}

const lagRow = (list: 'assets' | 'assignments' | 'users', ms: number): Html =>
  html`<label for="lag-${list}">listLagMs, ${list}</label><input id="lag-${list}" name="changes.listLagMs.${list}" value="${ms}" /><span
      >${SWITCH_HELP.listLagMs}</span
    >`

const switchNames = (switches: Switches): readonly (keyof Switches)[] =>
  // Every member of Switches has a help text, so its keys are the names.
  (Object.keys(SWITCH_HELP) as (keyof Switches)[]).filter((name) => name !== 'listLagMs' && name in switches)

const locationRow = (location: LocationSummary): Html => {
  const token = location.tokens.at(-1)
  const state = token === undefined ? 'none' : token.revoked ? 'revoked' : `${token.privilege}, until ${when(token.expiresAt)}`
  return html`<tr>
    <td><a href="${pathOf(location.uId)}">${location.name}</a>, ${location.country}</td>
    <td><code>${location.uId}</code></td>
    <td>${location.platform}</td>
    <td>${location.mdmInfo === null ? 'nobody' : `${location.mdmInfo.name} (${location.mdmInfo.metadata})`}</td>
    <td>${state}</td>
    <td class="n">${location.assets}</td>
    <td class="n">${location.seats}</td>
    <td class="n">${location.users}</td>
    <td class="n">${location.openEvents}</td>
  </tr>`
}

const faultForm = (locations: readonly LocationSummary[]): Html =>
  form(
    '/control',
    { act: 'arm-fault' },
    html`${choice('Trouble', 'fault.is', FAULT_NAMES)} ${choice('At', 'endpoint', ['', ...ENDPOINTS])}
    ${choice('Location', 'location', ['', ...locations.map(({ uId }) => uId)])} ${field('Times (empty: until cleared)', 'times', '1', true)}
    ${field('Skip first', 'skip', '', true)} ${choice('Cut or 502', 'fault.when', ['after', 'before'])}
    ${field('Milliseconds (slow)', 'fault.ms', '', true)} ${field('Retry-After', 'fault.retryAfter', '', true)}
    ${field('Error number', 'fault.errorNumber', '', true)} ${field('Every n-th task', 'fault.every', '', true)}
    ${field('Short by', 'fault.by', '', true)} ${field('Serials or users', 'fault.keys')} ${field('Redirect to', 'fault.to')}`,
    'Arm',
    true,
  )

export const overviewPage = (control: AppleControl): Html => {
  const locations = control.locations()
  const switches = control.switches()
  return frame(
    'Sandbox Apple store',
    html`<h1>Sandbox Apple store</h1>
      <p>
        This stands in for Apple's Apps and Books. Things happen here that Quartermaster is not asked about: purchases, refunds, other
        administrators, another manager, trouble on the line. Nothing on this page reaches a real store.
      </p>
      <h2>Locations</h2>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>Location</th>
              <th>uId</th>
              <th>Platform</th>
              <th>Held by</th>
              <th>Newest token</th>
              <th class="n">Assets</th>
              <th class="n">Seats</th>
              <th class="n">Users</th>
              <th class="n">Open events</th>
            </tr>
          </thead>
          <tbody>
            ${locations.map(locationRow)}
          </tbody>
        </table>
      </div>
      ${form('/control', { act: 'finish-events' }, html``, 'Finish all open events now')} ${organisationsSection(control)}
      <h2>Trouble</h2>
      <p>Strikes the next requests that fit. Fields a trouble does not need are ignored.</p>
      ${faultForm(locations)}
      <table>
        <tbody>
          ${control.faults.list().map(
            (armed) =>
              html`<tr>
                <td><code>${JSON.stringify(armed.fault)}</code></td>
                <td>${armed.endpoint ?? 'any'}${armed.location === undefined ? '' : `, ${armed.location}`}</td>
                <td>struck ${armed.struck} of ${armed.times ?? 'any number'}</td>
                <td>${form('/control', { act: 'clear-faults', id: String(armed.id) }, html``, 'Clear')}</td>
              </tr>`,
          )}
        </tbody>
      </table>
      <h2>Switches</h2>
      <p>How this Apple behaves where the real one is not pinned down. <span class="mark">[unknown]</span> and the like mark guesses.</p>
      ${form(
        '/control',
        { act: 'set-switches' },
        html`<div class="switch">
          ${switchNames(switches).map((name) => switchRow(name, switches[name]))} ${lagRow('assets', switches.listLagMs.assets)}
          ${lagRow('assignments', switches.listLagMs.assignments)} ${lagRow('users', switches.listLagMs.users)}
        </div>`,
        'Set switches',
        true,
      )}
      <h2>Latest requests</h2>
      <div class="wide">
        <table>
          <tbody>
            ${control
              .requests()
              .slice(-40)
              .toReversed()
              .map(
                (request) =>
                  html`<tr>
                    <td>${when(request.at)}</td>
                    <td>${request.method} <code>${request.path}</code></td>
                    <td><code>${request.body === null ? '' : JSON.stringify(request.body)}</code></td>
                    <td class="n">${request.status === 0 ? 'cut' : request.status} ${request.errorNumber ?? ''}</td>
                    <td>${request.faults.join(', ')}</td>
                  </tr>`,
              )}
          </tbody>
        </table>
      </div>`,
  )
}

const assetRow = (uId: string, asset: OwnedSummary): Html =>
  html`<tr>
    <td><a href="${pathOf(uId)}/assets/${encodeURIComponent(asset.adamId)}/${asset.pricingParam}">${asset.name ?? 'No name'}</a></td>
    <td><code>${asset.adamId}</code> ${asset.pricingParam}</td>
    <td>${asset.productType}${asset.deviceAssignable ? '' : ', people only'}${asset.revocable ? '' : ', final'}</td>
    <td class="n">${plain(asset.total)}</td>
    <td class="n">${asset.assigned}</td>
    <td class="n">${plain(asset.available)}</td>
    <td class="n">${asset.retired}</td>
  </tr>`

export const locationPage = (control: AppleControl, location: LocationSummary): Html => {
  const { uId } = location
  const back = pathOf(uId)
  return frame(
    `${location.name}, ${location.country}`,
    html`<p><a href="/control">Sandbox Apple store</a></p>
      <h1>${location.name}, ${location.country}</h1>
      <p>
        <code>${uId}</code>, held by ${location.mdmInfo === null ? 'nobody' : `${location.mdmInfo.name}, ${location.mdmInfo.metadata}`}.
        <a href="${back}/token">Download the content token</a>
      </p>
      <h2>Assets</h2>
      <div class="wide">
        <table>
          <thead>
            <tr>
              <th>Product</th>
              <th>Id</th>
              <th>Kind</th>
              <th class="n">Total</th>
              <th class="n">Assigned</th>
              <th class="n">Available</th>
              <th class="n">Retired</th>
            </tr>
          </thead>
          <tbody>
            ${control.owned(uId).map((asset) => assetRow(uId, asset))}
          </tbody>
        </table>
      </div>
      <h2>What can happen here</h2>
      ${form(back, { act: 'expire-token', location: uId }, html``, 'Let the tokens end now')}
      ${form(back, { act: 'revoke-token', location: uId }, html``, 'Revoke all tokens')}
      ${form(back, { act: 'new-token', location: uId }, choice('Rights', 'privilege', ['manage', 'read-only']), 'Make a new token')}
      ${form(back, { act: 'set-privilege', location: uId }, choice('Rights', 'privilege', ['manage', 'read-only']), 'Set rights of all tokens')}
      ${form(back, { act: 'clear-owner', location: uId }, html``, 'Held by nobody')}
      ${form(back, { act: 'forget-versions', location: uId }, html``, 'Forget versions')}
      ${form(
        back,
        { act: 'set-owner', location: uId },
        html`${field('Other manager', 'name', 'Fleetline')} ${field('Its id', 'id', 'fleetline-1')}
        ${field('Its host', 'metadata', 'fleetline.example')}`,
        'Let it take the location',
        true,
      )}
      ${form(
        back,
        { act: 'own', location: uId },
        html`${field('adamId', 'adamId')} ${field('Name', 'name')} ${field('Publisher', 'publisher')}
        ${choice('Edition', 'pricingParam', ['STDQ', 'PLUS'])} ${choice('Type', 'productType', ['App', 'Book'])}
        ${field('Total, or unlimited', 'total', '10', true)}`,
        'Buy something new',
        true,
      )}
      ${form(
        back,
        { act: 'register-user', location: uId },
        html`${field('clientUserId', 'clientUserId')} ${field('E-mail', 'email')} ${field('Managed Apple Account', 'managedAppleId')}`,
        'Register a user',
        true,
      )}
      ${form(back, { act: 'retire-user', location: uId }, field('clientUserId', 'clientUserId'), 'Retire a user', true)}
      ${form(
        back,
        { act: 'accept-invitation', location: uId },
        html`${field('clientUserId', 'clientUserId')} ${field('Apple Account', 'account')}`,
        'Accept an invitation',
        true,
      )}
      ${subscriptionsSection(control, uId, back)}
      <h2>Events</h2>
      <table>
        <tbody>
          ${control
            .events(uId)
            .slice(-30)
            .toReversed()
            .map(
              (event) =>
                html`<tr>
                  <td>${when(event.acceptedAt)}</td>
                  <td>${event.type}</td>
                  <td class="n">${event.completed} of ${event.requested} done, ${event.failed} failed</td>
                  <td>${event.finishedAt === null ? (event.held ? 'held' : 'pending') : `ended ${when(event.finishedAt)}`}</td>
                  <td><code>${event.id}</code></td>
                </tr>`,
            )}
        </tbody>
      </table>`,
  )
}

export const assetPage = (control: AppleControl, location: LocationSummary, asset: OwnedSummary): Html => {
  const { uId } = location
  const { adamId, pricingParam } = asset
  const back = `${pathOf(uId)}/assets/${encodeURIComponent(adamId)}/${pricingParam}`
  const about = { location: uId, adamId, pricingParam }
  const holders = control.holders(uId, adamId, pricingParam)
  return frame(
    asset.name ?? adamId,
    html`<p><a href="/control">Sandbox Apple store</a> · <a href="${pathOf(uId)}">${location.name}, ${location.country}</a></p>
      <h1>${asset.name ?? 'No name'}</h1>
      <p>
        <code>${adamId}</code> ${pricingParam}: ${plain(asset.total)} owned, ${asset.assigned} assigned, ${plain(asset.available)}
        available, ${asset.retired} retired.
      </p>
      ${form(back, { act: 'set-total', ...about }, field('Total', 'total', plain(asset.total), true), 'Buy or refund')}
      ${form(back, { act: 'set-retired', ...about }, field('Retired', 'retired', String(asset.retired), true), 'Set retired')}
      ${form(
        back,
        { act: 'set-flags', ...about },
        html`${choice('To devices', 'deviceAssignable', ['true', 'false'], String(asset.deviceAssignable))}
        ${choice('Comes back', 'revocable', ['true', 'false'], String(asset.revocable))}`,
        'Set what may be done',
      )}
      ${form(
        back,
        { act: 'assign', ...about },
        html`<label>Serial numbers<textarea name="serialNumbers"></textarea></label> ${field('clientUserIds', 'clientUserIds')}`,
        'Assign from outside',
        true,
      )}
      <h2>Holders</h2>
      <table>
        <tbody>
          ${holders.slice(0, 2000).map(
            (holder) =>
              html`<tr>
                <td>${holder.kind}</td>
                <td><code>${targetKey(holder)}</code></td>
                <td>
                  ${form(
                    back,
                    { act: 'free', ...about, [holder.kind === 'device' ? 'serialNumbers' : 'clientUserIds']: targetKey(holder) },
                    html``,
                    'Free this seat',
                  )}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>
      ${holders.length > 2000 ? html`<p>${holders.length - 2000} more are not shown.</p>` : ''}`,
  )
}

/** What was refused, in words, with the way back. */
export const refusedPage = (back: string, text: string): Html =>
  frame(
    'Not done',
    html`<h1>Not done</h1>
      <p>${text}</p>
      <p><a href="${back}">Back</a></p>`,
  )
