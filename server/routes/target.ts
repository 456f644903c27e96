/** Whom an assignment names, as the API writes it: `{kind, id}`. */
import * as v from 'valibot'
import { intents, mostPriority, mostReservedSeats, termsOf, withTerms } from '../../shared/assignment.ts'
import { isoTime } from '../../shared/clock.ts'
import { parseGroupId, parsePrincipalId, targetKeyOf, targetOf, type TargetKey } from '../../shared/ids.ts'
import type { WantedWish } from '../assignments.ts'

const targetKinds = ['group', 'user', 'device', 'all-users', 'all-devices'] as const
export const targetBody = v.object({
  kind: v.picklist(targetKinds, `must be one of ${targetKinds.join(', ')}`),
  id: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
})
/** Any ISO 8601 instant; kept in UTC. */
const instant = (description: string) =>
  v.pipe(
    v.string(),
    v.maxLength(40),
    v.check(
      (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text)),
      'must be a time like 2026-12-01T08:00:00Z',
    ),
    v.transform((text) => isoTime(Date.parse(text))),
    v.description(description),
  )

export const wishFields = {
  mode: v.optional(v.picklist(['include', 'exclude'], 'must be include or exclude')),
  intent: v.optional(v.picklist(intents, `must be one of ${intents.join(', ')}`)),
  licenseType: v.optional(v.picklist(['device', 'user'], 'must be device or user')),
  priority: v.optional(
    v.pipe(
      v.number(),
      v.integer('must be a whole number'),
      v.minValue(-mostPriority, `must be from -${mostPriority} to ${mostPriority}`),
      v.maxValue(mostPriority, `must be from -${mostPriority} to ${mostPriority}`),
      v.description('0 as usual; the higher one is served first'),
    ),
  ),
  startsAt: v.optional(v.nullable(instant('Before it the assignment asks for nothing'))),
  endsAt: v.optional(v.nullable(instant('From it on its seats are given back'))),
  reservation: v.optional(
    v.nullable(
      v.object({
        seats: v.pipe(v.number(), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1'), v.maxValue(mostReservedSeats)),
        unused: v.optional(
          v.pipe(
            v.picklist(['lent', 'held'], 'must be lent or held'),
            v.description('lent: others may have them while they are not needed; held: nobody else gets them'),
          ),
          'lent',
        ),
      }),
    ),
  ),
}

/** Undefined when the id is not one of this kind: nobody is known by it. */
export const keyOfTarget = ({ kind, id }: v.InferOutput<typeof targetBody>): TargetKey | undefined => {
  switch (kind) {
    case 'all-users':
    case 'all-devices':
      return targetKeyOf({ kind })
    case 'group': {
      const group = parseGroupId(id)
      return group === undefined ? undefined : targetKeyOf({ kind, id: group })
    }
    case 'user':
    case 'device': {
      const principal = parsePrincipalId(id)
      return principal?.startsWith(kind[0] ?? '') === true ? targetKeyOf({ kind, id: principal }) : undefined
    }
  }
}

export const viewOfTarget = (key: TargetKey, name: string) => {
  const target = targetOf(key)
  return { kind: target.kind, id: 'id' in target ? target.id : null, name }
}

type GivenWish = {
  readonly [Name in keyof typeof wishFields]?: v.InferOutput<(typeof wishFields)[Name]>
}

/** What was left out: include, required, the type that fits the target, and the usual terms. */
export const wantedWish = (given: GivenWish, usual: WantedWish): WantedWish => {
  const terms = termsOf({ ...usual, rev: 1 })
  return {
    mode: given.mode ?? usual.mode,
    intent: given.intent ?? usual.intent,
    licenseType: given.licenseType ?? usual.licenseType,
    ...withTerms({
      priority: given.priority ?? terms.priority,
      startsAt: given.startsAt === undefined ? terms.startsAt : given.startsAt,
      endsAt: given.endsAt === undefined ? terms.endsAt : given.endsAt,
      reservation: given.reservation === undefined ? terms.reservation : given.reservation,
    }),
  }
}
