/** What happens to an organisation's devices outside the protocol: purchases, releases, keys made and withdrawn. */
import type { DeviceAccount, DeviceOrganisation, OrgDevice } from './device-state.ts'
import { madeKey, PROGRAMS } from './device-state.ts'
import { uuid } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

export interface NewDevice {
  readonly serialNumber: string
  readonly productFamily?: string
  readonly productType?: string
  readonly deviceModel?: string
  /** Milliseconds since 1970. Absent = now. */
  readonly addedAt?: number
  readonly releasedAt?: number
}

/** What an administrator takes away from Apple's page; the key can be downloaded once there, and any time here. */
export interface DeviceKeyFile {
  readonly clientId: string
  readonly keyId: string
  /** PEM. */
  readonly privateKey: string
}

export interface OrganisationSummary {
  readonly name: string
  readonly program: 'business' | 'school'
  readonly listed: number
  readonly released: number
  readonly accounts: readonly {
    readonly clientId: string
    readonly keyId: string
    readonly role: DeviceAccount['role']
    readonly revoked: boolean
  }[]
}

/** Organisations are named by their name, as locations name them. One that does not exist is the caller's mistake and throws. */
export interface DeviceControl {
  /** One more API account; the organisation comes into being with its first. */
  addDeviceAccount(organisation: string, program?: 'business' | 'school'): DeviceKeyFile
  /** The newest account's key that was not withdrawn. */
  deviceKeyFor(organisation: string): DeviceKeyFile
  setDeviceRole(organisation: string, role: DeviceAccount['role']): void
  /** Withdraws the keys of all accounts: invalid_client. */
  revokeDeviceKeys(organisation: string): void
  /** Every access token that was granted, so that a test can look for them where none may be. */
  accessTokens(): readonly string[]
  /** All access tokens end now: 401. */
  expireAccessTokens(): void
  organisations(): readonly OrganisationSummary[]
  /** Released ones too. */
  orgDevices(organisation: string): readonly Readonly<OrgDevice>[]
  /** One that was released and comes back is the same device. */
  addDevice(organisation: string, device: NewDevice): void
  releaseDevice(organisation: string, serialNumber: string): void
  /** Apple knows of it no more: neither in the list nor by itself [unknown whether that happens]. */
  forgetDevice(organisation: string, serialNumber: string): void
}

export const createDeviceControl = (world: AppleWorld): DeviceControl => {
  const mustGet = (name: string): DeviceOrganisation => {
    const organisation = world.state.organisations.get(name)
    if (organisation === undefined) throw new Error(`sandbox: no organisation ${name} has a device API account`)
    return organisation
  }
  const mustGetDevice = (name: string, serialNumber: string): OrgDevice => {
    const device = mustGet(name).devices.get(serialNumber)
    if (device === undefined) throw new Error(`sandbox: ${name} has no device ${serialNumber}`)
    return device
  }
  const keyFile = ({ clientId, keyId, privateKey }: DeviceAccount): DeviceKeyFile => ({ clientId, keyId, privateKey })

  return {
    addDeviceAccount(name, program = 'business') {
      let organisation = world.state.organisations.get(name)
      if (organisation === undefined) {
        const server = { id: uuid(world.chance), name: 'Quartermaster devices', createdAt: world.clock.now() }
        organisation = { name, program, accounts: new Map(), servers: new Map([[server.id, server]]), devices: new Map() }
        world.state.organisations.set(name, organisation)
      }
      const account: DeviceAccount = {
        clientId: `${PROGRAMS[organisation.program].prefix}${uuid(world.chance)}`,
        keyId: uuid(world.chance),
        privateKey: madeKey(world.chance),
        role: 'may-read',
        revoked: false,
      }
      organisation.accounts.set(account.clientId, account)
      return keyFile(account)
    },
    deviceKeyFor(name) {
      const account = [...mustGet(name).accounts.values()].findLast(({ revoked }) => !revoked)
      if (account === undefined) throw new Error(`sandbox: all device API keys of ${name} were withdrawn`)
      return keyFile(account)
    },
    setDeviceRole(name, role) {
      for (const account of mustGet(name).accounts.values()) account.role = role
    },
    revokeDeviceKeys(name) {
      for (const account of mustGet(name).accounts.values()) account.revoked = true
    },
    accessTokens: () => [...world.accessTokens.keys()],
    expireAccessTokens() {
      for (const token of world.accessTokens.values()) token.expiresAt = world.clock.now()
    },
    organisations: () =>
      Array.from(world.state.organisations.values(), ({ name, program, accounts, devices }) => {
        const released = [...devices.values()].filter(({ releasedAt }) => releasedAt !== null).length
        return {
          name,
          program,
          listed: devices.size - released,
          released,
          accounts: Array.from(accounts.values(), ({ clientId, keyId, role, revoked }) => ({ clientId, keyId, role, revoked })),
        }
      }),
    orgDevices: (name) => [...mustGet(name).devices.values()],
    addDevice(name, { serialNumber, productFamily = 'iPad', productType = 'iPad16,3', deviceModel = productFamily, addedAt, releasedAt }) {
      const organisation = mustGet(name)
      const now = addedAt ?? world.clock.now()
      organisation.devices.set(serialNumber, {
        serialNumber,
        productFamily,
        productType,
        deviceModel,
        addedAt: organisation.devices.get(serialNumber)?.addedAt ?? now,
        updatedAt: releasedAt ?? now,
        releasedAt: releasedAt ?? null,
        server: [...organisation.servers.keys()][0] ?? null,
      })
    },
    releaseDevice(name, serialNumber) {
      const device = mustGetDevice(name, serialNumber)
      device.releasedAt = world.clock.now()
      device.updatedAt = world.clock.now()
      device.server = null
    },
    forgetDevice(name, serialNumber) {
      mustGetDevice(name, serialNumber)
      mustGet(name).devices.delete(serialNumber)
    },
  }
}
