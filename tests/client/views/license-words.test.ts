import { expect, test } from 'vitest'
import { deficitInWords, isForGood, notAssignableInWords, seatsInWords, typesInWords } from '../../../client/views/license-words.ts'
import { aLicense } from '../../shared/weighing.ts'

test('a book of Apple is given for good; a plan of the whole tenant and an offline license are given to nobody', () => {
  const book = aLicense({ licenseTypes: ['user'], revocable: false, assignable: true })
  const tenantWide = aLicense({ licenseTypes: [], revocable: false, assignable: false, inUse: 3 })
  const offline = aLicense({ licenseTypes: ['device'], revocable: false, assignable: false, inUse: 0, remark: 'An offline license.' })
  expect([book, tenantWide, offline].map(isForGood)).toEqual([true, false, false])
  expect([book, tenantWide, offline].map(typesInWords)).toEqual([
    'User licenses, given for good',
    'For the whole organisation',
    'Device licenses, given outside',
  ])
  expect(notAssignableInWords(tenantWide)).toContain('belongs to the whole organisation')
  expect(notAssignableInWords(offline)).toBe('An offline license.')
})

test('after a refund it is said how many more are in use than are owned, and what that means', () => {
  const refunded = aLicense({ total: 12, inUse: 15, available: -3 })
  expect(seatsInWords(refunded, -3)).toBe('12 owned, 15 in use: 3 more than owned.')
  expect(deficitInWords(refunded)).toMatch(/^3 seats more are in use than are owned, .* Nobody loses a seat by this/)
  expect(deficitInWords(aLicense({ total: 12, inUse: 12, available: 0 }))).toBeUndefined()
})

test('what has no limit owns no number', () => {
  const free = aLicense({ total: null, unlimited: true, inUse: 140, available: null })
  expect(seatsInWords(free, null)).toBe('140 in use, no limit.')
  expect(deficitInWords(free)).toBeUndefined()
  expect(seatsInWords(aLicense({ total: null, unlimited: false, inUse: 2 }), null)).toContain('does not count what is owned')
})
