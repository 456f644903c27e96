/**
 * The connector's rule for leavers: who left, and with whom a device that was released, gives back what can come back,
 * some days later. It is off until an administrator chooses it, and is the one exception to "no wish, no release": found
 * seats of leavers go as well.
 *
 * Who is merely not active keeps their seats. An account is disabled for a leave of absence as much as for a farewell, and
 * the directory does not tell since when; the list of reclaimable seats names them instead.
 */
import type { ConnectorSettings } from './connector.ts'
import { isByAssignment, type Columns } from './facts.ts'
import { ordinalOf, type LicenseId, type PrincipalId } from './ids.ts'
import type { License } from './license.ts'
import { isUser, type Principal } from './principal.ts'

const dayMs = 24 * 60 * 60_000

/** When their seats are given back, milliseconds since 1970. Undefined: not by this rule. */
export const leaverDueAt = (
  { left, sameAs }: Pick<Principal, 'left'> & { readonly sameAs?: PrincipalId },
  { releaseLeavers, leaverDays }: Pick<ConnectorSettings, 'releaseLeavers' | 'leaverDays'>,
): number | undefined => {
  const since = left === null ? NaN : Date.parse(left)
  // Another account of somebody who is still there has left only as an account.
  return releaseLeavers === 'off' || Number.isNaN(since) || sameAs !== undefined ? undefined : since + leaverDays * dayMs
}

export interface LeaverSeats {
  readonly people: number
  readonly devices: number
  readonly seats: number
  /** Of those, how many no assignment placed. */
  readonly found: number
  /** Given for good: they stay with who has them, and are not among `seats`. */
  readonly forGood: number
  readonly byLicense: ReadonlyMap<LicenseId, readonly number[]>
  /** When the next one comes due, milliseconds since 1970. */
  readonly nextAt: number | undefined
}

/** What the rule takes at `now`, of the licenses of one connector. */
export const leaverSeats = (
  principals: Iterable<Principal>,
  held: Iterable<{ readonly license: Pick<License, 'id' | 'revocable' | 'gone'>; readonly seats: Columns }>,
  settings: Pick<ConnectorSettings, 'releaseLeavers' | 'leaverDays'>,
  now: number,
): LeaverSeats => {
  const due = new Map<number, boolean>()
  const later = new Map<number, number>()
  for (const principal of principals) {
    const at = leaverDueAt(principal, settings)
    if (at === undefined) continue
    if (at <= now) due.set(ordinalOf(principal.id), isUser(principal))
    else later.set(ordinalOf(principal.id), at)
  }
  const holders = new Set<number>()
  const byLicense = new Map<LicenseId, number[]>()
  let seats = 0
  let found = 0
  let forGood = 0
  let nextAt: number | undefined
  for (const { license, seats: columns } of held) {
    for (let at = 0; at < columns.ordinals.length; at += 1) {
      const ordinal = columns.ordinals[at] as number
      const dueAt = later.get(ordinal)
      if (dueAt !== undefined && license.revocable && (nextAt === undefined || dueAt < nextAt)) nextAt = dueAt
      if (!due.has(ordinal)) continue
      if (!license.revocable) {
        forGood += 1
        continue
      }
      if (license.gone) continue
      holders.add(ordinal)
      seats += 1
      if (!isByAssignment(columns, at)) found += 1
      const ordinals = byLicense.get(license.id)
      if (ordinals === undefined) byLicense.set(license.id, [ordinal])
      else ordinals.push(ordinal)
    }
  }
  let people = 0
  for (const ordinal of holders) if (due.get(ordinal) === true) people += 1
  return { people, devices: holders.size - people, seats, found, forGood, byLicense, nextAt }
}
