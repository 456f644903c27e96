import { expect, test } from 'vitest'
import { joinOf, standingOf, type JoinCandidates, type SourceRecord } from '../../shared/joining.ts'

const nobody: JoinCandidates = {
  ofExternalId: [],
  ofUserName: [],
  ofManagedAccount: [],
  ofMail: [],
  isAccountShared: false,
  isMailShared: false,
  isNamedBySource: () => false,
}

test('the rules are asked in their order, and the first that finds somebody decides', () => {
  expect(joinOf(nobody)).toBeUndefined()
  const all = { ...nobody, ofExternalId: [1], ofUserName: [2], ofManagedAccount: [3], ofMail: [4] }
  expect(joinOf(all)).toEqual({ ordinal: 1, by: 'external-id' })
  expect(joinOf({ ...all, ofExternalId: [] })).toEqual({ ordinal: 2, by: 'user-name' })
  expect(joinOf({ ...all, ofExternalId: [], ofUserName: [] })).toEqual({ ordinal: 3, by: 'managed-account' })
  expect(joinOf({ ...nobody, ofMail: [4] })).toEqual({ ordinal: 4, by: 'mail' })
})

test('a mail address joins only where nobody else has it, on either side', () => {
  expect(joinOf({ ...nobody, ofMail: [4, 5] })).toBeUndefined()
  expect(joinOf({ ...nobody, ofMail: [4], isMailShared: true })).toBeUndefined()
  expect(joinOf({ ...nobody, ofMail: [4, 4] })).toEqual({ ordinal: 4, by: 'mail' })
  expect(joinOf({ ...nobody, ofManagedAccount: [3], isAccountShared: true })).toBeUndefined()
})

test('whom the source names already is not joined again, unless by the user name itself', () => {
  const named = { ...nobody, isNamedBySource: (ordinal: number) => ordinal === 4 }
  expect(joinOf({ ...named, ofMail: [4] })).toBeUndefined()
  expect(joinOf({ ...named, ofManagedAccount: [4] })).toBeUndefined()
  expect(joinOf({ ...named, ofUserName: [4] })).toEqual({ ordinal: 4, by: 'user-name' })
})

const says = (source: string, fields: SourceRecord['fields'], more: Partial<SourceRecord> = {}): SourceRecord => ({
  source,
  key: 'ana',
  ordinal: 1,
  fields,
  externalId: null,
  joinedBy: 'user-name',
  since: 1,
  toldAt: 1,
  goneAt: null,
  ...more,
})

test('an identity provider stands before a directory, a directory before a file, and each only for what it says', () => {
  const records = [
    says('csv', { displayName: 'File', email: 'file@x', department: 'Arts', active: false }, { toldAt: 9 }),
    says('graph:c1', { displayName: 'Graph', email: 'graph@x' }),
    says('scim', { displayName: 'SCIM', active: true }),
  ]
  const { fields, ownerOf } = standingOf(records)
  expect(fields).toEqual({ displayName: 'SCIM', email: 'graph@x', department: 'Arts', active: true, managedAppleAccount: '' })
  expect(ownerOf).toEqual({ displayName: 'scim', email: 'graph:c1', department: 'csv', active: 'scim' })
  // Whoever comes first in the list, the answer is the same.
  expect(standingOf([...records].reverse())).toEqual({ fields, ownerOf })
})

test('a source that names somebody no more hands each field to the next one', () => {
  const gone = says('scim', { displayName: 'SCIM', active: false }, { goneAt: 5 })
  expect(standingOf([gone, says('csv', { displayName: 'File' })])).toEqual({
    fields: { displayName: 'File', email: '', department: '', active: true, managedAppleAccount: '' },
    ownerOf: { displayName: 'csv' },
  })
})

test('of a file and a hand the later word stands, and a hand can say that there is none', () => {
  const file = says('csv', { department: 'Arts', email: 'a@x' }, { toldAt: 2 })
  expect(standingOf([file, says('hand', { department: 'Music' }, { toldAt: 3 })]).fields).toMatchObject({
    department: 'Music',
    email: 'a@x',
  })
  expect(standingOf([file, says('hand', { department: 'Music' }, { toldAt: 1 })]).fields.department).toBe('Arts')
  expect(standingOf([file, says('hand', { email: '' }, { toldAt: 3 })]).fields.email).toBe('')
  expect(standingOf([file, says('scim', { email: '' }, { toldAt: 3 })]).fields.email).toBe('a@x')
})
