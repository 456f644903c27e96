/** What another device management service holds, as it was imported: shown beside our own, and never added to it. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import type { Clock } from '../../shared/clock.ts'
import { importsKey } from '../../shared/facts.ts'
import { parseConnectorId } from '../../shared/ids.ts'
import { copyOf, importedSorts, isStale, tokenInWords, type Imported } from '../../shared/imported.ts'
import type { Connectors } from '../connectors.ts'
import type { FactReader } from '../facts.ts'
import { allLicenses } from '../licenses.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answer, problems } from './describe.ts'
import { partSchema } from './schemas.ts'
import { allow, api, type RouteModule } from './web.ts'

const time = v.nullable(v.string())
const tokenSchema = v.object({
  id: v.string(),
  name: v.string(),
  location: v.string(),
  organization: v.string(),
  account: v.string(),
  expiresAt: time,
  state: v.picklist(['valid', 'expired', 'invalid', 'elsewhere', 'duplicate', 'unknown']),
  sync: v.picklist(['none', 'running', 'completed', 'failed', 'unknown']),
  lastSyncAt: time,
  text: v.pipe(v.string(), v.description('How it stands, in words; empty: all is well')),
  trouble: v.nullable(v.string()),
  asOf: v.string(),
})
const appSchema = v.object({
  id: v.string(),
  sort: v.picklist(importedSorts),
  type: v.pipe(v.string(), v.description('The service’s own word for its kind')),
  name: v.string(),
  publisher: v.string(),
  productId: v.string(),
  bundleId: v.string(),
  tokenId: v.string(),
  total: v.pipe(v.nullable(v.number()), v.description('Null: the service counts none')),
  inUse: v.nullable(v.number()),
  licenseTypes: v.array(v.picklist(['device', 'user'])),
  assignments: v.array(
    v.object({
      intent: v.picklist(['available', 'required', 'uninstall', 'available-without-enrollment', 'unknown']),
      target: v.picklist(['group', 'not-group', 'all-users', 'all-devices', 'unknown']),
      groupKey: v.string(),
      licenseType: v.nullable(v.picklist(['device', 'user'])),
    }),
  ),
  copyOf: v.pipe(
    v.nullable(v.object({ connectorId: v.string(), licenseId: v.nullable(v.string()) })),
    v.description('The same purchasing account is connected here: this tells once more what is counted there'),
  ),
  stale: v.pipe(v.boolean(), v.description('The service has not renewed its counts for a week, or its store is gone')),
  trouble: v.nullable(v.string()),
  asOf: v.string(),
})
const bindingSchema = v.object({
  state: v.picklist(['not-bound', 'bound', 'validated', 'unbinding', 'unknown']),
  owner: v.string(),
  organization: v.string(),
  sync: v.string(),
  lastSyncAt: time,
  asOf: v.string(),
})
const importedSchema = v.object({
  part: v.pipe(v.nullable(partSchema), v.description('When it was imported, and what could not be; null: never')),
  countSource: v.literal('imported'),
  tokens: v.array(tokenSchema),
  apps: v.array(appSchema),
  managedGooglePlay: v.nullable(bindingSchema),
})

const ofKind = <K extends Imported['kind']>(rows: readonly Imported[], kind: K): readonly Extract<Imported, { readonly kind: K }>[] =>
  rows.filter((row): row is Extract<Imported, { readonly kind: K }> => row.kind === kind)

export interface ImportedDeps {
  readonly facts: FactReader & Parameters<typeof allLicenses>[0]
  readonly connectors: Pick<Connectors, 'list' | 'find'>
  readonly clock: Clock
}

export const importedRoutes =
  ({ facts, connectors, clock }: ImportedDeps): RouteModule =>
  (web) => {
    web.get(
      `${api}/connectors/:id/imported`,
      describeRoute({
        tags: ['connectors'],
        summary: 'What Intune holds, imported',
        description:
          'Tokens, apps with their counts and assignments, and the Managed Google Play binding, as Intune told them at `asOf`. They are copies: nothing is given or taken through them, and none of them is in any list or sum of licenses.',
        responses: { 200: answer('What was imported', importedSchema), ...problems(404) },
      }),
      allow('read'),
      async (c) => {
        const id = parseConnectorId(c.req.param('id'))
        const connector = id === undefined ? undefined : await connectors.find(id)
        if (connector === undefined) return answerProblem(c, notFound('connector'))
        const rows = await facts.rows(importsKey(connector.id))
        const [all, licenses] = [await connectors.list(), await allLicenses(facts)]
        const tokens = ofKind(rows, 'token')
        const [binding] = ofKind(rows, 'binding')
        return c.json({
          part: connector.imported ?? null,
          countSource: 'imported' as const,
          tokens: tokens.map(({ kind: _kind, trouble = null, ...token }) => ({
            ...token,
            text: tokenInWords({ kind: 'token', ...token }),
            trouble,
          })),
          apps: ofKind(rows, 'app').map((app) => {
            const { kind: _kind, trouble = null, ...told } = app
            return { ...told, copyOf: copyOf(app, tokens, all, licenses) ?? null, stale: isStale(app, tokens, clock.now()), trouble }
          }),
          managedGooglePlay:
            binding === undefined
              ? null
              : {
                  state: binding.state,
                  owner: binding.owner,
                  organization: binding.organization,
                  sync: binding.sync,
                  lastSyncAt: binding.lastSyncAt,
                  asOf: binding.asOf,
                },
        })
      },
    )
  }
