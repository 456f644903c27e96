import { err, ok } from '../../../shared/result.ts'
import type { Result } from '../../../shared/result.ts'
import { appleError } from './errors.ts'
import type { AppleError } from './errors.ts'
import type { Fault } from './faults.ts'
import { holderRecord, isHeldByInactive } from './seats.ts'
import { UNLIMITED, isActive } from './state.ts'
import type { ListName, LocationState } from './state.ts'
import { versionId, versionOf } from './views.ts'
import type { AssetRow, AssignmentRow, UserRow } from './views.ts'
import type { AppleWorld } from './world.ts'

type Body = Record<string, unknown>

const malformed = err(appleError(9602))

const readIndex = (query: URLSearchParams): Result<number, AppleError> => {
  const text = query.get('pageIndex')
  if (text === null) return ok(0)
  return /^\d{1,9}$/.test(text) ? ok(Number(text)) : malformed
}

/** `undefined` when absent. Anything but `true` and `false` is an invalid argument [inferred]. */
const readFlag = (query: URLSearchParams, name: string): Result<boolean | undefined, AppleError> => {
  const text = query.get(name)
  if (text === null) return ok(undefined)
  return text === 'true' || text === 'false' ? ok(text === 'true') : malformed
}

const readCount = (query: URLSearchParams, name: string): Result<number | undefined, AppleError> => {
  const text = query.get(name)
  if (text === null) return ok(undefined)
  return /^-?\d{1,10}$/.test(text) ? ok(Number(text)) : malformed
}

const has = (faults: readonly Fault[], is: Fault['is']): boolean => faults.some((fault) => fault.is === is)

/** The lists of a page, with the members of their items changed as the faults say. */
export const oddly = (body: Body, faults: readonly Fault[]): Body => {
  let changed = body
  for (const fault of faults) {
    if (fault.is !== 'odd-items') continue
    const oddItem = (item: object): Body =>
      Object.fromEntries(Object.entries({ ...item, ...fault.members }).filter(([name]) => !fault.without.includes(name)))
    changed = Object.fromEntries(Object.entries(changed).map(([name, list]) => [name, Array.isArray(list) ? list.map(oddItem) : list]))
  }
  return changed
}

interface Walk<Row> {
  readonly list: ListName
  readonly version: number
  readonly rows: readonly Row[]
  readonly body: (rows: readonly Row[]) => Body
}

const page = <Row>(
  world: AppleWorld,
  location: LocationState,
  query: URLSearchParams,
  faults: readonly Fault[],
  walk: Walk<Row>,
): Result<Body, AppleError> => {
  const index = readIndex(query)
  if (!index.ok) return index
  const rows = has(faults, 'empty-list') ? [] : walk.rows
  const { pageSize } = world.switches
  // [inferred] A list without items has one page.
  const isSpread = has(faults, 'empty-pages-between')
  const fullPages = Math.max(1, Math.ceil(rows.length / pageSize))
  const totalPages = isSpread ? fullPages * 2 - 1 : fullPages
  const at = index.value
  if (at >= totalPages || (at > 0 && has(faults, 'page-out-of-range'))) return err(appleError(9650))
  const first = (isSpread ? at / 2 : at) * pageSize
  const isEmpty = has(faults, 'empty-page') || (isSpread && at % 2 === 1)
  const shown = isEmpty ? [] : rows.slice(first, first + pageSize)
  const next = has(faults, 'page-loop') ? at : has(faults, 'empty-page') || at + 1 < totalPages ? at + 1 : undefined
  return ok({
    ...oddly(walk.body(shown), faults),
    currentPageIndex: at,
    ...(next === undefined ? {} : { nextPageIndex: next }),
    size: shown.length,
    totalPages: faults.reduce((pages, fault) => (fault.is === 'total-pages' ? fault.pages : pages), totalPages),
    versionId: versionId(location, walk.list, walk.version + (has(faults, 'page-moved') ? 1 : 0)),
  })
}

const assetBody = (row: AssetRow, skewed: boolean): Body => {
  const flags = { deviceAssignable: row.deviceAssignable, revocable: row.revocable, supportedPlatforms: row.supportedPlatforms }
  const head = { adamId: row.adamId, pricingParam: row.pricingParam, productType: row.productType }
  const total = row.unlimited ? UNLIMITED : row.total
  const available = row.unlimited ? UNLIMITED - row.assigned - row.retired : row.available
  return {
    ...head,
    totalCount: total,
    assignedCount: row.assigned,
    availableCount: available + (skewed ? 1 : 0),
    retiredCount: row.retired,
    ...flags,
  }
}

const unlimitedBody = (row: AssetRow): Body => ({
  adamId: row.adamId,
  pricingParam: row.pricingParam,
  productType: row.productType,
  assignedCount: row.assigned,
  deviceAssignable: row.deviceAssignable,
  revocable: row.revocable,
  supportedPlatforms: row.supportedPlatforms,
})

/** `GET /assets`. There are no increments here. */
export const listAssets = (
  world: AppleWorld,
  location: LocationState,
  query: URLSearchParams,
  faults: readonly Fault[],
): Result<Body, AppleError> => {
  const flags = ['deviceAssignable', 'revocable', 'unlimited'].map((name) => readFlag(query, name))
  const counts = ['minAvailableCount', 'maxAvailableCount', 'minAssignedCount', 'maxAssignedCount'].map((name) => readCount(query, name))
  if (flags.some(({ ok }) => !ok) || counts.some(({ ok }) => !ok)) return malformed
  const [deviceAssignable, revocable, unlimited] = flags.map((flag) => (flag.ok ? flag.value : undefined))
  const [minAvailable, maxAvailable, minAssigned, maxAssigned] = counts.map((count) => (count.ok ? count.value : undefined))
  const adamId = query.get('adamId')
  const productType = query.get('productType')
  const pricingParam = query.get('pricingParam')
  if (productType !== null && productType !== 'App' && productType !== 'Book') return malformed
  if (pricingParam !== null && pricingParam !== 'STDQ' && pricingParam !== 'PLUS') return malformed
  const view = world.views.assets(location)
  const rows = view.rows.filter((row) => {
    const available = row.unlimited ? UNLIMITED : row.available
    return (
      (world.switches.goneAssets === 'stay-with-zeros' || row.unlimited || row.total > 0 || row.assigned > 0) &&
      (adamId === null || row.adamId === adamId) &&
      (productType === null || row.productType === productType) &&
      (pricingParam === null || row.pricingParam === pricingParam) &&
      (deviceAssignable === undefined || row.deviceAssignable === deviceAssignable) &&
      (revocable === undefined || row.revocable === revocable) &&
      (unlimited !== false || !row.unlimited) &&
      available >= (minAvailable ?? available) &&
      available <= (maxAvailable ?? available) &&
      row.assigned >= (minAssigned ?? row.assigned) &&
      row.assigned <= (maxAssigned ?? row.assigned)
    )
  })
  const skewed = world.switches.countsDisagree
  const body = (shown: readonly AssetRow[]): Body =>
    unlimited === true
      ? {
          assets: shown.filter((row) => !row.unlimited).map((row) => assetBody(row, skewed)),
          unlimitedAssets: shown.filter((row) => row.unlimited).map(unlimitedBody),
        }
      : { assets: shown.map((row) => assetBody(row, skewed)) }
  return page(world, location, query, faults, { list: 'assets', version: view.version, rows, body })
}

const readSince = (location: LocationState, list: ListName, query: URLSearchParams): Result<number | undefined, AppleError> => {
  const id = query.get('sinceVersionId')
  if (id === null) return ok(undefined)
  const since = versionOf(location, list, id)
  return since === undefined ? err(appleError(9721)) : ok(since)
}

/** `GET /assignments`. An increment tells additions alone: how a removal would look in it is published nowhere [unknown]. */
export const listAssignments = (
  world: AppleWorld,
  location: LocationState,
  query: URLSearchParams,
  faults: readonly Fault[],
): Result<Body, AppleError> => {
  const excludeInactive = readFlag(query, 'excludeInactiveUsers')
  const includeState = readFlag(query, 'includeUserState')
  const since = readSince(location, 'assignments', query)
  if (!excludeInactive.ok) return excludeInactive
  if (!includeState.ok) return includeState
  if (!since.ok) return since
  const adamId = query.get('adamId')
  const pricingParam = query.get('pricingParam')
  const clientUserId = query.get('clientUserId')
  const serialNumber = query.get('serialNumber')
  const view = world.views.assignments(location)
  const isPlain = [adamId, pricingParam, clientUserId, serialNumber].every((filter) => filter === null)
  const rows =
    isPlain && excludeInactive.value !== true && since.value === undefined
      ? view.rows
      : view.rows.filter(
          (row) =>
            (adamId === null || row.adamId === adamId) &&
            (pricingParam === null || row.pricingParam === pricingParam) &&
            (clientUserId === null || row.seat.clientUserId === clientUserId) &&
            (serialNumber === null || row.seat.serialNumber === serialNumber) &&
            row.seat.version > (since.value ?? -1) &&
            (excludeInactive.value !== true || !isHeldByInactive(location, row.seat)),
        )
  const body = (shown: readonly AssignmentRow[]): Body => ({
    assignments: shown.map(({ adamId, pricingParam, seat }) => {
      if (seat.serialNumber !== undefined) return { adamId, pricingParam, serialNumber: seat.serialNumber }
      const user = includeState.value === true ? holderRecord(location, seat) : undefined
      return {
        adamId,
        pricingParam,
        clientUserId: seat.clientUserId,
        ...(user === undefined ? {} : { userStatus: user.status, ...(user.idHash === undefined ? {} : { idHash: user.idHash }) }),
      }
    }),
  })
  // Not reported: a list that only lost something still carries the version of its newest assignment.
  const version =
    world.switches.removedAssignments === 'absent'
      ? view.version
      : view.rows.reduce((newest, { seat }) => Math.max(newest, seat.version), location.versionFloors.assignments)
  return page(world, location, query, faults, { list: 'assignments', version, rows, body })
}

/** A user as Apple shows one. Managed Apple Accounts are never told back. */
export const userBody = (world: Pick<AppleWorld, 'switches'>, user: UserRow): Body => ({
  clientUserId: user.clientUserId,
  ...(user.email === undefined ? {} : { email: user.email }),
  status: user.status,
  ...(user.inviteCode !== undefined && (user.status === 'Registered' || world.switches.inviteCodes === 'kept')
    ? { inviteCode: user.inviteCode }
    : {}),
  ...(user.idHash === undefined ? {} : { idHash: user.idHash }),
})

/** `GET /users`. `includeRetired`, of which an older guide speaks, is ignored unless a switch says otherwise [doc-conflict]. */
export const listUsers = (
  world: AppleWorld,
  location: LocationState,
  query: URLSearchParams,
  faults: readonly Fault[],
): Result<Body, AppleError> => {
  const activeOnly = readFlag(query, 'activeOnly')
  const retiredOnly = readFlag(query, 'retiredOnly')
  const since = readSince(location, 'users', query)
  if (!activeOnly.ok) return activeOnly
  if (!retiredOnly.ok) return retiredOnly
  if (!since.ok) return since
  const clientUserId = query.get('clientUserId')
  const leavesRetiredOut = world.switches.includeRetired === 'honoured' && query.get('includeRetired') === '0'
  const view = world.views.users(location)
  const rows = view.rows.filter(
    (user) =>
      (clientUserId === null || user.clientUserId === clientUserId) &&
      (activeOnly.value !== true || isActive(user)) &&
      (!leavesRetiredOut || isActive(user)) &&
      (retiredOnly.value !== true || user.status === 'Retired') &&
      user.version > (since.value ?? -1),
  )
  return page(world, location, query, faults, {
    list: 'users',
    version: view.version,
    rows,
    body: (shown) => ({ users: shown.map((user) => userBody(world, user)) }),
  })
}
