/** A license obeys what its connector can do, and keeps what the store no longer says. */
import { expect, test } from 'vitest'
import { licenseAfter } from '../../server/license-after-read.ts'
import type { LicenseRead } from '../../server/stores/store.ts'
import type { Capabilities, Connector } from '../../shared/connector.ts'
import { licenseIdOf } from '../../shared/facts.ts'
import { parseConnectorId } from '../../shared/ids.ts'

const at = '2026-11-24T09:00:00.000Z'
const id = parseConnectorId('aaaaaaaaaaaaaaaaaaaa')
const connectorThat = (can: Partial<Capabilities>): Connector => {
  if (id === undefined) throw new Error('an id that is none')
  return {
    id,
    kind: 'microsoft-store-business',
    store: 'microsoft',
    name: 'Contoso',
    location: null,
    credential: { state: 'valid', expiresAt: null, checkedAt: at },
    settings: { syncIntervalMinutes: 60, releaseLeavers: 'off', leaverDays: 30, autoClaim: true, userInvitations: false },
    capabilities: {
      counts: 'live',
      assign: true,
      revoke: true,
      deviceLicenses: false,
      userLicenses: true,
      books: false,
      push: false,
      retired: null,
      ...can,
    },
    foreignOwner: null,
    readOnly: false,
    notices: { state: 'polling' },
    people: null,
    devices: null,
    subscriptions: null,
    lastSync: null,
    lastGoodSyncAt: null,
    nextSyncAt: null,
    scopeTags: [],
    createdAt: at,
  }
}
const read: LicenseRead = {
  productId: '9NBLGGH4R2R6',
  pricing: 'online 0016',
  kind: 'app',
  platforms: ['Windows'],
  licenseTypes: ['user'],
  assignable: true,
  revocable: true,
  total: 10,
  inUse: 3,
  available: 7,
  retired: null,
  unlimited: false,
}
const after = (can: Partial<Capabilities>, given: LicenseRead = read, seats?: number) =>
  licenseAfter(undefined, licenseIdOf(1), connectorThat(can), given, '9NBLGGH4R2R6/online 0016', at, seats)

test('what its connector can not do, a license can not either', () => {
  expect(after({})).toMatchObject({ assignable: true, revocable: true, countSource: 'live' })
  expect(after({ assign: false })).toMatchObject({ assignable: false, revocable: true })
  expect(after({ revoke: false })).toMatchObject({ assignable: true, revocable: false })
  expect(after({}, { ...read, assignable: false, revocable: false })).toMatchObject({ assignable: false, revocable: false })
})

test.each(['kept', 'imported'] as const)('counts of a connector whose counts are %s say so', (counts) => {
  expect(after({ counts })).toMatchObject({ countSource: counts, total: 10, inUse: 3 })
})

test('where the store does not say how many are in use, the seats that are known are counted', () => {
  expect(after({}, { ...read, inUse: null, total: null, unlimited: true }, 37).inUse).toBe(37)
  expect(after({}, read, 37).inUse).toBe(3)
})

test('one that the store names as gone keeps its last counts, and nothing is given of it', () => {
  const connector = connectorThat({})
  const held = licenseAfter(undefined, licenseIdOf(1), connector, read, '9NBLGGH4R2R6/online 0016', at)
  const later = '2026-11-25T09:00:00.000Z'
  const gone = licenseAfter(held, held.id, connector, { ...read, total: 0, inUse: 0, gone: true }, '9NBLGGH4R2R6/online 0016', later)
  expect(gone).toMatchObject({ gone: true, assignable: false, total: 10, inUse: 3, asOf: at, readAt: at })
})
