/** Acts about seats and the orders that moved them: what undoing comes to, undoing, and taking seats back in bulk. */
import { ok } from '../shared/result.ts'
import { parseGroupId, type GroupId, type LicenseId, type OrderId, type PrincipalId } from '../shared/ids.ts'
import { list, member, numberOf, textOf, textOrNull } from './server-lists.ts'
import type { Answer, Request } from './server-request.ts'

export interface UndoPreviewTold {
  readonly possible: boolean
  /** Why there is nothing to undo at all. */
  readonly reason: string | null
  readonly of: number
  readonly can: number
  readonly waiting: number
  readonly blocked: readonly { readonly count: number; readonly text: string }[]
  /** `group`: undefined for a single person or device, and for everybody. */
  readonly assignments: readonly { readonly name: string; readonly group: GroupId | undefined; readonly becomes: 'removed' | 'set-back' }[]
  readonly assignmentCount: number
  readonly alsoTaken: number
  readonly next: string
}

export interface ReclaimedMany {
  /** Seats that are being asked back, or wait for their day. */
  readonly seats: number
  readonly refused: readonly { readonly licenseId: string; readonly text: string }[]
}

export interface SeatActs {
  undoPreview(order: OrderId): Answer<UndoPreviewTold>
  /** Gives what is taken back, and what an assignment does by itself later. */
  undo(order: OrderId): Answer<{ readonly can: number; readonly waiting: number }>
  /** Each license by itself; hours of grace from 0 to 720. */
  reclaim(
    items: readonly { readonly licenseId: LicenseId; readonly principals: readonly PrincipalId[] }[],
    graceHours: number,
  ): Answer<ReclaimedMany>
}

export const createSeatActs = (request: Request): SeatActs => {
  const at = (order: OrderId): string => `/orders/${encodeURIComponent(order)}/undo`
  return {
    undoPreview: async (order) => {
      const read = await request('GET', at(order))
      return read.ok ? ok(previewOf(read.value)) : read
    },
    undo: async (order) => {
      const read = await request('POST', at(order), {})
      return read.ok ? ok({ can: numberOf(member(read.value, 'can')), waiting: numberOf(member(read.value, 'waiting')) }) : read
    },
    reclaim: async (items, graceHours) => {
      const read = await request('POST', '/reclaim', { items, graceHours })
      if (!read.ok) return read
      return ok({
        seats: list(member(read.value, 'orders')).reduce<number>((sum, order) => sum + numberOf(member(order, 'total')), 0),
        refused: list(member(read.value, 'refused')).map((row) => ({
          licenseId: textOf(member(row, 'licenseId')),
          text: textOf(member(row, 'text')),
        })),
      })
    },
  }
}

const previewOf = (value: unknown): UndoPreviewTold => ({
  possible: member(value, 'possible') === true,
  reason: textOrNull(member(member(value, 'reason'), 'text')),
  of: numberOf(member(value, 'of')),
  can: numberOf(member(value, 'can')),
  waiting: numberOf(member(value, 'waiting')),
  blocked: list(member(value, 'blocked')).map((row) => ({ count: numberOf(member(row, 'count')), text: textOf(member(row, 'text')) })),
  assignments: list(member(value, 'assignments')).map((row) => ({
    name: textOf(member(member(row, 'target'), 'name')),
    group: member(member(row, 'target'), 'kind') === 'group' ? parseGroupId(member(member(row, 'target'), 'id')) : undefined,
    becomes: member(row, 'becomes') === 'removed' ? 'removed' : 'set-back',
  })),
  assignmentCount: numberOf(member(value, 'assignmentCount')),
  alsoTaken: numberOf(member(value, 'alsoTaken')),
  next: textOf(member(value, 'next')),
})
