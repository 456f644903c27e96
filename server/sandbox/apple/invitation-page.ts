import { Hono } from 'hono'
import { html } from 'hono/html'
import { CONTROL_STYLE } from './control-style.ts'
import type { AppleControl } from './control.ts'

export const INVITATION_PATH = '/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount'

// `html` escapes every value that is put into it; nothing here is marked as raw.
type Html = ReturnType<typeof html>

const frame = (body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Sandbox Apple invitation</title>
        <link rel="stylesheet" href="${INVITATION_PATH}/style.css" />
      </head>
      <body>
        ${body}
      </body>
    </html>`

const invitation = (code: string, place: string, said: string): Html =>
  frame(
    html`<h1>Join ${place}</h1>
      <p>This stands in for Apple's page, on which a person accepts an invitation with an Apple Account of their own.</p>
      <p>${said}</p>
      <form method="post" action="${INVITATION_PATH}" class="block">
        <input type="hidden" name="inviteCode" value="${code}" />
        <label>Apple Account<input name="account" autocomplete="off" /></label>
        <button>Accept the invitation</button>
      </form>`,
  )

const told = (title: string, text: string): Html =>
  frame(
    html`<h1>${title}</h1>
      <p>${text}</p>`,
  )

/** Where the person lands who follows the link. An invitation is accepted once; Apple's own words for one that is gone are [unknown]. */
export const createInvitationPage = (control: AppleControl): Hono => {
  const app = new Hono()

  const invited = (code: string) => {
    for (const { uId, name } of control.locations()) {
      const user = control.users(uId).find(({ status, inviteCode }) => status === 'Registered' && inviteCode === code)
      if (user !== undefined) return { uId, name, clientUserId: user.clientUserId }
    }
    return undefined
  }
  const gone = told('No invitation', 'This invitation was accepted already, or withdrawn. Whoever sent it can send another one.')

  app.use(`${INVITATION_PATH}/*`, async (c, next) => {
    await next()
    c.header('content-security-policy', "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'")
    c.header('cache-control', 'no-store')
    c.header('referrer-policy', 'no-referrer')
  })
  app.get(`${INVITATION_PATH}/style.css`, (c) => c.body(CONTROL_STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.get(INVITATION_PATH, (c) => {
    const code = c.req.query('inviteCode') ?? ''
    const found = invited(code)
    return found === undefined ? c.html(gone, 404) : c.html(invitation(code, found.name, `${found.clientUserId} is invited.`))
  })
  app.post(INVITATION_PATH, async (c) => {
    const fields = new URLSearchParams(await c.req.text())
    const code = fields.get('inviteCode') ?? ''
    const account = (fields.get('account') ?? '').trim()
    const found = invited(code)
    if (found === undefined) return c.html(gone, 404)
    if (account === '') return c.html(invitation(code, found.name, 'Which Apple Account?'), 400)
    const refused = control.acceptInvitation(found.uId, found.clientUserId, account)
    if (refused === 9641)
      return c.html(invitation(code, found.name, 'This Apple Account belongs to another person here. Take another.'), 409)
    return refused === 0
      ? c.html(told(`Welcome to ${found.name}`, `${account} is linked now. What is assigned to ${found.clientUserId} can be used with it.`))
      : c.html(gone, 404)
  })
  return app
}
