import { messageOf } from './errors.ts'
import type { ErrorInfo } from './errors.ts'
import type { Fault } from './faults.ts'
import { giveBackSeat, revocablePairs, takeSeat } from './seats.ts'
import type { TaskOutcome } from './seats.ts'
import { targetKey } from './state.ts'
import { pairOf, subscriptionPairOf, taskCount } from './tasks.ts'
import { runSubscriptionTask, settlePeriods } from './subscriptions.ts'
import type { AppleEvent, AssetRef, EventTampering, EventType, LocationState, SubscriptionWrite, Target, UserInput } from './state.ts'
import { createUser, retireUser, updateUser } from './users.ts'
import { uuid } from './made-ids.ts'
import type { AppleWorld } from './world.ts'

export interface EventRequest {
  readonly type: EventType
  readonly assets: readonly AssetRef[]
  readonly targets: readonly Target[]
  readonly users: readonly UserInput[]
  readonly subscription?: SubscriptionWrite
}

const tamperingOf = (faults: readonly Fault[]): EventTampering => {
  let tampering: EventTampering = {}
  for (const fault of faults) {
    if (fault.is === 'tasks-fail') tampering = { ...tampering, failEvery: { every: fault.every, errorNumber: fault.errorNumber } }
    if (fault.is === 'targets-fail') tampering = { ...tampering, failTargets: { keys: fault.keys, errorNumber: fault.errorNumber } }
    if (fault.is === 'event-falls-short') tampering = { ...tampering, fallShortBy: fault.by }
    if (fault.is === 'failures-without-info') tampering = { ...tampering, bareFailures: true }
    if (fault.is === 'complete-with-failures') tampering = { ...tampering, saysComplete: true }
    if (fault.is === 'event-without-effect') tampering = { ...tampering, withoutEffect: true }
    if (fault.is === 'event-serves-another') tampering = { ...tampering, servesAnother: true }
    if (fault.is === 'event-never-ends') tampering = { ...tampering, neverEnds: true }
  }
  return tampering
}

const shuffled = <T>(world: AppleWorld, items: readonly T[]): readonly T[] => {
  if (world.switches.taskOrder === 'as-given') return items
  return items
    .map((item) => ({ item, place: world.chance.fraction() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)
}

const newEvent = (world: AppleWorld, location: LocationState, request: EventRequest): AppleEvent => ({
  id: uuid(world.chance),
  type: request.type,
  acceptedAt: world.clock.now(),
  latencyMs: 0,
  taskMs: 0,
  assets: request.assets,
  targets: request.targets,
  users: request.users,
  ...(request.subscription === undefined ? {} : { subscription: request.subscription }),
  pairs: request.type === 'REVOKE' ? revocablePairs(location, request.targets) : [],
  held: false,
  next: 0,
  completed: 0,
  failures: [],
  done: [],
  finishedAt: null,
  tampering: {},
})

/** Accepts a write. That means no more than that it will be tried. */
export const acceptEvent = (world: AppleWorld, location: LocationState, request: EventRequest, faults: readonly Fault[]): AppleEvent => {
  const { eventLatencyMs, eventTaskMs, holdEvents } = world.switches
  const event: AppleEvent = {
    ...newEvent(world, location, {
      type: request.type,
      assets: shuffled(world, request.assets),
      targets: shuffled(world, request.targets),
      users: shuffled(world, request.users),
      ...(request.subscription === undefined ? {} : { subscription: request.subscription }),
    }),
    latencyMs: eventLatencyMs,
    taskMs: eventTaskMs,
    held: holdEvents || faults.some(({ is }) => is === 'event-stays-pending'),
    tampering: tamperingOf(faults),
  }
  location.events.set(event.id, event)
  world.openEvents.set(event.id, { location, event })
  wakeFor(world, location, event)
  return event
}

/** What somebody else did, in the portal or through another MDM: done at once, and told like any event. */
export const runOutside = (world: AppleWorld, location: LocationState, request: EventRequest): AppleEvent => {
  const event = newEvent(world, location, request)
  location.events.set(event.id, event)
  runDueTasks(world, location, event)
  return event
}

/** Does everything that is open, held or not yet due. Gives how many events that were. */
export const finishEvents = (world: AppleWorld): number => {
  const open = [...world.openEvents.values()]
  for (const { location, event } of open) {
    event.held = false
    runDueTasks(world, location, event, Number.MAX_SAFE_INTEGER)
  }
  return open.length
}

/** Without a notification target nobody looks before the next request, so nothing needs to wake up. */
export const wakeFor = (world: AppleWorld, location: LocationState, event: AppleEvent): void => {
  if (event.held || location.notificationUrl === null) return
  const doneAt = event.acceptedAt + event.latencyMs + Math.max(0, taskCount(event) - 1) * event.taskMs
  world.clock.after(Math.max(0, doneAt - world.clock.now()), () => settleEvents(world))
}

/** Whom a task that is about no asset is about. */
const personOf = (event: AppleEvent, task: number): string | undefined =>
  event.users[task]?.clientUserId ?? subscriptionPairOf(event, task)?.clientUserId

const tamperedOutcome = (event: AppleEvent, task: number): TaskOutcome => {
  const { failEvery, failTargets } = event.tampering
  if (failEvery !== undefined && (task + 1) % failEvery.every === 0) return failEvery.errorNumber
  if (failTargets === undefined) return 0
  const pair = pairOf(event, task)
  const key = pair === undefined ? personOf(event, task) : targetKey(pair.target)
  return key !== undefined && failTargets.keys.includes(key) ? failTargets.errorNumber : 0
}

const servedInstead = (event: AppleEvent, target: Target): Target =>
  event.tampering.servesAnother === true && target.kind === 'device' ? { kind: 'device', serialNumber: `${target.serialNumber}X` } : target

const runTask = (world: AppleWorld, location: LocationState, event: AppleEvent, task: number): TaskOutcome => {
  const tampered = tamperedOutcome(event, task)
  if (tampered !== 0 || event.tampering.withoutEffect === true) return tampered
  const pair = pairOf(event, task)
  if (pair !== undefined) {
    const target = servedInstead(event, pair.target)
    if (event.type === 'ASSOCIATE') return takeSeat(world, location, pair.asset, target)
    return giveBackSeat(world, location, pair.asset, target)
  }
  const about = subscriptionPairOf(event, task)
  if (event.subscription !== undefined && about !== undefined) {
    const type = event.type === 'ASSOCIATE' ? 'ASSOCIATE' : 'DISASSOCIATE'
    return runSubscriptionTask(world, location, event.subscription, type, about.adamId, about.clientUserId)
  }
  const user = event.users[task]
  if (user === undefined) return 9602
  if (event.type === 'CREATE') return createUser(world, location, user)
  return event.type === 'UPDATE' ? updateUser(world, location, user) : retireUser(world, location, user.clientUserId)
}

const readyAt = (event: AppleEvent): number => event.acceptedAt + event.latencyMs + event.next * event.taskMs

const runDueTasks = (world: AppleWorld, location: LocationState, event: AppleEvent, until = world.clock.now()): void => {
  const last = Math.max(0, taskCount(event) - (event.tampering.fallShortBy ?? 0))
  while (event.next < last && readyAt(event) <= until) {
    const task = event.next
    const outcome = runTask(world, location, event, task)
    event.next += 1
    if (outcome === 0) {
      event.completed += 1
      event.done.push(task)
    } else event.failures.push({ task, errorNumber: outcome })
  }
  if (event.next < last || event.tampering.neverEnds === true) return
  event.finishedAt = world.clock.now()
  world.openEvents.delete(event.id)
  world.notices.eventEnded(location, event)
  event.done.length = 0
}

/** Does all that is due by now, the earliest accepted event first. */
export const settleEvents = (world: AppleWorld): void => {
  settlePeriods(world)
  const now = world.clock.now()
  for (const { location, event } of world.openEvents.values()) {
    if (!event.held && readyAt(event) <= now) runDueTasks(world, location, event)
  }
}

const infoOf = (event: AppleEvent, tasks: readonly number[]): ErrorInfo => {
  const assets = new Map<string, AssetRef>()
  const clientUserIds = new Set<string>()
  const serialNumbers = new Set<string>()
  for (const task of tasks) {
    const pair = pairOf(event, task)
    if (pair === undefined) {
      const person = personOf(event, task)
      if (person !== undefined) clientUserIds.add(person)
      continue
    }
    assets.set(`${pair.asset.adamId}/${pair.asset.pricingParam}`, pair.asset)
    if (pair.target.kind === 'device') serialNumbers.add(pair.target.serialNumber)
    else clientUserIds.add(pair.target.clientUserId)
  }
  return {
    ...(assets.size > 0 ? { assets: [...assets.values()] } : {}),
    ...(clientUserIds.size > 0 ? { clientUserIds: [...clientUserIds] } : {}),
    ...(serialNumbers.size > 0 ? { serialNumbers: [...serialNumbers] } : {}),
  }
}

/** The body of `GET /status`, without its envelope. Which pairs failed can not always be told from it, as at Apple. */
export const statusBody = (world: AppleWorld, event: AppleEvent): Record<string, unknown> => {
  const isOver = event.finishedAt !== null && world.clock.now() >= event.finishedAt + world.switches.statusLagMs
  const groups = new Map<string, { readonly errorNumber: number; readonly tasks: number[] }>()
  for (const { task, errorNumber } of event.failures) {
    const asset = world.switches.failureGrouping === 'by-error' ? undefined : pairOf(event, task)?.asset
    const key = `${errorNumber}/${asset?.adamId}/${asset?.pricingParam}`
    const group = groups.get(key) ?? { errorNumber, tasks: [] }
    group.tasks.push(task)
    groups.set(key, group)
  }
  const failures = Array.from(groups.values(), ({ errorNumber, tasks }) => ({
    errorNumber,
    errorMessage: messageOf(errorNumber),
    ...(event.tampering.bareFailures === true ? {} : { errorInfo: infoOf(event, tasks) }),
  }))
  return {
    eventStatus: !isOver ? 'PENDING' : failures.length > 0 && event.tampering.saysComplete !== true ? 'FAILED' : 'COMPLETE',
    eventType: event.type,
    numRequested: taskCount(event),
    numCompleted: event.completed,
    ...(isOver && failures.length > 0 ? { failures } : {}),
  }
}
