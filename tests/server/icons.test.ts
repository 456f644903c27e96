/** Icons as they are kept and served, on every database: to those who are signed in, and to nobody else. */
import sharp from 'sharp'
import { afterAll, describe, expect, test } from 'vitest'
import { drawIcon, type DrawnIcon } from '../../server/icon-drawing.ts'
import { findIcon, keepIcon } from '../../server/icons.ts'
import {
  describedProduct,
  keepDescription,
  keepIconOf,
  keepIconRefusal,
  keepSilence,
  readMetadata,
  type Shelf,
} from '../../server/metadata-cache.ts'
import { START } from './stores/apple/cases/apple-house.ts'
import type { ProductDescription } from '../../server/stores/store.ts'
import { laterInProduct, type Product } from '../../shared/license.ts'
import { apiKey, openDesk } from './routes/desk.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'

afterAll(stopDatabases)

const drawn = async (color: string): Promise<DrawnIcon> => {
  const icon = await drawIcon(
    await sharp({ create: { width: 128, height: 128, channels: 3, background: color } })
      .png()
      .toBuffer(),
  )
  if (!icon.ok) throw new Error(icon.error.is)
  return icon.value
}
const owner = { email: 'ana@example.org', password: 'a long enough secret' }

describe.each(onEachDatabase)('on $dialect', ({ open }) => {
  test('an icon goes to a session and to an API key, for ever and as what it is; to nobody else', async () => {
    await using desk = await openDesk({ open, environment: { QM_OWNER_EMAIL: owner.email, QM_OWNER_PASSWORD: owner.password } })
    const icon = await drawn('#c00')
    await desk.database.db.transaction().execute((trx) => keepIcon(trx, icon, START))
    const get = (path: string, headers: Record<string, string> = {}) => desk.composed.web.request(path, { headers })
    const asKey = { authorization: `Bearer ${apiKey}` }

    const large = await get(`/icons/${icon.key}.webp`, asKey)
    expect(large.status).toBe(200)
    expect(Object.fromEntries(large.headers)).toMatchObject({
      'content-type': 'image/webp',
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    })
    expect(new Uint8Array(await large.arrayBuffer())).toEqual(new Uint8Array(icon.large))
    const small = await get(`/icons/${icon.key}-64.webp`, asKey)
    expect(await sharp(await small.arrayBuffer()).metadata()).toMatchObject({ format: 'webp', width: 64 })

    const signIn = await desk.composed.web.request('/api/v1/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'http://localhost:8787', host: 'localhost:8787' },
      body: JSON.stringify(owner),
    })
    const cookie = (signIn.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect((await get(`/icons/${icon.key}.webp`, { cookie })).status).toBe(200)

    const nobodies: readonly Record<string, string>[] = [{}, { cookie: 'qm=nobody' }, { authorization: 'Bearer wrong' }]
    for (const headers of nobodies) {
      const refused = await get(`/icons/${icon.key}.webp`, headers)
      expect(refused.status).toBe(404)
      expect(refused.headers.get('cache-control')).toBe('no-store')
    }
    for (const path of [
      `/icons/${'0'.repeat(32)}.webp`,
      `/icons/${icon.key}.png`,
      `/icons/${icon.key}-128.webp`,
      `/icons/${icon.key}`,
      `/icons/${icon.key.toUpperCase()}.webp`,
      '/icons/',
      '/icons/..%2f..%2fetc%2fpasswd',
    ])
      expect((await get(path, asKey)).status, path).toBe(404)
  })

  test('what a store told is kept by storefront; silence and a refused picture take nothing of it away', async () => {
    const { db, close } = await open()
    const germany: Shelf = { kind: 'apple-apps-books', storefront: 'DE' }
    const britain: Shelf = { kind: 'apple-apps-books', storefront: 'GB' }
    const told: ProductDescription = {
      productId: '1',
      name: 'Notizen',
      publisher: 'Sample GmbH',
      kind: 'app',
      bundleId: 'org.example.notes',
      deviceFamilies: ['iPad'],
      version: '3.2.1',
      price: { amount: 4.99, currency: 'EUR', formatted: '4,99 €' },
      storefront: 'DE',
      iconSource: 'https://img.example/1.png',
    }
    const product: Product = { id: '1', name: '1', publisher: '', kind: 'app', platforms: ['iOS'], iconUrl: null, ...laterInProduct }
    const see = async (shelf: Shelf) => describedProduct(product, (await readMetadata(db, shelf, ['1', '2'])).get('1'))
    const [red, blue] = [await drawn('#c00'), await drawn('#00c')]
    await db.transaction().execute(async (trx) => {
      await keepDescription(trx, germany, told, START, START + 7)
      await keepDescription(trx, britain, { ...told, name: 'Notes', price: null, storefront: 'US', iconSource: null }, START, START + 7)
      await keepIcon(trx, red, START)
      await keepIconOf(trx, germany, '1', 'https://img.example/1.png', red.key)
    })
    expect(await see(germany)).toEqual({
      id: '1',
      name: 'Notizen',
      publisher: 'Sample GmbH',
      kind: 'app',
      platforms: ['iOS'],
      deviceFamilies: ['iPad'],
      bundleId: 'org.example.notes',
      version: '3.2.1',
      price: { amount: 4.99, currency: 'EUR', formatted: '4,99 €', storefront: 'DE', asOf: '2026-11-24T09:00:00.000Z' },
      iconUrl: `/icons/${red.key}.webp`,
    })
    expect(await see(britain)).toMatchObject({ name: 'Notes', price: null, iconUrl: null })

    await db.transaction().execute(async (trx) => {
      await keepSilence(trx, germany, '1', START + 10, START + 20)
      await keepSilence(trx, germany, '2', START + 10, START + 20)
    })
    const kept = await readMetadata(db, germany, ['1', '2'])
    expect(kept.get('1')).toMatchObject({
      described: { name: 'Notizen' },
      asOf: START,
      askedAt: START + 10,
      dueAt: START + 20,
      iconToFetch: null,
    })
    expect(kept.get('2')).toMatchObject({ described: undefined, asOf: null, iconToFetch: null })

    // Another picture is due at once; refused, it waits, and the one before stays.
    const iconSource = 'https://img.example/2.png'
    await db.transaction().execute((trx) => keepDescription(trx, germany, { ...told, iconSource }, START + 30, START + 40))
    expect((await readMetadata(db, germany, ['1'])).get('1')?.iconToFetch).toEqual({ source: iconSource, dueAt: START + 30 })
    await db.transaction().execute((trx) => keepIconRefusal(trx, germany, '1', 'no-picture', START + 99))
    await db.transaction().execute((trx) => keepDescription(trx, germany, { ...told, iconSource }, START + 50, START + 60))
    expect((await readMetadata(db, germany, ['1'])).get('1')).toMatchObject({
      iconKey: red.key,
      iconToFetch: { source: iconSource, dueAt: START + 99 },
    })
    expect(await see(germany)).toMatchObject({ iconUrl: `/icons/${red.key}.webp` })

    // Drawn at last: the old one is shown by nobody, and is gone.
    await db.transaction().execute(async (trx) => {
      await keepIcon(trx, blue, START)
      await keepIcon(trx, blue, START)
      await keepIconOf(trx, germany, '1', iconSource, blue.key)
    })
    expect(await see(germany)).toMatchObject({ iconUrl: `/icons/${blue.key}.webp` })
    expect(await findIcon(db, red.key, 'large')).toBeUndefined()
    expect(new Uint8Array((await findIcon(db, blue.key, 'small')) ?? [])).toEqual(new Uint8Array(blue.small))
    await close()
  })
})

test('an icon that another storefront shows stays when one of them has a new one', async () => {
  const [sqlite] = onEachDatabase
  if (sqlite === undefined) throw new Error('no database')
  const { db, close } = await sqlite.open()
  const [red, blue] = [await drawn('#c00'), await drawn('#00c')]
  const shelves = ['DE', 'FR'].map((storefront): Shelf => ({ kind: 'apple-apps-books', storefront }))
  await db.transaction().execute(async (trx) => {
    await keepIcon(trx, red, START)
    await keepIcon(trx, blue, START)
    for (const shelf of shelves) {
      await keepSilence(trx, shelf, '1', START, START)
      await keepIconOf(trx, shelf, '1', 'https://img.example/1.png', red.key)
    }
    await keepIconOf(trx, shelves[0] ?? { kind: 'ledger', storefront: '' }, '1', 'https://img.example/2.png', blue.key)
  })
  expect(await findIcon(db, red.key, 'small')).toBeDefined()
  await close()
})
