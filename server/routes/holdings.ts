/** What people and devices hold, as it is shown before it is taken from them. */
import * as v from 'valibot'
import type { HeldSeat, Holding } from '../holdings.ts'
import { createPrincipalNames } from '../principals.ts'
import type { FactReader } from '../facts.ts'
import type { Problem } from '../problem.ts'
import { principalSchema } from './schemas.ts'

export const idsOf = (most: number) =>
  v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(64))),
    v.minLength(1, 'must name at least one'),
    v.maxLength(most, `must name at most ${most}`),
  )

const seatSchema = v.object({
  licenseId: v.nullable(v.string()),
  product: v.object({ id: v.string(), name: v.string() }),
  pricing: v.nullable(v.string()),
})
const holdingSchema = v.object({
  principal: principalSchema,
  returns: v.pipe(v.array(seatSchema), v.description('Seats that come back')),
  stays: v.pipe(v.array(seatSchema), v.description('Seats that were given for good, and stay')),
  wished: v.pipe(v.array(seatSchema), v.description('Licenses that assignments ask for them')),
})
/** With the sums over all of them. */
export const holdingFields = {
  holdings: v.array(holdingSchema),
  returns: v.number(),
  stays: v.number(),
  asOf: v.pipe(v.nullable(v.string()), v.description('When the store told it')),
}

export const holdingViews = async (facts: FactReader, holdings: readonly Holding[]) => {
  const names = createPrincipalNames(facts)
  return {
    holdings: await Promise.all(
      holdings.map(async ({ ordinal, returns, stays, wished }) => ({
        principal: await names.of(ordinal),
        returns: returns.map(seatView),
        stays: stays.map(seatView),
        wished: wished.map(({ id, product, pricing }) => seatView({ licenseId: id, productId: product.id, pricing, name: product.name })),
      })),
    ),
    returns: holdings.reduce((sum, { returns }) => sum + returns.length, 0),
    stays: holdings.reduce((sum, { stays }) => sum + stays.length, 0),
  }
}

const seatView = ({ licenseId, productId, pricing, name }: Omit<HeldSeat, 'revocable'>) => ({
  licenseId,
  product: { id: productId, name },
  pricing,
})

export const confirmationProblem = (detail: string): Problem => ({ status: 409, code: 'confirmation-required', detail })

export const strangersProblem = (ids: readonly string[]): Problem => ({
  status: 422,
  code: 'principals-unknown',
  detail: `${ids.slice(0, 20).join(', ')}: nobody who could be meant is known by these ids. Nothing was changed.`,
  errors: ids.slice(0, 50).map((id) => ({ field: 'principals', text: `${id} is not known` })),
})

export const noCredential: Problem = {
  status: 409,
  code: 'no-credential',
  detail: 'There is no token for this connector. Upload one first.',
}
