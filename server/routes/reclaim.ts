/** Seats that could come back: which, why, and taking them back in bulk. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { isoTime } from '../../shared/clock.ts'
import { seatsKey, wishesKey } from '../../shared/facts.ts'
import { ordinalOf, parseLicenseId, type LicenseId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import { longestGraceHours, type Order } from '../../shared/order.ts'
import { displayNameOf, type Principal } from '../../shared/principal.ts'
import {
  namedByAssignments,
  reclaimable,
  reclaimReasonInWords,
  reclaimReasons,
  type HeldLicense,
  type Reclaimable,
  type ReclaimReason,
} from '../../shared/reclaimable.ts'
import { exhaustive } from '../../shared/result.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { FactReader } from '../facts.ts'
import type { Journal } from '../journal.ts'
import { allLicenses, findLicense } from '../licenses.ts'
import { createPrincipalNames, named, ordinalOfId } from '../principals.ts'
import { answerProblem, type Problem } from '../problem.ts'
import { mostReclaimed, type Reclaim, type ReclaimRefused } from '../reclaim.ts'
import { groupsIn } from '../weighing.ts'
import { answerList } from './answer-list.ts'
import { assignmentProblem } from './assignments.ts'
import { answer, problems } from './describe.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { orderViews } from './orders.ts'
import { orderSchema, principalSchema } from './schemas.ts'
import { notWritable } from './store-problem.ts'
import { actorIn, allow, api, type RouteModule } from './web.ts'

const graceHours = v.optional(
  v.pipe(
    v.number(),
    v.integer('must be a whole number of hours'),
    v.minValue(0, 'must be at least 0'),
    v.maxValue(longestGraceHours, `must be at most ${longestGraceHours}`),
    v.description('The order waits that long before it leaves. 0: at once'),
  ),
  0,
)
const principalIds = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(64))),
  v.minLength(1, 'must name at least one'),
  v.maxLength(mostReclaimed, `must name at most ${mostReclaimed}`),
)
export const reclaimBody = v.object({ principals: principalIds, graceHours })

const mostLicenses = 500
const bulkBody = v.object({
  items: v.pipe(
    v.array(v.object({ licenseId: v.pipe(v.string(), v.maxLength(64)), principals: principalIds })),
    v.minLength(1, 'must name at least one license'),
    v.maxLength(mostLicenses, `must name at most ${mostLicenses} licenses`),
  ),
  graceHours,
})
/** In a refusal; the rest are not named. */
const mostNamed = 100

/** The ordinals of ids that are known here; fewer than the ids where one is not. */
export const principalsOf = (directory: Pick<DirectoryIndex, 'principal'>, ids: readonly string[]): readonly number[] =>
  ids.flatMap((id) => {
    const ordinal = ordinalOfId(id)
    return ordinal !== undefined && directory.principal(ordinal)?.kind === (id.startsWith('u') ? 'user' : 'device') ? [ordinal] : []
  })

export const strangersProblem: Problem = {
  status: 404,
  code: 'principal-unknown',
  detail: 'An id among them is not of a person or device that is known here. Nothing was asked of the store.',
}

export const reclaimProblem = async (
  { facts }: { readonly facts: FactReader },
  product: string,
  refused: ReclaimRefused,
): Promise<Problem> => {
  const namesOf = (ordinals: readonly number[]) => {
    const names = createPrincipalNames(facts)
    return Promise.all(ordinals.slice(0, mostNamed).map((ordinal) => names.of(ordinal)))
  }
  switch (refused.is) {
    case 'license-unknown':
      return { status: 404, code: refused.is, detail: 'There is no such license. Nothing was asked of the store.' }
    case 'irrevocable':
      return {
        status: 409,
        code: refused.is,
        detail: `The store does not take ${product} back once it is given. Nothing was asked of the store.`,
      }
    case 'store-not-writable':
      return notWritable(refused.why)
    case 'no-seat': {
      const without = await namesOf(refused.ordinals)
      return {
        status: 422,
        code: refused.is,
        detail: `${without.map(({ name }) => name).join(', ')} hold no seat of ${product}. Nothing was asked of the store.`,
        extra: { principals: without },
      }
    }
    case 'asked-for': {
      const asked = await namesOf(refused.ordinals)
      return {
        status: 409,
        code: refused.is,
        detail: `Assignments ask for the seats of ${asked.map(({ name }) => name).join(', ')}. With a grace period assignments stay as they are, so these seats would stay too. Remove the assignments first, leave these out, or reclaim at once. Nothing was asked of the store.`,
        extra: { principals: asked },
      }
    }
    case 'plan-refused':
      return assignmentProblem(refused.refused)
    default:
      return exhaustive(refused)
  }
}

const reasonOrder = (text: string): readonly ReclaimReason[] => reclaimReasons.filter((reason) => text.split(',').includes(reason))

const reclaimableQuery = v.object({
  ...listQuery(['name', 'since', 'license']),
  reason: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => text.split(',').every((part) => reclaimReasons.some((reason) => reason === part)),
        `must be one of ${reclaimReasons.join(', ')}`,
      ),
      v.description('One reason, or several separated by commas'),
    ),
  ),
  license: v.optional(v.pipe(v.string(), v.maxLength(64))),
  connector: v.optional(v.pipe(v.string(), v.maxLength(64))),
})

const reclaimableSchema = v.object({
  principal: principalSchema,
  licenseId: v.string(),
  connectorId: v.string(),
  product: v.string(),
  since: v.pipe(v.string(), v.description('When the seat was first seen here')),
  revocable: v.pipe(v.boolean(), v.description('False: given for good, so there is nothing to gain')),
  askedFor: v.pipe(v.boolean(), v.description('A standing assignment asks for this seat')),
  reasons: v.array(v.object({ code: v.picklist(reclaimReasons), text: v.string(), other: v.nullable(principalSchema) })),
})

export const reclaimRoutes =
  (deps: { readonly journal: Journal; readonly directory: DirectoryIndex; readonly reclaim: Reclaim }): RouteModule =>
  (web) => {
    const { journal, directory, reclaim } = deps
    const tags = ['Reclaim']

    const principals = async (): Promise<readonly Principal[]> => {
      const all: Principal[] = []
      for (const key of await journal.store.keys('principals/')) all.push(...(await journal.rows(key as `principals/${number}`)))
      return all
    }
    const heldOf = async (license: License): Promise<HeldLicense> => {
      const wishes = await journal.rows(wishesKey(license.id))
      await directory.prepare(groupsIn(wishes))
      const asked = namedByAssignments(wishes, directory)
      return { license, seats: await journal.columns(seatsKey(license.id)), isAskedFor: (ordinal) => asked.has(ordinal) }
    }

    web.get(
      `${api}/reclaimable`,
      describeRoute({
        tags,
        summary: 'Seats that could come back, each with the reasons',
        description:
          'One row for each seat. left, released and inactive: who holds it has left or is not active. not-listed: the device list of the organisation was read and does not name the device. duplicate: two records seem to be of one device, or an administrator said that two accounts are of one person; told as a guess. second-seat: the owner of the device holds a seat of the same license as a person. found: no assignment asks for it.',
        responses: { 200: answer('A page', pageSchema(reclaimableSchema)), ...problems(400) },
      }),
      allow('read'),
      query(reclaimableQuery),
      async (c) => {
        const { reason, license, connector, ...list } = c.req.valid('query')
        const licenses = (await allLicenses(journal)).filter(
          (row) => (license === undefined || row.id === license) && (connector === undefined || row.connectorId === connector),
        )
        const licenseById = new Map(licenses.map((row) => [row.id, row]))
        const held: HeldLicense[] = []
        for (const row of licenses) held.push(await heldOf(row))
        const rows = reclaimable(
          await principals(),
          await journal.rows('connectors'),
          held,
          new Set(reason === undefined ? reclaimReasons : reasonOrder(reason)),
        )
        const productOf = (id: LicenseId): string => licenseById.get(id)?.product.name ?? ''
        return answerList<Reclaimable>(c, {
          query: list,
          read: (page) =>
            pageOf(
              rows,
              page,
              {
                name: ({ principal }) => displayNameOf(principal).toLowerCase(),
                since: ({ sinceS }) => sinceS,
                license: ({ licenseId }) => productOf(licenseId).toLowerCase(),
              },
              ({ principal, licenseId }) => `${licenseId}/${principal.id}`,
            ),
          view: async (items) => {
            const names = createPrincipalNames(journal)
            return await Promise.all(
              items.map(async (row) => ({
                principal: named(row.principal),
                licenseId: row.licenseId,
                connectorId: row.connectorId,
                product: productOf(row.licenseId),
                since: isoTime(row.sinceS * 1000),
                revocable: row.revocable,
                askedFor: row.askedFor,
                reasons: await Promise.all(
                  row.reasons.map(async ({ code, other }) => {
                    const one = other === null ? null : await names.of(ordinalOf(other))
                    return { code, text: reclaimReasonInWords(code, one?.name ?? ''), other: one }
                  }),
                ),
              })),
            )
          },
          schema: reclaimableSchema,
        })
      },
    )

    web.post(
      `${api}/reclaim`,
      describeRoute({
        tags,
        summary: 'Take seats of several licenses back',
        description:
          'Each license is judged by itself and has orders of its own; what was refused is named with its reason, and the rest goes on. When everything was refused, the answer is the first refusal.',
        responses: {
          202: answer(
            'The orders, and what was refused',
            v.object({
              orders: v.array(orderSchema),
              refused: v.array(v.object({ licenseId: v.string(), code: v.string(), text: v.string() })),
            }),
          ),
          ...problems(400, 404, 409, 422),
        },
      }),
      allow('reclaim'),
      body(bulkBody),
      async (c) => {
        const { items, graceHours: hours } = c.req.valid('json')
        // A license named twice is one: its seats are asked for together.
        const idsByLicense = new Map<string, Set<string>>()
        for (const { licenseId, principals: ids } of items) {
          const known = idsByLicense.get(licenseId) ?? new Set()
          for (const id of ids) known.add(id)
          idsByLicense.set(licenseId, known)
        }
        const orders: Order[] = []
        const refused: { readonly licenseId: string; readonly problem: Problem }[] = []
        for (const [licenseId, ids] of idsByLicense) {
          const parsed = parseLicenseId(licenseId)
          const license = parsed === undefined ? undefined : await findLicense(journal, parsed)
          const ordinals = principalsOf(directory, [...ids])
          const done =
            license === undefined || ordinals.length < ids.size ? undefined : await reclaim(actorIn(c), license.id, ordinals, hours)
          if (done?.ok === true) orders.push(...done.value)
          else
            refused.push({
              licenseId,
              problem:
                license !== undefined && done === undefined
                  ? strangersProblem
                  : await reclaimProblem(
                      { facts: journal },
                      license?.product.name ?? '',
                      done === undefined ? { is: 'license-unknown' } : done.error,
                    ),
            })
        }
        const [first] = refused
        if (orders.length === 0 && first !== undefined) return answerProblem(c, first.problem)
        return c.json(
          {
            orders: await orderViews(journal, orders),
            refused: refused.map(({ licenseId, problem }) => ({ licenseId, code: problem.code, text: problem.detail })),
          },
          202,
        )
      },
    )
  }
