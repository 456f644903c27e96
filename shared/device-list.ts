/** Where a device is known from, as far as a store's list of the organisation's devices tells. */
import type { Connector } from './connector.ts'
import type { Device } from './principal.ts'

export const deviceListSource = ({ id, store }: Pick<Connector, 'id' | 'store'>): string => `${store}-devices:${id}`

/** `apple-devices:<connector>` */
export const isListSource = (source: string): boolean => /^[a-z]+-devices:/.test(source)

/** A store that knows somebody by a seat alone names nobody: they may be anyone who holds one. */
export const namesPrincipals = (source: string): boolean => !/^(apple|google|microsoft|other):/.test(source)

export type DeviceStanding =
  /** A list names it. */
  | 'listed'
  /** No list that was read names it: it was released, or never came into the list. */
  | 'not-listed'
  /** No source at all names it any more. */
  | 'left'
  /** No list was ever read. */
  | 'unknown'

export const deviceStanding = (
  device: Pick<Device, 'sources' | 'left'>,
  connectors: Iterable<Pick<Connector, 'devices'>>,
): DeviceStanding => {
  if (device.left !== null) return 'left'
  if (device.sources.some(isListSource)) return 'listed'
  for (const { devices } of connectors) if (devices !== null && devices.asOf !== null) return 'not-listed'
  return 'unknown'
}

/** What is worth saying before a seat goes to such a device, which is allowed all the same. Undefined: nothing. */
export const standingWarning = (standing: DeviceStanding): { readonly code: string; readonly text: string } | undefined => {
  switch (standing) {
    case 'listed':
    case 'unknown':
      return undefined
    case 'not-listed':
      return {
        code: 'device-not-listed',
        text: "The organisation's device list does not name this device: it was released, or never enrolled by itself. A seat can be given all the same; check the serial number first.",
      }
    case 'left':
      return {
        code: 'device-left',
        text: 'No source names this device any more: it was released or taken out. It is given nothing new; add it again to give it a seat.',
      }
  }
}
