/**
 * The part of a sync that reads the organisation's device list and brings the directory in line with it. Its failure never
 * touches the counts: it is told beside them, and the devices stay as they were.
 *
 * A list that is empty or much shorter than what is held is read twice, and believed when both name the same devices.
 * Devices that the list names no more are asked for one by one, a bounded number, and so are holders whom only the
 * licenses name: only so does the store tell when a device was released.
 */
import type { Connectors } from './connectors.ts'
import { recordDeviceList, type DeviceList } from './directory/device-list.ts'
import type { DirectoryIndex } from './directory/directory.ts'
import type { Journal } from './journal.ts'
import { suspiciousShare } from './seat-reading.ts'
import { failureInWords } from './store-failure.ts'
import type { DeviceRead, StoreConnection, StoreDevices, StoreFailure } from './stores/store.ts'
import { isoTime, type Clock } from '../shared/clock.ts'
import type { Connector, PartRecord } from '../shared/connector.ts'
import { deviceListSource, namesPrincipals } from '../shared/device-list.ts'
import { isUser } from '../shared/principal.ts'
import { err, ok, type Result } from '../shared/result.ts'

export interface DeviceSync {
  /** Reads the list when it is due: at least daily, after a failure, and when the sync is `full`. Without access to one nothing is asked. */
  read(
    connection: Pick<StoreConnection, 'devices'>,
    connector: Pick<Connector, 'id' | 'store'>,
    full: boolean,
    onDevices: (devices: number) => void,
  ): Promise<void>
}

export interface DeviceSyncDeps {
  readonly journal: Journal
  readonly connectors: Pick<Connectors, 'find' | 'update'>
  readonly directory: DirectoryIndex
  readonly clock: Clock
}

/** An hour short of a day: syncs come hourly, and the list is never a day old. */
const readEveryMs = 23 * 60 * 60_000
/** One request each, with the pace of the list. */
const mostAskedSingly = 50
/** A holder whom the store knew nothing of is asked for again after this. */
const askAgainAfterMs = 7 * 24 * 60 * 60_000

export const createDeviceSync = ({ journal, connectors, directory, clock }: DeviceSyncDeps): DeviceSync => {
  const askedAt = new Map<string, number>()

  const read: DeviceSync['read'] = async ({ devices }, connector, full, onDevices) => {
    const held = await connectors.find(connector.id)
    if (devices === undefined || held === undefined || held.devices === null || !(full || isDue(held.devices))) return
    const known = await knownDevices(connector)
    const listed = await readSurely(devices, known.named.length, onDevices)
    if (!listed.ok) return await noteFailure(connector, listed.error)
    const list = await askSingly(devices, connector, listed.value, known)
    await journal.write(async (write) => {
      const current = (await write.rows('connectors')).find(({ id }) => id === connector.id)
      // Let go, or left without access, while its list was being read: nothing of it is kept.
      if (current === undefined || current.devices === null) return
      await recordDeviceList(write, directory, connector, list, clock.now())
      const part: PartRecord = { asOf: isoTime(clock.now()), count: list.listed.size, error: null }
      await connectors.update(write, connector.id, (row) => ({ ...row, devices: part }))
    })
  }

  const isDue = ({ asOf, error }: PartRecord): boolean =>
    asOf === null || error !== null || Math.abs(clock.now() - Date.parse(asOf)) >= readEveryMs

  /** `named` by this list before; `holders` whom no list, file or hand names, and who have not left, those of this connector first. */
  const knownDevices = async ({
    id,
    store,
  }: Pick<Connector, 'id' | 'store'>): Promise<{ readonly named: readonly string[]; readonly holders: readonly string[] }> => {
    const source = deviceListSource({ id, store })
    const named: string[] = []
    const own: string[] = []
    const others: string[] = []
    for (const key of await journal.store.keys('principals/'))
      for (const principal of await journal.rows(key as `principals/${number}`)) {
        if (isUser(principal)) continue
        if (principal.sources.includes(source)) named.push(principal.serialNumber)
        else if (principal.left === null && !principal.sources.some(namesPrincipals))
          (principal.sources.includes(`${store}:${id}`) ? own : others).push(principal.serialNumber)
      }
    return { named, holders: [...own, ...others] }
  }

  const askSingly = async (
    devices: StoreDevices,
    connector: Pick<Connector, 'id'>,
    listed: ReadonlyMap<string, DeviceRead>,
    known: { readonly named: readonly string[]; readonly holders: readonly string[] },
  ): Promise<DeviceList> => {
    const all = new Map(listed)
    const released = new Map<string, DeviceRead>()
    const isRested = (serial: string): boolean =>
      Math.abs(clock.now() - (askedAt.get(`${connector.id}/${serial}`) ?? -Infinity)) >= askAgainAfterMs
    const missing = known.named.filter((serial) => !listed.has(serial)).slice(0, mostAskedSingly)
    const strangers = known.holders.filter((serial) => !listed.has(serial) && isRested(serial)).slice(0, mostAskedSingly)
    for (const serial of [...missing, ...strangers]) {
      const found = await devices.find(serial)
      // The list itself is whole: what could not be asked now is asked another time.
      if (!found.ok) break
      if (found.value === undefined) askedAt.set(`${connector.id}/${serial}`, clock.now())
      else if (found.value.releasedAt !== null) released.set(serial, found.value)
      // Passed over by the list and still the organisation's.
      else all.set(serial, found.value)
    }
    for (const device of listed.values()) {
      if (device.releasedAt === null) continue
      all.delete(device.serialNumber)
      released.set(device.serialNumber, device)
    }
    return { listed: all, released }
  }

  const noteFailure = async ({ id }: Pick<Connector, 'id'>, failure: StoreFailure): Promise<void> => {
    const code = failure.is === 'store-refused' ? failure.code : failure.is
    const error = { code, text: failureInWords(failure) }
    await journal.write((write) =>
      connectors.update(write, id, (row) => (row.devices === null ? row : { ...row, devices: { ...row.devices, error } })),
    )
  }

  return { read }
}

const readSurely = async (
  devices: StoreDevices,
  known: number,
  onDevices: (devices: number) => void,
): Promise<Result<ReadonlyMap<string, DeviceRead>, StoreFailure>> => {
  const first = await readOnce(devices, onDevices)
  if (!first.ok || first.value.size >= known * suspiciousShare) return first
  const second = await readOnce(devices, onDevices)
  if (!second.ok) return second
  const isSame = second.value.size === first.value.size && [...second.value.keys()].every((serial) => first.value.has(serial))
  return isSame ? second : err({ is: 'store-changed-meanwhile' })
}

const readOnce = async (
  devices: StoreDevices,
  onDevices: (devices: number) => void,
): Promise<Result<ReadonlyMap<string, DeviceRead>, StoreFailure>> => {
  const bySerial = new Map<string, DeviceRead>()
  const walked = await devices.read((page) => {
    for (const device of page) bySerial.set(device.serialNumber, device)
    onDevices(bySerial.size)
  })
  return walked.ok ? ok(bySerial) : walked
}
