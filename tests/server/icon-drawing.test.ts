/** Pictures of the store are drawn anew, and what no server should draw is refused. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { drawIcon } from '../../server/icon-drawing.ts'
import { artworkFile } from '../../server/sandbox/apple/artwork.ts'
import type { Product } from '../../server/sandbox/apple/state.ts'
import type { Switches } from '../../server/sandbox/apple/switches.ts'

const product: Product = { adamId: '1', name: 'Sample Notes', publisher: 'Sample', kind: 'iosSoftware', genres: [], price: 0 }
const artwork = async (kind: Switches['artworkFile'], file = '128x128bb.png'): Promise<Uint8Array> => {
  const answer = artworkFile(product, file, kind)
  if (answer === undefined) throw new Error('no artwork')
  return new Uint8Array(await answer.arrayBuffer())
}
const refused = { ok: false, error: { is: 'no-picture' } }
const red = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#c00' } })

describe('a picture is drawn anew', () => {
  test('as WebP of 64 and 128 pixels, under a key that follows from what it shows', async () => {
    const drawn = await drawIcon(await artwork('picture'))
    if (!drawn.ok) throw new Error(drawn.error.is)
    const { key, small, large } = drawn.value
    expect(key).toMatch(/^[0-9a-f]{32}$/)
    expect(await sharp(small).metadata()).toMatchObject({ format: 'webp', width: 64, height: 64 })
    expect(await sharp(large).metadata()).toMatchObject({ format: 'webp', width: 128, height: 128, hasAlpha: true })
    const again = await drawIcon(await artwork('picture'))
    expect(again.ok && again.value.key).toBe(key)
    const other = await drawIcon(await red(128, 128).png().toBuffer())
    expect(other.ok && other.value.key).not.toBe(key)
  })

  test('from JPEG and WebP as well, whatever its shape', async () => {
    for (const bytes of [await red(300, 200).jpeg().toBuffer(), await red(20, 400).webp().toBuffer()]) {
      const drawn = await drawIcon(bytes)
      if (!drawn.ok) throw new Error(drawn.error.is)
      expect(await sharp(drawn.value.large).metadata()).toMatchObject({ width: 128, height: 128 })
    }
  })

  test('without anything that its file said of itself', async () => {
    const bytes = await red(128, 128)
      .withExif({ IFD0: { ImageDescription: 'canary' } })
      .jpeg()
      .toBuffer()
    expect(bytes.includes('canary')).toBe(true)
    const drawn = await drawIcon(bytes)
    expect(drawn.ok && Buffer.from(drawn.value.large).includes('canary')).toBe(false)
  })
})

describe('no picture is', () => {
  test.each(['svg', 'html', 'truncated', 'bomb', 'large'] as const)('%s', async (kind) => {
    expect(await drawIcon(await artwork(kind))).toEqual(refused)
  })

  test('a file that only begins like one, an empty one, and one of a rarer kind', async () => {
    const png = await artwork('picture')
    expect(await drawIcon(png.slice(0, 8))).toEqual(refused)
    expect(await drawIcon(new Uint8Array(0))).toEqual(refused)
    expect(await drawIcon(await red(10, 10).tiff().toBuffer())).toEqual(refused)
    expect(await drawIcon(await red(10, 10).gif().toBuffer())).toEqual(refused)
  })

  test('one whose content was changed on the way', async () => {
    const png = await artwork('picture')
    const at = Math.floor(png.length / 2)
    png.fill(0, at, at + 40)
    expect(await drawIcon(png)).toEqual(refused)
  })
})
