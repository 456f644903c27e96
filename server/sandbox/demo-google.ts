/** Google's sandbox of the demo: an enterprise that still holds what it bought, and one whose devices Android Management manages. As left by the run before. */
import type { KeyFile } from './google/accounts.ts'
import type { GoogleControl } from './google/control.ts'
import { parseGoogleSnapshot, type GoogleSnapshot } from './google/snapshot.ts'
import { startGoogle, type StartedGoogle } from './google/start.ts'
import type { NewConnector } from '../connectors.ts'
import type { Chance, Clock } from '../../shared/clock.ts'
import { err, ok, type Result } from '../../shared/result.ts'

export interface DemoGoogle extends Pick<StartedGoogle, 'url' | 'tokenUrl' | 'controlUrl' | 'close'> {
  /** What is connected when the sample organisation moves in. Empty in a later run. */
  readonly connectors: readonly NewConnector[]
  /** For a later run's `kept`. */
  snapshot(): unknown
}

export interface DemoGoogleDeps {
  readonly clock: Clock
  readonly chance: Chance
  readonly port: number
  /** Undefined: it begins afresh. */
  readonly kept: unknown
  /** User names of people who hold licenses there: another management service made their accounts under these names. */
  readonly people: readonly string[]
}

const ENTERPRISE = 'LC03eastmere'
const DEVICES = 'LC04eastmere'

interface SampleApp {
  readonly productId: string
  readonly title: string
  readonly authorName: string
  /** Null: no limit. */
  readonly purchased: number | null
  readonly holders: number
  readonly isOurs?: true
  readonly isUnapproved?: true
  readonly asksAgain?: true
}

const apps: readonly SampleApp[] = [
  { productId: 'app:com.example.mathlab', title: 'Math Lab', authorName: 'Example Labs', purchased: 120, holders: 97 },
  // After a refund.
  { productId: 'app:com.example.orchestra', title: 'Pocket Orchestra', authorName: 'Example Music', purchased: 12, holders: 15 },
  { productId: 'app:com.example.atlas', title: 'World Atlas Pro', authorName: 'Example Maps', purchased: 40, holders: 40 },
  { productId: 'app:com.example.reader', title: 'Class Reader', authorName: 'Example Labs', purchased: null, holders: 140 },
  { productId: 'app:com.example.chem', title: 'Chemistry Bench', authorName: 'Example Labs', purchased: 30, holders: 11, asksAgain: true },
  { productId: 'app:com.example.sketch', title: 'Sketch Pad', authorName: 'Example Arts', purchased: 25, holders: 9, isUnapproved: true },
  {
    productId: 'app:example.eastmere.timetable',
    title: 'Eastmere Timetable',
    authorName: 'Eastmere Schools',
    purchased: null,
    holders: 60,
    isOurs: true,
  },
]

const furnish = (control: GoogleControl, people: readonly string[]): KeyFile => {
  const { keyFile } = control.addEnterprise({ id: ENTERPRISE, name: 'Eastmere Schools' })
  const ids = people.map((userName) => control.addUser(ENTERPRISE, { accountIdentifier: userName }).id)
  for (const { productId, title, authorName, purchased, holders, isOurs, isUnapproved, asksAgain } of apps) {
    control.addLicense(ENTERPRISE, productId, {
      purchased,
      product: { title, authorName, ...(isOurs === true ? { distributionChannel: 'privateGoogleHosted' } : {}) },
      ...(isUnapproved === true ? { approval: 'unapproved' } : {}),
      ...(asksAgain === true ? { permissions: 'needsReapproval' } : {}),
    })
    for (const id of ids.slice(0, holders)) control.entitle(ENTERPRISE, id, productId)
  }
  control.enterprise(ENTERPRISE).webApps['app:com.google.enterprise.webapp.x0eastmere'] = {
    title: 'Lunch menu',
    startUrl: 'https://lunch.eastmere.example',
    displayMode: 'standalone',
    icons: [],
    versionCode: 3,
    publishedAt: 0,
  }
  return keyFile
}

/** Tablets of pupils, two of which report an app that is not there, kiosks in the library, and phones of staff. */
const furnishDevices = ({ management }: GoogleControl): KeyFile => {
  const { keyFile } = management.addEnterprise({ id: DEVICES, name: 'Eastmere devices' })
  for (const [name, title, more] of [
    ['com.example.reader', 'Class Reader', {}],
    ['com.example.mathlab', 'Math Lab', { appPricing: 'PAID' }],
    ['com.example.catalogue', 'Library Catalogue', {}],
    ['example.eastmere.timetable', 'Eastmere Timetable', { distributionChannel: 'PRIVATE_GOOGLE_HOSTED' }],
    ['com.example.chat', 'Staff Chat', {}],
  ] as const)
    management.addApplication(DEVICES, name, { title, author: 'Example Labs', ...more })
  management.addWebApp(DEVICES, 'com.google.enterprise.webapp.x0lunch', { title: 'Lunch menu', startUrl: 'https://lunch.eastmere.example' })
  management.setPolicy(DEVICES, 'pupils', {
    playStoreMode: 'WHITELIST',
    applications: [
      { packageName: 'com.example.reader', installType: 'FORCE_INSTALLED' },
      { packageName: 'com.example.mathlab', installType: 'FORCE_INSTALLED' },
      { packageName: 'example.eastmere.timetable', installType: 'AVAILABLE' },
    ],
  })
  management.setPolicy(DEVICES, 'library', { applications: [{ packageName: 'com.example.catalogue', installType: 'KIOSK' }] })
  management.setPolicy(DEVICES, 'staff', { applications: [{ packageName: 'com.example.chat', installType: 'AVAILABLE' }] })
  const failed = [
    { packageName: 'com.example.mathlab', nonComplianceReason: 'APP_NOT_INSTALLED', installationFailureReason: 'NO_LICENSES_REMAINING' },
  ]
  for (let n = 0; n < 24; n += 1)
    management.addDevice(DEVICES, `a${n}`, 'pupils', {
      serialNumber: `EMTAB${1000 + n}`,
      ...(n < 2 ? { nonComplianceDetails: failed } : {}),
    })
  for (let n = 0; n < 3; n += 1)
    management.addDevice(DEVICES, `b${n}`, 'library', { serialNumber: `EMKIO${100 + n}`, scenario: 'dedicated' })
  for (let n = 0; n < 6; n += 1)
    management.addDevice(DEVICES, `c${n}`, 'staff', { serialNumber: `EMPHO${100 + n}`, scenario: 'corporate-owned work profile' })
  return keyFile
}

/** Fails with what can't be read of `kept`. */
export const openDemoGoogle = async ({ clock, chance, port, kept, people }: DemoGoogleDeps): Promise<Result<DemoGoogle, string>> => {
  const state: GoogleSnapshot | undefined = kept === undefined ? undefined : parseGoogleSnapshot(kept)
  if (kept !== undefined && state === undefined) return err('its own file')
  const google = await startGoogle({ clock, chance, port, ...(state === undefined ? {} : { state }) })
  const keyFile = state === undefined ? furnish(google.control, people) : undefined
  const devicesKey = state === undefined ? furnishDevices(google.control) : undefined
  return ok({
    url: google.url,
    tokenUrl: google.tokenUrl,
    controlUrl: google.controlUrl,
    connectors:
      keyFile === undefined || devicesKey === undefined
        ? []
        : [
            {
              kind: 'google-play-emm',
              name: 'Google Play, Eastmere',
              credential: { serviceAccountKey: keyFile, enterpriseId: ENTERPRISE },
              settings: {},
              scopeTags: [],
            },
            {
              kind: 'google-android-management',
              name: 'Android devices, Eastmere',
              credential: { serviceAccountKey: devicesKey, enterpriseId: DEVICES },
              settings: {},
              scopeTags: [],
            },
          ],
    snapshot: () => google.control.snapshot(),
    close: google.close,
  })
}
