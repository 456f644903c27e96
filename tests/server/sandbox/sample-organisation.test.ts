import { describe, expect, test } from 'vitest'
import { createAppleSandbox } from '../../../server/sandbox/apple/apple-sandbox.ts'
import { targetKey } from '../../../server/sandbox/apple/state.ts'
import { furnishApple } from '../../../server/sandbox/furnish.ts'
import { sampleOrganisation } from '../../../server/sandbox/sample-organisation.ts'
import { handClock, seededChance } from '../../world/hand-clock.ts'
import { START } from './apple-desk.ts'

const eastmere = sampleOrganisation(START)
const DAY_MS = 86_400_000

const furnished = () => {
  const { control } = createAppleSandbox({ clock: handClock(START), chance: seededChance(1) })
  furnishApple(control, eastmere)
  return control
}

const membersOf = (group: string) => eastmere.memberships.filter((membership) => membership.group === group).map(({ member }) => member)

/** How many of the wishes on one product still need a seat, may not have one, and how many seats are free for them. */
const outlook = (name: string) => {
  const control = furnished()
  for (const { uId, registered } of eastmere.locations) {
    const asset = control.owned(uId).find((owned) => owned.name === name)
    const wishes = eastmere.assignments.filter(({ location, adamId }) => location === uId && adamId === asset?.adamId)
    if (asset === undefined || wishes.length === 0) continue
    const holders = new Set(control.holders(uId, asset.adamId).map(targetKey))
    const known = new Set(registered.map(({ clientUserId }) => clientUserId))
    const wanting = new Set(wishes.flatMap(({ target }) => membersOf(target.name)).filter((member) => !holders.has(member)))
    const refused = wishes[0]?.licenseType === 'user' ? [...wanting].filter((member) => !known.has(member)).length : 0
    return { free: asset.available, wanting: wanting.size - refused, refused }
  }
  return undefined
}

describe('Eastmere', () => {
  test('has its people, devices, groups, locations and products', () => {
    expect(eastmere.users).toHaveLength(600)
    expect(eastmere.devices).toHaveLength(900)
    expect(eastmere.groups.filter(({ kind }) => kind === 'device')).toHaveLength(20)
    expect(eastmere.groups.filter(({ kind }) => kind === 'user')).toHaveLength(5)
    expect(eastmere.locations.map(({ name, country }) => `${name}, ${country}`)).toEqual([
      'Eastmere Schools, US',
      'Eastmere Clinic, US',
      'Eastmere Schools, CA',
    ])
    expect(new Set(eastmere.locations.flatMap(({ owned }) => owned.map(({ adamId }) => adamId))).size).toBe(120)
  })

  test('names everybody and every device once, and its memberships and owners name nobody else', () => {
    const users = new Set(eastmere.users.map(({ userName }) => userName))
    const devices = new Set(eastmere.devices.map(({ serialNumber }) => serialNumber))
    expect([users.size, devices.size]).toEqual([600, 900])
    const kinds = new Map(eastmere.groups.map(({ name, kind }) => [name, kind]))
    for (const { group, member } of eastmere.memberships) expect((kinds.get(group) === 'user' ? users : devices).has(member)).toBe(true)
    for (const { ownerUserName } of eastmere.devices) expect(ownerUserName === '' || users.has(ownerUserName)).toBe(true)
    // Apple's clientUserId must not be an e-mail address.
    for (const userName of users) expect(userName).toMatch(/^[a-z]+\.[a-z]+$/)
  })

  test('has the same CSV each time, with the heads of the directory import and commas in quotes', () => {
    expect(sampleOrganisation(START)).toEqual(eastmere)
    expect(eastmere.csv.users.split('\n')[0]).toBe('userName,displayName,email,department,active,managedAppleAccount')
    expect(eastmere.csv.devices.split('\n')[0]).toBe('serialNumber,name,platform,model,ownerUserName')
    expect(eastmere.csv.groups).toContain('"Art, Grade 9",device\n')
    expect(eastmere.csv.memberships.split('\n')[0]).toBe('group,member')
    expect(eastmere.csv.devices.trimEnd().split('\n')).toHaveLength(901)
  })

  test('has one token near its end and two far from it', () => {
    const days = eastmere.locations.map(({ tokenExpiresAt }) => Math.floor((tokenExpiresAt - START) / DAY_MS))
    expect(days).toEqual([5, 240, 310])
  })

  test('never has more seats in use than owned', () => {
    const control = furnished()
    for (const { uId } of eastmere.locations) {
      for (const { name, total, assigned, retired } of control.owned(uId)) {
        expect(total === null || assigned + retired <= total, `${name}: ${assigned} of ${total}`).toBe(true)
      }
    }
  })

  test('owns a book in two editions and one product in two locations', () => {
    const [schools, , campus] = eastmere.locations
    const algebra = schools?.owned.filter(({ product }) => product?.name === 'Algebra 1, Student Edition') ?? []
    expect(new Set(algebra.map(({ adamId }) => adamId)).size).toBe(1)
    expect(algebra.map(({ pricingParam }) => pricingParam)).toEqual(['STDQ', 'PLUS'])
    const keynote = schools?.owned.find(({ product }) => product?.name === 'Keynote')
    expect(campus?.owned.some(({ adamId }) => adamId === keynote?.adamId)).toBe(true)
  })

  test('wishes what can be seen at once: a shortage, a low license, refused people and one last seat', () => {
    const proloquo = outlook('Proloquo2Go')
    expect(proloquo).toMatchObject({ refused: 0 })
    expect((proloquo?.wanting ?? 0) - (proloquo?.free ?? 0)).toBe(18)
    const procreate = outlook('Procreate')
    expect((procreate?.free ?? 0) - (procreate?.wanting ?? 0)).toBe(3)
    expect(outlook('Goodnotes 6')?.refused).toBeGreaterThanOrEqual(5)
    const { location, adamId } = eastmere.lastSeat
    expect(furnished().counts(location, adamId)).toMatchObject({ total: 31, available: 1 })
    expect(outlook('Notability')).toEqual({ free: 1, wanting: 0, refused: 0 })
  })

  test('has found seats on devices inside and outside the directory', () => {
    const control = furnished()
    const [schools] = eastmere.locations
    const proloquo = schools?.owned.find(({ product }) => product?.name === 'Proloquo2Go')
    const wished = new Set([...membersOf('Speech support'), ...membersOf('Grade 1 intake')])
    const known = new Set(eastmere.devices.map(({ serialNumber }) => serialNumber))
    const found = control
      .holders(schools?.uId ?? '', proloquo?.adamId ?? '')
      .map(targetKey)
      .filter((key) => !wished.has(key))
    expect([found.filter((key) => known.has(key)).length, found.filter((key) => !known.has(key)).length]).toEqual([9, 5])
  })

  test('every suggested assignment names an owned asset, a group that exists and a license type the asset can have', () => {
    for (const { location, adamId, pricingParam, target, licenseType } of eastmere.assignments) {
      const owned = eastmere.locations.find(({ uId }) => uId === location)?.owned
      const asset = owned?.find((candidate) => candidate.adamId === adamId && candidate.pricingParam === pricingParam)
      expect(asset, `${location} ${adamId}`).toBeDefined()
      expect(licenseType === 'user' || asset?.deviceAssignable).toBe(true)
      expect(eastmere.groups.find(({ name }) => name === target.name)?.kind).toBe(licenseType)
    }
  })
})
