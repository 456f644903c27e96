/** Icons of products, to whoever is signed in. Everyone else, and every other address, gets nothing. */
import type { Db } from '../database/schema.ts'
import { findIcon } from '../icons.ts'
import { answerProblem } from '../problem.ts'
import type { WhoAsks } from '../who-asks.ts'
import type { RouteModule } from './web.ts'

export interface IconRoutesDeps {
  readonly db: Db
  readonly whoAsks: WhoAsks
}

const FILE = /^\/icons\/([0-9a-f]{32})(-64)?\.webp$/

export const iconRoutes =
  ({ db, whoAsks }: IconRoutesDeps): RouteModule =>
  (web) => {
    web.get('/icons/*', async (c) => {
      const [, key, small] = FILE.exec(c.req.path) ?? []
      const isSignedIn = key !== undefined && (await whoAsks.actorOf(c.req.raw.headers)) !== undefined
      const bytes = isSignedIn ? await findIcon(db, key, small === undefined ? 'large' : 'small') : undefined
      if (bytes === undefined)
        return answerProblem(c, {
          status: 404,
          code: 'not-found',
          detail: 'There is no icon at this address, or nobody is signed in.',
          headers: { 'Cache-Control': 'no-store' },
        })
      // Private: what an organisation has bought is for those who are signed in.
      return c.body(new Uint8Array(bytes), 200, { 'Content-Type': 'image/webp', 'Cache-Control': 'private, max-age=31536000, immutable' })
    })
  }
