/** Why a change of the directory was refused, in words. */
import { exhaustive } from '../../shared/result.ts'
import type { DirectoryRefused } from '../directory/by-hand.ts'
import { notFound, type Problem } from '../problem.ts'

export const directoryProblem = (
  refused: Exclude<DirectoryRefused<never>, { readonly is: 'changed-meanwhile' }>,
  what: 'person' | 'device' | 'group',
): Problem => {
  switch (refused.is) {
    case 'unknown':
      return notFound(what)
    case 'known-already':
      return {
        status: 409,
        code: `${what === 'person' ? 'user' : what}-exists`,
        detail: `There is such a ${what} already. Change that one instead.`,
        extra: { id: refused.id },
      }
    case 'owned-by-source':
      return {
        status: 409,
        code: refused.is,
        detail: `This ${what} is kept by ${refused.sources.join(', ')}. Change it there; it is taken over from there by itself.`,
        extra: { sources: refused.sources },
      }
    case 'owner-unknown':
      return {
        status: 422,
        code: refused.is,
        detail: 'ownerId is not the id of a person who is known here. Add the person first, or leave it out.',
        errors: [{ field: 'ownerId', text: 'is not known' }],
      }
    case 'members-unknown':
      return {
        status: 422,
        code: refused.is,
        detail: `${refused.ids.slice(0, 20).join(', ')}: no members of this group’s kind are known by these ids. Nothing was changed.`,
        errors: refused.ids.slice(0, 50).map((id) => ({ field: 'members', text: `${id} is not known` })),
      }
    case 'group-in-use':
      return {
        status: 409,
        code: refused.is,
        detail: `${refused.licenses.length} licenses are assigned to this group, or take seats back from it. Remove those assignments first.`,
        extra: { licenses: refused.licenses },
      }
    default:
      return exhaustive(refused)
  }
}
