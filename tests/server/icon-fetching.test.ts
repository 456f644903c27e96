/** Which addresses a picture is fetched from: they come from outside and decide nothing. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { fetchIcon, mayFetchIcon, mostIconBytes } from '../../server/icon-fetching.ts'
import { handClock } from '../world/hand-clock.ts'

const policy = { hosts: ['mzstatic.com'], origins: ['https://lookup.example', 'http://127.0.0.1:8788'] }

describe('a picture is asked for', () => {
  test.each([
    'https://mzstatic.com/a.png',
    'https://is1-ssl.mzstatic.com/image/thumb/x/128x128bb.png?y=1',
    'https://IS1-ssl.MZSTATIC.com/a.png',
    'https://lookup.example/artwork/a.png',
    'http://127.0.0.1:8788/artwork/a.png',
  ])('at %s', (address) => expect(mayFetchIcon(address, policy)).toBe(true))
})

describe('a picture is never asked for', () => {
  test.each([
    ['without encryption', 'http://is1-ssl.mzstatic.com/a.png'],
    ['of a host that only ends alike', 'https://evilmzstatic.com/a.png'],
    ['of a host below another', 'https://mzstatic.com.evil.example/a.png'],
    ['at another port', 'https://mzstatic.com:8443/a.png'],
    ['with a user name', 'https://user@mzstatic.com/a.png'],
    ['of this machine', 'https://localhost/a.png'],
    ['of this machine by number', 'https://127.0.0.1/a.png'],
    ['at another port of this machine', 'http://127.0.0.1:8787/a.png'],
    ['of this machine in IPv6', 'https://[::1]/a.png'],
    ['of this machine in IPv4 as IPv6', 'https://[::ffff:127.0.0.1]/a.png'],
    ['of a private network', 'https://10.0.0.5/a.png'],
    ['of a cloud’s own service', 'http://169.254.169.254/latest/meta-data/'],
    ['by a number in another writing', 'https://0x7f000001/a.png'],
    ['as a file', 'file:///etc/passwd'],
    ['as data', 'data:image/png;base64,AAAA'],
    ['as a script', 'javascript:alert(1)'],
    ['as nothing that is an address', 'is1-ssl.mzstatic.com/a.png'],
    ['of any other host', 'https://img.example/a.png'],
  ])('%s', (_how, address) => expect(mayFetchIcon(address, policy)).toBe(false))
})

const withPictures = async <T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    return await use(url)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
const fetchFrom = (url: string, clock = handClock()) =>
  fetchIcon({ clock, fetch: globalThis.fetch, policy: { hosts: [], origins: [new URL(url).origin] } }, url)

describe('what a picture’s address answers', () => {
  test('its bytes', async () => {
    const fetched = await withPictures((_, response) => response.end('picture'), fetchFrom)
    expect(fetched).toEqual({ ok: true, value: new TextEncoder().encode('picture') })
  })

  test('elsewhere: nobody is followed', async () => {
    const seen: (string | undefined)[] = []
    const fetched = await withPictures(
      (request, response) => {
        seen.push(request.url)
        response.writeHead(302, { location: '/inner' }).end()
      },
      (url) => fetchFrom(`${url}/a.png`),
    )
    expect(fetched).toEqual({ ok: false, error: { is: 'answered-without-picture' } })
    expect(seen).toEqual(['/a.png'])
  })

  test.each([
    [404, 'answered-without-picture'],
    [429, 'unreachable'],
    [503, 'unreachable'],
  ])('status %i is %s', async (status, is) => {
    const fetched = await withPictures((_, response) => response.writeHead(status).end('no'), fetchFrom)
    expect(fetched).toEqual({ ok: false, error: { is } })
  })

  test('too much, with and without a warning', async () => {
    const body = Buffer.alloc(mostIconBytes + 1)
    const told = await withPictures((_, response) => response.writeHead(200, { 'content-length': body.length }).end(body), fetchFrom)
    expect(told).toEqual({ ok: false, error: { is: 'too-large' } })
    const untold = await withPictures((_, response) => {
      response.write(body)
      // Never ends by itself.
    }, fetchFrom)
    expect(untold).toEqual({ ok: false, error: { is: 'too-large' } })
  })

  test('nothing for too long, and a broken line', async () => {
    const clock = handClock()
    const silent = await withPictures(
      () => clock.pass(60_000),
      (url) => fetchFrom(url, clock),
    )
    expect(silent).toEqual({ ok: false, error: { is: 'unreachable' } })
    const cut = await withPictures((request) => request.socket.destroy(), fetchFrom)
    expect(cut).toEqual({ ok: false, error: { is: 'unreachable' } })
  })
})
