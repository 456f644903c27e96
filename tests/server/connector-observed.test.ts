import { expect, test } from 'vitest'
import { afterIdentity } from '../../server/connector-observed.ts'
import type { Connector } from '../../shared/connector.ts'
import { parseConnectorId } from '../../shared/ids.ts'
import { must } from '../shared/weighing.ts'

const at = '2027-07-02T09:00:00.000Z'
const ended = '2027-06-30T23:59:59.000Z'
const location = { key: 'tenant', name: 'College', country: 'GB', organization: 'College' }

const connector = (store: 'apple' | 'microsoft', expiresAt: string): Connector => ({
  id: must(parseConnectorId('college')),
  kind: store === 'apple' ? 'apple-apps-books' : 'microsoft-graph',
  store,
  name: 'College',
  location,
  credential: { state: 'expired', expiresAt, checkedAt: null },
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
})
const taken = (given: Connector) =>
  afterIdentity(given, { location, expiresAt: null, owner: null }, { at, ownId: 'ours' }, undefined).credential

test('a day that a person told for a client secret gives way to Microsoft, which takes the secret still', () => {
  expect(taken(connector('microsoft', ended))).toEqual({ state: 'valid', expiresAt: null, checkedAt: at })
  expect(taken(connector('microsoft', '2027-12-31T23:59:59.000Z')).expiresAt).toBe('2027-12-31T23:59:59.000Z')
})

test("the day of a token is the store's own, and stands", () => {
  expect(taken(connector('apple', ended)).expiresAt).toBe(ended)
})
