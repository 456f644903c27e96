import { expect, test } from 'vitest'
import { openLicense, waitForOnline } from './acts.ts'
import { openTown, ownerPassword, signIn } from './town.ts'

/** A canary in the forms in which it could slip out. */
const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret)
  return [
    secret,
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
  ]
}

test('neither the content token nor the password is in anything the browser was sent or keeps', async () => {
  await using town = await openTown()
  const [place] = town.organisation.locations
  if (place === undefined) throw new Error('no location')
  const file = town.sandbox.control.tokenFileFor(place.uId)
  const inner: unknown = Reflect.get(JSON.parse(Buffer.from(file, 'base64').toString()) as object, 'token')
  const canaries = [...formsOf(file), ...formsOf(String(inner)), ...formsOf(ownerPassword)]
  const seen: string[] = []
  const context = await (await town.browser()).newContext()
  const page = await context.newPage()
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => void seen.push(Buffer.from(payload).toString('latin1')))
  })
  page.on('response', (response) => {
    response.body().then(
      (body) => void seen.push(body.toString('latin1')),
      () => undefined,
    )
  })
  await signIn(page, town.address)
  await waitForOnline(page)
  await openLicense(page, 'Notability')
  await page.goto(`${town.address}/connectors`)
  await page.getByRole('heading', { level: 1, name: 'Connectors and tokens' }).waitFor()
  const kept = await page.evaluate(async () => {
    const texts: string[] = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie]
    const decoder = new TextDecoder('latin1')
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const request = indexedDB.open(name ?? '')
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error)
      })
      for (const store of database.objectStoreNames) {
        const rows = await new Promise<unknown[]>((resolve, reject) => {
          const request = database.transaction(store).objectStore(store).getAll()
          request.onsuccess = () => resolve(request.result)
          request.onerror = () => reject(request.error)
        })
        texts.push(JSON.stringify(rows, (_key, value: unknown) => (value instanceof Uint8Array ? decoder.decode(value) : value)))
      }
      database.close()
    }
    for (const name of await caches.keys()) {
      const cache = await caches.open(name)
      for (const request of await cache.keys()) texts.push((await (await cache.match(request))?.text()) ?? '')
    }
    return texts.join('\n')
  })
  expect(kept).toContain('Notability')
  const everything = [...seen, kept, town.logged()].join('\n')
  expect(canaries.filter((canary) => everything.includes(canary))).toEqual([])
})
