/** Auto-renewable subscriptions of a Location: who has them, giving and taking them, and letting the Location have any. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { subscriptionsKey } from '../../shared/facts.ts'
import { parseConnectorId, type ConnectorId } from '../../shared/ids.ts'
import { exhaustive, type Result } from '../../shared/result.ts'
import { subscriptionTitle, subscriptionStatuses, whyNotGivenInWords, type Subscription } from '../../shared/subscription.ts'
import type { Connectors } from '../connectors.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { Journal } from '../journal.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import type { NotAsked } from '../registering.ts'
import {
  mostSubscribersAsked,
  type Subscribing,
  type SubscribingAnswer,
  type SubscribingRefused,
  type SubscriptionPreview,
  type TurnRefused,
} from '../subscribing.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { idsOf, noCredential } from './holdings.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { orderViews } from './orders.ts'
import { orderSchema, principalSchema } from './schemas.ts'
import { notWritable, storeProblem } from './store-problem.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const both = v.object({ renewing: v.number(), expiring: v.number() })
const day = v.pipe(v.string(), v.description('A day, YYYY-MM-DD'))

const subscriptionSchema = v.object({
  id: v.pipe(v.string(), v.description('The store’s own number')),
  connectorId: v.string(),
  parentId: v.pipe(v.string(), v.description('The app that it belongs to')),
  name: v.pipe(v.string(), v.description('The store may tell none: then the app and the number')),
  parentName: v.string(),
  status: v.picklist(subscriptionStatuses),
  periodEndsOn: v.pipe(v.nullable(day), v.description('The last day of the present period')),
  total: both,
  assigned: both,
  available: v.pipe(both, v.description('renewing: goes on after the period’s end; expiring: runs out then')),
  asOf: v.string(),
})
const viewOf = (row: Subscription) => ({ ...row, name: subscriptionTitle(row) })

const keys = {
  name: (row: Subscription) => subscriptionTitle(row).toLowerCase(),
  periodEndsOn: (row: Subscription) => row.periodEndsOn,
}

const subscribersSchema = v.object({
  subscription: subscriptionSchema,
  items: v.array(
    v.object({
      principal: v.pipe(v.nullable(principalSchema), v.description('Null: somebody whom the directory does not know')),
      key: v.string(),
      renewing: v.boolean(),
      endsOn: v.pipe(v.nullable(day), v.description('The last day on which they have it; null: it renews, or the day is not known')),
    }),
  ),
  admins: v.pipe(v.array(v.string()), v.description('User names of those who manage it at the store')),
  asOf: v.pipe(v.string(), v.description('Asked of the store just now')),
})

const principals = idsOf(mostSubscribersAsked)
const confirm = v.pipe(
  v.optional(v.boolean(), false),
  v.description('Left out or false: 409 confirmation-required tells what would happen'),
)
const assignBody = v.strictObject({ principals, renewing: v.boolean(), confirm })
const removeBody = v.strictObject({ principals, deferred: v.boolean(), confirm })
const turnBody = v.strictObject({ confirm })

const askedSchema = v.object({
  order: orderSchema,
  notAsked: v.pipe(
    v.array(v.object({ id: v.string(), code: v.string(), text: v.string() })),
    v.description('Who of those named is not in the order, and why'),
  ),
})

export interface SubscriptionRoutesDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly connectors: Pick<Connectors, 'find'>
  readonly subscribing: Subscribing
}

export const subscriptionRoutes =
  (deps: SubscriptionRoutesDeps): RouteModule =>
  (web) => {
    const { journal, directory, connectors, subscribing } = deps
    const tags = ['Subscriptions']
    const base = `${api}/connectors/:id/subscriptions`
    const connectorIn = (c: WebContext): ConnectorId | undefined => parseConnectorId(c.req.param('id'))
    const subscriptionIn = (c: WebContext): string => c.req.param('subscription') ?? ''
    const unknownConnector = (c: WebContext) => answerProblem(c, notFound('connector'))

    const answerAsked = async (c: WebContext, asked: Result<SubscribingAnswer, SubscribingRefused>): Promise<Response> => {
      if (!asked.ok) return answerProblem(c, refusedProblem(asked.error))
      if (asked.value.is === 'confirmation-required') return answerProblem(c, await previewProblem(asked.value.preview))
      const { order, notAsked } = asked.value
      return c.json({ order: (await orderViews(journal, [order]))[0], notAsked: notAsked.map(notAskedView) }, 202)
    }

    /** What would happen, as a problem that a confirmed call has not. */
    const previewProblem = async (preview: SubscriptionPreview): Promise<Problem> => {
      const names = createPrincipalNames(journal)
      return {
        status: 409,
        code: 'confirmation-required',
        detail: previewInWords(preview),
        extra: {
          preview: {
            subscription: viewOf(preview.subscription),
            people: await Promise.all(preview.people.map((ordinal) => names.of(ordinal))),
            notAsked: preview.notAsked.map(notAskedView),
            takesEffect: preview.takesEffect,
            on: preview.on,
            undoable: preview.undoable,
            available: preview.free,
          },
        },
      }
    }

    const answerTurned = async (c: WebContext, to: 'on' | 'off'): Promise<Response> => {
      const connector = connectorIn(c)
      if (connector === undefined) return unknownConnector(c)
      if (!(c.req.valid('json' as never) as v.InferOutput<typeof turnBody>).confirm) return answerProblem(c, turnPreview[to])
      const turned = await subscribing.turn(actorIn(c), connector, to)
      return turned.ok ? c.json({ enabled: turned.value }) : answerProblem(c, turnProblem(turned.error))
    }

    web.get(
      base,
      describeRoute({
        tags,
        summary: 'Subscriptions of a location',
        description: 'Empty where the location has none. Whether it may have any is told by the connector.',
        responses: { 200: answer('A page', pageSchema(subscriptionSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(v.object(listQuery(['name', 'periodEndsOn']))),
      async (c) => {
        const id = connectorIn(c)
        const connector = id === undefined ? undefined : await connectors.find(id)
        if (connector === undefined) return unknownConnector(c)
        const rows = await journal.rows(subscriptionsKey(connector.id))
        return answerList<Subscription>(c, {
          query: c.req.valid('query'),
          read: (page) => pageOf(rows, page, keys, (row) => row.id),
          view: (items) => items.map(viewOf),
          schema: subscriptionSchema,
          asOf: connector.subscriptions?.asOf ?? undefined,
        })
      },
    )
    web.get(
      `${base}/:subscription/subscribers`,
      describeRoute({
        tags,
        summary: 'Who has a subscription now',
        description: 'Asked of the store each time.',
        responses: { 200: answer('They', subscribersSchema), ...problems(404, 409, 422, 503) },
      }),
      allow('read'),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const told = await subscribing.subscribers(connector, subscriptionIn(c))
        if (!told.ok) return answerProblem(c, refusedProblem(told.error))
        const { subscription, people, admins, asOf } = told.value
        const names = createPrincipalNames(journal)
        const items = await Promise.all(
          people.map(async ({ key, renewing }) => {
            const ordinal = directory.ordinalOfKey('user', key)
            const principal = ordinal === undefined ? null : await names.of(ordinal)
            return { principal, key, renewing, endsOn: renewing ? null : subscription.periodEndsOn }
          }),
        )
        return c.json({ subscription: viewOf(subscription), items, admins, asOf })
      },
    )
    web.post(
      `${base}/:subscription/assign`,
      describeRoute({
        tags,
        summary: 'Give people a subscription',
        description:
          'Of those that renew, or of those that run out at the period’s end; never more than are left of that kind. Only people who are registered at the location; a device among them refuses the whole call. Without `confirm` nothing is done, and 409 confirmation-required tells in `preview` what would be.',
        responses: { 202: answer('The order', askedSchema), ...problems(400, 404, 409, 422, 503) },
      }),
      allow('edit-plan'),
      body(assignBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const { principals: ids, renewing, confirm: confirmed } = c.req.valid('json')
        return await answerAsked(
          c,
          await subscribing.assign(actorIn(c), connector, subscriptionIn(c), { ids, renewing, confirm: confirmed }),
        )
      },
    )
    web.post(
      `${base}/:subscription/remove`,
      describeRoute({
        tags,
        summary: 'Take a subscription from people, at once or when its period ends',
        description: 'Without `confirm` nothing is done, and 409 confirmation-required tells in `preview` what would be.',
        responses: { 202: answer('The order', askedSchema), ...problems(400, 404, 409, 422, 503) },
      }),
      allow('reclaim'),
      body(removeBody),
      async (c) => {
        const connector = connectorIn(c)
        if (connector === undefined) return unknownConnector(c)
        const { principals: ids, deferred, confirm: confirmed } = c.req.valid('json')
        return await answerAsked(
          c,
          await subscribing.remove(actorIn(c), connector, subscriptionIn(c), { ids, deferred, confirm: confirmed }),
        )
      },
    )
    web.post(
      `${base}/enable`,
      describeRoute({
        tags,
        summary: 'Let managers buy subscriptions for the location',
        description: 'It may be for good. Without `confirm` nothing is done, and 409 confirmation-required says what it means.',
        responses: { 200: answer('On', v.object({ enabled: v.boolean() })), ...problems(400, 404, 409, 422, 503) },
      }),
      allow('manage-connectors'),
      body(turnBody),
      (c) => answerTurned(c, 'on'),
    )
    web.post(
      `${base}/disable`,
      describeRoute({
        tags,
        summary: 'No more subscriptions for the location',
        description: 'Possible at most while it owns none, and maybe never.',
        responses: { 200: answer('Off', v.object({ enabled: v.boolean() })), ...problems(400, 404, 409, 422, 503) },
      }),
      allow('manage-connectors'),
      body(turnBody),
      (c) => answerTurned(c, 'off'),
    )
  }

const notAskedView = ({ id, code, text }: NotAsked) => ({ id, code, text })

const inDays = (day_: string | null): string => (day_ === null ? 'when the period ends' : `when the period ends, on ${day_}`)
const peopleInWords = (count: number): string => (count === 1 ? 'One person' : `${count} people`)

const previewInWords = ({ subscription, people, takesEffect, on, undoable, free, notAsked }: SubscriptionPreview): string => {
  const title = subscriptionTitle(subscription)
  const who = peopleInWords(people.length)
  const left = notAsked.length === 0 ? '' : ` ${peopleInWords(notAsked.length)} would be left out.`
  if (free !== null)
    return `${who} would get ${title} at once${on === null ? '' : `, until ${on}`}. ${free} of this kind are left. It can be taken back.${left} Send confirm: true to do it.`
  return takesEffect === 'period-end'
    ? `${who} would lose ${title} ${inDays(on)}. The store does not say whether that can be taken back before.${left} Send confirm: true to do it.`
    : `${who} would lose ${title} at once. ${undoable === 'while-free' ? 'They can be given it again only while one is left.' : ''}${left} Send confirm: true to do it.`
}

const turnPreview: Readonly<Record<'on' | 'off', Problem>> = {
  on: {
    status: 409,
    code: 'confirmation-required',
    detail:
      'Managers of this location could then buy subscriptions for it. This may not be undone: Apple says in one place that it is for good, and in another that it can be turned off while none are owned. Send confirm: true to do it.',
    extra: { preview: { takesEffect: 'at-once', undoable: 'maybe-not' } },
  },
  off: {
    status: 409,
    code: 'confirmation-required',
    detail:
      'Managers of this location could then buy no subscriptions for it. Apple refuses this while any are owned, and maybe for good. Send confirm: true to do it.',
    extra: { preview: { takesEffect: 'at-once', undoable: 'yes' } },
  },
}

const whyNot = (notAsked: readonly NotAsked[]) => notAsked.slice(0, 50).map(({ index, text }) => ({ field: `principals.${index}`, text }))

const turnProblem = (refused: TurnRefused): Problem =>
  refused.is === 'outcome-unknown'
    ? {
        status: 503,
        code: refused.is,
        detail: `${refused.text} Look in Apple Business Manager or Apple School Manager whether subscriptions are on.`,
        headers: { 'Retry-After': '60' },
      }
    : refusedProblem(refused)

const refusedProblem = (refused: SubscribingRefused): Problem => {
  switch (refused.is) {
    case 'connector-unknown':
      return notFound('connector')
    case 'subscription-unknown':
      return notFound('subscription')
    case 'not-offered':
      return { status: 422, code: refused.is, detail: 'The store has no subscriptions for this location. Nothing was changed.' }
    case 'no-credential':
      return noCredential
    case 'store-not-writable':
      return notWritable(refused.why)
    case 'store':
      return storeProblem(refused.failure)
    case 'not-read':
      return {
        status: 503,
        code: refused.is,
        detail: `The subscriptions could not be read just now, and older numbers must not decide. Nothing was changed. ${refused.text}`,
        headers: { 'Retry-After': '60' },
      }
    case 'not-active':
      return { status: 409, code: refused.is, detail: whyNotGivenInWords(refused.subscription) }
    case 'devices':
      return {
        status: 422,
        code: 'devices-refused',
        detail:
          'Subscriptions go to people only, and a device is among those named. Nothing was asked of the store. Leave the devices out.',
        errors: whyNot(refused.notAsked),
      }
    case 'nobody':
      return {
        status: 422,
        code: 'nobody-to-ask',
        detail: 'Nothing is asked of the store, since for none of those named there is anything to ask. The errors say why.',
        errors: whyNot(refused.notAsked),
      }
    case 'not-enough':
      return {
        status: 409,
        code: 'no-seat-left',
        detail: `${refused.wanted === 1 ? 'One is' : `${refused.wanted} are`} asked for, and ${refused.free} that ${refused.renewing ? 'renew' : 'run out at the end of the period'} ${refused.free === 1 ? 'is' : 'are'} left. Nothing was changed. Name fewer people, take back some, or buy more.`,
        extra: { wanted: refused.wanted, available: refused.free },
      }
    default:
      return exhaustive(refused)
  }
}
