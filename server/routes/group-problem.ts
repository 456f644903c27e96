/** Why a change of a group was refused, in words. */
import { ruleFaultInWords } from '../../shared/group-rule.ts'
import { exhaustive } from '../../shared/result.ts'
import type { GroupRefused } from '../directory/group-acts.ts'
import { notFound, type Problem } from '../problem.ts'

export const groupProblem = (refused: Exclude<GroupRefused, { readonly is: 'changed-meanwhile' }>): Problem => {
  switch (refused.is) {
    case 'unknown':
      return notFound('group')
    case 'known-already':
      return {
        status: 409,
        code: 'group-exists',
        detail: 'There is such a group already. Change that one instead, or choose another name.',
        extra: { id: refused.id },
      }
    case 'owned-by-source':
      return {
        status: 409,
        code: refused.is,
        detail: `This group is kept by ${refused.sources.join(', ')}. Change it there; it is taken over from there by itself.`,
        extra: { sources: refused.sources },
      }
    case 'members-unknown':
      return {
        status: 422,
        code: refused.is,
        detail: `${refused.ids.slice(0, 20).join(', ')}: no members or groups of this group’s kind are known by these ids. Nothing was changed.`,
        errors: refused.ids.slice(0, 50).map((id) => ({ field: 'members', text: `${id} is not known` })),
      }
    case 'group-in-itself': {
      const names = refused.path.map(({ name }) => name)
      return {
        status: 409,
        code: refused.is,
        detail:
          names.length === 1
            ? `${names[0]} can’t be a member of itself. Nothing was changed.`
            : `${names[0]} contains ${names.slice(1).join(', which contains ')}. A group can’t contain itself. Nothing was changed.`,
        extra: { path: refused.path.map(({ id, name }) => ({ id, name })) },
      }
    }
    case 'rule-made':
      return {
        status: 409,
        code: refused.is,
        detail: 'Who is in this group follows from its rule. Change the rule, or take it away to name members one by one.',
      }
    case 'rule-unfit':
      return {
        status: 422,
        code: refused.is,
        detail: `${ruleFaultInWords(refused.fault)} Nothing was changed.`,
        errors: [
          {
            field: 'at' in refused.fault ? `rule.conditions.${refused.fault.at}` : 'rule.conditions',
            text: ruleFaultInWords(refused.fault),
          },
        ],
      }
    case 'rule-with-groups':
      return {
        status: 409,
        code: refused.is,
        detail: `${refused.groups
          .slice(0, 5)
          .map(({ name }) => name)
          .join(', ')}: nothing can be nested in a group made by a rule. Take these groups out first.`,
        extra: { groups: refused.groups.map(({ id, name }) => ({ id, name })) },
      }
    case 'group-in-use':
      return {
        status: 409,
        code: refused.is,
        detail: `${refused.licenses.length} licenses are assigned to this group or to one that it is nested in, or take seats back from it. Remove those assignments first, or take the group out of the others.`,
        extra: { licenses: refused.licenses },
      }
    default:
      return exhaustive(refused)
  }
}
