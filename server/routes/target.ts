/** Whom an assignment names, as the API writes it: `{kind, id}`. */
import * as v from 'valibot'
import { intents } from '../../shared/assignment.ts'
import { parseGroupId, parsePrincipalId, targetKeyOf, targetOf, type TargetKey } from '../../shared/ids.ts'
import type { WantedWish } from '../assignments.ts'

const targetKinds = ['group', 'user', 'device', 'all-users', 'all-devices'] as const
export const targetBody = v.object({
  kind: v.picklist(targetKinds, `must be one of ${targetKinds.join(', ')}`),
  id: v.optional(v.nullable(v.pipe(v.string(), v.maxLength(64)))),
})
export const wishFields = {
  mode: v.optional(v.picklist(['include', 'exclude'], 'must be include or exclude')),
  intent: v.optional(v.picklist(intents, `must be one of ${intents.join(', ')}`)),
  licenseType: v.optional(v.picklist(['device', 'user'], 'must be device or user')),
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

/** What was left out: include, required, and the type that fits the target. */
export const wantedWish = (
  given: {
    readonly mode?: WantedWish['mode'] | undefined
    readonly intent?: WantedWish['intent'] | undefined
    readonly licenseType?: WantedWish['licenseType'] | undefined
  },
  usual: WantedWish,
): WantedWish => ({
  mode: given.mode ?? usual.mode,
  intent: given.intent ?? usual.intent,
  licenseType: given.licenseType ?? usual.licenseType,
})
