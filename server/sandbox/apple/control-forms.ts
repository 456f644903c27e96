/** The parts that the control pages are made of. */
import { html } from 'hono/html'

// `html` escapes every value that is put into it; nothing here is marked as raw.
export type Html = ReturnType<typeof html>

export const when = (ms: number | null): string => (ms === null ? '–' : new Date(ms).toISOString().replace('T', ' ').slice(0, 19))

export const frame = (title: string, body: Html): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <link rel="stylesheet" href="/control/style.css" />
      </head>
      <body>
        ${body}
      </body>
    </html>`

const hidden = (fields: Readonly<Record<string, string>>): Html =>
  html`${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}`

export const form = (back: string, fields: Readonly<Record<string, string>>, content: Html, button: string, block = false): Html =>
  html`<form method="post" action="/control/act" class="${block ? 'block' : ''}">
    ${hidden({ ...fields, back })} ${content}<button>${button}</button>
  </form>`

export const field = (label: string, name: string, value = '', short = false): Html =>
  html`<label>${label}<input name="${name}" value="${value}" class="${short ? 'short' : ''}" /></label>`

export const choice = (label: string, name: string, options: readonly string[], chosen = ''): Html =>
  html`<label
    >${label}<select name="${name}">
      ${options.map((option) => html`<option value="${option}" ${option === chosen ? 'selected' : ''}>${option === '' ? 'any' : option}</option>`)}
    </select></label
  >`
