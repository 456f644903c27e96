/** Licenses: what was bought, who holds a seat, who waits and why, and what a change would come to. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime, type Clock } from '../../shared/clock.ts'
import { seatAt, seatsKey } from '../../shared/facts.ts'
import { parseLicenseId } from '../../shared/ids.ts'
import { shortage, type License, type Seat } from '../../shared/license.ts'
import type { Verdict } from '../../shared/assignment.ts'
import type { Db } from '../database/schema.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { Journal } from '../journal.ts'
import { allLicenses, findLicense } from '../licenses.ts'
import { preview } from '../preview.ts'
import { createPrincipalNames, ordinalOfId } from '../principals.ts'
import { answerProblem, notFound } from '../problem.ts'
import type { Reclaim } from '../reclaim.ts'
import { explain, targetNames, verdictInOrder } from '../verdicts.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { orderViews } from './orders.ts'
import { principalsOf, reclaimBody, reclaimProblem } from './reclaim.ts'
import { licenseSchema, orderSchema, principalSchema, seatSchema, targetSchema, verdictSchema, verdictStateSchema } from './schemas.ts'
import { keyOfTarget, targetBody, viewOfTarget, wantedWish, wishFields } from './target.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

export interface LicenseRoutesDeps {
  readonly db: Db
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly reclaim: Reclaim
  readonly clock: Clock
}

const viewOf = (license: License) => ({
  id: license.id,
  connectorId: license.connectorId,
  store: license.store,
  product: license.product,
  pricing: license.pricing,
  licenseTypes: license.licenseTypes,
  revocable: license.revocable,
  total: license.total,
  inUse: license.inUse,
  available: license.available,
  retired: license.retired,
  desired: license.tally.desired,
  waiting: license.tally.waiting,
  asOf: license.asOf,
  readAt: license.readAt,
  countSource: license.countSource,
  assignable: license.assignable,
  unlimited: license.unlimited,
  gone: license.gone,
  lowThreshold: license.lowThreshold,
  note: license.note,
  remark: license.remark ?? null,
  collections: license.collections ?? [],
})

const keys = {
  name: ({ product }: License) => product.name.toLowerCase(),
  publisher: ({ product }: License) => product.publisher.toLowerCase(),
  total: ({ total }: License) => total,
  available: ({ available }: License) => available,
  inUse: ({ inUse }: License) => inUse,
  desired: ({ tally }: License) => tally.desired,
  waiting: ({ tally }: License) => tally.waiting,
  asOf: ({ asOf }: License) => asOf,
}
const licensesQuery = v.object({
  ...listQuery(['name', 'publisher', 'total', 'available', 'inUse', 'desired', 'waiting', 'asOf']),
  store: v.optional(v.picklist(['apple', 'google', 'microsoft', 'other'])),
  connector: v.optional(v.pipe(v.string(), v.maxLength(64))),
  kind: v.optional(v.picklist(['app', 'book', 'custom-app', 'private-app', 'web-app', 'sku'])),
  q: v.optional(v.pipe(v.string(), v.maxLength(200), v.description('Part of the name, the publisher or the store’s own id'))),
  shortage: v.optional(v.pipe(v.picklist(['true', 'false']), v.description('true: only where seats are missing'))),
})

const hasShortage = (license: License): boolean => shortage(license) > 0 || (license.available !== null && license.available < 0)
const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())

const wantedAssignments = v.pipe(
  v.array(v.object({ target: targetBody, ...wishFields })),
  v.maxLength(500),
  v.description('The whole set: what stands now and is not in it counts as removed, its seats given back'),
)
const previewBody = v.union(
  [
    v.object({ assignments: wantedAssignments }),
    v.pipe(
      wantedAssignments,
      v.transform((assignments) => ({ assignments })),
    ),
  ],
  'must be {assignments: [{target: {kind, id}, mode, intent, licenseType}, …]}',
)
const previewSchema = v.object({
  gain: v.pipe(v.number(), v.description('People and devices that would get a seat')),
  lose: v.pipe(v.number(), v.description('Those that would give one back')),
  short: v.pipe(v.number(), v.description('Those that would wait')),
  irreversible: v.pipe(v.number(), v.description('Of those who gain: could never give it back')),
  conflicts: v.pipe(v.number(), v.description('Assignments and people that are at odds')),
  details: v.object({
    gain: v.array(principalSchema),
    lose: v.array(principalSchema),
    short: v.array(principalSchema),
    irreversible: v.array(principalSchema),
    conflicts: v.array(v.object({ code: v.string(), target: targetSchema, principal: v.nullable(principalSchema) })),
  }),
})
/** In the details of a preview; the numbers count all. */
const mostDetails = 100

export const licenseRoutes =
  (deps: LicenseRoutesDeps): RouteModule =>
  (web) => {
    const { db, journal, directory, reclaim, clock } = deps
    const tags = ['Licenses']
    const find = async (c: WebContext): Promise<License | undefined> => {
      const id = parseLicenseId(c.req.param('id'))
      return id === undefined ? undefined : await findLicense(journal, id)
    }
    const unknown = (c: WebContext) => answerProblem(c, notFound('license'))
    const explainDeps = () => ({ facts: journal, directory, now: clock.now() })

    web.get(
      `${api}/licenses`,
      describeRoute({
        tags,
        summary: 'What was bought, with its counts and their age',
        responses: { 200: answer('A page', pageSchema(licenseSchema)), ...problems(400) },
      }),
      allow('read'),
      query(licensesQuery),
      async (c) => {
        const { store, connector, kind, q, shortage: wantsShortage, ...list } = c.req.valid('query')
        const found = (await allLicenses(journal)).filter(
          (license) =>
            (store === undefined || license.store === store) &&
            (connector === undefined || license.connectorId === connector) &&
            (kind === undefined || license.product.kind === kind) &&
            (q === undefined ||
              contains(license.product.name, q) ||
              contains(license.product.publisher, q) ||
              license.product.id.startsWith(q)) &&
            (wantsShortage !== 'true' || hasShortage(license)),
        )
        return answerList<License>(c, {
          query: list,
          read: (page) => pageOf(found, page, keys, ({ id }) => id),
          view: (items) => items.map(viewOf),
          schema: licenseSchema,
          // The list is as old as its oldest count.
          asOf: found.reduce<string | undefined>((oldest, { asOf }) => (oldest === undefined || asOf < oldest ? asOf : oldest), undefined),
        })
      },
    )
    web.get(
      `${api}/licenses/:id`,
      describeRoute({ tags, summary: 'One license', responses: { 200: answer('It', licenseSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const license = await find(c)
        return license === undefined ? unknown(c) : c.json(viewOf(license))
      },
    )

    web.get(
      `${api}/licenses/:id/seats`,
      describeRoute({
        tags,
        summary: 'Who holds a seat',
        responses: { 200: answer('A page', pageSchema(seatSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['principal', 'since']),
          origin: v.optional(v.picklist(['assignment', 'found'])),
          principal: v.optional(v.pipe(v.string(), v.maxLength(64))),
        }),
      ),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const { origin, principal, ...list } = c.req.valid('query')
        const only = principal === undefined ? undefined : (ordinalOfId(principal) ?? -1)
        const columns = await journal.columns(seatsKey(license.id))
        const seats: Seat[] = []
        for (let at = 0; at < columns.ordinals.length; at += 1) {
          const seat = seatAt(columns, at)
          if ((origin === undefined || seat.origin === origin) && (only === undefined || seat.ordinal === only)) seats.push(seat)
        }
        return answerList<Seat>(c, {
          query: list,
          read: (page) =>
            pageOf(
              seats,
              page,
              { principal: ({ ordinal }: Seat) => ordinal, since: ({ sinceS }: Seat) => sinceS },
              ({ ordinal }) => `${ordinal}`,
            ),
          view: async (items) => {
            const names = createPrincipalNames(journal)
            const orderByOrdinal = await ordersThatGave(
              db,
              license.id,
              items.flatMap((seat) => (seat.origin === 'assignment' ? [seat.ordinal] : [])),
            )
            return Promise.all(
              items.map(async (seat) => ({
                principal: await names.of(seat.ordinal),
                licenseType: seat.licenseType,
                origin: seat.origin,
                since: isoTime(seat.sinceS * 1000),
                orderId: orderByOrdinal.get(seat.ordinal) ?? null,
              })),
            )
          },
          schema: seatSchema,
          asOf: license.asOf,
        })
      },
    )

    web.get(
      `${api}/licenses/:id/verdicts`,
      describeRoute({
        tags,
        summary: 'What became of each wish, and what led to it',
        responses: { 200: answer('A page', pageSchema(verdictSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['order', 'principal']),
          principal: v.optional(v.pipe(v.string(), v.maxLength(64), v.description('The id of a person or device'))),
          state: v.optional(verdictStateSchema),
        }),
      ),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const { principal, state, ...list } = c.req.valid('query')
        const only = principal === undefined ? undefined : (ordinalOfId(principal) ?? -1)
        const names = createPrincipalNames(journal)
        const explanation = await explain(explainDeps(), names, license)
        const found = verdictInOrder(explanation.reconciled.verdicts).filter(
          ({ verdict }) => (only === undefined || verdict.ordinal === only) && (state === undefined || verdict.state === state),
        )
        return answerList<{ readonly verdict: Verdict; readonly at: number }>(c, {
          query: list,
          read: (page) =>
            pageOf(
              found,
              page,
              { order: ({ at }: { at: number }) => at, principal: ({ verdict }: { verdict: Verdict }) => verdict.ordinal },
              ({ verdict }) => `${verdict.ordinal}`,
            ),
          view: (items) => explanation.explain(items.map(({ verdict }) => verdict)),
          schema: verdictSchema,
          asOf: license.asOf,
        })
      },
    )

    web.post(
      `${api}/licenses/:id/preview`,
      describeRoute({
        tags,
        summary: 'What a wanted set of assignments would come to; nothing is kept',
        responses: { 200: answer('The difference to now', previewSchema), ...problems(400, 404) },
      }),
      allow('read'),
      body(previewBody),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const groups = new Map((await journal.rows('groups')).map((group) => [group.id as string, group.kind]))
        const wanted = c.req.valid('json').assignments.flatMap(({ target, ...wish }) => {
          const key = keyOfTarget(target)
          const kind = target.kind === 'group' ? (groups.get(target.id ?? '') ?? 'device') : /user/.test(target.kind) ? 'user' : 'device'
          return key === undefined ? [] : [{ key, wish: wantedWish(wish, { mode: 'include', intent: 'required', licenseType: kind }) }]
        })
        if (wanted.length < c.req.valid('json').assignments.length)
          return answerProblem(c, {
            status: 404,
            code: 'target-unknown',
            detail: 'An id among the targets is not known. Look it up in the lists.',
          })
        const result = await preview(explainDeps(), license, wanted)
        const names = createPrincipalNames(journal)
        const nameByKey = await targetNames(
          journal,
          names,
          result.conflicts.map(({ key }) => key),
        )
        const shown = (ordinals: readonly number[]) => Promise.all(ordinals.slice(0, mostDetails).map((ordinal) => names.of(ordinal)))
        return c.json({
          gain: result.gain.length,
          lose: result.lose.length,
          short: result.short.length,
          irreversible: result.irreversible.length,
          conflicts: result.conflicts.length,
          details: {
            gain: await shown(result.gain),
            lose: await shown(result.lose),
            short: await shown(result.short),
            irreversible: await shown(result.irreversible),
            conflicts: await Promise.all(
              result.conflicts.slice(0, mostDetails).map(async ({ key, ordinal, code }) => ({
                code,
                target: viewOfTarget(key, nameByKey.get(key) ?? key),
                principal: ordinal === null || directory.principal(ordinal) === undefined ? null : await names.of(ordinal),
              })),
            ),
          },
        })
      },
    )

    web.post(
      `${api}/licenses/:id/reclaim`,
      describeRoute({
        tags,
        summary: 'Take seats back',
        description:
          'Whoever is assigned the license by themselves loses that assignment; whoever has it as a member of a group is excluded. With `graceHours` the order waits that long and can be cancelled until then, the assignments are left alone, and whoever came back or is assigned the license by then keeps the seat. The answer is the order; `alsoOrders` names further ones when the store takes fewer at once.',
        responses: {
          202: answer('The order', v.object({ ...orderSchema.entries, alsoOrders: v.array(v.string()) })),
          ...problems(400, 404, 409, 422),
        },
      }),
      allow('reclaim'),
      body(reclaimBody),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const { principals, graceHours } = c.req.valid('json')
        const known = principalsOf(directory, principals)
        if (known.length < principals.length)
          return answerProblem(c, {
            status: 404,
            code: 'principal-unknown',
            detail: 'An id among them is not of a person or device that is known here. Nothing was asked of the store.',
          })
        const orders = await reclaim(actorIn(c), license.id, [...new Set(known)], graceHours)
        if (orders.ok) {
          const views = await orderViews(journal, orders.value)
          return c.json({ ...views[0], alsoOrders: views.slice(1).map(({ id }) => id) }, 202)
        }
        return answerProblem(c, await reclaimProblem({ facts: journal }, license.product.name, orders.error))
      },
    )
  }

/** The latest order that placed each of these seats. */
const ordersThatGave = async (db: Db, license: string, ordinals: readonly number[]): Promise<ReadonlyMap<number, string>> => {
  const found = new Map<number, string>()
  for (let from = 0; from < ordinals.length; from += 500) {
    const rows = await db
      .selectFrom('order_targets')
      .innerJoin('orders', 'orders.id', 'order_targets.order_id')
      .select(['order_targets.ordinal', 'orders.id'])
      .where('orders.license', '=', license)
      .where('orders.action', '=', 'associate')
      .where('order_targets.state', '=', 'done')
      .where('order_targets.ordinal', 'in', ordinals.slice(from, from + 500))
      .orderBy('orders.created_at')
      .execute()
    for (const { ordinal, id } of rows) found.set(ordinal, id)
  }
  return found
}
