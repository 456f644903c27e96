import { expect, test } from 'vitest'
import { keptHere, openLicense, waitForOnline } from './acts.ts'
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
  const kept = await keptHere(page)
  expect(kept).toContain('Notability')
  const everything = [...seen, kept, town.logged()].join('\n')
  expect(canaries.filter((canary) => everything.includes(canary))).toEqual([])
})
