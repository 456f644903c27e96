import { deflateSync } from 'node:zlib'
import type { Product } from './state.ts'
import { hashOf } from './made-ids.ts'

/*
 * Icons that belong to nobody: two colors and a shape drawn from the product's id, so that each is the same every time and
 * two of them differ at a glance.
 */

type Rgb = readonly [red: number, green: number, blue: number]

interface Drawing {
  readonly top: Rgb
  readonly bottom: Rgb
  readonly shape: number
}

const rgbOf = (hue: number, saturation: number, lightness: number): Rgb => {
  const channel = (offset: number): number => {
    const k = (offset + hue / 30) % 12
    const amplitude = saturation * Math.min(lightness, 1 - lightness)
    return Math.round(255 * (lightness - amplitude * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

const drawingOf = (product: Product): Drawing => {
  const hash = hashOf(product.adamId + product.name)
  const hue = hash % 360
  return { top: rgbOf(hue, 0.62, 0.56), bottom: rgbOf((hue + 24) % 360, 0.66, 0.38), shape: (hash >>> 9) % 6 }
}

/** Whether the point is inside the white shape; x and y run from -1 to 1. */
const isInShape = (shape: number, x: number, y: number): boolean => {
  const radius = Math.hypot(x, y)
  if (shape === 0) return radius < 0.52 && radius > 0.28
  if (shape === 1) return Math.abs(x) + Math.abs(y) < 0.62
  if (shape === 2) return Math.abs(y) < 0.5 && [-0.36, 0, 0.36].some((at) => Math.abs(x - at) < 0.11 && y > at - 0.2)
  if (shape === 3) return y < 0.42 && y > -0.5 + Math.abs(x) * 1.7
  if (shape === 4) return (Math.abs(x) < 0.15 && Math.abs(y) < 0.52) || (Math.abs(y) < 0.15 && Math.abs(x) < 0.52)
  return (radius < 0.5 && y > 0) || (Math.hypot(x, y + 0.28) < 0.24 && y <= 0)
}

/** iOS draws its mask itself, Apple's artwork is square; the corners are rounded here since browsers do not. */
const isInMask = (x: number, y: number): boolean => Math.abs(x) ** 5 + Math.abs(y) ** 5 <= 1

const SAMPLES = [0.25, 0.75] as const

const pixel = (drawing: Drawing, column: number, row: number, size: number): readonly [number, number, number, number] => {
  let red = 0
  let green = 0
  let blue = 0
  let alpha = 0
  for (const dx of SAMPLES) {
    for (const dy of SAMPLES) {
      const x = ((column + dx) / size) * 2 - 1
      const y = ((row + dy) / size) * 2 - 1
      if (!isInMask(x, y)) continue
      alpha += 1
      const share = (y + 1) / 2
      const white = isInShape(drawing.shape, x, y)
      const mix = (from: number, to: number): number => (white ? 255 : from + (to - from) * share)
      red += mix(drawing.top[0], drawing.bottom[0])
      green += mix(drawing.top[1], drawing.bottom[1])
      blue += mix(drawing.top[2], drawing.bottom[2])
    }
  }
  return alpha === 0 ? [0, 0, 0, 0] : [red / alpha, green / alpha, blue / alpha, (alpha * 255) / 4]
}

const crcOf = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return (crc ^ 0xffffffff) >>> 0
}

const pngChunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crcOf(body), body.length + 4)
  return framed
}

export const iconPng = (product: Product, size: number): Uint8Array<ArrayBuffer> => {
  const drawing = drawingOf(product)
  const lines = Buffer.alloc(size * (size * 4 + 1))
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      pixel(drawing, column, row, size).forEach((value, channel) => {
        lines[row * (size * 4 + 1) + 1 + column * 4 + channel] = Math.round(value)
      })
    }
  }
  return pngFile(size, [8, 6, 0, 0, 0], deflateSync(lines))
}

const pngFile = (size: number, form: readonly number[], packed: Buffer): Uint8Array<ArrayBuffer> => {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size, 0)
  header.writeUInt32BE(size, 4)
  header.set(form, 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const parts = [signature, pngChunk('IHDR', header), pngChunk('IDAT', packed), pngChunk('IEND', Buffer.alloc(0))]
  return Uint8Array.from(Buffer.concat(parts))
}

/** A true PNG of one color and any size: a small file that is large when it is unpacked. One bit a pixel. */
export const pngOfSize = (size: number): Uint8Array<ArrayBuffer> =>
  pngFile(size, [1, 0, 0, 0, 0], deflateSync(Buffer.alloc(size * (Math.ceil(size / 8) + 1))))

const SVG_SHAPES = [
  '<circle cx="50" cy="50" r="20" fill="none" stroke="#fff" stroke-width="12"/>',
  '<path d="M50 19 81 50 50 81 19 50Z" fill="#fff"/>',
  '<path d="M26 31h12v44H26zM44 41h12v34H44zM62 58h12v17H62z" fill="#fff"/>',
  '<path d="M50 25 77 71H23Z" fill="#fff"/>',
  '<path d="M42 24h16v18h18v16H58v18H42V58H24V42h18z" fill="#fff"/>',
  '<path d="M25 50a25 25 0 0 0 50 0zM50 24a12 12 0 0 1 12 12v12H38V36a12 12 0 0 1 12-12z" fill="#fff"/>',
] as const

export const iconSvg = (product: Product): string => {
  const { top, bottom, shape } = drawingOf(product)
  const color = (rgb: Rgb): string => `rgb(${rgb.join(',')})`
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100"><defs><linearGradient id="g" x2="0" y2="1">` +
    `<stop stop-color="${color(top)}"/><stop offset="1" stop-color="${color(bottom)}"/></linearGradient></defs>` +
    `<rect width="100" height="100" rx="23" fill="url(#g)"/>${SVG_SHAPES[shape] ?? ''}</svg>`
  )
}
