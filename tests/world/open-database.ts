/** Every database the product runs on, empty: for tests that must hold on each. */
import { openPostgres, openSqlite, type OpenDatabase } from '../../server/database/database.ts'
import { vi } from 'vitest'
import { startPostgres } from './postgres.ts'

// PostgreSQL starts inside the first test that asks for it, and a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

export const onEachDatabase: readonly { readonly dialect: 'sqlite' | 'postgres'; readonly open: () => Promise<OpenDatabase> }[] = [
  { dialect: 'sqlite', open: () => openSqlite(':memory:') },
  { dialect: 'postgres', open: async () => openPostgres(await (await startPostgres()).createDatabase()) },
]

export const stopDatabases = async (): Promise<void> => (await startPostgres()).stop()
