/** `POST /$batch`: at most twenty requests in one, each answered for itself. Source: docs/stores/microsoft-graph.md, 3. */
import * as v from 'valibot'
import type { Fault } from './faults.ts'
import { failed, good, type GraphAnswer } from './graph-answer.ts'
import type { GraphRequest } from './graph-request.ts'
import type { LoggedRequest } from './request-log.ts'
import type { AppRegistration, Tenant } from './tenant-state.ts'
import type { MicrosoftWorld } from './world.ts'

const MOST_REQUESTS = 20

const batchBody = v.strictObject({
  requests: v.array(
    v.strictObject({
      id: v.string(),
      method: v.string(),
      url: v.string(),
      headers: v.optional(v.record(v.string(), v.string())),
      body: v.optional(v.unknown()),
      dependsOn: v.optional(v.array(v.string())),
    }),
  ),
})

export interface InnerRequest {
  readonly method: string
  readonly url: URL
  readonly version: GraphRequest['version']
  readonly path: string
  readonly isAdvanced: boolean
  readonly body: unknown
}

export type Batch = (
  asked: InnerRequest & { readonly faults: readonly Fault[] },
  tenant: Tenant,
  app: AppRegistration,
  entry: LoggedRequest,
) => GraphAnswer

export const createBatch = (
  world: MicrosoftWorld,
  answerTo: (inner: InnerRequest, tenant: Tenant, app: AppRegistration) => GraphAnswer,
): Batch => {
  const header = (headers: Readonly<Record<string, string>>, name: string): string | undefined =>
    Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1]

  return (asked, tenant, app, entry) => {
    const refused = (message: string): GraphAnswer => failed(world, 400, { code: 'BadRequest', message })
    const parsed = v.safeParse(batchBody, asked.body)
    if (!parsed.success) return refused('Invalid batch payload format.')
    const { requests } = parsed.output
    entry.told = { requests: requests.length, methods: [...new Set(requests.map(({ method }) => method))].sort() }
    if (requests.length === 0) return refused('Empty batch request.')
    if (requests.length > MOST_REQUESTS) return refused('Number of batch request steps exceeds the maximum value of 20.')
    if (new Set(requests.map(({ id }) => id.toLowerCase())).size !== requests.length)
      return refused('Every request inside a batch must have a unique id.')
    const known = new Set(requests.map(({ id }) => id.toLowerCase()))
    if (requests.some(({ dependsOn }) => dependsOn?.some((id) => !known.has(id.toLowerCase())) === true))
      return refused('A request inside the batch depends on one that is not there.')

    const throttled = asked.faults.find((fault) => fault.is === 'batch-part-throttled')
    const lost = asked.faults.find((fault) => fault.is === 'batch-part-lost')
    const statusById = new Map<string, number>()
    const responses: unknown[] = []
    requests.forEach(({ id, method, url, headers = {}, body, dependsOn = [] }, place) => {
      const answer = ((): GraphAnswer => {
        if (dependsOn.some((other) => (statusById.get(other.toLowerCase()) ?? 424) >= 400)) return failed(world, 424)
        if (!url.startsWith('/') || url.startsWith('//'))
          return failed(world, 400, { message: 'The url of a request inside a batch is relative.' })
        if (body !== undefined && !/^application\/json\b/i.test(header(headers, 'content-type') ?? ''))
          return failed(world, 400, { message: 'Write request does not contain Content-Type header or body.' })
        if (throttled?.is === 'batch-part-throttled' && (place + 1) % throttled.every === 0)
          return failed(world, 429, { headers: throttled.retryAfter === undefined ? {} : { 'Retry-After': throttled.retryAfter } })
        const full = new URL(`${asked.url.origin}/${asked.version}${url}`)
        const path = full.pathname.slice(asked.version.length + 1)
        if (path === '/$batch') return failed(world, 400, { message: 'A batch can not be nested.' })
        const isAdvanced = header(headers, 'consistencylevel') === 'eventual'
        return answerTo({ method, url: full, version: asked.version, path, isAdvanced, body }, tenant, app)
      })()
      statusById.set(id.toLowerCase(), answer.status)
      if (lost?.is === 'batch-part-lost' && (place + 1) % lost.every === 0) return
      responses.push({
        id,
        status: answer.status,
        headers: { 'Cache-Control': 'no-cache', 'Content-Type': 'application/json', ...answer.headers },
        ...(answer.body === undefined ? {} : { body: answer.body }),
      })
    })
    return good({ responses: world.switches.batchOrder === 'reversed' ? responses.reverse() : responses })
  }
}
