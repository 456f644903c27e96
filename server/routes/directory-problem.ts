/** Why a change of a person or a device was refused, in words. */
import { exhaustive } from '../../shared/result.ts'
import type { DirectoryRefused } from '../directory/by-hand.ts'
import { notFound, type Problem } from '../problem.ts'

export const directoryProblem = (
  refused: Exclude<DirectoryRefused<never>, { readonly is: 'changed-meanwhile' }>,
  what: 'person' | 'device',
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
        detail:
          refused.fields === undefined
            ? `This ${what} is kept by ${refused.sources.join(', ')}. Change it there; it is taken over from there by itself.`
            : `${refused.fields.join(', ')} of this ${what} ${refused.fields.length === 1 ? 'is' : 'are'} told by ${refused.sources.join(', ')}. Change it there; it is taken over from there by itself. What no source tells can be changed here.`,
        extra: { sources: refused.sources, ...(refused.fields === undefined ? {} : { fields: refused.fields }) },
      }
    case 'same-as':
      return {
        status: 409,
        code: refused.is,
        detail: 'This is a further account of somebody else, kept for the seats that it holds. Change that person instead.',
        extra: { id: refused.id },
      }
    case 'owner-unknown':
      return {
        status: 422,
        code: refused.is,
        detail: 'ownerId is not the id of a person who is known here. Add the person first, or leave it out.',
        errors: [{ field: 'ownerId', text: 'is not known' }],
      }
    default:
      return exhaustive(refused)
  }
}
