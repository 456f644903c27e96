/** The API described: a document made from the routes' own schemas, and a page of it that works without the internet. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { generateSpecs } from 'hono-openapi'
import { answerProblem } from '../problem.ts'
import { api, type RouteModule } from './web.ts'

const description = `The HTTP API of Quartermaster. Sign in with the console's session cookie or \`Authorization: Bearer <API key>\`.

Lists answer \`{items, next, asOf?}\`; \`?limit=\` (1 to 500) and \`?cursor=\` page through them, \`Accept: text/csv\` gives the whole filtered set as a file. Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`. A \`POST\` with an \`Idempotency-Key\` that is sent again gets the first answer. \`PATCH\`, \`PUT\` and \`DELETE\` accept \`If-Match\` with the object's \`ETag\`. Times are ISO 8601 in UTC, ids are opaque.`

/** Put it on last: it describes the routes that stand on the app by then. */
export const openApiRoutes =
  (deps: { readonly version: string }): RouteModule =>
  (web) => {
    let document: Promise<unknown> | undefined
    web.get(`${api}/openapi.json`, async (c) => {
      document ??= generateSpecs(web, {
        documentation: {
          info: { title: 'Quartermaster', version: deps.version, description, license: { name: 'Apache-2.0' } },
          servers: [{ url: '/' }],
          security: [{ key: [] }, { session: [] }],
          components: {
            securitySchemes: {
              key: { type: 'http', scheme: 'bearer', description: 'An API key' },
              session: {
                type: 'apiKey',
                in: 'cookie',
                name: 'qm',
                description: 'The console’s session; __Host-qm where the address is https',
              },
            },
          },
        },
        // Our own refusals are described at each route.
        defaultValidationErrorResponse: false,
      })
      return c.json(await document, 200, { 'Cache-Control': 'no-cache' })
    })

    const directory = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'))
    const file = (name: string): (() => string) => {
      let text: string | undefined
      return () => (text ??= readFileSync(join(directory, name), 'utf8'))
    }
    const parts: Readonly<Record<string, { readonly type: string; readonly text: () => string }>> = {
      'swagger-ui.css': { type: 'text/css; charset=utf-8', text: file('swagger-ui.css') },
      'swagger-ui-bundle.js': { type: 'text/javascript; charset=utf-8', text: file('swagger-ui-bundle.js') },
      'page.js': { type: 'text/javascript; charset=utf-8', text: () => script },
    }
    web.get('/api/docs', (c) => c.html(page))
    web.get('/api/docs/:part', (c) => {
      const part = parts[c.req.param('part')]
      return part === undefined
        ? answerProblem(c, { status: 404, code: 'not-found', detail: 'There is nothing at this address. The page is at /api/docs.' })
        : c.body(part.text(), 200, { 'Content-Type': part.type, 'Cache-Control': 'public, max-age=86400' })
    })
  }

const page = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Quartermaster: HTTP API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/api/docs/swagger-ui.css" />
  </head>
  <body>
    <div id="page"></div>
    <script src="/api/docs/swagger-ui-bundle.js"></script>
    <script src="/api/docs/page.js"></script>
  </body>
</html>
`

/** No validator badge: it would ask a host of the vendor. */
const script = `SwaggerUIBundle({
  url: '${api}/openapi.json',
  dom_id: '#page',
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
  layout: 'BaseLayout',
})
`
