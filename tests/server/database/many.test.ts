import { afterAll, describe, expect, test } from 'vitest'
import { insertMany, rowsPerStatement, selectMany } from '../../../server/database/many.ts'
import { onEachDatabase, stopDatabases } from '../../world/open-database.ts'

afterAll(stopDatabases)

describe.each(onEachDatabase)('many rows in few statements, $dialect', ({ open }) => {
  test.each([0, 1, rowsPerStatement - 1, rowsPerStatement, 3 * rowsPerStatement + 7])(
    '%i of them come back as they went in',
    async (count) => {
      const { db, close } = await open()
      const rows = Array.from({ length: count }, (_, ordinal) => ({ kind: 'device', key: `S${ordinal}`, ordinal: ordinal + 1 }))
      await insertMany(db, 'principal_keys', rows)
      const keys = [...rows.map(({ key }) => key), 'nobody']
      const found = await selectMany(db, keys, (some) =>
        db.selectFrom('principal_keys').select(['kind', 'key', 'ordinal']).where('kind', '=', 'device').where('key', 'in', some).compile(),
      )
      expect(found.toSorted((a, b) => a.ordinal - b.ordinal)).toEqual(rows)
      await close()
    },
  )
})
