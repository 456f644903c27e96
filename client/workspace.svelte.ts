/**
 * The one reactive file: what every screen reads. Each reading here may be made inside a component or `$derived`, and is
 * made again when what it rests on has changed. Screens change things through `workspace.edits` (kept on this device,
 * with or without a network) and `workspace.acts` (need the server), and hold only their own form's state.
 */
import { figure } from './parts/figures.ts'
import { createContext } from 'svelte'
import { createSubscriber } from 'svelte/reactivity'
import type { Verdict } from '../shared/assignment.ts'
import type { Clock } from '../shared/clock.ts'
import { isOpen } from '../shared/order.ts'
import { registrationsKey } from '../shared/facts.ts'
import { ordinalOf, type ConnectorId, type LicenseId, type PrincipalId, type TargetKey } from '../shared/ids.ts'
import type { Group } from '../shared/principal.ts'
import type { Registration } from '../shared/registration.ts'
import type { Result } from '../shared/result.ts'
import type { AppUpdate, UpdateState } from './app-update.ts'
import type { ConnectionStatus } from './connection.ts'
import { mayEdit, type AdminConsole } from './console.ts'
import { createDirectory, searchTargets, type DirectoryReader, type TargetFound } from './directory.ts'
import { createEdits, type AssignRequest, type Edits } from './edits.ts'
import type { ChunkRead, Facts } from './facts.ts'
import { createForetelling, type Foretelling } from './foretelling.ts'
import { localFailureInWords, type DeviceNotice, type KnownAdmin, type LocalFailure } from './local-db.ts'
import type { ActFailed, ServerActs } from './server-acts.ts'
import type { Session, SessionState } from './session.ts'
import { wantedWishes } from './views/assign-preview.ts'
import { connectorList, type ConnectorRow } from './views/connector-list.ts'
import { licenseList, type LicenseRow } from './views/license-list.ts'
import { licensePage, type LicensePage, type TargetName } from './views/license-page.ts'
import { exportedOutbox, foretoldOf, outboxList, type Foretold, type OutboxList } from './views/outbox-list.ts'
import {
  activityOf,
  isKeptBack,
  ordersInFacts,
  withHistory,
  type Activity,
  type ActivityHistory,
  type ActivityQuery,
} from './views/activity.ts'
import { companyOf } from './views/order-row.ts'
import { heldBy } from './views/held.ts'
import { overviewOf, type Overview } from './views/overview.ts'
import { subscriptionsPage, type SubscriptionsPage } from './views/subscriptions.ts'
import { counted } from './views/words.ts'

/** Loading and not found are told apart: "not found" is said only of facts that are whole. */
export type Reading<T> = { readonly is: 'loading' } | { readonly is: 'ready'; readonly value: T } | { readonly is: 'not-found' }

/** What the connection badge shows. */
export interface Badge {
  /** "Online", "Offline", "Syncing". */
  readonly word: 'Online' | 'Offline' | 'Syncing'
  readonly unsent: number
  readonly refused: number
  /** "Offline, 6 unsent", "Online, all saved". */
  readonly text: string
}

/** How far the facts on this device are to be believed. */
export type FactsState =
  /** Nothing was ever fetched here. */
  | { readonly is: 'none' }
  /** The first fetch, or one after a change of server, has not come to its end. */
  | { readonly is: 'filling'; readonly done: number; readonly total: number }
  /** `heardAt`: when they were last known to be the newest; null while following live. */
  | { readonly is: 'whole'; readonly heardAt: number | null }

/** What views are made from. Read anew, it is the same object. */
export interface Sources {
  readonly facts: Facts
  readonly directory: DirectoryReader
  readonly foretelling: Foretelling
  /** The facts are whole: what is not in them is not there. */
  whole(): boolean
  now(): number
}

export interface Workspace {
  // ---- Who and how ----
  readonly session: SessionState
  readonly admin: KnownAdmin | undefined
  /** The role allows changes of the plan; the server asks again. */
  readonly mayEdit: boolean
  readonly connection: ConnectionStatus
  readonly badge: Badge
  readonly facts: FactsState
  /** Moves every 30 s, for ages. Milliseconds since 1970, by this device's clock. */
  readonly now: number
  readonly update: UpdateState
  /** Something a person must know about this browser's store. */
  readonly notice: DeviceNotice | undefined
  /** This browser's store can't keep anything now. */
  readonly storeTrouble: { readonly failure: LocalFailure; readonly text: string } | undefined
  /** Another tab holds the connection. */
  readonly follows: boolean

  // ---- What screens show ----
  readonly overview: Reading<Overview>
  /** In no promised order: screens arrange it with `arrangeLicenses`. */
  readonly licenses: Reading<readonly LicenseRow[]>
  license(id: LicenseId): Reading<LicensePage>
  /** Worst first. */
  readonly connectors: Reading<readonly ConnectorRow[]>
  /** The subscriptions of one Location. */
  subscriptions(id: ConnectorId): Reading<SubscriptionsPage>
  /** How a person stands at a Location; undefined: not on the store's list. */
  registration(connector: ConnectorId, person: PrincipalId): Reading<Registration | undefined>
  /** For screens that are loaded when somebody opens them, and bring their views along. */
  readonly sources: Sources
  /** Orders and syncs: those in the facts, live, and beside them what was read from the server. */
  activity(query: ActivityQuery, history: ActivityHistory): Reading<Activity>
  /** Orders and syncs that are not over. */
  readonly underWay: number
  readonly outbox: OutboxList
  readonly groups: Reading<readonly Group[]>
  /** At most `most` (50 unless told), best first: groups, then people and devices whose name, user name or serial number begins with or holds the text. */
  search(text: string, most?: number): Reading<readonly TargetFound[]>
  target(key: TargetKey): TargetName
  /** What would come of an assignment, before it is made. */
  foretell(request: AssignRequest): Reading<Foretold>
  /** How a license stands for one person or device. */
  verdict(license: LicenseId, principal: PrincipalId): Reading<Verdict | undefined>

  // ---- What screens do ----
  readonly edits: Edits
  readonly acts: ServerActs
  signIn(email: string, password: string): Promise<Result<KnownAdmin, ActFailed>>
  /** Takes up a one-time link, from `?setup=` in the address. */
  setUp(
    token: string,
    wanted: { readonly name: string; readonly email?: string; readonly password: string },
  ): Promise<Result<KnownAdmin, ActFailed>>
  /** Ends the session and removes the facts from this device; unsent edits stay for their author. */
  signOut(): Promise<Result<void, ActFailed>>
  tryNow(): void
  dismissNotice(): Promise<void>
  /** The outbox as a file's text, for someone who wants to carry it elsewhere. */
  exportOutbox(): string
  /** Screens report a form that would lose its content: an update waits for it. Gives the way to report it closed. */
  formOpen(): () => void
  applyUpdate(): void
}

const tickMs = 30_000

export interface WorkspaceDeps {
  readonly console: AdminConsole
  readonly session: Session
  readonly acts: ServerActs
  readonly update: AppUpdate
  readonly clock: Clock
  /** Asks the browser once to keep this site's data; told at the first edit. */
  readonly persist?: () => void
}

/** Screens take the workspace from their context. */
export const [useWorkspace, provideWorkspace] = createContext<Workspace>()

export const openWorkspace = (deps: WorkspaceDeps): Workspace => {
  const { console, session, acts, clock } = deps
  let now = clock.now()
  let tick = 0
  let persistAsked = false

  const subscribe = createSubscriber((update) => {
    const stops = [console.onChange(update), session.onChange(update), deps.update.onChange(update)]
    let cancel = (): void => undefined
    const beat = (): void => {
      cancel = clock.after(tickMs, () => {
        now = clock.now()
        tick += 1
        update()
        beat()
      })
    }
    beat()
    return () => {
      cancel()
      for (const stop of stops) stop()
    }
  })

  const directory = createDirectory(console.facts)
  const foretelling = createForetelling({
    facts: console.facts,
    directory,
    rows: console.outbox,
    saved: console.saved,
    factsSeq: () => console.meta()?.seq ?? 0,
  })
  const made = createEdits(console, directory)
  /** Asked at the first edit: a browser grants it more readily to a site that is used. */
  const persisting =
    <A extends readonly unknown[], R>(act: (...args: A) => R): ((...args: A) => R) =>
    (...args) => {
      if (!persistAsked) deps.persist?.()
      persistAsked = true
      return act(...args)
    }
  const edits: Edits = {
    ...made,
    assign: persisting(made.assign),
    changeAssignment: persisting(made.changeAssignment),
    removeAssignment: persisting(made.removeAssignment),
    setNote: persisting(made.setNote),
  }

  const version = (): string => `${console.version()}/${tick}`
  const whole = (): boolean => console.meta()?.whole === true
  /** While the first fetch is under way nothing is "not found". */
  const readingOf = <T>(read: ChunkRead<T | undefined>): Reading<T> =>
    read.is === 'loading'
      ? read
      : read.value !== undefined
        ? { is: 'ready', value: read.value }
        : whole()
          ? { is: 'not-found' }
          : { is: 'loading' }
  const listReading = <T>(read: ChunkRead<readonly T[]>): Reading<readonly T[]> =>
    read.is === 'ready' && read.value.length === 0 && !whole() ? { is: 'loading' } : read

  const sources: Sources = { facts: console.facts, directory, foretelling, whole, now: () => now }
  const licenseRows = heldBy(version, 1, () => licenseList(console.facts, foretelling, console.outbox(), now))
  const connectorRows = heldBy(version, 1, (): ChunkRead<readonly ConnectorRow[]> => {
    const read = console.facts.rows('connectors')
    if (read.is === 'loading') return read
    const rows = licenseRows(undefined)
    return { is: 'ready', value: connectorList(read.value, rows.is === 'ready' ? rows.value : [], console.progress(), now) }
  })
  const orders = heldBy(version, 1, () => ordersInFacts(console.facts))
  const overview = heldBy(version, 1, (): Reading<Overview> => {
    const connectors = connectorRows(undefined)
    const licenses = licenseRows(undefined)
    if (connectors.is === 'loading' || licenses.is === 'loading') return { is: 'loading' }
    if (!whole() && licenses.value.length === 0) return { is: 'loading' }
    const asked = orders(undefined)
    return { is: 'ready', value: overviewOf(connectors.value, licenses.value, console.outbox(), asked.is === 'ready' ? asked.value : []) }
  })
  const company = heldBy(version, 1, () => {
    const read = orders(undefined)
    return companyOf(read.is === 'ready' ? read.value : [])
  })
  const pages = heldBy(version, 16, (id: LicenseId) => licensePage(id, foretelling, directory, console.outbox(), now, company(undefined)))
  const activity = (query: ActivityQuery, history: ActivityHistory): Reading<Activity> => {
    const read = orders(undefined)
    const connectors = connectorRows(undefined)
    const licenses = licenseRows(undefined)
    if (read.is === 'loading' || connectors.is === 'loading' || licenses.is === 'loading') return { is: 'loading' }
    if (!whole() && read.value.length === 0 && connectors.value.length === 0) return { is: 'loading' }
    const syncs = connectors.value.flatMap(({ connector }) => connector.lastSync ?? [])
    return {
      is: 'ready',
      value: activityOf(
        {
          orders: withHistory(read.value, history.orders),
          syncs: withHistory(syncs, history.syncs),
          connectors: connectors.value,
          licenses: licenses.value.map(({ license }) => license),
        },
        directory,
        query,
      ),
    }
  }
  const underWay = heldBy(version, 1, () => {
    const read = orders(undefined)
    return (read.is === 'ready' ? read.value.filter((order) => isOpen(order) && !isKeptBack(order)).length : 0) + console.progress().size
  })
  const subscriptions = heldBy(version, 4, (id: ConnectorId) => subscriptionsPage(console.facts, id, now))
  const outbox = heldBy(version, 1, () => outboxList(console.outbox(), console.saved(), foretelling, console.isSent, now))
  const targets = heldBy(version, 500, (key: TargetKey) => directory.nameOfTarget(key))

  const foretell = (request: AssignRequest): Reading<Foretold> => {
    const admin = console.meta()?.admin
    const more = wantedWishes(request, admin?.name ?? '', now)
    const read = foretelling.stateWith(request.license, now, more)
    if (read.is === 'loading') return read
    if (read.value === undefined) return { is: 'not-found' }
    const intents = more.map(({ key, wish }) => ({
      part: 'wish' as const,
      target: key,
      wish,
      baseRev: 0,
      confirmed: request.confirmed === true,
    }))
    return { is: 'ready', value: foretoldOf(intents, read.value) }
  }

  const entered = async (answer: Result<KnownAdmin, ActFailed>): Promise<Result<KnownAdmin, ActFailed>> => {
    if (!answer.ok) return answer
    await console.signedIn(answer.value)
    console.tryNow()
    return answer
  }

  /** Made reactive: reading it inside a component or `$derived` ties that to every change of the engine. */
  const read = <T>(value: () => T): T => {
    subscribe()
    return value()
  }

  return {
    get session() {
      return read(() => (console.connection().is === 'signed-out' ? ({ is: 'signed-out' } as const) : session.state()))
    },
    get admin() {
      return read(() => console.meta()?.admin ?? undefined)
    },
    get mayEdit() {
      return read(() => mayEdit(console.meta()))
    },
    get connection() {
      return read(() => console.connection())
    },
    get badge() {
      return read(() => badgeOf(console))
    },
    get facts() {
      return read(() => factsStateOf(console))
    },
    get now() {
      return read(() => now)
    },
    get update() {
      return read(() => deps.update.state())
    },
    get notice() {
      return read(() => console.meta()?.notice ?? undefined)
    },
    get storeTrouble() {
      return read(() => {
        const failure = console.storeTrouble()
        return failure === undefined ? undefined : { failure, text: localFailureInWords(failure) }
      })
    },
    get follows() {
      return read(() => !console.leads())
    },
    get overview() {
      return read(() => overview(undefined))
    },
    get licenses() {
      return read(() => listReading(licenseRows(undefined)))
    },
    license: (id) => read(() => readingOf(pages(id))),
    get connectors() {
      return read(() => listReading(connectorRows(undefined)))
    },
    subscriptions: (id) => read(() => readingOf(subscriptions(id))),
    registration: (connector, person) =>
      read(() => {
        const rows = console.facts.rows(registrationsKey(connector, ordinalOf(person)))
        return rows.is === 'loading' ? rows : { is: 'ready', value: rows.value.find((row) => row.id === person) }
      }),
    get sources() {
      return read(() => sources)
    },
    activity: (query, history) => read(() => activity(query, history)),
    get underWay() {
      return read(() => underWay(undefined))
    },
    get outbox() {
      return read(() => outbox(undefined))
    },
    get groups() {
      return read(() => listReading(directory.groups()))
    },
    search: (text, most = 50) =>
      read(() => {
        const groups = directory.groups()
        if (groups.is === 'loading') return groups
        const people = directory.people()
        if (people.is === 'loading') return people
        return { is: 'ready', value: searchTargets(groups.value, people.value, text, most) }
      }),
    target: (key) => read(() => targets(key)),
    foretell: (request) => read(() => foretell(request)),
    verdict: (license, principal) =>
      read(() => {
        const state = foretelling.state(license, now)
        if (state.is === 'loading') return state
        if (state.value === undefined) return whole() ? { is: 'not-found' } : { is: 'loading' }
        return { is: 'ready', value: state.value.verdictByOrdinal.get(ordinalOf(principal)) }
      }),
    edits,
    acts,
    signIn: async (email, password) => await entered(await session.signIn(email, password)),
    setUp: async (token, wanted) => await entered(await session.setUp(token, wanted)),
    signOut: async () => {
      const answer = await session.signOut()
      if (!answer.ok) return answer
      console.endSession()
      await console.forgetFacts()
      return answer
    },
    tryNow: () => console.tryNow(),
    dismissNotice: () => console.dismissNotice(),
    exportOutbox: () => exportedOutbox(console.outbox(), clock.now()),
    formOpen: () => deps.update.formOpen(),
    applyUpdate: () => deps.update.apply(),
  }
}

const badgeOf = (console: AdminConsole): Badge => {
  const rows = console.outbox()
  const unsentCount = rows.filter(({ state }) => state === 'waiting').length
  const refused = rows.length - unsentCount
  const { is } = console.connection()
  const word = is === 'online' ? 'Online' : is === 'pulling' ? 'Syncing' : 'Offline'
  const edits = unsentCount > 0 ? `${figure(unsentCount)} unsent` : word === 'Online' ? 'all saved' : 'nothing unsent'
  return {
    word,
    unsent: unsentCount,
    refused,
    text: `${word}, ${edits}${refused > 0 ? `, ${counted(refused, 'edit refused', 'edits refused')}` : ''}`,
  }
}

const factsStateOf = (console: AdminConsole): FactsState => {
  const meta = console.meta()
  const connection = console.connection()
  if (meta === undefined) return { is: 'none' }
  if (meta.whole) return { is: 'whole', heardAt: connection.is === 'online' ? null : meta.heardAt }
  if (connection.is === 'pulling') return { is: 'filling', done: connection.done, total: connection.total }
  return meta.seq === 0 ? { is: 'none' } : { is: 'filling', done: meta.seq, total: meta.seq }
}
