/** Assignments: the wishes of the plan. A call here and an edit in a browser are the same act, judged by the same code. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import { termsOf } from '../../shared/assignment.ts'
import type { Clock } from '../../shared/clock.ts'
import { deviceStanding, standingWarning } from '../../shared/device-list.ts'
import {
  assignmentIdOf,
  ordinalOf,
  parseAssignmentId,
  parseLicenseId,
  targetOf,
  type PrincipalId,
  type TargetKey,
} from '../../shared/ids.ts'
import { mostNoteCharacters } from '../../shared/plan.ts'
import { isUser } from '../../shared/principal.ts'
import { decide } from '../../shared/reconcile.ts'
import { noTally, type WishTally } from '../../shared/tallies.ts'
import { exhaustive } from '../../shared/result.ts'
import type { Assignment, AssignmentRefused, Assignments } from '../assignments.ts'
import type { DirectoryIndex } from '../directory/directory.ts'
import type { Journal } from '../journal.ts'
import { findLicense } from '../licenses.ts'
import { createPrincipalNames } from '../principals.ts'
import { answerProblem, notFound, type Problem } from '../problem.ts'
import { reconcileInputOf, targetNames } from '../verdicts.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { answerStale, etagOf, isMatch } from './etag.ts'
import { body, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { assignmentSchema, reasonsSchema } from './schemas.ts'
import { keyOfTarget, targetBody, viewOfTarget, wantedWish, wishFields } from './target.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const noteField = v.optional(v.pipe(v.string(), v.maxLength(mostNoteCharacters, `must be at most ${mostNoteCharacters} characters`)))
const confirmField = v.optional(v.pipe(v.boolean(), v.description('The product can never be taken back, and that is meant')), false)
const addBody = v.object({
  licenseId: v.pipe(v.string(), v.maxLength(64)),
  target: targetBody,
  ...wishFields,
  note: noteField,
  confirmIrreversible: confirmField,
})
const changeBody = v.strictObject({ ...wishFields, note: noteField, confirmIrreversible: confirmField })

const placedSchema = v.object({
  ...assignmentSchema.entries,
  warnings: v.pipe(reasonsSchema, v.description('What is worth knowing of the target; it was assigned all the same')),
})

export interface AssignmentRoutesDeps {
  readonly journal: Journal
  readonly directory: DirectoryIndex
  readonly assignments: Assignments
  readonly clock: Clock
}

export const assignmentProblem = (refused: AssignmentRefused): Problem => {
  const { code, text: detail } = refused
  switch (code) {
    case 'not-permitted':
      return { status: 403, code, detail }
    case 'license-unknown':
    case 'target-unknown':
      return { status: 404, code, detail }
    case 'not-device-assignable':
    case 'not-user-assignable':
    case 'license-type-mismatch':
    case 'mixed-exclusion':
    case 'terms-impossible':
    case 'malformed':
      return { status: 422, code, detail }
    case 'confirmation-required':
      return { status: 409, code, detail: `${detail} Send confirmIrreversible: true if it is meant.` }
    case 'superseded':
    case 'number-taken':
      return { status: 409, code, detail }
    case 'changed-meanwhile':
      return { status: 412, code, detail }
    default:
      return exhaustive(code)
  }
}

const stateOf = ({ licenseId, placed }: Assignment) => [licenseId, placed.key, placed.wish, placed.note]
const keys = {
  license: ({ licenseId }: Assignment) => licenseId,
  at: ({ placed }: Assignment) => placed.at,
  target: ({ placed }: Assignment) => placed.key,
}

export const assignmentRoutes =
  (deps: AssignmentRoutesDeps): RouteModule =>
  (web) => {
    const { journal, directory, assignments, clock } = deps
    const tags = ['Assignments']
    const unknown = (c: WebContext) => answerProblem(c, notFound('assignment'))

    /** Each license is weighed once for all its assignments on the page. */
    const view = async (items: readonly Assignment[]) => {
      const names = createPrincipalNames(journal)
      const nameByKey = await targetNames(
        journal,
        names,
        items.map(({ placed }) => placed.key),
      )
      const tallies = new Map<string, ReadonlyMap<TargetKey, WishTally>>()
      for (const { licenseId } of items) {
        if (tallies.has(licenseId)) continue
        // Weighing a license for everybody takes a while: others get their turn between two of them.
        if (tallies.size > 0) await new Promise<void>((resolve) => void setImmediate(resolve))
        const license = await findLicense(journal, licenseId)
        const weighed =
          license === undefined ? undefined : decide(await reconcileInputOf({ facts: journal, directory, now: clock.now() }, license))
        tallies.set(licenseId, weighed?.tallyByKey ?? new Map())
      }
      return items.map(({ licenseId, placed }) => ({
        id: assignmentIdOf(licenseId, placed.key),
        licenseId,
        target: viewOfTarget(placed.key, nameByKey.get(placed.key) ?? placed.key),
        mode: placed.wish.mode,
        intent: placed.wish.intent,
        licenseType: placed.wish.licenseType,
        ...termsOf(placed.wish),
        note: placed.note,
        by: placed.by,
        at: placed.at,
        summary: { ...noTally, ...tallies.get(licenseId)?.get(placed.key) },
      }))
    }
    const viewOne = async (assignment: Assignment) => (await view([assignment]))[0] ?? {}
    const warningsFor = async (id: PrincipalId) => {
      const device = await createPrincipalNames(journal).find(ordinalOf(id))
      const connectors = await journal.rows('connectors')
      return device === undefined || isUser(device) ? [] : [standingWarning(deviceStanding(device, connectors)) ?? []].flat()
    }
    const answerOne = async (c: WebContext, assignment: Assignment, status: 200 | 201 = 200) =>
      c.json(await viewOne(assignment), status, { ETag: etagOf(stateOf(assignment)) })
    const find = async (c: WebContext): Promise<Assignment | undefined> => {
      const id = parseAssignmentId(c.req.param('id') ?? '')
      return id === undefined ? undefined : await assignments.find(id.license, id.target)
    }
    /** What stands now, for whoever knew something else. */
    const answerRefused = async (c: WebContext, refused: AssignmentRefused) => {
      if (refused.code !== 'changed-meanwhile') return answerProblem(c, assignmentProblem(refused))
      const current = await find(c)
      return current === undefined ? unknown(c) : answerStale(c, etagOf(stateOf(current)), await viewOne(current))
    }

    web.get(
      `${api}/assignments`,
      describeRoute({
        tags,
        summary: 'Assignments, with how they stand',
        responses: { 200: answer('A page', pageSchema(assignmentSchema)), ...problems(400) },
      }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['license', 'at', 'target']),
          license: v.optional(v.pipe(v.string(), v.maxLength(64))),
          target: v.optional(
            v.pipe(v.string(), v.maxLength(64), v.description('The id of a person, device or group; all-users; all-devices')),
          ),
        }),
      ),
      async (c) => {
        const { license: wanted, target, ...list } = c.req.valid('query')
        const license = wanted === undefined ? undefined : parseLicenseId(wanted)
        const all = wanted !== undefined && license === undefined ? [] : await assignments.list(license)
        const isWanted = ({ placed }: Assignment): boolean => {
          const named = targetOf(placed.key)
          return target === undefined || ('id' in named ? named.id === target : named.kind === target)
        }
        const found = all.filter(isWanted)
        return answerList<Assignment>(c, {
          query: list,
          read: (page) => pageOf(found, page, keys, ({ licenseId, placed }) => assignmentIdOf(licenseId, placed.key)),
          view,
          schema: assignmentSchema,
        })
      },
    )
    web.get(
      `${api}/assignments/:id`,
      describeRoute({ tags, summary: 'One assignment', responses: { 200: answer('It', assignmentSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const assignment = await find(c)
        return assignment === undefined ? unknown(c) : answerOne(c, assignment)
      },
    )
    web.post(
      `${api}/assignments`,
      describeRoute({
        tags,
        summary: 'Assign a license to a person, device or group, or to all',
        description:
          'In place of what stood for this license and target. Left out, mode is include, intent required, licenseType what fits the target.',
        responses: { 201: answer('Assigned', placedSchema), ...problems(400, 404, 409, 422) },
      }),
      allow('edit-plan'),
      body(addBody),
      async (c) => {
        const { licenseId, target, note, confirmIrreversible, ...wish } = c.req.valid('json')
        const license = parseLicenseId(licenseId)
        if (license === undefined || (await findLicense(journal, license)) === undefined)
          return answerProblem(c, { ...notFound('license'), code: 'license-unknown' })
        const key = keyOfTarget(target)
        if (key === undefined)
          return answerProblem(c, {
            status: 404,
            code: 'target-unknown',
            detail: `No ${target.kind} has this id. Nothing was assigned. Look the id up in the list of ${target.kind}s.`,
          })
        const named = targetOf(key)
        const kind =
          named.kind === 'group'
            ? ((await journal.rows('groups')).find(({ id }) => id === named.id)?.kind ?? 'device')
            : named.kind === 'user' || named.kind === 'all-users'
              ? 'user'
              : 'device'
        const placed = await assignments.place(actorIn(c), license, key, {
          wish: wantedWish(wish, { mode: 'include', intent: 'required', licenseType: kind }),
          note,
          confirmed: confirmIrreversible,
        })
        if (!placed.ok) return answerProblem(c, assignmentProblem(placed.error))
        const warnings = named.kind === 'device' ? await warningsFor(named.id) : []
        return c.json({ ...(await viewOne(placed.value)), warnings }, 201, { ETag: etagOf(stateOf(placed.value)) })
      },
    )
    web.patch(
      `${api}/assignments/:id`,
      describeRoute({
        tags,
        summary: 'Change mode, intent, license type or note',
        responses: { 200: answer('Changed', assignmentSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('edit-plan'),
      body(changeBody),
      async (c) => {
        const before = await find(c)
        if (before === undefined) return unknown(c)
        if (!isMatch(c, etagOf(stateOf(before)))) return answerRefused(c, { code: 'changed-meanwhile', text: '' })
        const { note, confirmIrreversible, ...wish } = c.req.valid('json')
        const { licenseId, placed } = before
        const changed = await assignments.place(actorIn(c), licenseId, placed.key, {
          wish: wantedWish(wish, placed.wish),
          note: note ?? placed.note,
          confirmed: confirmIrreversible,
          ...knownRev(c, before),
        })
        return changed.ok ? answerOne(c, changed.value) : answerRefused(c, changed.error)
      },
    )
    web.delete(
      `${api}/assignments/:id`,
      describeRoute({
        tags,
        summary: 'Remove an assignment; its seats are given back, or kept as found',
        responses: { ...noContent, ...problems(400, 404, 409, 412) },
      }),
      allow('edit-plan'),
      query(v.object({ seats: v.optional(v.picklist(['release', 'keep'], 'must be release or keep'), 'release') })),
      async (c) => {
        const before = await find(c)
        if (before === undefined) return unknown(c)
        if (!isMatch(c, etagOf(stateOf(before)))) return answerRefused(c, { code: 'changed-meanwhile', text: '' })
        const removed = await assignments.remove(
          actorIn(c),
          before.licenseId,
          before.placed.key,
          c.req.valid('query').seats,
          knownRev(c, before).knownRev,
        )
        return removed.ok ? c.body(null, 204) : answerRefused(c, removed.error)
      },
    )
  }

/** The condition of `If-Match` goes with the act itself, so that nothing comes between. */
const knownRev = (c: WebContext, before: Assignment): { readonly knownRev?: number } =>
  c.req.header('if-match') === undefined ? {} : { knownRev: before.placed.wish.rev }
