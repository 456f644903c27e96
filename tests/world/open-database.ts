/** Every database the product runs on, empty: for tests that must hold on each. */
import { openPostgres, openSqlite, type OpenDatabase } from '../../server/database/database.ts'
import { startPostgres } from './postgres.ts'

export const onEachDatabase: readonly { readonly dialect: 'sqlite' | 'postgres'; readonly open: () => Promise<OpenDatabase> }[] = [
  { dialect: 'sqlite', open: () => openSqlite(':memory:') },
  { dialect: 'postgres', open: async () => openPostgres(await (await startPostgres()).createDatabase()) },
]

export const stopDatabases = async (): Promise<void> => (await startPostgres()).stop()
