/** What the people's own page makes of the server's word, and what administrators take out of links. */
import fc from 'fast-check'
import Papa from 'papaparse'
import { expect, test } from 'vitest'
import { linkMail, linksAsCsv, type LinkTold } from '../../client/self-service-acts.ts'
import { createDoor } from '../../client/self-service/door.ts'
import { buttonOf, notesOf, parseOffer, partOf, statusOf, type Offer } from '../../client/self-service/offer.ts'

const told = (more: object = {}): Offer => {
  const offer = parseOffer({
    id: 'l1',
    product: { name: 'Keynote', publisher: 'Apple', kind: 'app' },
    state: 'available',
    text: 'A seat is free.',
    mayTake: true,
    asOf: '2026-11-24T09:00:00Z',
    ...more,
  })
  if (offer === undefined) throw new Error('no offer')
  return offer
}

test('each state has its part of the page, its words and its button', () => {
  const lines = [
    told(),
    told({ wouldWait: true }),
    told({ state: 'later', mayTake: false }),
    told({ state: 'coming', mayTake: false, mayGiveBack: true }),
    told({ state: 'waiting', mayTake: false, mayGiveBack: true, position: 3 }),
    told({ state: 'held', mayTake: false, mayGiveBack: true, since: '2026-10-02T12:00:00Z' }),
    told({ state: 'held', mayTake: false, isRequired: true }),
    told({ state: 'returning' }),
    told({ state: 'refused' }),
    told({ state: 'ended', mayTake: false }),
  ].map((offer) => [partOf(offer), statusOf(offer).words, buttonOf(offer)?.label ?? '-'].join(' | '))
  expect(lines).toEqual([
    'offered | A seat is free | Take',
    'offered | No seat free now | Get in line',
    'offered | Not yet | -',
    'coming | On its way | Do not take it',
    'coming | Place 3 in the line | Leave the line',
    'yours | Yours since 2 Oct 2026 | Give back',
    'yours | Yours | -',
    'yours | Going back | Keep it',
    'coming | Not given | Try again',
    'yours | No longer offered | -',
  ])
})

test('what can never be given back says so before and after', () => {
  expect(notesOf(told({ isForGood: true }))).toEqual(['Once taken it can never be given back.'])
  expect(notesOf(told({ isForGood: true, state: 'held', text: 'You have it.' }))).toEqual(['It is yours for good.'])
})

test('what is no offer is left out, and never breaks the page', async () => {
  fc.assert(fc.property(fc.anything(), (value) => void parseOffer(value)))
  const door = createDoor(async () => Response.json({ name: 'Ana', items: [null, { id: 'l1' }, { id: 'l2', state: 'held' }, 7] }))
  const mine = await door.mine()
  expect(mine.ok && mine.value.offers.map(({ id, name }) => [id, name])).toEqual([['l2', 'l2']])
})

test('a page of the network in between is not taken for an answer, and no connection is told apart', async () => {
  const between = createDoor(async () => new Response('<html>Sign in to the guest network</html>', { status: 200 }))
  expect(await between.mine()).toMatchObject({ ok: false, error: { is: 'refused' } })
  const cut = createDoor(async () => {
    throw new TypeError('Failed to fetch')
  })
  expect(await cut.take('l1', false)).toEqual({ ok: false, error: { is: 'offline' } })
  const over = createDoor(async () => Response.json({ code: 'session-over', title: 'Open it', detail: 'Open your link.' }, { status: 401 }))
  expect(await over.mine()).toEqual({ ok: false, error: { is: 'closed', title: 'Open it', text: 'Open your link.' } })
})

const link = (more: Partial<LinkTold> = {}): LinkTold => ({
  id: 'u1',
  userName: 'ana',
  name: 'Ana Maier',
  email: 'ana@school.example',
  link: 'https://apps.school.example/self-service#AQ',
  expiresAt: '2027-02-22T09:00:00.000Z',
  ...more,
})

test('the file of links comes back as it was, and no cell of it is a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 }), (names) => {
      const { data } = Papa.parse<string[]>(linksAsCsv(names.map((name) => link({ name }))).replace(/\r\n$/, ''), { newline: '\r\n' })
      expect(data).toHaveLength(names.length + 1)
      names.forEach((name, at) => {
        const cell = data[at + 1]?.[1] ?? ''
        expect([name, `'${name}`]).toContain(cell)
        expect(cell).not.toMatch(/^\s*[=+\-@\t\r＝＋－＠]/)
      })
    }),
  )
  expect(linksAsCsv([link({ name: '=1+1' })])).toContain(`"'=1+1"`)
})

test('a mail holds the whole link', () => {
  const mail = new URL(linkMail(link()))
  expect([mail.protocol, mail.pathname]).toEqual(['mailto:', 'ana%40school.example'])
  expect(mail.searchParams.get('body')).toContain('https://apps.school.example/self-service#AQ')
})
