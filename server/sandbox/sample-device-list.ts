/** The device lists of the sample organisation, as Apple tells them. */
import type { NewDevice } from './apple/device-control.ts'
import { outsideSerial } from './sample-people.ts'
import type { SampleDevice } from './sample-people.ts'

export interface SampleDeviceList {
  /** The organisation of its locations. */
  readonly organisation: string
  readonly program: 'business' | 'school'
  readonly devices: readonly NewDevice[]
}

const DAY_MS = 86_400_000
const FAMILIES = {
  iPadOS: ['iPad', 'iPad16,3'],
  iOS: ['iPhone', 'iPhone17,5'],
  macOS: ['Mac', 'Mac15,12'],
  tvOS: ['AppleTV', 'AppleTV14,1'],
} as const
/** Bought lately: Apple lists them, and nobody has put them into the directory yet. */
const newDevices = 6

/**
 * Devices of some sites, a few that no directory file names yet, and those that were released and still hold seats: two
 * of every three holders whom the directory does not know. The third was never in the list, as a device enrolled by hand.
 */
export const sampleDeviceList = (
  head: Pick<SampleDeviceList, 'organisation' | 'program'>,
  now: number,
  sites: readonly string[],
  devices: readonly SampleDevice[],
  holders: ReadonlySet<string>,
): SampleDeviceList => {
  const known = new Set(devices.map(({ serialNumber }) => serialNumber))
  const strangers = [...holders].filter((serial) => !known.has(serial))
  const own = devices
    .filter(({ name }) => sites.includes(name.slice(0, 2)))
    .map(({ serialNumber, platform, model }, at): NewDevice => {
      const [productFamily, productType] = FAMILIES[platform]
      return { serialNumber, productFamily, productType, deviceModel: model, addedAt: now - (600 - (at % 200)) * DAY_MS }
    })
  const firstNew = head.program === 'business' ? 5_000 : 5_100
  const fresh = Array.from({ length: newDevices }, (_, at): NewDevice => ({
    serialNumber: outsideSerial(firstNew + at),
    productFamily: 'iPad',
    productType: 'iPad16,3',
    deviceModel: 'iPad Air 11-inch (M3)',
    addedAt: now - (3 + at) * DAY_MS,
  }))
  const released = strangers
    .filter((_, at) => at % 3 !== 2)
    .map((serialNumber, at): NewDevice => ({
      serialNumber,
      productFamily: 'iPad',
      productType: 'iPad11,6',
      deviceModel: 'iPad (8th generation)',
      addedAt: now - 1_500 * DAY_MS,
      releasedAt: now - (12 + (at % 40) * 5) * DAY_MS,
    }))
  return { ...head, devices: [...own, ...fresh, ...released] }
}
