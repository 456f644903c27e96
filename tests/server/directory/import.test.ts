/** Files: every change told before anything is kept, every fault by its row, all or nothing at any size. */
import { expect, test } from 'vitest'
import { createDirectoryImport } from '../../../server/directory/import.ts'
import { openJobs, writeJob } from '../../../server/directory/import-jobs.ts'
import type { Journal } from '../../../server/journal.ts'
import { parseAdminId } from '../../../shared/ids.ts'
import { seededChance } from '../../world/hand-clock.ts'
import { apiKey, openDesk, openSchool, type Desk } from '../routes/desk.ts'

const heads = 'userName,displayName,email,department,active,managedAppleAccount'
const send = (desk: Desk, kind: string, csv: string, options = '') => desk.ask('POST', `directory/import?kind=${kind}${options}`, { csv })
const many = (count: number, row: (n: number) => string): string => Array.from({ length: count }, (_, n) => row(n)).join('\n')

test('a dry run tells every change field by field, what it was and what it will be, and keeps nothing', async () => {
  await using school = await openSchool()
  const file = `${heads}\nANA,Ana Oduya,ana@school.example,Maths,false,\nben,Ben Oduya,ben@school.example,Arts,true,\ncleo,Cleo,,,,\n`
  const { body } = await send(school, 'users', file, '&dryRun=true')
  expect(body).toMatchObject({ read: 3, created: 1, changed: 1, unchanged: 1, errorCount: 0 })
  expect(body.changes).toEqual([
    {
      row: 2,
      id: await school.idOf('users', 'ana'),
      name: 'ANA',
      is: 'changed',
      joinedBy: null,
      fields: [
        { field: 'displayName', before: 'Ana Maier', after: 'Ana Oduya' },
        { field: 'active', before: 'true', after: 'false' },
      ],
    },
    {
      row: 4,
      id: null,
      name: 'cleo',
      is: 'created',
      joinedBy: null,
      fields: [
        { field: 'userName', before: '', after: 'cleo' },
        { field: 'displayName', before: '', after: 'Cleo' },
        { field: 'active', before: '', after: 'true' },
      ],
    },
  ])
  expect((await school.get('users?q=cleo')).body.items).toEqual([])
  const devices = 'serialNumber,name,platform,model,ownerUserName\nc02 a,iPad 1,,iPad Air,\nC0NEW,New,iPadOS,iPad,ben\n'
  const ana = await school.idOf('users', 'ana')
  expect((await send(school, 'devices', devices, '&dryRun=true')).body.changes).toMatchObject([
    {
      row: 2,
      name: 'C02A',
      fields: [
        { field: 'model', before: 'iPad', after: 'iPad Air' },
        { field: 'ownerId', before: ana, after: '' },
      ],
    },
    { row: 3, id: null, name: 'C0NEW', is: 'created' },
  ])
  const groups = await send(school, 'groups', 'name,kind\nTEACHERS,user\nLab,device\n', '&dryRun=true')
  expect(groups.body.changes).toMatchObject([
    { row: 2, fields: [{ field: 'name', before: 'Teachers', after: 'TEACHERS' }] },
    { row: 3, id: null, name: 'Lab', is: 'created' },
  ])
  const memberships = await send(school, 'memberships', 'group,member\nTablets,C02A\nTeachers,ben\n', '&dryRun=true')
  expect(memberships.body).toMatchObject({ unchanged: 2, changes: [] })
})

test('the changes and faults of a large file are told in pages, with their totals', async () => {
  await using desk = await openDesk()
  const file = `${heads}\n${many(1200, (n) => `user${n},User ${n},,,${n % 100 === 0 ? 'perhaps' : ''},`)}\n`
  const first = (await send(desk, 'users', file, '&dryRun=true')).body
  expect(first).toMatchObject({ read: 1200, created: 1188, errorCount: 12 })
  expect([first.changes.length, first.errors.length]).toEqual([500, 12])
  const last = (await send(desk, 'users', file, '&dryRun=true&changesFrom=1180&changesLimit=100&errorsFrom=10&errorsLimit=5')).body
  expect(last.changes.map(({ name }: { readonly name: string }) => name)).toEqual(
    [1192, 1193, 1194, 1195, 1196, 1197, 1198, 1199].map((n) => `user${n}`),
  )
  expect(last.errors.map(({ row }: { readonly row: number }) => row)).toEqual([1002, 1102])
  expect((await send(desk, 'users', file, '&changesLimit=5001')).body).toMatchObject({ code: 'request-malformed' })
})

test('a person without a user name, a device without a serial number, an unknown owner and keys that stand twice are told by row', async () => {
  await using desk = await openDesk()
  const users = await send(desk, 'users', `${heads}\n,No name,,,,\nana,,,,,\n Ana ,,,,,\n`)
  expect(users.body.errors).toEqual([
    { row: 2, field: 'userName', text: 'userName is empty' },
    { row: 4, field: 'userName', text: 'The same userName is in row 3' },
  ])
  const devices = 'serialNumber,name,platform,model,ownerUserName\n,Nameless,,,\nC02A,,,,nobody\nc02 b,,,,\nC02B,,,,\n'
  expect((await send(desk, 'devices', devices)).body.errors).toMatchObject([
    { row: 2, field: 'serialNumber' },
    { row: 3, field: 'ownerUserName', text: 'No person with the user name nobody is known. Import people first.' },
    { row: 5, field: 'serialNumber', text: 'The same serialNumber is in row 4' },
  ])
  expect((await desk.get('devices')).body.items).toEqual([])
  expect((await send(desk, 'devices', devices, '&partial=true')).body).toMatchObject({ created: 1, errorCount: 3 })
})

test('two rows that name one person, by a first and a later user name, are a fault', async () => {
  await using desk = await openDesk()
  await send(desk, 'users', `${heads}\nana,Ana,,,,ana@appleid.x\n`)
  const { body } = await desk.post('users', { userName: 'b', managedAppleAccount: 'ana@appleid.x' })
  expect(body).toMatchObject({ code: 'user-exists' })
  const key = await desk.keyFor('directory')
  await desk.ask('POST', '/scim/v2/Users', {
    as: key,
    body: {
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: 'ana.maier',
      'urn:ietf:params:scim:schemas:extension:quartermaster:2.0:User': { managedAppleAccount: 'ana@appleid.x' },
    },
  })
  expect((await desk.get('users')).body.items).toHaveLength(1)
  expect((await send(desk, 'users', `${heads}\nana,,,,,\nana.maier,,,,,\n`)).body.errors).toEqual([
    { row: 3, field: 'userName', text: 'ana.maier is the person of row 2 under another user name' },
  ])
})

test('a formula in a name is text: it is kept as it is, told as it is, and harmless in a file that is exported', async () => {
  await using desk = await openDesk()
  const formula = `=cmd|' /C calc'!A0`
  expect((await send(desk, 'users', `${heads}\n"${formula}","${formula}",,+1+1,,\n`)).body.created).toBe(1)
  expect((await desk.get('users')).body.items).toMatchObject([{ userName: formula, displayName: formula, department: '+1+1' }])
  const exported = await desk.ask('GET', 'users', { headers: { accept: 'text/csv' } })
  expect(exported.text).toContain(`,"'${formula}",`)
  expect(exported.text).not.toContain(`,${formula},`)
  expect((await send(desk, 'users', `${heads}\n"${formula}","${formula}",,+1+1,,\n`)).body).toMatchObject({ created: 0, unchanged: 1 })
})

test('a file of UTF-16 with its mark is taken, with tabs as Excel writes them; one of Windows-1252 is refused with the reason', async () => {
  await using desk = await openDesk()
  const ask = async (body: Buffer) => {
    const answer = await desk.composed.web.request('/api/v1/directory/import?kind=users', {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'text/csv' },
      body: Uint8Array.from(body),
    })
    return await answer.json()
  }
  const text = `${heads}\r\nzoe,Zoë Ångström,,,,\r\n`
  expect(await ask(Buffer.from(text, 'latin1'))).toMatchObject({
    status: 400,
    code: 'csv-unreadable',
    detail: expect.stringMatching(/row 2.*Windows-1252/),
  })
  expect(await ask(Buffer.from(`\uFEFF${text.replaceAll(',', '\t')}`, 'utf16le'))).toMatchObject({ created: 1 })
  expect((await desk.get('users')).body.items).toMatchObject([{ displayName: 'Zoë Ångström' }])
})

const count = (desk: Desk): number => desk.composed.house.directory.all('user').length

/** Stops at an act, as a stop of the server would, and lets nothing more through. */
const stoppingAt = (journal: Journal, at: number): Journal => {
  let acts = 0
  return {
    ...journal,
    write: async (act) => {
      acts += 1
      if (acts > at) throw new Error('stopped')
      return await journal.write(act)
    },
  }
}

test('a large file is all or nothing: stopped before it was decided nothing is kept, stopped after it the rest follows', async () => {
  await using desk = await openDesk()
  const { house } = desk.composed
  const deps = {
    db: desk.database.db,
    directory: house.directory,
    clock: desk.clock,
    pause: () => Promise.resolve(),
  }
  const chance = seededChance(3)
  const wholeOptions = { dryRun: false, partial: false, changesFrom: 0, mostChanges: 0, errorsFrom: 0, mostErrors: 0 }
  const fileOf = (at: number): string => `${heads}
${many(1700, (n) => `at${at}-${n},User ${n},,,,`)}
`
  const id = parseAdminId('a1')
  if (id === undefined) throw new Error('no id')
  const actor = { id, name: 'Ines' }
  const importWith = (journal: Journal) => createDirectoryImport({ ...deps, chance, journal })
  const seen = new Set<number>()
  // 1 leftover look, 1 job, 1 for its parts, 1 decision, 1 parts left, then 2 for each of 4 parts, 1 to end.
  for (let at = 0; at < 14; at += 1) {
    const before = count(desk)
    await expect(importWith(stoppingAt(house.journal, at)).run(actor, 'users', fileOf(at), wholeOptions)).rejects.toThrow('stopped')
    // As after the next start.
    await importWith(house.journal).resume()
    expect(await openJobs(house.journal)).toEqual([])
    seen.add(count(desk) - before)
  }
  expect([...seen].sort((a, b) => a - b)).toEqual([0, 1700])
  const parts = await desk.database.db.selectFrom('import_parts').selectAll().execute()
  expect(parts).toEqual([])
  expect((await desk.get('audit/verify')).body.ok).toBe(true)
})

test('what was never decided is dropped', async () => {
  await using desk = await openDesk()
  const { journal } = desk.composed.house
  await writeJob(journal, { id: 'j1', kind: 'users', actor: 'Ines', madeAt: 1 }, [{ row: 2 }], () => Promise.resolve())
  expect(await openJobs(journal)).toEqual([])
  expect(await desk.database.db.selectFrom('import_parts').selectAll().execute()).toEqual([])
})
