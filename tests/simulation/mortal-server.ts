/**
 * The real house with a real socket on a real file, made to be killed. It reads its modules, waits for the word, and says
 * its port; the file's path is its argument.
 */
import { createServer } from 'node:http'
import { WebSocketServer } from 'ws'
import { createCredentials } from '../../server/credentials.ts'
import { openSqlite } from '../../server/database/database.ts'
import { createHouse } from '../../server/house.ts'
import { createSealer } from '../../server/seal.ts'
import { createAppleStore } from '../../server/stores/apple/store.ts'
import { systemChance, systemClock } from '../../server/system-clock.ts'
import { parseAdminId } from '../../shared/ids.ts'
import { seededChance } from '../world/hand-clock.ts'

const path = process.argv[2] ?? ''
const id = parseAdminId('ana')
if (id === undefined) throw new Error('mortal-server: no admin')

process.once('message', async () => {
  const { db } = await openSqlite(path)
  const house = await createHouse({
    db,
    clock: systemClock,
    chance: systemChance,
    // The store is out of reach; what is asked of it stays planned.
    fetch: () => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })),
    credentials: createCredentials({ db, sealer: createSealer(seededChance(1).bytes(32), systemChance), clock: systemClock }),
    stores: [createAppleStore({ appsBooksUrl: 'http://store.test/mdm/v2', metadataUrl: 'http://store.test/lookup' })],
    host: 'quartermaster.test',
    build: 'kill',
    syncIntervalMinutes: 60,
    onTrouble: (cause) => void process.stderr.write(`${String(cause)}\n`),
  })
  await house.start()
  const server = createServer()
  new WebSocketServer({ server, perMessageDeflate: false }).on('connection', (socket) => {
    const session = house.exchange.connect(
      {
        send: (bytes) => socket.send(bytes),
        close: () => socket.close(),
        get bufferedBytes() {
          return socket.bufferedAmount
        },
      },
      () => Promise.resolve({ kind: 'admin', id, name: 'Ana', role: 'administrator' }),
    )
    socket.on('message', (data: Buffer) => session.receive(new Uint8Array(data)))
    socket.on('close', () => session.closed())
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    process.send?.(typeof address === 'object' && address !== null ? address.port : 0)
  })
})
process.on('disconnect', () => process.exit(0))
