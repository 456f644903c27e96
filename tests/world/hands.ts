/** What the routes of the API stand on, over the house of the world's server as it is now: acts of an administrator by hand. */
import { createReclaim } from '../../server/reclaim.ts'
import { createRevoking } from '../../server/revoke.ts'
import { createUndoing } from '../../server/undo.ts'
import type { OrderId } from '../../shared/ids.ts'
import type { Order } from '../../shared/order.ts'
import type { World } from './world.ts'

export const handsOf = (world: World) => {
  const { house, db, life } = world.mustServer()
  const clock = world.schedule.clockOf(life)
  const deps = { ...house, db, clock }
  const reclaim = createReclaim(deps)
  const revoking = createRevoking(deps)
  const undoing = createUndoing(deps)
  const { actor } = world.ana
  const ordinalsOf = (names: readonly string[]): readonly number[] => names.map((name) => Number(world.targetOf(name).slice(1)))
  return {
    reclaim: (product: string, names: readonly string[], graceHours = 0) =>
      world.schedule.run(reclaim(actor, world.licenseOf(product), ordinalsOf(names), graceHours)),
    revoke: async (names: readonly string[]) => {
      const { id } = await world.connector()
      return await world.schedule.run(
        revoking.revoke(
          actor,
          id,
          names.map((name) => world.targetOf(name) as never),
        ),
      )
    },
    tell: async (order: Pick<Order, 'id'>) => {
      const told = await world.schedule.run(undoing.tell(order.id))
      if (!told.ok) throw new Error(`undo: ${told.error.is}`)
      return told.value
    },
    undo: (order: { readonly id: OrderId }) => world.schedule.run(undoing.undo(actor, order.id)),
    /** Both at the same moment. */
    undoTwice: (order: { readonly id: OrderId }) =>
      world.schedule.run(Promise.all([undoing.undo(actor, order.id), undoing.undo(actor, order.id)])),
  }
}

/** The latest order of a license that did this. */
export const lastOrder = async (world: World, product: string, action: Order['action']): Promise<Order> => {
  const found = (await world.orders(product))
    .filter((order) => order.action === action)
    .toSorted((a, b) => (a.createdAt < b.createdAt ? 1 : -1))[0]
  if (found === undefined) throw new Error(`world: no order of ${product} did ${action}`)
  return found
}
