/** The organisations and their devices on the control page. */
import { html } from 'hono/html'
import { choice, field, form, frame, when } from './control-forms.ts'
import type { Html } from './control-forms.ts'
import type { AppleControl } from './control.ts'
import type { OrganisationSummary } from './device-control.ts'

const pathOf = (name: string): string => `/control/organisations/${encodeURIComponent(name)}`

const accountText = ({ accounts }: OrganisationSummary): string => {
  const valid = accounts.filter(({ revoked }) => !revoked)
  if (valid.length === 0) return 'all withdrawn'
  return valid.some(({ role }) => role === 'no-rights') ? 'may not read' : 'may read'
}

export const organisationsSection = (control: AppleControl): Html =>
  html`<h2>Devices</h2>
    <p>Devices belong to organisations. The device API tells them to whoever holds a key of the organisation.</p>
    <table>
      <tbody>
        ${control.organisations().map(
          (organisation) =>
            html`<tr>
              <td><a href="${pathOf(organisation.name)}">${organisation.name}</a>, ${organisation.program}</td>
              <td class="n">${organisation.listed} devices, ${organisation.released} released</td>
              <td>${accountText(organisation)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    ${form(
      '/control',
      { act: 'add-device-account' },
      html`${field('Organisation', 'organisation')} ${choice('Program', 'program', ['business', 'school'])}`,
      'Make a device API account',
      true,
    )}
    ${form('/control', { act: 'expire-access-tokens' }, html``, 'Let all access tokens end now')}`

const mostShown = 2_000

export const organisationPage = (control: AppleControl, organisation: OrganisationSummary): Html => {
  const { name } = organisation
  const back = pathOf(name)
  const about = { organisation: name }
  const devices = control.orgDevices(name)
  const valid = organisation.accounts.findLast(({ revoked }) => !revoked)
  return frame(
    name,
    html`<p><a href="/control">Sandbox Apple store</a></p>
      <h1>${name}</h1>
      ${
        valid === undefined
          ? html`<p>All keys were withdrawn.</p>`
          : html`<p>
              Client ID <code>${valid.clientId}</code>, key ID <code>${valid.keyId}</code>.
              <a href="${back}/key">Download the private key</a>
            </p>`
      }
      ${form(back, { act: 'add-device-account', ...about }, html``, 'Make another key')}
      ${form(back, { act: 'revoke-device-keys', ...about }, html``, 'Withdraw all keys')}
      ${form(back, { act: 'set-device-role', ...about }, choice('Rights', 'role', ['may-read', 'no-rights']), 'Set rights of all accounts')}
      ${form(
        back,
        { act: 'add-device', ...about },
        html`${field('Serial number', 'serialNumber')}
        ${choice('Family', 'productFamily', ['iPad', 'iPhone', 'Mac', 'AppleTV', 'Watch', 'Vision'])} ${field('Model', 'deviceModel')}`,
        'Add a device',
        true,
      )}
      <h2>Devices</h2>
      <div class="wide">
        <table>
          <tbody>
            ${devices.slice(0, mostShown).map(
              (device) =>
                html`<tr>
                  <td><code>${device.serialNumber}</code></td>
                  <td>${device.productFamily}, ${device.deviceModel}</td>
                  <td>
                    ${
                      device.releasedAt === null
                        ? form(back, { act: 'release-device', ...about, serialNumber: device.serialNumber }, html``, 'Release')
                        : html`released ${when(device.releasedAt)}`
                    }
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      ${devices.length > mostShown ? html`<p>${devices.length - mostShown} more are not shown.</p>` : ''}`,
  )
}
