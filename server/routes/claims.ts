/** Claims: who takes a seat of what an assignment offers, or gives it back. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { becauseInWords } from '../../shared/assignment.ts'
import { ordinalOf, parseLicenseId, parsePrincipalId } from '../../shared/ids.ts'
import type { License } from '../../shared/license.ts'
import { claimRefusedInWords, type ClaimRefused, type Claims, type ClaimStanding, type GiveBackRefused } from '../claims.ts'
import type { Journal } from '../journal.ts'
import { findLicense } from '../licenses.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, problems } from './describe.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { principalSchema, verdictStateSchema } from './schemas.ts'
import { allow, api, byOf, type RouteModule, type WebContext } from './web.ts'

const claimSchema = v.object({
  principal: principalSchema,
  wants: v.pipe(
    v.nullable(v.picklist(['seat', 'return'])),
    v.description('return: the seat is to be given back; null: it is settled, and nothing is claimed any more'),
  ),
  at: v.nullable(v.string()),
  by: v.pipe(v.nullable(v.string()), v.description('The person, or who did it for them')),
  state: v.nullable(verdictStateSchema),
  because: v.nullable(v.looseObject({ code: v.string(), text: v.string() })),
  position: v.pipe(v.nullable(v.number()), v.description('The place on the waiting list, from 1; null for who does not wait')),
})

const claimBody = v.strictObject({
  principal: v.pipe(v.string(), v.maxLength(64), v.description('The id of a person or device to whom the license is offered')),
  confirmIrreversible: v.optional(v.pipe(v.boolean(), v.description('It can never be given back, and that is meant')), false),
})

export const claimProblem = (refused: ClaimRefused | GiveBackRefused, product: string): Problem => {
  const detail = claimRefusedInWords(refused, product)
  switch (refused.is) {
    case 'license-unknown':
    case 'principal-unknown':
      return { status: 404, code: refused.is, detail }
    case 'confirmation-required':
      return { status: 409, code: refused.is, detail: `${detail} Send confirmIrreversible: true if it is meant.` }
    case 'irrevocable':
    case 'required':
      return { status: 409, code: refused.is, detail }
    case 'principal-left':
    case 'principal-inactive':
    case 'not-offered':
    case 'not-yet-offered':
    case 'not-device-assignable':
    case 'not-user-assignable':
    case 'license-not-assignable':
    case 'seat-found':
    case 'nothing-to-give-back':
      return { status: 422, code: refused.is, detail }
  }
}

export const claimRoutes =
  (deps: { readonly journal: Journal; readonly claims: Claims }): RouteModule =>
  (web) => {
    const { journal, claims } = deps
    const tags = ['Claims']
    const base = `${api}/licenses/:id/claims`
    const find = async (c: WebContext): Promise<License | undefined> => {
      const id = parseLicenseId(c.req.param('id'))
      return id === undefined ? undefined : await findLicense(journal, id)
    }
    const unknown = (c: WebContext) => answerProblem(c, notFound('license'))
    const stranger = (c: WebContext, license: License) => answerProblem(c, claimProblem({ is: 'principal-unknown' }, license.product.name))

    const view = async (standings: readonly ClaimStanding[]) => {
      const names = createPrincipalNames(journal)
      return Promise.all(
        standings.map(async ({ principal, claim, verdict }) => ({
          principal: await names.of(ordinalOf(principal)),
          wants: claim?.wants ?? null,
          at: claim?.at ?? null,
          by: claim?.by ?? null,
          state: verdict?.state ?? null,
          because: verdict === undefined ? null : { ...verdict.because, text: becauseInWords(verdict.because) },
          position: verdict !== undefined && 'position' in verdict.because ? verdict.because.position : null,
        })),
      )
    }
    const answerOne = async (c: WebContext, standing: ClaimStanding, status: 200 | 201) => c.json((await view([standing]))[0] ?? {}, status)

    web.get(
      base,
      describeRoute({
        tags,
        summary: 'Who claimed a seat of this license, and how each claim stands',
        responses: { 200: answer('A page', pageSchema(claimSchema)), ...problems(400, 404) },
      }),
      allow('read'),
      query(v.object(listQuery(['order', 'principal']))),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const all = await claims.of(license.id)
        return answerList<ClaimStanding>(c, {
          query: c.req.valid('query'),
          read: (page) =>
            pageOf(
              all,
              page,
              {
                order: ({ claim }: ClaimStanding) => claim?.taken ?? null,
                principal: ({ principal }: ClaimStanding) => ordinalOf(principal),
              },
              ({ principal }) => principal,
            ),
          view,
          schema: claimSchema,
          asOf: license.asOf,
        })
      },
    )
    web.post(
      base,
      describeRoute({
        tags,
        summary: 'Claim a seat for a person or device to whom the license is offered',
        description:
          'Offered is what an assignment with intent available covers; of what is required the claim rests until it is only offered. Claiming again changes nothing. The answer says what comes of it: pending, or waiting with its position.',
        responses: { 201: answer('Claimed, or claimed before', claimSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('edit-plan'),
      body(claimBody),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const { principal, confirmIrreversible } = c.req.valid('json')
        const id = parsePrincipalId(principal)
        if (id === undefined) return stranger(c, license)
        const claimed = await claims.claim(byOf(c), license.id, ordinalOf(id), { confirmed: confirmIrreversible })
        return claimed.ok ? answerOne(c, claimed.value, 201) : answerProblem(c, claimProblem(claimed.error, license.product.name))
      },
    )
    web.delete(
      `${base}/:principal`,
      describeRoute({
        tags,
        summary: 'Give a claimed seat back, or the place on the waiting list up',
        description: 'The answer says what comes of it; the claim is gone once the store has taken the seat back.',
        responses: { 200: answer('To be given back', claimSchema), ...problems(404, 409, 422) },
      }),
      allow('edit-plan'),
      async (c) => {
        const license = await find(c)
        if (license === undefined) return unknown(c)
        const id = parsePrincipalId(c.req.param('principal'))
        if (id === undefined) return stranger(c, license)
        const given = await claims.giveBack(byOf(c), license.id, ordinalOf(id))
        return given.ok ? answerOne(c, given.value, 200) : answerProblem(c, claimProblem(given.error, license.product.name))
      },
    )
  }
