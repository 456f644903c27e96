/** What another device management service holds, beside our own: each app once, a copy told as one. Pure. */
import type { ChunkRead, Facts } from '../facts.ts'
import { counted, figure } from '../parts/figures.ts'
import { importsKey } from '../../shared/facts.ts'
import type { ConnectorId } from '../../shared/ids.ts'
import { copyOf, isStale, tokenInWords, type Imported, type ImportedApp, type ImportedToken } from '../../shared/imported.ts'
import type { License } from '../../shared/license.ts'

export interface ImportedAppRow {
  readonly app: ImportedApp
  /** "iPhone and iPad app", or the service's own word. */
  readonly sort: string
  /** "48 of 50"; empty: it counts none. */
  readonly counts: string
  /** "Required for 2 groups". */
  readonly assigned: string
  readonly copy: { readonly href: string; readonly text: string } | null
  readonly stale: boolean
}
export interface ImportedTokenRow {
  readonly token: ImportedToken
  readonly health: 'healthy' | 'warning'
  readonly text: string
}
export interface ImportedPage {
  readonly tokens: readonly ImportedTokenRow[]
  readonly apps: readonly ImportedAppRow[]
  /** How Managed Google Play is bound, in words. Undefined: not imported. */
  readonly managedPlay: string | undefined
  readonly asOf: string | null
}

const sorts: Readonly<Record<ImportedApp['sort'], string>> = {
  ios: 'iPhone and iPad app',
  macos: 'Mac app',
  play: 'Managed Google Play app',
  'windows-store': 'Microsoft Store for Business app',
  other: '',
}
const intents = {
  required: 'Required',
  available: 'Available',
  uninstall: 'Removed',
  'available-without-enrollment': 'Available',
  unknown: 'Assigned',
} as const

const assignedInWords = ({ assignments }: ImportedApp): string => {
  const lines = new Map<string, number>()
  for (const { intent, target } of assignments) {
    if (target === 'not-group') continue
    const whom = target === 'all-users' ? 'all people' : target === 'all-devices' ? 'all devices' : 'group'
    const line = `${intents[intent]}/${whom}`
    lines.set(line, (lines.get(line) ?? 0) + 1)
  }
  return [...lines]
    .map(([line, count]) => {
      const [intent = '', whom = ''] = line.split('/')
      return `${intent} for ${whom === 'group' ? counted(count, 'group', 'groups') : whom}`
    })
    .join(', ')
}

const bindingInWords = (row: Extract<Imported, { readonly kind: 'binding' }>): string => {
  const of = row.organization === '' ? '' : ` to ${row.organization}`
  switch (row.state) {
    case 'not-bound':
      return 'Managed Google Play is not bound in Intune.'
    case 'bound':
    case 'validated':
      return `Managed Google Play is bound in Intune${of}.`
    case 'unbinding':
      return 'Managed Google Play is being unbound in Intune.'
    case 'unknown':
      return 'Intune does not say whether Managed Google Play is bound.'
  }
}

export const importedPage = (facts: Facts, id: ConnectorId, now: number): ChunkRead<ImportedPage> => {
  const connectors = facts.rows('connectors')
  const rows = facts.rows(importsKey(id))
  const run = facts.run('licenses/')
  if (connectors.is === 'loading' || rows.is === 'loading' || run.is === 'loading') return { is: 'loading' }
  const licenses: License[] = []
  for (const key of run.value) {
    const read = facts.rows(key)
    if (read.is === 'loading') return { is: 'loading' }
    licenses.push(...read.value)
  }
  const tokens = rows.value.filter((row) => row.kind === 'token')
  const binding = rows.value.find((row) => row.kind === 'binding')
  const nameById = new Map(connectors.value.map((connector) => [connector.id, connector.name]))
  const apps = rows.value
    .filter((row) => row.kind === 'app')
    .map((app): ImportedAppRow => {
      const copy = copyOf(app, tokens, connectors.value, licenses)
      const here = copy === undefined ? '' : (nameById.get(copy.connectorId) ?? '')
      return {
        app,
        sort: sorts[app.sort] || app.type,
        counts: app.total === null || app.inUse === null ? '' : `${figure(app.inUse)} of ${figure(app.total)}`,
        assigned: assignedInWords(app),
        copy:
          copy === undefined
            ? null
            : copy.licenseId === null
              ? { href: `/connectors/${copy.connectorId}`, text: `Of the location of ${here}` }
              : { href: `/licenses/${copy.licenseId}`, text: `A copy: counted at ${here}` },
        stale: isStale(app, tokens, now),
      }
    })
  return {
    is: 'ready',
    value: {
      tokens: tokens.map((token) => {
        const text = [tokenInWords(token), token.trouble ?? ''].filter((line) => line !== '').join(' ')
        return { token, health: text === '' ? 'healthy' : 'warning', text: text === '' ? 'Valid' : text }
      }),
      apps: apps.toSorted((a, b) => a.app.name.localeCompare(b.app.name) || a.app.id.localeCompare(b.app.id)),
      managedPlay: binding === undefined ? undefined : bindingInWords(binding),
      asOf: connectors.value.find((row) => row.id === id)?.imported?.asOf ?? null,
    },
  }
}
