/** Words for people, devices and how they stand at a store; and why nothing can be asked for now. */
import { may, type Act } from '../../shared/admin.ts'
import { becauseInWords } from '../../shared/assignment.ts'
import { writingBlockedBy, type Connector } from '../../shared/connector.ts'
import type { LocationAction } from '../../shared/order.ts'
import { isListSource } from '../../shared/device-list.ts'
import { isDirectorySource } from '../../shared/joining.ts'
import type { Health } from '../parts/health.ts'
import type { IconName } from '../parts/icons.ts'
import { seatsCounted } from '../views/words.ts'
import type { Standing, ToGain } from '../views/people-list.ts'
import type { StandingState } from '../views/people-query.ts'
import type { Workspace } from '../workspace.svelte.ts'
import { readerReason, storeNames } from './names.ts'

export const stateNames: Record<StandingState, string> = {
  none: 'Not registered',
  registered: 'Invited, not accepted',
  associated: 'Registered',
  retired: 'Retired',
}
export const stateHealth: Record<StandingState, Health> = { none: 'off', registered: 'pending', associated: 'healthy', retired: 'off' }
export const stateIcons: Record<StandingState, IconName> = { none: 'none', registered: 'waiting', associated: 'ok', retired: 'excluded' }

/** What is under way about one person. */
export const underWayNames: Record<LocationAction, string> = {
  'register-user': 'Being registered',
  'update-user': 'Being told what changed',
  'retire-user': 'Being retired',
  revoke: 'Everything is being taken back',
  'assign-subscription': 'Being given a subscription',
  'remove-subscription': 'Losing a subscription',
}

export const placeName = (connector: Connector): string => connector.name

/** One line for all Locations: the state that they share, or each with its Locations. */
export const standingsInWords = (standings: readonly Standing[]): { readonly state: StandingState; readonly where: string } => {
  const order: readonly StandingState[] = ['associated', 'registered', 'retired', 'none']
  const state = order.find((one) => standings.some((standing) => standing.state === one)) ?? 'none'
  const there = standings.filter((standing) => standing.state === state)
  if (there.length === standings.length) return { state, where: standings.length > 1 && state !== 'none' ? 'At every location' : '' }
  const others = order.flatMap((one) => {
    const places = standings.filter((standing) => standing.state === one)
    return one === state || one === 'none' || places.length === 0 ? [] : [`${stateNames[one].toLowerCase()} at ${names(places)}`]
  })
  return { state, where: [`At ${names(there)}`, ...others].join('; ') }
}
const names = (standings: readonly Standing[]): string => standings.map(({ connector }) => placeName(connector)).join(', ')

/** "3 seats to gain, 1 for good", "holds 2 seats for good". */
export const toGainInWords = ({ seats, forGood }: ToGain): string =>
  seats === 0
    ? `holds ${seatsCounted(forGood)} for good`
    : forGood === 0
      ? `${seatsCounted(seats)} to gain`
      : `${seatsCounted(seats)} to gain, ${forGood} for good`

export const fieldNames: Readonly<Record<string, string>> = {
  userName: 'User name',
  otherNames: 'Other user names',
  displayName: 'Name',
  email: 'Mail',
  department: 'Department',
  active: 'Active',
  managedAppleAccount: 'Managed Apple Account',
  serialNumber: 'Serial number',
  name: 'Name',
  platform: 'Platform',
  model: 'Model',
  ownerId: 'Owner',
  kind: 'Kind',
  member: 'Member',
  sources: 'Known from',
  left: 'Left',
}

/** "CSV import", "Apple device list, Eastmere Schools", "Apple, Eastmere Schools". */
export const sourceInWords = (source: string, connectors: readonly Connector[]): string => {
  if (source === 'csv') return 'CSV import'
  if (source === 'hand') return 'Put in by hand'
  if (source === 'scim') return 'Identity provider (SCIM)'
  const id = source.slice(source.indexOf(':') + 1)
  const connector = connectors.find((row) => row.id === id)
  if (connector === undefined) return source
  return `${storeNames[connector.store]}${isListSource(source) ? ' device list' : isDirectorySource(source) ? ' directory' : ''}, ${connector.name}`
}

/** All of them, or that there is none. */
export const sourcesInWords = (sources: readonly string[], connectors: readonly Connector[]): string =>
  sources.map((source) => sourceInWords(source, connectors)).join(', ') || 'Nothing any more'

const offlineReason = 'This needs the server, and it can not be reached now. Nothing is queued, since the answer can not be promised.'

/** Why this can't be asked of the server now, at any Location. */
export const blockedFor = (workspace: Pick<Workspace, 'admin' | 'badge'>, act: Act): string | undefined =>
  workspace.admin === undefined || !may(workspace.admin, act)
    ? readerReason
    : workspace.badge.word === 'Offline'
      ? offlineReason
      : undefined

/** Why nothing can be asked of this Location now. */
export const blockedAt = (connector: Connector | undefined, now: number): string | undefined => {
  const why = connector === undefined ? undefined : writingBlockedBy(connector, now)
  return why === undefined ? undefined : `${becauseInWords({ code: why, position: 1 })}.`
}
