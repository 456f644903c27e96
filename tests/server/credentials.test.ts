import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createCredentials, openSealer, type Credentials } from '../../server/credentials.ts'
import type { OpenDatabase } from '../../server/database/database.ts'
import { createSealer } from '../../server/seal.ts'
import { Secret } from '../../server/secret.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { handClock, seededChance } from '../world/hand-clock.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'

afterAll(stopDatabases)

const [berlin, bonn] = ['berlin', 'bonn'] as unknown as [ConnectorId, ConnectorId]
const chance = seededChance(3)

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  let world: OpenDatabase
  let credentials: Credentials
  let dataDir: string
  beforeAll(async () => {
    world = await open()
  }, 60_000)
  afterAll(() => world.close())
  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'quartermaster-credentials-'))
    await world.db.deleteFrom('credentials').execute()
    credentials = createCredentials({ db: world.db, sealer: createSealer(seededChance(1).bytes(32), chance), clock: handClock() })
  })
  afterEach(() => rmSync(dataDir, { recursive: true }))

  const keep = (connector: ConnectorId, text: string): Promise<void> =>
    world.db.transaction().execute((trx) => credentials.seal(trx, connector, Secret.of(text)))

  test('what is sealed opens again, and prints as nothing', async () => {
    await keep(berlin, 'swordfish')
    const secret = await credentials.unseal(berlin)
    expect(secret?.reveal()).toBe('swordfish')
    expect(inspect(secret) + String(secret) + JSON.stringify({ secret })).not.toContain('swordfish')
    expect(await credentials.unseal(bonn)).toBeUndefined()
  })

  test('no row holds the secret in any readable form', async () => {
    await keep(berlin, 'swordfish')
    const row = await world.db.selectFrom('credentials').selectAll().executeTakeFirstOrThrow()
    const everything = Object.values(row).map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(String(value))))
    for (const form of ['swordfish', Buffer.from('swordfish').toString('base64'), Buffer.from('swordfish').toString('hex')])
      expect(Buffer.concat(everything).includes(form)).toBe(false)
  })

  test('a renewal takes the place of the secret before', async () => {
    await keep(berlin, 'swordfish')
    await keep(berlin, 'herring')
    expect((await credentials.unseal(berlin))?.reveal()).toBe('herring')
  })

  test('the very same secret is found by its hash', async () => {
    await keep(berlin, 'swordfish')
    expect(await credentials.findByHash(credentials.hash(Secret.of('swordfish')))).toBe(berlin)
    expect(await credentials.findByHash(credentials.hash(Secret.of('herring')))).toBeUndefined()
  })

  test('a secret that is forgotten is gone', async () => {
    await keep(berlin, 'swordfish')
    await world.db.transaction().execute((trx) => credentials.forget(trx, berlin))
    expect(await credentials.unseal(berlin)).toBeUndefined()
  })

  test('two rows exchanged do not open, and the message tells no secret', async () => {
    await keep(berlin, 'swordfish')
    await keep(bonn, 'herring')
    const swapped = await world.db
      .selectFrom('credentials')
      .select(['wrapped_key', 'nonce', 'sealed'])
      .where('connector', '=', bonn)
      .executeTakeFirstOrThrow()
    await world.db.updateTable('credentials').set(swapped).where('connector', '=', berlin).execute()
    const thrown = await credentials.unseal(berlin).catch((error: unknown) => error)
    expect(String(thrown)).toMatch(/credentials: the secret of connector berlin does not open/)
    expect(inspect(thrown)).not.toMatch(/swordfish|herring/)
  })

  test('the first start makes a key that only its owner reads, and says to move it', async () => {
    const { warnings } = await openSealer({ db: world.db, settings: { masterKeyFile: null, dataDir }, chance })
    const path = join(dataDir, 'master.key')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(warnings).toEqual([expect.stringContaining(path)])
    expect(warnings.join()).not.toContain(readFileSync(path, 'utf8').trim())
    expect((await openSealer({ db: world.db, settings: { masterKeyFile: null, dataDir }, chance })).warnings).toEqual([])
  })

  test('secrets outlive a restart with the same key file', async () => {
    const settings = { masterKeyFile: null, dataDir }
    const first = createCredentials({ db: world.db, clock: handClock(), ...(await openSealer({ db: world.db, settings, chance })) })
    await world.db.transaction().execute((trx) => first.seal(trx, berlin, Secret.of('swordfish')))
    const again = createCredentials({ db: world.db, clock: handClock(), ...(await openSealer({ db: world.db, settings, chance })) })
    expect((await again.unseal(berlin))?.reveal()).toBe('swordfish')
  })

  test('a database whose key file is gone refuses to start and makes no other key', async () => {
    await keep(berlin, 'swordfish')
    await expect(openSealer({ db: world.db, settings: { masterKeyFile: null, dataDir }, chance })).rejects.toThrow(
      /key that seals them is not at/,
    )
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false)
  })

  test('a database sealed under another key refuses to start and names both', async () => {
    await keep(berlin, 'swordfish')
    const path = join(dataDir, 'other.key')
    writeFileSync(path, Buffer.from(chance.bytes(32)).toString('base64'), { mode: 0o600 })
    await expect(openSealer({ db: world.db, settings: { masterKeyFile: path, dataDir }, chance })).rejects.toThrow(
      /sealed under key [0-9a-f]{16}, and .*other\.key holds key [0-9a-f]{16}/,
    )
  })

  test('a named key file must be there and must hold a key', async () => {
    const path = join(dataDir, 'named.key')
    const start = () => openSealer({ db: world.db, settings: { masterKeyFile: path, dataDir }, chance })
    await expect(start()).rejects.toThrow(/QM_MASTER_KEY_FILE names .*named\.key, and there is no such file/)
    for (const text of ['', 'too short', 'A'.repeat(60), 'not base64 not base64 not base64 not base64']) {
      writeFileSync(path, text, { mode: 0o600 })
      await expect(start()).rejects.toThrow(/is not 32 bytes of base64/)
    }
    writeFileSync(path, `${Buffer.from(chance.bytes(32)).toString('base64')}\n`)
    chmodSync(path, 0o644)
    expect((await start()).warnings).toEqual([expect.stringContaining(`chmod 600 ${path}`)])
  })
})
