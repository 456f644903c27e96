/**
 * What a store's list of the organisation's devices does to the directory. A device that the list names is there; one
 * that it stops naming has left when no other source names it. A device is the same whoever names it: by its serial number.
 */
import type { Writing } from '../journal.ts'
import type { DeviceRead } from '../stores/store.ts'
import { isoTime } from '../../shared/clock.ts'
import type { Connector } from '../../shared/connector.ts'
import { deviceListSource, isListSource, namesPrincipals } from '../../shared/device-list.ts'
import { principalsKey, principalsPerChunk } from '../../shared/facts.ts'
import { isUser, type Device } from '../../shared/principal.ts'
import { handSource } from './by-hand.ts'
import { knowPrincipals, type DirectoryIndex } from './directory.ts'
import { recordPrincipals } from './principal-record.ts'

/** The whole list, and what was asked about devices that are not in it. By normal serial number. */
export interface DeviceList {
  readonly listed: ReadonlyMap<string, DeviceRead>
  /** What was released, with its time; what is neither listed nor here was released at a time nobody told. */
  readonly released: ReadonlyMap<string, DeviceRead>
}

/** Records the differences alone. Gives how many devices are new, changed, and gone from the list. */
export const recordDeviceList = async (
  write: Writing,
  directory: DirectoryIndex,
  connector: Pick<Connector, 'id' | 'store'>,
  { listed, released }: DeviceList,
  now: number,
): Promise<{ readonly made: number; readonly changed: number; readonly left: number }> => {
  const source = deviceListSource(connector)
  const { made } = await knowPrincipals(
    write,
    directory,
    source,
    Array.from(listed.keys(), (key) => ({ kind: 'device', key })),
  )
  const changed: Device[] = []
  let left = 0
  for await (const device of devicesIn(write)) {
    const read = listed.get(device.serialNumber)
    const isReleased = read === undefined && (device.sources.includes(source) || released.has(device.serialNumber))
    if (read === undefined && !isReleased) continue
    const after =
      read === undefined ? asReleased(device, source, released.get(device.serialNumber), isoTime(now)) : asListed(device, source, read)
    if (JSON.stringify(after) === JSON.stringify(device)) continue
    changed.push(after)
    if (isReleased) left += 1
  }
  await recordPrincipals(write, changed)
  return { made, changed: changed.length, left }
}

/**
 * Access to the list is gone: that says nothing of any device. They stay, and those whom nothing else names are kept like
 * those put in by hand.
 */
export const letGoOfDevices = async (write: Writing, connector: Pick<Connector, 'id' | 'store'>): Promise<void> => {
  const source = deviceListSource(connector)
  const changed: Device[] = []
  for await (const device of devicesIn(write)) {
    if (!device.sources.includes(source)) continue
    const sources = device.sources.filter((other) => other !== source)
    changed.push({ ...device, sources: sources.some(namesPrincipals) ? sources : [...sources, handSource] })
  }
  await recordPrincipals(write, changed)
}

async function* devicesIn(write: Writing): AsyncGenerator<Device> {
  const row = await write.trx
    .selectFrom('principal_keys')
    .select(({ fn }) => fn.max('ordinal').as('last'))
    .executeTakeFirst()
  for (let ordinal = 0; ordinal <= Number(row?.last ?? -1); ordinal += principalsPerChunk)
    for (const principal of await write.rows(principalsKey(ordinal))) if (!isUser(principal)) yield principal
}

/** A file or a hand knows a device better than its list entry does: of those only what is empty is filled. */
const asListed = (device: Device, source: string, { model, platform }: DeviceRead): Device => {
  const sources = device.sources.includes(source) ? device.sources : [...device.sources, source]
  const isOurs = sources.every((other) => isListSource(other) || !namesPrincipals(other))
  const filled = (held: string, read: string): string => (read !== '' && (isOurs || held === '') ? read : held)
  return { ...device, model: filled(device.model, model), platform: filled(device.platform, platform), sources, left: null }
}

const asReleased = (device: Device, source: string, read: DeviceRead | undefined, now: string): Device => {
  const sources = device.sources.filter((other) => other !== source)
  return {
    ...device,
    model: device.model || (read?.model ?? ''),
    platform: device.platform || (read?.platform ?? ''),
    sources,
    left: sources.some(namesPrincipals) ? device.left : (device.left ?? read?.releasedAt ?? now),
  }
}
