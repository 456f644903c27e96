/** Where a path leads. The paths are fixed names: other programs and bookmarks rely on them. */
import {
  parseConnectorId,
  parseGroupId,
  parseLicenseId,
  parsePrincipalId,
  principalKindOf,
  type ConnectorId,
  type GroupId,
  type LicenseId,
  type PrincipalId,
} from '../shared/ids.ts'

export type Route =
  | { readonly is: 'overview' }
  | { readonly is: 'licenses' }
  | { readonly is: 'license'; readonly id: LicenseId }
  | { readonly is: 'assignments' }
  | { readonly is: 'connectors' }
  | { readonly is: 'connector'; readonly id: ConnectorId }
  | { readonly is: 'subscriptions'; readonly id: ConnectorId }
  | { readonly is: 'people' }
  | { readonly is: 'self-service' }
  | { readonly is: 'principal'; readonly id: PrincipalId }
  | { readonly is: 'group'; readonly id: GroupId }
  | { readonly is: 'activity' }
  | { readonly is: 'outbox' }
  | { readonly is: 'sign-in' }
  | { readonly is: 'not-found'; readonly path: string }

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Of a path without query. An id that could not be one is not found; whether it exists is the screen's to say. */
export const routeOf = (path: string): Route => {
  const [first = '', second, ...rest] = path.split('/').slice(1)
  const only = second === undefined || (second === '' && rest.length === 0)
  if (first === 'connectors' && rest[0] === 'subscriptions' && (rest.length === 1 || (rest.length === 2 && rest[1] === ''))) {
    const id = parseConnectorId(decoded(second ?? ''))
    if (id !== undefined) return { is: 'subscriptions', id }
  }
  if (first === 'people' && second === 'self-service' && (rest.length === 0 || (rest.length === 1 && rest[0] === '')))
    return { is: 'self-service' }
  if (first === 'people' && (rest.length === 1 || (rest.length === 2 && rest[1] === ''))) {
    const id = parsePrincipalId(decoded(rest[0] ?? ''))
    if (id !== undefined && second === folderOf[principalKindOf(id)]) return { is: 'principal', id }
    const group = second === 'groups' ? parseGroupId(decoded(rest[0] ?? '')) : undefined
    if (group !== undefined) return { is: 'group', id: group }
  }
  if (rest.length > 0 && !(rest.length === 1 && rest[0] === '')) return { is: 'not-found', path }
  if (only)
    switch (first) {
      case '':
        return { is: 'overview' }
      case 'licenses':
      case 'assignments':
      case 'connectors':
      case 'people':
      case 'activity':
      case 'outbox':
      case 'sign-in':
        return { is: first }
      default:
        return { is: 'not-found', path }
    }
  if (first === 'licenses') {
    const id = parseLicenseId(decoded(second))
    if (id !== undefined) return { is: 'license', id }
  }
  if (first === 'connectors') {
    const id = parseConnectorId(decoded(second))
    if (id !== undefined) return { is: 'connector', id }
  }
  return { is: 'not-found', path }
}

export const pathOf = (route: Route): string => {
  switch (route.is) {
    case 'overview':
      return '/'
    case 'license':
      return `/licenses/${route.id}`
    case 'connector':
      return `/connectors/${route.id}`
    case 'subscriptions':
      return `/connectors/${route.id}/subscriptions`
    case 'principal':
      return principalPath(route.id)
    case 'group':
      return groupPath(route.id)
    case 'self-service':
      return '/people/self-service'
    case 'licenses':
    case 'assignments':
    case 'connectors':
    case 'people':
    case 'activity':
    case 'outbox':
    case 'sign-in':
      return `/${route.is}`
    case 'not-found':
      return route.path
  }
}

const folderOf = { user: 'users', device: 'devices' } as const

/** The page of a person or a device. */
export const principalPath = (id: PrincipalId): string => `/people/${folderOf[principalKindOf(id)]}/${id}`

export const groupPath = (id: GroupId): string => `/people/groups/${id}`
