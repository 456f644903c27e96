/** Taking back from people and devices all that their store can take back. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { parseConnectorId, type ConnectorId, type PrincipalId } from '../../shared/ids.ts'
import { err, exhaustive, ok, type Result } from '../../shared/result.ts'
import type { FactReader } from '../facts.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { mostRevoked, type RevokeRefused, type Revoking } from '../revoke.ts'
import { assignmentProblem } from './assignments.ts'
import { answer, problems } from './describe.ts'
import { confirmationProblem, holdingFields, holdingViews, idsOf, noCredential, strangersProblem } from './holdings.ts'
import { body } from './input.ts'
import { orderViews } from './orders.ts'
import { idIn } from './people.ts'
import { orderSchema } from './schemas.ts'
import { notWritable, storeProblem } from './store-problem.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const previewBody = v.strictObject({ principals: idsOf(mostRevoked) })
const revokeBody = v.strictObject({ principals: idsOf(mostRevoked), confirm: v.optional(v.boolean(), false) })
const revokePreviewSchema = v.object({
  ...holdingFields,
  assignments: v.pipe(v.number(), v.description('Assignments that end: removed, or the person or device excluded from them')),
})

export const revokeRoutes =
  (deps: { readonly facts: FactReader; readonly revoking: Revoking }): RouteModule =>
  (web) => {
    const { facts, revoking } = deps
    const tags = ['People at stores']
    const base = `${api}/connectors/:id`
    const connectorIn = (c: WebContext): ConnectorId | undefined => parseConnectorId(c.req.param('id'))
    const unknownConnector = (c: WebContext) => answerProblem(c, notFound('connector'))

    web.post(
      `${base}/revoke/preview`,
      describeRoute({
        tags,
        summary: 'What would be taken back from people and devices, and what would stay; nothing is changed',
        responses: { 200: answer('What they hold, as the store tells it now', revokePreviewSchema), ...problems(400, 404, 409, 422, 503) },
      }),
      allow('reclaim'),
      body(previewBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const ids = principalsIn(c.req.valid('json').principals)
        if (!ids.ok) return answerProblem(c, strangersProblem(ids.error))
        const preview = await revoking.preview(connector, ids.value)
        if (!preview.ok) return answerProblem(c, revokeProblem(preview.error))
        const { holdings, assignments, asOf } = preview.value
        return c.json({ ...(await holdingViews(facts, holdings)), assignments, asOf })
      },
    )
    web.post(
      `${base}/revoke`,
      describeRoute({
        tags,
        summary: 'Take back from people and devices all that the store can take back',
        description:
          'For a lost device or a person who has left. Assignments that ask for these seats end as with reclaiming. What went is kept in the audit log. Needs `confirm: true`.',
        responses: {
          202: answer('The order, and what they held when it was asked for', v.object({ order: orderSchema, ...holdingFields })),
          ...problems(400, 404, 409, 422, 503),
        },
      }),
      allow('reclaim'),
      body(revokeBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const { principals, confirm } = c.req.valid('json')
        if (!confirm)
          return answerProblem(
            c,
            confirmationProblem('This takes back everything that can come back. Look at …/revoke/preview, then send confirm: true.'),
          )
        const ids = principalsIn(principals)
        if (!ids.ok) return answerProblem(c, strangersProblem(ids.error))
        const revoked = await revoking.revoke(actorIn(c), connector, ids.value)
        if (!revoked.ok) return answerProblem(c, revokeProblem(revoked.error))
        const { order, holdings } = revoked.value
        return c.json(
          { order: (await orderViews(facts, [order]))[0], ...(await holdingViews(facts, holdings)), asOf: order.createdAt },
          202,
        )
      },
    )
  }

const principalsIn = (given: readonly string[]): Result<readonly PrincipalId[], readonly string[]> => {
  const strangers = given.filter((id) => idIn(id, 'user') === undefined && idIn(id, 'device') === undefined)
  return strangers.length > 0 ? err(strangers) : ok(given.flatMap((id) => idIn(id, 'user') ?? idIn(id, 'device') ?? []))
}

const revokeProblem = (refused: RevokeRefused): Problem => {
  switch (refused.is) {
    case 'connector-unknown':
      return notFound('connector')
    case 'no-credential':
      return noCredential
    case 'store-not-writable':
      return notWritable(refused.why)
    case 'principals-unknown':
      return strangersProblem(refused.ids)
    case 'store':
      return storeProblem(refused.failure)
    case 'plan-refused':
      return assignmentProblem(refused.refused)
    case 'nothing-to-take':
      return {
        status: 409,
        code: refused.is,
        detail: 'They hold nothing that can come back, or it is being taken back already. Books and other things given for good stay.',
      }
    default:
      return exhaustive(refused)
  }
}
