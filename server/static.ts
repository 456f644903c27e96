/** The console's own files, as the build left them. Only what was there at the start is served: no path leads elsewhere. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Context } from 'hono'
import { selfServiceFile, selfServicePath } from './self-service-page.ts'

export interface StaticFiles {
  /** Undefined when no file answers this request: the path is not of the console. */
  answer(c: Context): Promise<Response | undefined>
}

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json; charset=utf-8',
  map: 'application/json; charset=utf-8',
  webmanifest: 'application/manifest+json; charset=utf-8',
  txt: 'text/plain; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  wasm: 'application/wasm',
}
const isText = (type: string): boolean => /^text\/|json|svg|wasm/.test(type)
/** Pages with a file of their own. */
const fileOfPage: ReadonlyMap<string, string> = new Map([
  ['/', '/index.html'],
  [selfServicePath, selfServiceFile],
])
const FEWEST_BYTES_TO_PACK = 1_024

type Packing = 'br' | 'gzip' | 'identity'
interface Kept {
  readonly etag: string
  readonly type: string
  readonly bytes: Readonly<Record<Packing, Uint8Array<ArrayBuffer> | undefined>>
}

const brotli = promisify(brotliCompress)
const zip = promisify(gzip)

/** Reads and packs a file once, when it is first asked for. */
const keep = async (path: string): Promise<Kept> => {
  const identity = await readFile(path)
  const type = types[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  const isPacked = isText(type) && identity.length >= FEWEST_BYTES_TO_PACK
  // Level 9 packs a script of this size in a moment; 11 would take seconds.
  const br = isPacked ? await brotli(identity, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }) : undefined
  const gz = isPacked ? await zip(identity) : undefined
  return {
    etag: createHash('sha256').update(identity).digest('base64url').slice(0, 27),
    type,
    bytes: { identity: new Uint8Array(identity), br: br && new Uint8Array(br), gzip: gz && new Uint8Array(gz) },
  }
}

const packingFor = (accepted: string, bytes: Kept['bytes']): Packing => {
  const names = accepted.split(',').flatMap((part) => {
    const [name = '', ...rest] = part.split(';').map((word) => word.trim().toLowerCase())
    return rest.some((word) => /^q=0(\.0*)?$/.test(word)) ? [] : [name]
  })
  if (bytes.br !== undefined && names.includes('br')) return 'br'
  return bytes.gzip !== undefined && names.includes('gzip') ? 'gzip' : 'identity'
}

/** A build puts a hash of the content into the names below `assets/`: such a file never changes. Everything else is asked for anew. */
const cacheControl = (path: string): string => (path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache')

/** Without the directory (nothing was built) there are no files, and every page says so. */
export const createStatic = async (directory: string): Promise<StaticFiles> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
  const fileByPath = new Map<string, string>()
  for (const entry of entries)
    if (entry.isFile()) {
      const file = join(entry.parentPath, entry.name)
      fileByPath.set(`/${relative(directory, file).split(sep).join('/')}`, file)
    }
  const keptByPath = new Map<string, Promise<Kept>>()
  const kept = (path: string, file: string): Promise<Kept> => {
    let found = keptByPath.get(path)
    if (found === undefined) {
      found = keep(file)
      keptByPath.set(path, found)
      // A file that can not be read now may be read later.
      found.catch(() => keptByPath.delete(path))
    }
    return found
  }

  return {
    answer: async (c) => {
      if (c.req.method !== 'GET' && c.req.method !== 'HEAD') return undefined
      const asked = fileOfPage.get(c.req.path) ?? c.req.path
      // A screen's address has no dot in its last part; a file that is missing must not be answered with a page.
      const isScreen = !/\.[^/]*$/.test(asked)
      const path = fileByPath.has(asked) ? asked : isScreen ? '/index.html' : undefined
      const file = path === undefined ? undefined : fileByPath.get(path)
      if (path === undefined || file === undefined) return undefined

      const { etag, type, bytes } = await kept(path, file)
      const packing = packingFor(c.req.header('accept-encoding') ?? '', bytes)
      const tag = `"${etag}${packing === 'identity' ? '' : `-${packing}`}"`
      const headers: Record<string, string> = {
        ETag: tag,
        'Cache-Control': cacheControl(path),
        'Content-Type': type,
        Vary: 'Accept-Encoding',
      }
      // The worker may answer for the whole console.
      if (path === '/service-worker.js') headers['Service-Worker-Allowed'] = '/'
      const known = (c.req.header('if-none-match') ?? '').split(',').map((part) => part.trim().replace(/^W\//, ''))
      if (known.includes(tag)) return c.body(null, 304, headers)
      if (packing !== 'identity') headers['Content-Encoding'] = packing
      const content = bytes[packing] ?? new Uint8Array(0)
      headers['Content-Length'] = String(content.length)
      return c.req.method === 'HEAD' ? c.body(null, 200, headers) : c.body(content, 200, headers)
    },
  }
}
