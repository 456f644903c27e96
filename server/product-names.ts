/**
 * Names and icons of products, asked of the store once the counts are recorded: a name never holds up a number. Each
 * answer is an act of its own, so names appear as they come.
 */
import type { Journal } from './journal.ts'
import { licensesOfConnector } from './licenses.ts'
import type { ProductDescription, StoreConnection } from './stores/store.ts'
import type { Clock } from '../shared/clock.ts'
import { licensesKey, rowsFact } from '../shared/facts.ts'
import type { ConnectorId } from '../shared/ids.ts'
import type { License, Product } from '../shared/license.ts'

export interface ProductNames {
  /** Names and icons of products that have none yet. What the store does not tell is asked again a day later. */
  describe(connection: StoreConnection, connectorId: ConnectorId, country: string): Promise<void>
  /** What is being asked is still recorded; nothing more is asked. */
  stop(): void
}

export interface ProductNamesDeps {
  readonly journal: Journal
  readonly clock: Clock
}

const productsPerCall = 50
const namesAfterMs = 24 * 60 * 60_000

export const createProductNames = ({ journal, clock }: ProductNamesDeps): ProductNames => {
  /** Products whose names the store did not tell, and when we asked. */
  const askedNames = new Map<string, number>()
  let stopped = false

  const isDue = ({ product }: License): boolean =>
    product.name === product.id && clock.now() - (askedNames.get(product.id) ?? -namesAfterMs) >= namesAfterMs

  const describe: ProductNames['describe'] = async (connection, connectorId, country) => {
    const nameless = (await licensesOfConnector(journal, connectorId)).filter(isDue)
    const chunks = new Set(nameless.map(({ id }) => licensesKey(id)))
    const ids = [...new Set(nameless.map(({ product }) => product.id))]
    for (let from = 0; from < ids.length && !stopped; from += productsPerCall) {
      const some = ids.slice(from, from + productsPerCall)
      const described = await connection.describe(some, country)
      if (!described.ok) return
      for (const id of some) askedNames.set(id, clock.now())
      const byProduct = new Map(described.value.map((description) => [description.productId, description]))
      if (byProduct.size > 0) await record(connectorId, chunks, byProduct)
    }
  }

  const record = async (
    connectorId: ConnectorId,
    chunks: ReadonlySet<`licenses/${number}`>,
    byProduct: ReadonlyMap<string, ProductDescription>,
  ): Promise<void> => {
    await journal.write(async (write) => {
      for (const key of chunks) {
        const put: License[] = []
        for (const license of await write.rows(key)) {
          const description = byProduct.get(license.product.id)
          if (description === undefined || license.connectorId !== connectorId) continue
          put.push({ ...license, product: withDescription(license.product, description) })
        }
        if (put.length > 0) await write.record(rowsFact(key, put))
      }
    })
  }

  return {
    describe,
    stop: () => {
      stopped = true
    },
  }
}

const withDescription = (product: Product, { name, publisher, kind, iconUrl }: ProductDescription): Product => ({
  ...product,
  name,
  publisher,
  kind: kind ?? product.kind,
  iconUrl,
})
