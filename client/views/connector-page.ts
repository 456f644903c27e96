/** One connector: where it is, what is read through it and how fresh each part is, how the store tells of changes. */
import { noticesInWords, type Connector, type Location, type PartRecord } from '../../shared/connector.ts'
import type { SyncPhase } from '../../shared/sync.ts'
import type { ConnectorRow, RunningSync } from './connector-list.ts'
import { counted } from './words.ts'

// ---- Where ----

const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })
export const countryName = (code: string): string => {
  try {
    return code === '' ? '' : (regions.of(code) ?? code)
  } catch {
    // Not a region's code: shown as the store told it.
    return code
  }
}

export const portalNames: Record<NonNullable<Location['portal']>, string> = {
  business: 'Apple Business Manager',
  school: 'Apple School Manager',
}
export const portalAddresses: Record<NonNullable<Location['portal']>, string> = {
  business: 'https://business.apple.com',
  school: 'https://school.apple.com',
}
export const eitherPortal = 'Apple Business Manager or Apple School Manager'
export const portalOf = (connector: Connector): string =>
  connector.location?.portal === undefined ? eitherPortal : portalNames[connector.location.portal]

/** Enough of it to tell two Locations apart, and the first that people compare in the store. */
export const lastDigits = (key: string): string => (key.length <= 4 ? key : `…${key.slice(-4)}`)

/** "Eastmere Schools, Canada, School Manager, …4421": what tells it from others of the same name. */
export const placeInWords = ({ location, store }: Connector): string =>
  location === null
    ? 'Location not known yet'
    : [
        location.organization === location.name ? '' : location.organization,
        countryName(location.country),
        location.portal === undefined ? '' : location.portal === 'school' ? 'School Manager' : 'Business Manager',
        // An enterprise has a short id, and a tenant one that is no name.
        store === 'google' ? location.key : lastDigits(location.key),
      ]
        .filter((part) => part !== '')
        .join(', ')

/** Other connectors whose Location has the same name in the store. */
export const namesakesOf = (connector: Connector, all: readonly Connector[]): readonly Connector[] =>
  connector.location === null
    ? []
    : all.filter(({ id, location }) => id !== connector.id && location !== null && location.name === connector.location?.name)

// ---- What is read ----

export interface PartRow {
  readonly key: 'licenses' | 'people' | 'devices' | 'subscriptions' | 'directory' | 'imported'
  readonly name: string
  /** "214 licenses, 3 120 seats in use". */
  readonly what: string
  readonly health: 'healthy' | 'warning' | 'unhealthy' | 'off'
  /** "Read", "Not set up", "The last try failed". */
  readonly state: string
  readonly asOf: string | null
  /** The store named none, and nothing is wrong. */
  readonly empty: boolean
  /** What it is good for, or what went wrong and what to do. */
  readonly text: string
}

const stateOfPart = (part: PartRecord): Pick<PartRow, 'health' | 'state' | 'empty'> => ({
  ...healthOfPart(part),
  empty: part.count === 0 && part.error === null,
})
const healthOfPart = (part: PartRecord): Pick<PartRow, 'health' | 'state'> =>
  part.error !== null
    ? { health: 'warning', state: 'The last try failed' }
    : part.asOf === null
      ? { health: 'off', state: 'Not read yet' }
      : { health: 'healthy', state: 'Read' }

/** What a failed part means: what was read before is kept, with its time. */
const afterFailure = (part: PartRecord): string =>
  part.asOf === null
    ? 'Counts and seats are not touched by this.'
    : 'What was read before stays, with its time; counts and seats are not touched by this.'

export const partRows = ({ connector, licenses, inUse }: ConnectorRow): readonly PartRow[] => {
  const { people, devices, directory, imported, subscriptions, lastSync } = connector
  const failed = lastSync?.state === 'failed'
  const rows: PartRow[] = [
    {
      key: 'licenses',
      name: 'Licenses and seats',
      what: `${counted(licenses, 'license', 'licenses')}, ${counted(inUse, 'seat', 'seats')} in use`,
      health: failed ? 'warning' : connector.lastGoodSyncAt === null ? 'off' : 'healthy',
      state: failed ? 'The last try failed' : connector.lastGoodSyncAt === null ? 'Not read yet' : 'Read',
      asOf: connector.lastGoodSyncAt,
      empty: false,
      text: failed
        ? `${lastSync.error?.text ?? ''} The counts before stay, with their time.`.trim()
        : 'What was bought here, and who holds it.',
    },
  ]
  if (people !== null)
    rows.push({
      key: 'people',
      name: 'People',
      what: people.count === null ? '' : counted(people.count, 'person', 'people'),
      ...stateOfPart(people),
      asOf: people.asOf,
      text:
        people.error === null
          ? 'Who is registered at the store, and can take a seat as a person.'
          : `${people.error.text} ${afterFailure(people)}`,
    })
  if (devices !== null)
    rows.push({
      key: 'devices',
      name: 'Devices',
      what: devices.count === null ? '' : counted(devices.count, 'device', 'devices'),
      ...stateOfPart(devices),
      asOf: devices.asOf,
      text:
        devices.error === null
          ? "The organisation's devices; one that was released and still holds seats shows up as reclaimable."
          : `${devices.error.text} ${afterFailure(devices)}`,
    })
  else if (connector.store === 'apple')
    rows.push({
      key: 'devices',
      name: 'Devices',
      what: '',
      health: 'off',
      state: 'Not set up',
      asOf: null,
      empty: false,
      text: 'Without it devices come from your import, and everything else works. Set it up below.',
    })
  if (directory !== undefined)
    rows.push({
      key: 'directory',
      name: 'Directory',
      what: directory.count === null ? '' : counted(directory.count, 'person', 'people'),
      ...stateOfPart(directory),
      asOf: directory.asOf,
      text:
        directory.error === null
          ? 'People and groups as the directory has them; nothing is changed there.'
          : `${directory.error.text} ${afterFailure(directory)}`,
    })
  if (imported !== undefined)
    rows.push({
      key: 'imported',
      name: 'Intune',
      what: imported.count === null ? '' : counted(imported.count, 'app', 'apps'),
      ...stateOfPart(imported),
      asOf: imported.asOf,
      text:
        imported.error === null
          ? 'Tokens, apps and assignments there, imported. They are in none of your counts.'
          : `${imported.error.text} ${afterFailure(imported)}`,
    })
  // A location without any shows nothing of them.
  if (subscriptions !== null && (subscriptions.count !== 0 || subscriptions.error !== null || subscriptions.enabled === true))
    rows.push({
      key: 'subscriptions',
      name: 'Subscriptions',
      what: subscriptions.count === null ? '' : counted(subscriptions.count, 'subscription', 'subscriptions'),
      ...(subscriptions.enabled === false && subscriptions.error === null
        ? { health: 'off' as const, state: 'Not turned on', empty: false }
        : stateOfPart(subscriptions)),
      asOf: subscriptions.asOf,
      text:
        subscriptions.error !== null
          ? `${subscriptions.error.text} ${afterFailure(subscriptions)}`
          : subscriptions.enabled === false
            ? 'Nobody can buy any for this location until they are turned on.'
            : 'Seats that renew or run out at the end of a period.',
    })
  return rows
}

// ---- How changes are told ----

export interface NoticesTold {
  readonly health: 'healthy' | 'warning' | 'off'
  readonly state: string
  readonly text: string
}

/** Undefined where the store sends no notices. */
export const noticesTold = (connector: Connector): NoticesTold | undefined => {
  if (connector.kind === 'google-play-emm' && connector.retirement === undefined)
    return {
      health: 'healthy',
      state: 'Notices are fetched',
      text: 'Google hands out its notices when it is asked: this server asks every minute and with each sync. They only bring a reading forward; one that is lost is made up for by the next sync.',
    }
  const text = noticesInWords(connector)
  if (text === null) return undefined
  switch (connector.notices.state) {
    case 'subscribed':
      return { health: 'healthy', state: 'Notices come', text }
    case 'unreachable':
      return { health: 'warning', state: 'By asking only: our address did not answer', text }
    case 'polling':
      return { health: 'off', state: 'By asking only', text }
  }
}

// ---- A sync as it runs ----

export interface PhaseStep {
  readonly phase: SyncPhase
  readonly name: string
  readonly is: 'done' | 'now' | 'to-come'
}

const steps: readonly { readonly phase: SyncPhase; readonly name: string }[] = [
  { phase: 'connecting', name: 'Asking the store' },
  { phase: 'products', name: 'Licenses' },
  { phase: 'seats', name: 'Seats' },
  { phase: 'recording', name: 'Keeping what differs' },
  { phase: 'people', name: 'People' },
  { phase: 'subscriptions', name: 'Subscriptions' },
  { phase: 'devices', name: 'Devices' },
]

/** The phases that this connector goes through, in their order. */
export const phaseSteps = (connector: Connector, running: RunningSync): readonly PhaseStep[] => {
  const own = steps.filter(
    ({ phase }) =>
      phase === running.phase ||
      ((phase !== 'people' || connector.people !== null) &&
        (phase !== 'devices' || connector.devices !== null) &&
        (phase !== 'subscriptions' || connector.subscriptions !== null)),
  )
  const at = own.findIndex(({ phase }) => phase === running.phase)
  return own.map((step, index) => ({ ...step, is: running.phase === 'done' || index < at ? 'done' : index === at ? 'now' : 'to-come' }))
}

/** For the list: how changes are told, and the parts that are read beside the licenses, one line each. */
export const partsInWords = (row: ConnectorRow): readonly string[] => {
  const { connector } = row
  const told = noticesTold(connector)
  return [
    ...(told === undefined
      ? []
      : [
          told.state === 'Notices come' || told.state === 'Notices are fetched'
            ? 'By notices'
            : connector.notices.state === 'unreachable'
              ? 'By asking, no answer'
              : 'By asking only',
        ]),
    ...partRows(row).flatMap((part) =>
      part.key === 'licenses' || part.state === 'Not set up' || part.empty
        ? []
        : [part.health === 'healthy' ? part.what : `${part.name}: ${lowerFirst(part.state)}`],
    ),
  ].filter((line) => line !== '')
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1)
