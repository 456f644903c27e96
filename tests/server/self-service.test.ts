/** The way in for people without an account: their links, their sessions, and what they see and do with them. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { openSqlite } from '../../server/database/database.ts'
import { onEachDatabase, stopDatabases } from '../world/open-database.ts'
import { book, keynote, openDesk, openSchool, type School } from './routes/desk.ts'

afterAll(stopDatabases)

const origin = 'http://localhost:8787'
const dayMs = 24 * 60 * 60_000

interface Visitor {
  readonly cookie: string
  readonly name: string
}

const linkFor = async (school: School, id: string, validDays = 30): Promise<string> => {
  const made = await school.post('self-service/links', { users: [id], validDays })
  if (made.status !== 201) throw new Error(made.text)
  return String(made.body.items[0].link).split('#')[1] ?? ''
}
const open = (school: School, link: string, headers: Readonly<Record<string, string>> = {}) =>
  school.ask('POST', '/self-service/api/session', { as: null, body: { link }, headers: { origin, ...headers } })
const visit = async (school: School, link: string): Promise<Visitor> => {
  const opened = await open(school, link)
  if (opened.status !== 200) throw new Error(opened.text)
  return { cookie: (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? '', name: opened.body.name }
}
const as = (school: School, { cookie }: Visitor, method: string, path: string, body?: unknown) =>
  school.ask(method, `/self-service/api/${path}`, {
    as: null,
    headers: { cookie, origin },
    ...(body === undefined ? {} : { body }),
  })
const openForTeachers = async (options: Parameters<typeof openSchool>[0] = {}) => {
  const school = await openSchool(options)
  await school.ask('PUT', 'self-service', { body: { on: true } })
  const license = await school.idOf('licenses', keynote)
  const teachers = await school.idOf('groups', 'Teachers')
  await school.post('assignments', {
    licenseId: license,
    target: { kind: 'group', id: teachers },
    intent: 'available',
    licenseType: 'user',
  })
  const [ana, ben] = [await school.idOf('users', 'ana'), await school.idOf('users', 'ben')]
  return { school, license, teachers, ana, ben }
}
const itemsOf = async (school: School, visitor: Visitor) => (await as(school, visitor, 'GET', 'mine')).body.items

test.each(onEachDatabase)(
  'two people want the last seat: one has it, the other is first in line and gets it later ($dialect)',
  async ({ open: database }) => {
    const { school, license, ana, ben } = await openForTeachers({ open: database })
    await using _ = school
    school.store.assignOutside(
      school.uId,
      keynote,
      ['C02A', 'C02B'].map((serialNumber) => ({ kind: 'device' as const, serialNumber })),
    )
    await school.post(`connectors/${school.connectorId}/sync`, { full: true })
    await school.settle(5_000)
    const [first, second] = [await visit(school, await linkFor(school, ana)), await visit(school, await linkFor(school, ben))]
    expect(first.name).toBe('Ana Maier')
    expect(await itemsOf(school, first)).toMatchObject([
      { id: license, product: { name: 'Keynote' }, state: 'available', mayTake: true, wouldWait: false, isForGood: false },
    ])
    const both = await Promise.all([
      as(school, first, 'POST', `licenses/${license}/claim`, {}),
      as(school, second, 'POST', `licenses/${license}/claim`, {}),
    ])
    // Which of the two is first is nobody's to say.
    const isFirst = both[0].body.state === 'coming'
    const [taken, late] = isFirst ? both : [both[1], both[0]]
    const [holder, waiter] = isFirst ? [first, second] : [second, first]
    expect([taken.status, taken.body]).toMatchObject([200, { state: 'coming', mayGiveBack: true }])
    expect([late.status, late.body]).toMatchObject([200, { state: 'waiting', position: 1, mayGiveBack: true, mayTake: false }])
    await school.settle(10_000)
    expect(await itemsOf(school, holder)).toMatchObject([{ state: 'held', since: expect.stringMatching(/Z$/), mayGiveBack: true }])

    expect((await as(school, holder, 'DELETE', `licenses/${license}/claim`)).body.state).toBe('returning')
    await school.settle(20_000)
    expect(await itemsOf(school, waiter)).toMatchObject([{ state: 'held' }])
    expect(await itemsOf(school, holder)).toMatchObject([{ state: 'available', wouldWait: true }])
    const { items } = (await school.get('audit?limit=500')).body
    const acts = items.filter(({ action }: { action: string }) => action.startsWith('seat.'))
    expect(acts.map((row: { actor: string; action: string }) => [row.action, JSON.stringify(row.actor)])).toContainEqual([
      'seat.given-back',
      expect.stringContaining(holder.name),
    ])
  },
)

test('it is off until an owner turns it on, and off again ends what is open', async () => {
  await using school = await openSchool()
  const ana = await school.idOf('users', 'ana')
  expect((await school.get('self-service')).body).toMatchObject({
    on: false,
    people: 0,
    changedAt: null,
    address: `${origin}/self-service`,
  })
  expect((await school.post('self-service/links', { users: [ana] })).body).toMatchObject({ status: 409, code: 'self-service-off' })
  expect((await open(school, 'x'.repeat(64))).body).toMatchObject({ status: 403, code: 'self-service-off' })
  const administrator = await school.keyFor('administrator')
  expect((await school.ask('PUT', 'self-service', { body: { on: true }, as: administrator })).status).toBe(403)
  await school.ask('PUT', 'self-service', { body: { on: true } })
  const link = await linkFor(school, ana)
  const visitor = await visit(school, link)
  await school.ask('PUT', 'self-service', { body: { on: false } })
  expect((await as(school, visitor, 'GET', 'mine')).status).toBe(401)
  expect((await open(school, link)).body.code).toBe('self-service-off')
  await school.ask('PUT', 'self-service', { body: { on: true } })
  expect((await as(school, visitor, 'GET', 'mine')).status).toBe(401)
  expect((await open(school, link)).status).toBe(200)
})

test('a link that was altered anywhere does not hold, and nobody is told why', async () => {
  const { school, ana } = await openForTeachers()
  await using _ = school
  const link = await linkFor(school, ana)
  expect(link).toMatch(/^[A-Za-z0-9_-]{64}$/)
  const answers = new Set<string>()
  for (let at = 0; at < link.length; at += 1) {
    school.clock.pass(2_000)
    const altered = `${link.slice(0, at)}${link[at] === 'A' ? 'B' : 'A'}${link.slice(at + 1)}`
    const { status, body } = await open(school, altered)
    answers.add(`${status} ${body.code} ${body.detail}`)
  }
  for (const wrong of [link.slice(0, -1), `${link}A`, '', 'é'.repeat(64), `${link.slice(0, 63)}=`]) {
    school.clock.pass(2_000)
    const { status, body } = await open(school, wrong)
    answers.add(`${status} ${body.code} ${body.detail}`)
  }
  expect([...answers]).toHaveLength(1)
  expect([...answers][0]).toMatch(/^401 link-not-valid /)
  expect((await open(school, link)).status).toBe(200)
})

test('a link of another organisation does not hold here', async () => {
  const there = await openForTeachers()
  await using _ = there.school
  const here = await openForTeachers({ environment: { QM_OWNER_EMAIL: 'o@school.example', QM_OWNER_PASSWORD: 'another place altogether' } })
  await using __ = here.school
  expect((await open(here.school, await linkFor(there.school, there.ana))).status).toBe(401)
})

test('a link ends with its last day, and so does what it opened', async () => {
  const { school, ana } = await openForTeachers()
  await using _ = school
  const link = await linkFor(school, ana, 1)
  school.clock.pass(dayMs - 60_000)
  const visitor = await visit(school, link)
  expect((await as(school, visitor, 'GET', 'mine')).status).toBe(200)
  school.clock.pass(61_000)
  expect((await as(school, visitor, 'GET', 'mine')).body).toMatchObject({ status: 401, code: 'session-over' })
  expect((await open(school, link)).body).toMatchObject({ status: 401, code: 'link-expired', detail: expect.stringContaining('2026') })
})

test('a session lasts an hour, however often it is looked at, and ends when it is left', async () => {
  const { school, ana } = await openForTeachers()
  await using _ = school
  const link = await linkFor(school, ana)
  const visitor = await visit(school, link)
  for (let minutes = 0; minutes < 60; minutes += 10) {
    expect((await as(school, visitor, 'GET', 'mine')).status).toBe(200)
    school.clock.pass(10 * 60_000)
  }
  expect((await as(school, visitor, 'GET', 'mine')).body.code).toBe('session-over')
  const again = await visit(school, link)
  expect((await as(school, again, 'DELETE', 'session')).status).toBe(204)
  expect((await as(school, again, 'GET', 'mine')).body.code).toBe('session-over')
})

test('ending the links of one person ends theirs alone, also the ones made before; a new one holds', async () => {
  const { school, ana, ben } = await openForTeachers()
  await using _ = school
  const [old, link, other] = [await linkFor(school, ana, 200), await linkFor(school, ana), await linkFor(school, ben)]
  const visitor = await visit(school, link)
  expect((await school.get('self-service')).body.people).toBe(2)
  expect((await school.ask('DELETE', `self-service/links/${ana}`)).status).toBe(204)
  expect((await school.ask('DELETE', `self-service/links/${ana}`)).status).toBe(404)
  for (const ended of [old, link]) expect((await open(school, ended)).body.code).toBe('link-not-valid')
  expect((await as(school, visitor, 'GET', 'mine')).body.code).toBe('session-over')
  expect((await open(school, other)).status).toBe(200)
  expect((await open(school, await linkFor(school, ana))).status).toBe(200)
  expect((await open(school, link)).body.code).toBe('link-not-valid')
})

test('a new key ends all links and sessions at once, and says whose', async () => {
  const { school, ana, ben } = await openForTeachers()
  await using _ = school
  const links = [await linkFor(school, ana), await linkFor(school, ben)]
  const visitor = await visit(school, links[0] ?? '')
  const administrator = await school.keyFor('administrator')
  expect((await school.ask('DELETE', 'self-service/links', { as: administrator })).status).toBe(403)
  expect((await school.ask('DELETE', 'self-service/links')).body).toEqual({ people: 2 })
  for (const link of links) expect((await open(school, link)).body.code).toBe('link-not-valid')
  expect((await as(school, visitor, 'GET', 'mine')).status).toBe(401)
  expect((await school.get('self-service')).body).toMatchObject({ on: true, people: 0 })
  expect((await open(school, await linkFor(school, ana))).status).toBe(200)
})

test('who left or is not active is told so, and can do nothing', async () => {
  const { school, license, ana, ben } = await openForTeachers()
  await using _ = school
  const links = [await linkFor(school, ana), await linkFor(school, ben)] as const
  const visitors = [await visit(school, links[0]), await visit(school, links[1])] as const
  await school.ask('PATCH', `users/${ana}`, { body: { active: false } })
  await school.ask('DELETE', `users/${ben}`)
  await school.settle(2_000)
  for (const [at, code] of [
    [0, 'person-inactive'],
    [1, 'person-left'],
  ] as const) {
    expect((await open(school, links[at])).body).toMatchObject({ status: 403, code })
    expect((await as(school, visitors[at], 'GET', 'mine')).body).toMatchObject({ status: 403, code })
    expect((await as(school, visitors[at], 'POST', `licenses/${license}/claim`, {})).body).toMatchObject({ status: 403, code })
  }
  const { body } = await school.post('self-service/links', { users: [ana, ben, 'd3', 'u99', 'x'] })
  expect([body.code, body.leftOut.map(({ code }: { code: string }) => code)]).toEqual([
    'nobody-to-link',
    ['principal-unknown', 'principal-unknown', 'person-inactive', 'person-left', 'principal-unknown'],
  ])
})

test('somebody else’s license is as unknown as one that is not there', async () => {
  const { school, license, ana, ben } = await openForTeachers()
  await using _ = school
  const books = await school.idOf('licenses', book)
  await school.post('assignments', {
    licenseId: books,
    target: { kind: 'user', id: ben },
    intent: 'available',
    licenseType: 'user',
    confirmIrreversible: true,
  })
  const visitor = await visit(school, await linkFor(school, ana))
  expect((await itemsOf(school, visitor)).map(({ id }: { id: string }) => id)).toEqual([license])
  const texts: string[] = []
  for (const id of [books, 'l99', 'nothing'])
    for (const [method, body] of [['POST', { confirmIrreversible: true }], ['DELETE']] as const) {
      const answer = await as(school, visitor, method, `licenses/${id}/claim`, body)
      texts.push(`${answer.status} ${answer.body.code} ${answer.body.detail}`)
    }
  expect(new Set(texts).size).toBe(1)
  const { text } = await as(school, visitor, 'GET', 'mine')
  for (const secret of ['Ben', 'ben', 'Moby', book, school.connectorId]) expect(text).not.toContain(secret)
})

test('a person’s cookie opens nothing of the console, and an administrator’s key nothing of a person', async () => {
  const { school, license, ana } = await openForTeachers()
  await using _ = school
  const opened = await open(school, await linkFor(school, ana))
  const set = opened.headers.get('set-cookie') ?? ''
  expect(set).toMatch(/^qm-self=[A-Za-z0-9_-]{43}; Path=\/self-service; Expires=[^;]+; HttpOnly; SameSite=Strict$/)
  const value = set.slice(set.indexOf('=') + 1, set.indexOf(';'))
  for (const cookie of [`qm=${value}`, `qm-self=${value}`])
    expect((await school.ask('GET', 'licenses', { as: null, headers: { cookie } })).status).toBe(401)
  expect((await school.ask('GET', 'licenses', { as: value })).status).toBe(401)
  expect((await school.ask('GET', '/self-service/api/mine')).status).toBe(401)
  expect((await school.ask('POST', `/self-service/api/licenses/${license}/claim`, { body: {} })).status).toBe(401)
})

test('where the server is public the cookie goes over https only', async () => {
  const { school, ana } = await openForTeachers({ environment: { QM_PUBLIC_URL: 'https://apps.school.example' } })
  await using _ = school
  const made = await school.post('self-service/links', { users: [ana] })
  expect(made.body.items[0].link).toMatch(/^https:\/\/apps\.school\.example\/self-service#/)
  const opened = await open(school, String(made.body.items[0].link).split('#')[1] ?? '', { origin: 'https://apps.school.example' })
  expect(opened.headers.get('set-cookie')).toMatch(/^__Secure-qm-self=.*; Secure; SameSite=Strict$/)
})

test('no page of another site can act with the cookie', async () => {
  const { school, license, ana } = await openForTeachers()
  await using _ = school
  const link = await linkFor(school, ana)
  const { cookie } = await visit(school, link)
  const path = `/self-service/api/licenses/${license}/claim`
  const attempt = async (headers: Readonly<Record<string, string>>, body: unknown = {}) =>
    (await school.ask('POST', path, { as: null, body, headers: { cookie, ...headers } })).status
  expect(await attempt({})).toBe(403)
  expect(await attempt({ origin: 'https://evil.example' })).toBe(403)
  expect(await attempt({ origin: 'null' })).toBe(403)
  expect(await attempt({ origin, 'content-type': 'text/plain' })).toBe(415)
  expect((await school.ask('DELETE', path, { as: null, headers: { cookie, origin: 'https://evil.example' } })).status).toBe(403)
  expect((await open(school, link, { origin: 'https://evil.example' })).status).toBe(403)
  expect((await school.get(`licenses/${license}/claims`)).body.items).toEqual([])
  expect(await attempt({ origin })).toBe(200)
})

test('a book is taken for good only by who confirms it', async () => {
  const { school, ana } = await openForTeachers()
  await using _ = school
  const books = await school.idOf('licenses', book)
  await school.post('assignments', {
    licenseId: books,
    target: { kind: 'all-users' },
    intent: 'available',
    licenseType: 'user',
    confirmIrreversible: true,
  })
  const visitor = await visit(school, await linkFor(school, ana))
  const path = `licenses/${books}/claim`
  expect((await as(school, visitor, 'POST', path, {})).body).toMatchObject({ status: 409, code: 'confirmation-required' })
  expect((await as(school, visitor, 'POST', path, { confirmIrreversible: true })).body).toMatchObject({ state: 'coming', isForGood: true })
  await school.settle(10_000)
  expect((await itemsOf(school, visitor)).find(({ id }: { id: string }) => id === books)).toMatchObject({
    state: 'held',
    mayGiveBack: false,
  })
  expect((await as(school, visitor, 'DELETE', path)).body).toMatchObject({ status: 409, code: 'irrevocable' })
})

test('who took something that is offered no more is told what became of it', async () => {
  const { school, license, teachers, ana, ben } = await openForTeachers()
  await using _ = school
  const visitor = await visit(school, await linkFor(school, ana))
  await as(school, visitor, 'POST', `licenses/${license}/claim`, {})
  await school.settle(10_000)
  await school.ask('PUT', `groups/${teachers}/members`, { body: { members: [ben] } })
  await school.settle(10_000)
  expect(await itemsOf(school, visitor)).toMatchObject([
    { state: 'ended', text: 'This is no longer offered to you. You have it until your organisation takes it back.', mayGiveBack: false },
  ])
  await school.post(`licenses/${license}/reclaim`, { principals: [ana] })
  await school.settle(20_000)
  expect(await itemsOf(school, visitor)).toMatchObject([{ state: 'ended', since: null }])
  school.clock.pass(31 * dayMs)
  expect(await itemsOf(school, await visit(school, await linkFor(school, ana)))).toEqual([])
})

test('what administrators have to mend is not told to the person, and the place in the line is kept', async () => {
  const { school, license, ana } = await openForTeachers()
  await using _ = school
  const visitor = await visit(school, await linkFor(school, ana))
  school.store.revokeToken(school.uId)
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle(5_000)
  const { body } = await as(school, visitor, 'POST', `licenses/${license}/claim`, {})
  expect(body).toMatchObject({ state: 'waiting', position: 1 })
  expect(body.text).not.toMatch(/token|upload|connector/i)
})

test('wrong links of one address are soon not looked at any more, and good ones of a whole school always are', async () => {
  const { school, ana, ben } = await openForTeachers({ environment: { QM_TRUSTED_PROXIES: '127.0.0.1' } })
  await using _ = school
  const links = [await linkFor(school, ana), await linkFor(school, ben)]
  for (let n = 0; n < 25; n += 1) for (const link of links) expect((await open(school, link)).status).toBe(200)
  expect((await open(school, 'A'.repeat(64))).status).toBe(401)
  let status = 0
  for (let n = 0; n < 70 && status !== 429; n += 1) status = (await open(school, String(n).padEnd(64, 'A'))).status
  expect(status).toBe(429)
  const blocked = await open(school, links[0] ?? '')
  expect([blocked.status, Number(blocked.headers.get('retry-after')) > 0]).toEqual([429, true])
  school.clock.pass(61_000)
  expect((await open(school, links[0] ?? '')).status).toBe(200)
})

test('one person acts only so often in a minute', async () => {
  const { school, license, ana, ben } = await openForTeachers()
  await using _ = school
  const [visitor, other] = [await visit(school, await linkFor(school, ana)), await visit(school, await linkFor(school, ben))]
  const statuses: number[] = []
  for (let n = 0; n < 35; n += 1) statuses.push((await as(school, visitor, 'POST', `licenses/${license}/claim`, {})).status)
  expect(statuses.filter((status) => status === 429)).toHaveLength(5)
  expect((await as(school, other, 'POST', `licenses/${license}/claim`, {})).status).toBe(200)
})

test('links for a group come as a file for a mail merge, in which no name is a formula', async () => {
  const { school, teachers, ana } = await openForTeachers()
  await using _ = school
  await school.ask('PATCH', `users/${ana}`, { body: { displayName: '=HYPERLINK("http://evil.example")' } })
  const made = await school.ask('POST', 'self-service/links', { body: { group: teachers, validDays: 7 }, headers: { accept: 'text/csv' } })
  expect([made.status, made.headers.get('content-type')]).toEqual([201, expect.stringMatching(/^text\/csv/)])
  expect(made.headers.get('cache-control')).toBe('no-store')
  const lines = made.text.trim().split('\r\n')
  expect(lines[0]).toBe('userName,name,email,link,expiresAt')
  expect(lines).toHaveLength(3)
  expect(lines[1]).toContain(`"'=HYPERLINK(""http://evil.example"")"`)
  for (const line of lines.slice(1)) {
    const link = /#([A-Za-z0-9_-]{64}),/.exec(line)?.[1] ?? ''
    expect((await open(school, link)).status).toBe(200)
  }
  const { items } = (await school.get('self-service/links')).body
  expect(items).toHaveLength(2)
  expect(items[0]).toMatchObject({ madeBy: 'Key of the environment', usedAt: expect.stringMatching(/Z$/) })
  expect((await school.post('self-service/links', { group: await school.idOf('groups', 'Tablets') })).status).toBe(404)
  expect((await school.post('self-service/links', {})).status).toBe(400)
})

test('a link and a session are in no log, audit row, fact or file', async () => {
  const { school, license, ana } = await openForTeachers({ databaseFile: true })
  await using _ = school
  const link = await linkFor(school, ana)
  const { cookie } = await visit(school, link)
  const session = cookie.slice(cookie.indexOf('=') + 1)
  await open(school, `${link.slice(0, -1)}x`)
  await as(school, { cookie, name: '' }, 'POST', `licenses/${license}/claim`, {})
  await as(school, { cookie, name: '' }, 'GET', 'mine')
  await school.settle(10_000)
  await as(school, { cookie, name: '' }, 'DELETE', `licenses/${license}/claim`)
  await school.settle(10_000)
  const said = [school.logged.join('')]
  for (const path of ['audit?limit=500', 'self-service', 'self-service/links', `licenses/${license}/claims`, 'orders', '/metrics'])
    said.push((await school.get(path)).text)
  for (const file of readdirSync(school.dataDir)) said.push(readFileSync(join(school.dataDir, file)).toString('latin1'))
  expect(said.length).toBeGreaterThan(8)
  for (const secret of [link, session]) {
    const bytes = Buffer.from(secret, 'base64url')
    for (const form of [secret, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('latin1')])
      expect(said.findIndex((text) => text.includes(form))).toBe(-1)
  }
})

test('a restart forgets no claim, no place in the line and no link', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quartermaster-restart-'))
  writeFileSync(join(directory, 'master.key'), Buffer.alloc(32, 7).toString('base64'), { mode: 0o600 })
  const options = {
    environment: { QM_MASTER_KEY_FILE: join(directory, 'master.key') },
    open: () => openSqlite(join(directory, 'quartermaster.sqlite')),
  }
  const { school, license, ana, ben } = await openForTeachers(options)
  school.store.setTotal(school.uId, keynote, 1)
  await school.post(`connectors/${school.connectorId}/sync`, { full: true })
  await school.settle(5_000)
  const link = await linkFor(school, ben)
  await school.post(`licenses/${license}/claims`, { principal: ana })
  await as(school, await visit(school, link), 'POST', `licenses/${license}/claim`, {})
  await school.close()

  await using again = await openDesk(options)
  const { items } = (await again.get(`licenses/${license}/claims`)).body
  expect(items.map(({ principal }: { principal: { id: string } }) => principal.id)).toEqual([ana, ben])
  expect(items[1]).toMatchObject({ wants: 'seat', state: 'waiting' })
  const opened = await again.ask('POST', '/self-service/api/session', { as: null, body: { link }, headers: { origin } })
  const cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  const mine = await again.ask('GET', '/self-service/api/mine', { as: null, headers: { cookie } })
  expect(mine.body).toMatchObject({ name: 'Ben Oduya', items: [{ id: license, state: 'waiting' }] })
  rmSync(directory, { recursive: true })
})
