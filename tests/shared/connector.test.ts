import { describe, expect, test } from 'vitest'
import {
  byWorstStatus,
  connectorStatus,
  credentialStateAt,
  expiringFromMs,
  expiryReminder,
  locationsApart,
  noticesInWords,
  ownerName,
  unhealthySyncAgeMs,
  warnExpiryMs,
  warnSyncAgeMs,
  writingBlockedBy,
  type Connector,
} from '../../shared/connector.ts'
import { parseConnectorId, parseSyncId } from '../../shared/ids.ts'
import { must } from './weighing.ts'

const now = Date.UTC(2026, 10, 24, 9)
const at = (ms: number): string => new Date(ms).toISOString()
const YEAR = 365 * 86_400_000

const aConnector = (given: Partial<Connector> = {}): Connector => ({
  id: must(parseConnectorId('berlin')),
  kind: 'apple-apps-books',
  store: 'apple',
  name: 'Berlin',
  location: { key: '77', name: 'Location Berlin', country: 'DE', organization: 'Eastmere' },
  credential: { state: 'valid', expiresAt: at(now + YEAR), checkedAt: at(now) },
  settings: { syncIntervalMinutes: 60, releaseLeavers: 'off', leaverDays: 30, autoClaim: true, userInvitations: false },
  capabilities: {
    counts: 'live',
    assign: true,
    revoke: true,
    deviceLicenses: true,
    userLicenses: true,
    books: true,
    push: true,
    retired: null,
  },
  foreignOwner: null,
  readOnly: false,
  notices: { state: 'polling' },
  people: null,
  devices: null,
  subscriptions: null,
  lastSync: null,
  lastGoodSyncAt: at(now),
  nextSyncAt: null,
  scopeTags: [],
  createdAt: at(now - YEAR),
  ...given,
})
const expiring = (leftMs: number): Partial<Connector> => ({
  credential: { state: 'valid', expiresAt: at(now + leftMs), checkedAt: at(now) },
})
const synced = (agoMs: number): Partial<Connector> => ({ lastGoodSyncAt: at(now - agoMs) })
const codes = (given: Partial<Connector>) => {
  const { status, reasons } = connectorStatus(aConnector(given), now)
  return [status, ...reasons.map(({ code }) => code)]
}
const another = { id: 'other', name: 'Other Manager', metadata: '', noticedAt: at(now), leftAt: null }

describe('the status', () => {
  test('is healthy when nothing is the matter', () => {
    expect(codes({})).toEqual(['healthy'])
  })

  test.each([
    [warnExpiryMs + 1, ['healthy']],
    [warnExpiryMs, ['warning', 'credential-expires-soon']],
    [1, ['warning', 'credential-expires-soon']],
    [0, ['unhealthy', 'credential-expired']],
    [-1, ['unhealthy', 'credential-expired']],
  ])('of a token with %d ms left', (left, expected) => {
    expect(codes(expiring(left))).toEqual(expected)
  })

  test.each([
    [warnSyncAgeMs, ['healthy']],
    [warnSyncAgeMs + 1, ['warning', 'sync-old']],
    [unhealthySyncAgeMs - 1, ['warning', 'sync-old']],
    [unhealthySyncAgeMs, ['unhealthy', 'sync-too-old']],
  ])('of a sync that is %d ms old', (age, expected) => {
    expect(codes(synced(age))).toEqual(expected)
  })

  test.each([
    ['invalid', 'credential-invalid'],
    ['foreign', 'foreign-owner'],
    ['duplicate', 'credential-duplicate'],
  ] as const)('with a token that is %s is unhealthy', (state, code) => {
    expect(codes({ credential: { state, expiresAt: at(now + YEAR), checkedAt: at(now) } })).toEqual(['unhealthy', code])
  })

  test('what only the store can tell wins over the calendar', () => {
    expect(credentialStateAt({ state: 'invalid', expiresAt: at(now - 1), checkedAt: null }, now)).toBe('invalid')
  })

  test('was never synced', () => {
    expect(codes({ lastGoodSyncAt: null })).toEqual(['unhealthy', 'never-synced'])
  })

  test('a store that does not count live has no sync that could be old', () => {
    const { capabilities } = aConnector()
    expect(codes({ lastGoodSyncAt: null, capabilities: { ...capabilities, counts: 'imported' } })).toEqual(['healthy'])
  })

  test('without a token is not enabled, but for a ledger', () => {
    const none = { credential: { state: 'none' as const, expiresAt: null, checkedAt: null } }
    expect(codes(none)).toEqual(['not-enabled', 'no-credential'])
    expect(codes({ ...none, kind: 'ledger' })).toEqual(['healthy'])
  })

  test('names all reasons, the worst first', () => {
    expect(codes({ ...expiring(0), readOnly: true, lastGoodSyncAt: at(now - warnSyncAgeMs - 1) })).toEqual([
      'unhealthy',
      'credential-expired',
      'read-only-token',
      'sync-old',
    ])
  })

  test('tells of a failed sync, with its words', () => {
    const failed = {
      id: must(parseSyncId('s1')),
      connectorId: must(parseConnectorId('berlin')),
      state: 'failed' as const,
      trigger: 'schedule' as const,
      full: true,
      startedAt: at(now),
      finishedAt: at(now),
      progress: { phase: 'done' as const, done: 0, total: null },
      changed: { licenses: 0, seats: 0, users: 0 },
      error: { code: 'store-unreachable', text: 'The store can not be reached.' },
    }
    const { status, reasons } = connectorStatus(aConnector({ lastSync: failed }), now)
    expect(status).toBe('warning')
    expect(reasons).toEqual([{ code: 'sync-failed', text: 'The last sync failed. The store can not be reached.' }])
  })

  test('says what to do in every reason', () => {
    for (const given of [
      expiring(0),
      expiring(1),
      { lastGoodSyncAt: null },
      { readOnly: true },
      { credential: { state: 'foreign' as const, expiresAt: null, checkedAt: null }, foreignOwner: another },
    ])
      for (const { text } of connectorStatus(aConnector(given), now).reasons) expect(text).toMatch(/^[A-Z].*\.$/)
  })
})

describe('the credential', () => {
  test.each([
    [expiringFromMs + 1, 'valid'],
    [expiringFromMs, 'expiring'],
    [1, 'expiring'],
    [0, 'expired'],
  ])('with %d ms left', (left, state) => {
    expect(credentialStateAt({ state: 'valid', expiresAt: at(now + left), checkedAt: null }, now)).toBe(state)
  })
  test('that the store called expired is so, whatever day its file names', () => {
    expect(credentialStateAt({ state: 'expired', expiresAt: at(now + YEAR), checkedAt: null }, now)).toBe('expired')
  })
  test('without an end keeps the state that the store told', () => {
    expect(credentialStateAt({ state: 'expired', expiresAt: null, checkedAt: null }, now)).toBe('expired')
    expect(credentialStateAt({ state: 'valid', expiresAt: null, checkedAt: null }, now)).toBe('valid')
  })
})

test.each([
  [{}, undefined],
  [expiring(1), undefined],
  [expiring(0), 'credential-expired'],
  [{ credential: { state: 'invalid' as const, expiresAt: null, checkedAt: null } }, 'credential-invalid'],
  [{ credential: { state: 'foreign' as const, expiresAt: null, checkedAt: null } }, 'foreign-owner'],
  [{ credential: { state: 'duplicate' as const, expiresAt: null, checkedAt: null } }, 'foreign-owner'],
  [{ credential: { state: 'none' as const, expiresAt: null, checkedAt: null } }, 'not-connected'],
  [{ credential: { state: 'unknown' as const, expiresAt: null, checkedAt: null } }, 'not-connected'],
  [{ foreignOwner: another }, 'foreign-owner'],
  [{ readOnly: true }, 'read-only-token'],
] as const)('writing is blocked by what is the matter: %j', (given, cause) => {
  expect(writingBlockedBy(aConnector(given), now)).toBe(cause)
})

test('the worst stand first, what is not enabled last, and alike by name', () => {
  const list = [
    aConnector({ name: 'Healthy' }),
    aConnector({ name: 'Off', credential: { state: 'none', expiresAt: null, checkedAt: null } }),
    aConnector({ name: 'Zurich', ...expiring(0) }),
    aConnector({ name: 'Athens', ...expiring(0) }),
    aConnector({ name: 'Old', ...synced(warnSyncAgeMs + 1) }),
  ]
  expect(list.toSorted(byWorstStatus(now)).map(({ name }) => name)).toEqual(['Athens', 'Zurich', 'Old', 'Healthy', 'Off'])
})

describe('the end of a credential is called to mind', () => {
  const DAY = 86_400_000
  test.each([
    [60 * DAY + 1, undefined],
    [60 * DAY, 60],
    [30 * DAY + 1, 60],
    [30 * DAY, 30],
    [15 * DAY, 15],
    [7 * DAY, 7],
    [DAY + 1, 7],
    [DAY, 1],
    [1, 1],
    [0, undefined],
    [-DAY, undefined],
  ])('%i ms before it', (leftMs, days) => {
    expect(expiryReminder(aConnector(expiring(leftMs)), now)?.days).toBe(days)
  })

  test('with the day and how many are left', () => {
    expect(expiryReminder(aConnector(expiring(DAY)), now)?.text).toMatch(/^The token for Berlin ends on 25 November 2026, in 1 day\. /)
    expect(expiryReminder(aConnector(expiring(29.5 * DAY)), now)?.text).toContain('in 30 days.')
  })

  test.each([
    ['invalid', undefined],
    ['duplicate', undefined],
    ['none', undefined],
    ['foreign', 7],
    ['unknown', 7],
  ] as const)('not of one that is %s and of no use', (state, days) => {
    const credential = { state, expiresAt: at(now + 5 * DAY), checkedAt: null }
    expect(expiryReminder(aConnector({ credential }), now)?.days).toBe(days)
  })

  test('not where no end is known', () => {
    expect(expiryReminder(aConnector({ credential: { state: 'valid', expiresAt: null, checkedAt: null } }), now)).toBeUndefined()
  })
})

test('two locations of one name are told apart by as much of their numbers as it takes', () => {
  const place = (name: string, key: string) => ({ name, key, country: 'DE', organization: '' })
  expect(locationsApart(place('Berlin', '123456'), place('Hamburg', '3456'))).toEqual(['Berlin', 'Hamburg'])
  expect(locationsApart(place('Berlin', '770001'), place('berlin ', '880002'))).toEqual(['Berlin (…0001)', 'berlin (…0002)'])
  expect(locationsApart(place('Berlin', '7700001'), place('Berlin', '88800001'))).toEqual(['Berlin (…700001)', 'Berlin (…800001)'])
  expect(locationsApart(place('Berlin', '77'), place('Berlin', '77'))).toEqual(['Berlin (…77)', 'Berlin (…77)'])
})

test('a service that does not name itself is still somebody', () => {
  expect(ownerName(null)).toBe('another device management service')
  expect(ownerName({ id: 'x', name: '', metadata: 'mdm.example' })).toBe('mdm.example')
  expect(ownerName({ id: 'x', name: '', metadata: '' })).toBe('x')
})

describe('how changes are heard of', () => {
  const words = (given: Partial<Connector>) => noticesInWords(aConnector(given)) ?? ''

  test('by notices: since when, and when the last one came', () => {
    const since = at(now - 86_400_000)
    expect(words({ notices: { state: 'subscribed', since, lastAt: null } })).toContain('since 23 November 2026. No notice has come yet.')
    expect(words({ notices: { state: 'subscribed', since, lastAt: at(now) } })).toContain('The last notice came on 24 November 2026.')
  })

  test('by asking, with the reason, how often, and what to do', () => {
    expect(words({})).toContain('asked every 60 minutes')
    expect(words({})).toContain('QM_NOTICE_URL')
    const unreachable = words({ notices: { state: 'unreachable', since: at(now), text: 'It did not answer.' } })
    expect(unreachable).toMatch(/^It did not answer\. .*everything else works.*Test tries at once\.$/)
    expect(words({ readOnly: true })).toContain('may only read')
    expect(words({ lastGoodSyncAt: null })).toContain('with the first sync')
    expect(words({ foreignOwner: { id: 'x', name: 'Jamf School', metadata: '', noticedAt: at(now), leftAt: null } })).toContain(
      'Jamf School',
    )
  })

  test('is nothing to tell where a store sends none', () => {
    const { capabilities } = aConnector()
    expect(noticesInWords(aConnector({ capabilities: { ...capabilities, push: false } }))).toBeNull()
  })

  test('a notice of another location is a warning for a week', () => {
    const alarmed = (agoMs: number) => codes({ notices: { state: 'polling', alarm: { at: at(now - agoMs), location: '99' } } })
    expect(alarmed(0)).toEqual(['warning', 'notice-of-another-location'])
    expect(alarmed(7 * 86_400_000)).toEqual(['healthy'])
  })
})

describe('each store is told of in its own words', () => {
  const google = { kind: 'google-play-emm', store: 'google' } as const
  const graph = { kind: 'microsoft-graph', store: 'microsoft' } as const
  test.each([
    ['apple', {}, 'The store no longer accepts the token for Berlin', 'upload it here'],
    ['google', google, 'Google no longer accepts the key for Berlin', 'Upload a new key here'],
    ['microsoft', graph, 'Microsoft no longer accepts the client secret for Berlin', 'Make a new client secret in the Entra admin center'],
  ] as const)('what %s no longer accepts', (_store, kind, said, remedy) => {
    const credential = { state: 'invalid' as const, expiresAt: null, checkedAt: at(now) }
    const [reason] = connectorStatus(aConnector({ ...kind, credential }), now).reasons
    expect(reason?.text).toContain(said)
    expect(reason?.text).toContain(remedy)
  })

  test('a client secret that ends, and one that may only read, are no token', () => {
    expect(expiryReminder(aConnector({ ...graph, ...expiring(9 * 86_400_000) }), now)?.text).toBe(
      'The client secret for Berlin ends on 3 December 2026, in 9 days. Make a new client secret in the Entra admin center and enter its Value here before then: seats and assignments stay as they are.',
    )
    const texts = connectorStatus(aConnector({ ...graph, readOnly: true, ...expiring(-1) }), now).reasons.map(({ text }) => text)
    expect(texts.join(' ')).not.toContain('token')
    expect(texts.join(' ')).toContain('LicenseAssignment.ReadWrite.All')
  })
})
