/** The devices of the organisation. */
import { describeRoute } from 'hono-openapi'
import * as v from 'valibot'
import type { Connector } from '../../shared/connector.ts'
import { deviceStanding, standingWarning } from '../../shared/device-list.ts'
import { parsePrincipalId } from '../../shared/ids.ts'
import { isUser, type Device } from '../../shared/principal.ts'
import type { Result } from '../../shared/result.ts'
import type { DeviceChange, DirectoryByHand, DirectoryRefused } from '../directory/by-hand.ts'
import { answerProblem, notFound } from '../problem.ts'
import { answerList } from './answer-list.ts'
import { answer, noContent, problems } from './describe.ts'
import { directoryProblem } from './directory-problem.ts'
import { answerStale, etagOf } from './etag.ts'
import { body, line, query } from './input.ts'
import { listQuery, pageOf, pageSchema } from './list.ts'
import { asRead, byHolding, findPrincipal, idIn, isWanted, peopleFilters, readPeople, type DirectoryFacts } from './people.ts'
import { deviceSchema } from './schemas.ts'
import { actorIn, allow, api, type RouteModule, type WebContext } from './web.ts'

const text = v.pipe(v.string(), v.trim(), v.maxLength(256), v.regex(/^[^\p{Cc}]*$/u, 'must be one line of text'))
const owner = v.nullable(v.pipe(v.string(), v.maxLength(64)))
const addBody = v.object({
  serialNumber: v.pipe(
    line(64),
    v.check((serial) => /\S/.test(serial.replace(/\s+/g, '')), 'must not be empty'),
  ),
  name: v.optional(text, ''),
  platform: v.optional(text, ''),
  model: v.optional(text, ''),
  active: v.optional(v.boolean(), true),
  ownerId: v.optional(owner, null),
})
const changeBody = v.pipe(
  v.strictObject({
    name: v.optional(text),
    platform: v.optional(text),
    model: v.optional(text),
    active: v.optional(v.boolean()),
    ownerId: v.optional(owner),
  }),
  v.description('The serial number is fixed: under it the stores keep seats'),
)
const keys = {
  serialNumber: (device: Device) => device.serialNumber,
  name: (device: Device) => device.name.toLowerCase(),
  model: (device: Device) => device.model.toLowerCase(),
  platform: (device: Device) => device.platform.toLowerCase(),
}

const withWarning = (connectors: readonly Connector[]) => (device: Device) => ({
  ...device,
  warning: standingWarning(deviceStanding(device, connectors)) ?? null,
})

export const deviceRoutes =
  (deps: { readonly facts: DirectoryFacts; readonly byHand: DirectoryByHand }): RouteModule =>
  (web) => {
    const { facts, byHand } = deps
    const tags = ['Directory']
    const unknown = (c: WebContext) => answerProblem(c, notFound('device'))
    const answerOne = async (c: WebContext, device: Device, status: 200 | 201 = 200) =>
      c.json(withWarning(await facts.rows('connectors'))(device), status, { ETag: etagOf(device) })
    const answerResult = (c: WebContext, result: Result<Device, DirectoryRefused<Device>>, status: 200 | 201 = 200) => {
      if (result.ok) return answerOne(c, result.value, status)
      return result.error.is === 'changed-meanwhile'
        ? answerStale(c, etagOf(result.error.current), result.error.current)
        : answerProblem(c, directoryProblem(result.error, 'device'))
    }
    const ownerUnknown = (c: WebContext) => answerProblem(c, directoryProblem({ is: 'owner-unknown' }, 'device'))

    web.get(
      `${api}/devices`,
      describeRoute({ tags, summary: 'Devices', responses: { 200: answer('A page', pageSchema(deviceSchema)), ...problems(400) } }),
      allow('read'),
      query(
        v.object({
          ...listQuery(['serialNumber', 'name', 'model', 'platform']),
          ...peopleFilters,
          serialNumber: v.optional(v.pipe(v.string(), v.maxLength(64))),
          platform: v.optional(v.pipe(v.string(), v.maxLength(256))),
          model: v.optional(v.pipe(v.string(), v.maxLength(256))),
          ownerId: v.optional(v.pipe(v.string(), v.maxLength(64))),
        }),
      ),
      async (c) => {
        const wanted = c.req.valid('query')
        const is = (field: 'serialNumber' | 'platform' | 'model' | 'ownerId') => (device: Device) =>
          wanted[field] === undefined || (device[field] ?? '').toLowerCase() === wanted[field].toLowerCase()
        const found = (await readPeople(facts))
          .filter((principal): principal is Device => !isUser(principal))
          .filter(
            (device) =>
              isWanted(device, wanted) &&
              is('serialNumber')(device) &&
              is('platform')(device) &&
              is('model')(device) &&
              is('ownerId')(device),
          )
        const asked = await byHolding(facts, found, wanted.holding)
        const view = withWarning(await facts.rows('connectors'))
        return answerList<Device>(c, {
          query: wanted,
          read: (page) => pageOf(asked, page, keys, ({ id }) => id),
          view: (items) => items.map(view),
          schema: deviceSchema,
        })
      },
    )
    web.get(
      `${api}/devices/:id`,
      describeRoute({ tags, summary: 'One device', responses: { 200: answer('It', deviceSchema), ...problems(404) } }),
      allow('read'),
      async (c) => {
        const device = await findPrincipal(facts, c.req.param('id'), 'device')
        return device === undefined || isUser(device) ? unknown(c) : answerOne(c, device)
      },
    )
    web.post(
      `${api}/devices`,
      describeRoute({
        tags,
        summary: 'Add a device by hand',
        responses: { 201: answer('Added', deviceSchema), ...problems(400, 409, 422) },
      }),
      allow('manage-directory'),
      body(addBody),
      async (c) => {
        const { ownerId, ...fresh } = c.req.valid('json')
        const known = ownerId === null ? null : parsePrincipalId(ownerId)
        if (known === undefined) return ownerUnknown(c)
        return answerResult(c, await byHand.addDevice(actorIn(c), { ...fresh, ownerId: known }), 201)
      },
    )
    web.patch(
      `${api}/devices/:id`,
      describeRoute({
        tags,
        summary: 'Change a device, where no source owns the record',
        responses: { 200: answer('Changed', deviceSchema), ...problems(400, 404, 409, 412, 422) },
      }),
      allow('manage-directory'),
      body(changeBody),
      async (c) => {
        const id = idIn(c.req.param('id'), 'device')
        if (id === undefined) return unknown(c)
        const { ownerId, ...rest } = c.req.valid('json')
        const known = ownerId === undefined || ownerId === null ? ownerId : parsePrincipalId(ownerId)
        if (ownerId !== undefined && known === undefined) return ownerUnknown(c)
        const given: DeviceChange = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
        const change: DeviceChange = known === undefined ? given : { ...given, ownerId: known }
        return answerResult(c, await byHand.changeDevice(actorIn(c), id, change, asRead(c)))
      },
    )
    web.delete(
      `${api}/devices/:id`,
      describeRoute({
        tags,
        summary: 'A device is no longer there',
        description: 'It stays known, with the time in `left`: its seats are as they were, and nothing new is given to it.',
        responses: { ...noContent, ...problems(404, 409, 412) },
      }),
      allow('manage-directory'),
      async (c) => {
        const id = idIn(c.req.param('id'), 'device')
        if (id === undefined) return unknown(c)
        const gone = await byHand.letGo(actorIn(c), id, asRead(c))
        if (gone.ok) return c.body(null, 204)
        return gone.error.is === 'changed-meanwhile'
          ? answerStale(c, etagOf(gone.error.current), gone.error.current)
          : answerProblem(c, directoryProblem(gone.error, 'device'))
      },
    )
  }
