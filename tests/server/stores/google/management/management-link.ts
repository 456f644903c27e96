/** A connection to an enterprise of the sandbox's Android Management, on a clock moved by hand. */
import type { ConnectorSettings } from '../../../../../shared/connector.ts'
import { createManagementStore } from '../../../../../server/stores/google/management/store.ts'
import type { HolderKey, SeatRead, Store, StoreConnection, WriteRequest } from '../../../../../server/stores/store.ts'
import type { KeyFile } from '../../../../../server/sandbox/google/accounts.ts'
import type { ManagementControl } from '../../../../../server/sandbox/google/management/control.ts'
import type { GoogleSwitches } from '../../../../../server/sandbox/google/switches.ts'
import { seededChance } from '../../../../world/hand-clock.ts'
import { mark, mustBeOk, openGoogleLink, type GoogleLink } from '../google-link.ts'

export { failureIn, mark, mustBeOk } from '../google-link.ts'

export interface ManagementLink extends GoogleLink {
  readonly store: Store
  readonly devices: ManagementControl
  readonly connection: StoreConnection
  settings: Partial<ConnectorSettings>
  connect(file?: KeyFile, enterpriseId?: string): StoreConnection
  /** Lets time pass until it is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

const usual: ConnectorSettings = {
  syncIntervalMinutes: 60,
  releaseLeavers: 'off',
  leaverDays: 30,
  autoClaim: true,
  userInvitations: false,
}

export const READER = 'com.example.reader'
export const MATHLAB = 'com.example.mathlab'
export const SKETCH = 'com.example.sketch'

/** An enterprise whose policy `pupils` puts the reader on tablets T1 and T2 and offers the sketch pad. */
export const openManagementLink = async (switches: Partial<GoogleSwitches> = {}, skewMs = 0): Promise<ManagementLink> => {
  const link = await openGoogleLink(switches, skewMs)
  const devices = link.control.management
  const { enterpriseId, keyFile } = devices.addEnterprise({ name: 'Eastmere Schools' })
  for (const name of [READER, MATHLAB, SKETCH]) devices.addApplication(enterpriseId, name)
  devices.setPolicy(enterpriseId, 'pupils', pupils)
  devices.addDevice(enterpriseId, 'd1', 'pupils', { serialNumber: 'T1' })
  devices.addDevice(enterpriseId, 'd2', 'pupils', { serialNumber: 'T2' })
  const store = createManagementStore({ managementUrl: link.google.url, tokenUrl: link.google.tokenUrl })
  const opened = { settings: {} as Partial<ConnectorSettings> }
  const connect: ManagementLink['connect'] = (file = keyFile, id = enterpriseId) =>
    store.connect(
      {
        clock: link.clock,
        chance: seededChance(7),
        fetch: link.clock.fetch,
        settings: () => Promise.resolve({ ...usual, ...opened.settings }),
      },
      mustBeOk(store.readCredential({ serviceAccountKey: file, enterpriseId: id }, link.clock.now())).secret,
      mark,
    )
  return Object.assign(opened, link, {
    store,
    devices,
    enterpriseId,
    keyFile,
    connect,
    connection: connect(),
    run: <T>(promise: Promise<T>) => link.clock.run(promise),
  })
}

export const pupils = {
  playStoreMode: 'WHITELIST',
  cameraDisabled: true,
  passwordPolicies: [{ passwordMinimumLength: 6 }],
  applications: [
    { packageName: READER, installType: 'FORCE_INSTALLED', managedConfiguration: { serverUrl: 'https://x.example' } },
    { packageName: SKETCH, installType: 'AVAILABLE', accessibleTrackIds: ['4698'] },
  ],
} as const

export const tablets = (...keys: readonly string[]): readonly HolderKey[] => keys.map((key) => ({ kind: 'device', key }))
const products = (names: readonly string[]) => names.map((productId) => ({ productId, pricing: null }))
export const give = (names: readonly string[], ...keys: readonly string[]): WriteRequest => ({
  action: 'associate',
  products: products(names),
  holders: tablets(...keys),
})
export const take = (names: readonly string[], ...keys: readonly string[]): WriteRequest => ({
  action: 'disassociate',
  products: products(names),
  holders: tablets(...keys),
})

/** Who has which app by order of a policy, such as `reader T1`. */
export const seatsNow = async (link: ManagementLink, connection = link.connection): Promise<readonly string[]> => {
  const seats: SeatRead[] = []
  mustBeOk(await link.run(connection.readLicenses()))
  mustBeOk(await link.run(connection.readSeats(null, { begin: () => void seats.splice(0), page: (page) => void seats.push(...page) })))
  return seats.map(({ productId, holder }) => `${productId.split('.').at(-1) ?? ''} ${holder.key}`).toSorted()
}

export const licenseOf = async (link: ManagementLink, productId: string, connection = link.connection) => {
  const found = mustBeOk(await link.run(connection.readLicenses())).find((license) => license.productId === productId)
  if (found === undefined) throw new Error(`no license of ${productId}`)
  return found
}
