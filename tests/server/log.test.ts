import { expect, test } from 'vitest'
import { createLog } from '../../server/log.ts'
import { Secret } from '../../server/secret.ts'
import { handClock } from '../world/hand-clock.ts'

const write = (act: (log: ReturnType<typeof createLog>) => void): string => {
  const lines: string[] = []
  act(createLog({ clock: handClock(), destination: { write: (line: string) => void lines.push(line) } }))
  return lines.join('')
}

test('a line has the time of our clock, and no name of the machine', () => {
  const line = JSON.parse(write((log) => log.info('started'))) as Record<string, unknown>
  expect(line).toEqual({ level: 'info', time: '2026-11-24T09:00:00.000Z', msg: 'started' })
})

test('what is named like a secret is blacked out, near the surface and deeper', () => {
  const secrets = {
    authorization: 'swordfish',
    cookie: 'swordfish',
    'set-cookie': 'swordfish',
    password: 'swordfish',
    contentToken: 'swordfish',
    clientSecret: 'swordfish',
    privateKey: 'swordfish',
    secret: 'swordfish',
    credential: { contentToken: 'swordfish' },
  }
  const text = write((log) => {
    log.info(secrets)
    log.info({ headers: secrets })
    log.warn({ req: { headers: secrets } }, 'request')
  })
  expect(text).not.toContain('swordfish')
  expect(text).toContain('***')
})

test('a Secret is nothing wherever it stands', () => {
  expect(write((log) => log.info({ a: { b: { c: { d: [Secret.of('swordfish')] } } } }))).not.toContain('swordfish')
})

test('an error is told with its causes, and without what a driver hung on it', () => {
  const cause = Object.assign(new Error('disk full'), { code: 'SQLITE_FULL', parameters: ['swordfish'] })
  const error = Object.assign(new Error('not written', { cause }), { query: 'insert swordfish', token: 'swordfish' })
  const text = write((log) => log.error({ err: error }, 'unexpected'))
  expect(text).not.toContain('swordfish')
  expect(JSON.parse(text)).toMatchObject({ err: { message: 'not written', cause: { message: 'disk full', code: 'SQLITE_FULL' } } })
})
