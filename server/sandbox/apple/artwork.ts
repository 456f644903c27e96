/** What lies at an artwork's address. Some of it no server should draw: each is a way in which a picture can be poisoned. */
import { iconPng, iconSvg, pngOfSize } from './icon.ts'
import type { Product } from './state.ts'
import type { Switches } from './switches.ts'

const PNG = { 'content-type': 'image/png' } as const
const mostPixels = 512

/** Undefined: there is nothing of that name. */
export const artworkFile = (product: Product, file: string, kind: Switches['artworkFile']): Response | undefined => {
  const size = /^(\d{1,4})x(\d{1,4})bb\.(svg|png|jpg|webp)$/.exec(file)
  if (size === null) return undefined
  const headers = { 'cache-control': 'public, max-age=86400' }
  if (size[3] === 'svg') return new Response(iconSvg(product), { headers: { ...headers, 'content-type': 'image/svg+xml' } })
  const png = iconPng(product, Math.min(mostPixels, Math.max(16, Number(size[1]))))
  switch (kind) {
    case 'picture':
      return new Response(png, { headers: { ...headers, ...PNG } })
    case 'svg':
      return new Response(iconSvg(product), { headers: { ...headers, ...PNG } })
    case 'html':
      return new Response('<html><body><h1>Sign in to the network</h1></body></html>', { headers: { 'content-type': 'text/html' } })
    case 'truncated':
      return new Response(png.slice(0, Math.floor(png.length / 2)), { headers: { ...headers, ...PNG } })
    case 'bomb':
      // 20,000 × 20,000 pixels of nothing in some 200 kB: 1.6 GB when it is unpacked.
      return new Response(pngOfSize(20_000), { headers: { ...headers, ...PNG } })
    case 'large':
      return new Response(new Uint8Array(4 * 1024 * 1024), { headers: { ...headers, ...PNG } })
    case 'redirect':
      return new Response(null, { status: 302, headers: { location: 'http://169.254.169.254/latest/meta-data/' } })
  }
}
