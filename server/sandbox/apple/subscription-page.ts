import { html } from 'hono/html'
import { choice, field, form } from './control-forms.ts'
import type { Html } from './control-forms.ts'
import type { AppleControl } from './control.ts'
import type { SubscriptionSummary } from './subscription-control.ts'

const both = ({ renewing, expiring }: { readonly renewing: number; readonly expiring: number }): string =>
  `${renewing} renewing, ${expiring} expiring`

const subscriptionRow = (control: AppleControl, uId: string, back: string, owned: SubscriptionSummary): Html =>
  html`<tr>
    <td>${owned.name ?? 'No name'}, of <code>${owned.parentAdamId}</code></td>
    <td><code>${owned.adamId}</code></td>
    <td>${owned.status}${owned.periodEndsOn === null ? '' : `, until ${owned.periodEndsOn}`}</td>
    <td>${both(owned.total)}</td>
    <td>${both(owned.assigned)}</td>
    <td>${both(owned.available)}</td>
    <td>
      ${control
        .subscribers(uId, owned.adamId)
        .slice(0, 200)
        .map(({ clientUserId, renewing, leaving }) =>
          form(
            back,
            { act: 'unsubscribe', location: uId, adamId: String(owned.adamId), clientUserIds: clientUserId },
            html`<code>${clientUserId}</code> ${renewing ? 'renewing' : 'expiring'}${leaving ? ', leaving' : ''}`,
            'Remove',
          ),
        )}
    </td>
  </tr>`

/** Subscriptions of one location: what is owned, who has it, and what can happen to it. */
export const subscriptionsSection = (control: AppleControl, uId: string, back: string): Html => {
  const enabled = control.subscriptionsEnabled(uId)
  const owned = control.subscriptions(uId)
  const which = choice(
    'Subscription',
    'adamId',
    owned.map(({ adamId }) => String(adamId)),
  )
  return html`<h2>Subscriptions</h2>
    <p>${enabled ? 'Managers may buy subscriptions here.' : 'Not enabled: nobody can buy subscriptions here.'}</p>
    ${form(back, { act: 'set-subscriptions-enabled', location: uId, enabled: String(!enabled) }, html``, enabled ? 'Not enabled' : 'Enable')}
    <div class="wide">
      <table>
        <tbody>
          ${owned.map((one) => subscriptionRow(control, uId, back, one))}
        </tbody>
      </table>
    </div>
    ${form(
      back,
      { act: 'own-subscription', location: uId },
      html`${field('adamId', 'adamId')} ${field('adamId of the app', 'parentAdamId')} ${field('Name', 'name')}
      ${field('Renewing', 'renewing', '10', true)} ${field('Expiring', 'expiring', '0', true)}
      ${choice('Status', 'status', ['ACTIVE', 'INACTIVE', 'PAUSED'])} ${field('Period ends on', 'periodEndsOn', '', true)}`,
      'Buy or change a subscription',
      true,
    )}
    ${form(
      back,
      { act: 'subscribe', location: uId },
      html`${which} ${field('clientUserIds', 'clientUserIds')} ${choice('Renewing', 'renewing', ['true', 'false'])}`,
      'Give from outside',
      true,
    )}
    ${form(
      back,
      { act: 'subscribe-by-group', location: uId },
      html`${which} ${field('clientUserIds', 'clientUserIds')}`,
      'These have it through a group',
      true,
    )}`
}
