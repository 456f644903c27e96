/**
 * Draws a product's picture anew, so that no byte of the store's file reaches a browser. Only PNG, JPEG and WebP are
 * looked into, told by their first bytes: no SVG, which is a program, and none of the rarer readers.
 */
import { createHash } from 'node:crypto'
import sharp from 'sharp'
import type { IconRefused } from './icon-fetching.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface DrawnIcon {
  /** Follows from the drawing: equal pictures have one key. */
  readonly key: string
  readonly small: Uint8Array
  readonly large: Uint8Array
}

export type DrawIcon = (bytes: Uint8Array) => Promise<Result<DrawnIcon, IconRefused>>

export const smallPixels = 64
export const largePixels = 128
/** 2048 × 2048: above any icon, and 16 MiB when it is unpacked. */
const mostPixels = 2048 * 2048
const mostSeconds = 5
const quality = 82

// Thousands of small pictures, each once: nothing of them is worth keeping in memory.
sharp.cache(false)
sharp.concurrency(1)

const isKnownFormat = (bytes: Uint8Array): boolean => {
  const begins = (text: string, at = 0): boolean => Buffer.from(bytes.subarray(at, at + text.length)).toString('latin1') === text
  return begins('\x89PNG\r\n\x1a\n') || begins('\xff\xd8\xff') || (begins('RIFF') && begins('WEBP', 8))
}

export const drawIcon: DrawIcon = async (bytes) => {
  if (!isKnownFormat(bytes)) return err({ is: 'no-picture' })
  const draw = async (pixels: number): Promise<Uint8Array> =>
    new Uint8Array(
      await sharp(bytes, { limitInputPixels: mostPixels, failOn: 'warning', pages: 1 })
        .timeout({ seconds: mostSeconds })
        .rotate()
        .resize(pixels, pixels, { fit: 'contain', background: { r: 0, g: 0, b: 0, alpha: 0 } })
        .webp({ quality })
        .toBuffer(),
    )
  try {
    const large = await draw(largePixels)
    const small = await draw(smallPixels)
    return ok({ key: createHash('sha256').update(large).update(small).digest('hex').slice(0, 32), small, large })
  } catch {
    // Cut short, a bomb, or of a kind that its first bytes only pretend.
    return err({ is: 'no-picture' })
  }
}
