/** Orders: what was asked of the stores, and what came of it. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { parseOrderId } from '../../shared/ids.ts'
import type { Order } from '../../shared/order.ts'
import { exhaustive, ok } from '../../shared/result.ts'
import type { Db } from '../database/schema.ts'
import type { FactReader } from '../facts.ts'
import { orderOfRow } from '../order-rows.ts'
import type { Orders } from '../orders.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound } from '../problem.ts'
import type { UndoPreview, Undoing } from '../undo.ts'
import { targetNames } from '../verdicts.ts'
import { answerList } from './answer-list.ts'
import { assignmentProblem } from './assignments.ts'
import { answer, problems } from './describe.ts'
import { query } from './input.ts'
import { listQuery, pageOfRows, timeIn, pageSchema, readCursor } from './list.ts'
import { orderSchema, orderStates, targetSchema } from './schemas.ts'
import { viewOfTarget } from './target.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

export const orderViews = async (facts: FactReader, orders: readonly Order[]) => {
  const names = createPrincipalNames(facts)
  return Promise.all(
    orders.map(async (order) => ({
      id: order.id,
      connectorId: order.connectorId,
      licenseId: order.licenseId,
      action: order.action,
      cause: order.cause,
      state: order.state,
      total: order.total,
      done: order.done,
      failures: await Promise.all(
        order.failures.map(async ({ ordinal, code, text, retryable }) => ({ principal: await names.of(ordinal), code, text, retryable })),
      ),
      unknown: order.unknown,
      storeReference: order.storeReference,
      createdAt: order.createdAt,
      sentAt: order.sentAt,
      finishedAt: order.finishedAt,
      by: order.by,
      notBefore: order.notBefore ?? null,
      undoes: order.undoes ?? null,
      undoneBy: order.undoneBy ?? null,
    })),
  )
}

const ordersQuery = v.object({
  ...listQuery(['createdAt']),
  sort: v.optional(v.picklist(['-createdAt'], 'must be -createdAt'), '-createdAt'),
  state: v.optional(
    v.pipe(
      v.string(),
      v.transform((text) => text.split(',')),
      v.array(v.picklist(orderStates, `must be one of ${orderStates.join(', ')}`)),
      v.description('One state, or several separated by commas'),
    ),
  ),
  license: v.optional(v.pipe(v.string(), v.maxLength(64))),
  connector: v.optional(v.pipe(v.string(), v.maxLength(64))),
})

/** In a preview; the number counts all. */
const mostAssignments = 100

const undoSchema = v.object({
  possible: v.boolean(),
  reason: v.pipe(v.nullable(v.object({ code: v.string(), text: v.string() })), v.description('Why there is nothing to undo at all')),
  action: v.nullable(
    v.picklist([
      'give-back',
      'remove-assignments',
      'take-back',
      'retire-user',
      'register-user',
      'assign-subscription',
      'remove-subscription',
    ]),
  ),
  of: v.pipe(v.number(), v.description('What the order did: seats, or people')),
  can: v.pipe(v.number(), v.description('Of those, what can be taken back now')),
  waiting: v.pipe(v.number(), v.description('What an assignment asks for again and no seat is free for yet')),
  blocked: v.pipe(
    v.array(v.object({ code: v.string(), count: v.number(), text: v.string() })),
    v.description('Why not the rest, the most frequent reason first'),
  ),
  assignments: v.pipe(
    v.array(v.object({ licenseId: v.string(), target: targetSchema, becomes: v.picklist(['removed', 'set-back']) })),
    v.description(`The first ${mostAssignments} assignments that change`),
  ),
  assignmentCount: v.number(),
  alsoTaken: v.pipe(v.number(), v.description('Seats of the same assignments that other orders placed, and that would go as well')),
  next: v.pipe(v.string(), v.description('What happens then, in words')),
})

export const orderRoutes =
  (deps: { readonly db: Db; readonly facts: FactReader; readonly orders: Orders; readonly undoing: Undoing }): RouteModule =>
  (web) => {
    const { db, facts, orders, undoing } = deps
    const tags = ['Orders']
    const unknown = (c: WebContext) => answerProblem(c, notFound('order'))
    const find = async (c: WebContext): Promise<Order | undefined> => {
      const id = parseOrderId(c.req.param('id'))
      return id === undefined ? undefined : await orders.find(id)
    }
    const viewOne = async (order: Order) => (await orderViews(facts, [order]))[0] ?? {}

    web.get(
      `${api}/orders`,
      describeRoute({
        tags,
        summary: 'Orders, the latest first',
        responses: { 200: answer('A page', pageSchema(orderSchema)), ...problems(400) },
      }),
      allow('read'),
      query(ordersQuery),
      async (c) => {
        const { state, license, connector, ...list } = c.req.valid('query')
        return answerList<Order>(c, {
          query: list,
          read: async (page) => {
            const cursor = readCursor(page)
            if (!cursor.ok) return cursor
            let rows = db
              .selectFrom('orders')
              .selectAll()
              .orderBy('created_at', 'desc')
              .orderBy('id')
              .limit(page.limit + 1)
            if (state !== undefined) rows = rows.where('state', 'in', state)
            if (license !== undefined) rows = rows.where('license', '=', license)
            if (connector !== undefined) rows = rows.where('connector', '=', connector)
            if (cursor.value !== null) {
              const { id } = cursor.value
              const key = timeIn(cursor.value.key)
              rows = rows.where((row) => row.or([row('created_at', '<', key), row.and([row('created_at', '=', key), row('id', '>', id)])]))
            }
            const { items, next } = pageOfRows(await rows.execute(), page, (row) => ({ key: row.created_at, id: row.id }))
            return ok({ items: await Promise.all(items.map((row) => orderOfRow(db, row))), next })
          },
          view: (items) => orderViews(facts, items),
          schema: orderSchema,
        })
      },
    )
    web.get(
      `${api}/orders/:id`,
      describeRoute({ tags, summary: 'One order', responses: { 200: answer('It', orderSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const order = await find(c)
        return order === undefined ? unknown(c) : c.json(await viewOne(order))
      },
    )
    web.post(
      `${api}/orders/:id/retry`,
      describeRoute({
        tags,
        summary: 'Ask again for the targets that failed',
        description:
          'Their failures are forgotten and the assignments are weighed anew: what is still wished for goes out with a new order.',
        responses: { 202: answer('The order', orderSchema), ...problems(404, 409) },
      }),
      allow('edit-plan'),
      async (c) => {
        const order = await find(c)
        if (order === undefined) return unknown(c)
        switch (await orders.retry(order.id)) {
          case 'unknown-order':
            return unknown(c)
          case 'nothing-failed':
            return answerProblem(c, {
              status: 409,
              code: 'nothing-failed',
              detail: 'No target of this order waits to be asked for again. Look at the newer orders of the license.',
            })
          case 'done':
            return c.json(await viewOne((await orders.find(order.id)) ?? order), 202)
        }
      },
    )
    web.post(
      `${api}/orders/:id/cancel`,
      describeRoute({
        tags,
        summary: 'Cancel what is not sent yet',
        description:
          'The assignments stand; their targets are refused with the code cancelled until they are wished for anew or the order is retried.',
        responses: { 200: answer('Cancelled', orderSchema), ...problems(404, 409) },
      }),
      allow('edit-plan'),
      async (c) => {
        const order = await find(c)
        if (order === undefined) return unknown(c)
        switch (await orders.cancel(order.id, actorIn(c).name)) {
          case 'unknown-order':
            return unknown(c)
          case 'already-sent':
            return answerProblem(c, {
              status: 409,
              code: 'already-sent',
              detail: 'The order has left for the store, or is over: what is done there can be taken back by undoing it.',
            })
          case 'done':
            return c.json(await viewOne((await orders.find(order.id)) ?? order))
        }
      },
    )

    const undoView = async ({ told, assignments, alsoTaken }: UndoPreview) => {
      const nameByKey = await targetNames(
        facts,
        createPrincipalNames(facts),
        assignments.map(({ target }) => target),
      )
      const some = told.is === 'some' ? told : undefined
      return {
        possible: some !== undefined && some.can + some.waiting > 0,
        reason: told.is === 'some' ? null : { code: told.code, text: told.text },
        action: some?.act ?? null,
        of: some?.of ?? 0,
        can: some?.can ?? 0,
        waiting: some?.waiting ?? 0,
        blocked: some?.blocked ?? [],
        assignments: assignments.slice(0, mostAssignments).map(({ license, target, becomes }) => ({
          licenseId: license,
          target: viewOfTarget(target, nameByKey.get(target) ?? target),
          becomes,
        })),
        assignmentCount: assignments.length,
        alsoTaken,
        next: some?.next ?? '',
      }
    }
    web.get(
      `${api}/orders/:id/undo`,
      describeRoute({
        tags,
        summary: 'What undoing an order would come to',
        description: 'Nothing is done. `possible` is false with the reason where there is nothing to undo.',
        responses: { 200: answer('What would happen', undoSchema), ...problems(404) },
      }),
      allow('read'),
      async (c) => {
        const order = await find(c)
        const told = order === undefined ? undefined : await undoing.tell(order.id)
        return told?.ok === true ? c.json(await undoView(told.value)) : unknown(c)
      },
    )
    web.post(
      `${api}/orders/:id/undo`,
      describeRoute({
        tags,
        summary: 'Undo an order',
        description:
          'What can be taken back is taken back with orders of its own, linked both ways; of the rest `blocked` says why not. Where an assignment asks for the seats again, they are given by it, and `orders` may be empty.',
        responses: {
          202: answer('The orders', v.object({ ...undoSchema.entries, orders: v.array(orderSchema) })),
          ...problems(404, 409, 422),
        },
      }),
      allow('reclaim'),
      async (c) => {
        const order = await find(c)
        if (order === undefined) return unknown(c)
        const done = await undoing.undo(actorIn(c), order.id)
        if (done.ok) return c.json({ ...(await undoView(done.value.preview)), orders: await orderViews(facts, done.value.orders) }, 202)
        const refused = done.error
        switch (refused.is) {
          case 'order-unknown':
            return unknown(c)
          case 'nothing-to-undo':
            return answerProblem(c, { status: 409, code: refused.code, detail: refused.text, extra: { undoneBy: [...refused.undoneBy] } })
          case 'nobody': {
            const view = await undoView(refused.preview)
            const [first] = view.blocked
            return answerProblem(c, {
              status: 409,
              code: 'nothing-to-undo-now',
              detail: `None of the ${view.of} can be undone now. ${first === undefined ? '' : `${first.text}.`}`,
              extra: { blocked: view.blocked },
            })
          }
          case 'plan-refused':
            return answerProblem(c, assignmentProblem(refused.refused))
          default:
            return exhaustive(refused)
        }
      },
    )
  }
