/**
 * Seats that could come back, each with the reasons. Nothing is taken by itself: an administrator reclaims with this list
 * before them, or chooses the connector's rule for leavers (`leavers.ts`).
 *
 * What counts as two records of one device is a guess, and is told as one: see `duplicatesOf`.
 */
import { gives, type PlacedWish } from './assignment.ts'
import type { Connector } from './connector.ts'
import { deviceStanding } from './device-list.ts'
import { isByAssignment, type Columns } from './facts.ts'
import { ordinalOf, type ConnectorId, type LicenseId, type PrincipalId } from './ids.ts'
import type { License } from './license.ts'
import { isUser, type Device, type Principal } from './principal.ts'
import { ordinalsOf, type Members } from './touching.ts'

export const reclaimReasons = ['left', 'inactive', 'released', 'not-listed', 'duplicate', 'second-seat', 'found'] as const
export type ReclaimReason = (typeof reclaimReasons)[number]

export interface ReclaimBecause {
  readonly code: ReclaimReason
  /** Of a duplicate the record that is kept; of a second seat the person who has the other one. */
  readonly other: PrincipalId | null
}

/** One seat of one license. */
export interface Reclaimable {
  readonly principal: Principal
  readonly licenseId: LicenseId
  readonly connectorId: ConnectorId
  /** False: the store never takes it back (a book), so it stays with who has it. */
  readonly revocable: boolean
  /** When it was first seen here, seconds since 1970. */
  readonly sinceS: number
  /** Never empty, in the order of `reclaimReasons`. */
  readonly reasons: readonly ReclaimBecause[]
  /** A standing assignment asks for this seat: reclaiming it at once removes the assignment or excludes the holder. */
  readonly askedFor: boolean
}

export interface HeldLicense {
  readonly license: Pick<License, 'id' | 'connectorId' | 'revocable'>
  readonly seats: Columns
  /** Whether an assignment that gives names this principal. */
  readonly isAskedFor: (ordinal: number) => boolean
}

/** In the order of the licenses, then of ordinals. One look at each seat, whatever their number. */
export const reclaimable = (
  principals: Iterable<Principal>,
  connectors: readonly Pick<Connector, 'devices'>[],
  held: Iterable<HeldLicense>,
  wanted: ReadonlySet<ReclaimReason> = new Set(reclaimReasons),
): readonly Reclaimable[] => {
  const byOrdinal = new Map<number, Principal>()
  const reasonsByOrdinal = new Map<number, readonly ReclaimBecause[]>()
  const devices: Device[] = []
  for (const principal of principals) {
    byOrdinal.set(ordinalOf(principal.id), principal)
    if (!isUser(principal)) devices.push(principal)
  }
  const duplicates = wanted.has('duplicate') ? duplicatesOf(devices) : new Map<PrincipalId, PrincipalId>()
  for (const [ordinal, principal] of byOrdinal) {
    const reasons = ownReasons(principal, connectors, duplicates.get(principal.id)).filter(({ code }) => wanted.has(code))
    if (reasons.length > 0) reasonsByOrdinal.set(ordinal, reasons)
  }
  const rows: Reclaimable[] = []
  for (const { license, seats, isAskedFor } of held) {
    const holders = wanted.has('second-seat') ? new Set(seats.ordinals) : undefined
    for (let at = 0; at < seats.ordinals.length; at += 1) {
      const ordinal = seats.ordinals[at] as number
      const principal = byOrdinal.get(ordinal)
      if (principal === undefined) continue
      const reasons: ReclaimBecause[] = [...(reasonsByOrdinal.get(ordinal) ?? [])]
      if (holders !== undefined && !isUser(principal) && principal.ownerId !== null && holders.has(ordinalOf(principal.ownerId)))
        reasons.push({ code: 'second-seat', other: principal.ownerId })
      const askedFor = isAskedFor(ordinal)
      if (wanted.has('found') && !askedFor && !isByAssignment(seats, at)) reasons.push({ code: 'found', other: null })
      if (reasons.length === 0) continue
      rows.push({
        principal,
        licenseId: license.id,
        connectorId: license.connectorId,
        revocable: license.revocable,
        sinceS: seats.sinceS[at] ?? 0,
        reasons,
        askedFor,
      })
    }
  }
  return rows
}

/** Whom the assignments name that give seats, now or later. */
export const namedByAssignments = (wishes: readonly PlacedWish[], directory: Members): ReadonlySet<number> => {
  const named = new Set<number>()
  for (const { key, wish } of wishes) if (gives(wish)) for (const ordinal of ordinalsOf(key, directory)) named.add(ordinal)
  return named
}

const ownReasons = (
  principal: Principal,
  connectors: readonly Pick<Connector, 'devices'>[],
  kept: PrincipalId | undefined,
): readonly ReclaimBecause[] => {
  const codes: ReclaimReason[] = []
  const same = isUser(principal) ? principal.sameAs : undefined
  if (same !== undefined) return [{ code: 'duplicate', other: same }]
  if (principal.left !== null) codes.push(isUser(principal) ? 'left' : 'released')
  else if (!principal.active) codes.push('inactive')
  if (!isUser(principal) && deviceStanding(principal, connectors) === 'not-listed') codes.push('not-listed')
  const reasons: ReclaimBecause[] = codes.map((code) => ({ code, other: null }))
  if (kept !== undefined) reasons.push({ code: 'duplicate', other: kept })
  return reasons
}

/**
 * Records that seem to be of one device, each with the one that is kept. A serial number is a device's key, so two records
 * never carry the same one as it is written; they do when
 * - the serial number was typed or scanned differently: blanks, hyphens and dots between, or the `S` that a barcode of
 *   Apple's has before its 10 or 12 characters;
 * - the same owner's device of the same name and model came again under another serial number: a repair that changed the
 *   board, or an enrolment after a wipe that told another one. Without an owner and a name nothing is concluded.
 * A person's other account, which an administrator named as such, is a duplicate as well.
 * Kept is the record that is in use, and of several the one that was known last.
 */
export const duplicatesOf = (devices: readonly Device[]): ReadonlyMap<PrincipalId, PrincipalId> => {
  const kept = new Map<PrincipalId, PrincipalId>()
  const walk = (nameOf: (device: Device) => string): void => {
    const byName = new Map<string, Device[]>()
    for (const device of devices) {
      const name = nameOf(device)
      if (name === '') continue
      const held = byName.get(name)
      if (held === undefined) byName.set(name, [device])
      else held.push(device)
    }
    for (const alike of byName.values()) {
      if (alike.length < 2) continue
      const last = alike.reduce((best, one) => better(best, one))
      for (const device of alike) if (device !== last && !kept.has(device.id)) kept.set(device.id, last.id)
    }
  }
  walk(({ serialNumber }) => {
    const bare = serialNumber.toUpperCase().replace(/[^A-Z0-9]/g, '')
    return /^S([A-Z0-9]{10}|[A-Z0-9]{12})$/.test(bare) ? bare.slice(1) : bare
  })
  walk(({ ownerId, name, model }) => (ownerId === null || name.trim() === '' ? '' : `${ownerId}\n${name.trim().toLowerCase()}\n${model}`))
  return kept
}

const inUse = ({ left, active }: Device): boolean => left === null && active

const better = (a: Device, b: Device): Device => (inUse(a) === inUse(b) ? (ordinalOf(a.id) > ordinalOf(b.id) ? a : b) : inUse(a) ? a : b)

/** What a reason is called, and what it means. `other` is the name of the one that it points to. */
export const reclaimReasonInWords = (code: ReclaimReason, other: string): string => {
  switch (code) {
    case 'left':
      return 'Left the organisation'
    case 'inactive':
      return 'Not active in the directory'
    case 'released':
      return 'Released, or taken out of the directory'
    case 'not-listed':
      return "The organisation's device list does not name it"
    case 'duplicate':
      return `The same as ${other}, it seems`
    case 'second-seat':
      return `Its owner ${other} has a seat as a person too`
    case 'found':
      return 'No assignment asks for it'
  }
}

export const reclaimReasonNames: Record<ReclaimReason, string> = {
  left: 'Left',
  inactive: 'Not active',
  released: 'Device released',
  'not-listed': 'Not in the device list',
  duplicate: 'Known twice',
  'second-seat': 'Person and device',
  found: 'No assignment',
}
