/** The forms in which objects go out, with exactly the names that outside programs rely on. */
import * as v from 'valibot'
import { connectorKinds } from '../../shared/connector.ts'
import { ruleTests } from '../../shared/group-rule.ts'

const time = v.pipe(v.string(), v.description('ISO 8601, UTC'))

export const principalSchema = v.object({
  kind: v.picklist(['user', 'device']),
  id: v.string(),
  name: v.string(),
  key: v.pipe(v.string(), v.description('The store-facing key: user name or serial number')),
})

export const syncSchema = v.object({
  id: v.string(),
  connectorId: v.string(),
  state: v.picklist(['queued', 'running', 'succeeded', 'failed']),
  trigger: v.picklist(['schedule', 'admin', 'push', 'api']),
  full: v.boolean(),
  startedAt: time,
  finishedAt: v.nullable(time),
  progress: v.object({ phase: v.string(), done: v.number(), total: v.nullable(v.number()) }),
  changed: v.object({ licenses: v.number(), seats: v.number(), users: v.number() }),
  error: v.nullable(v.object({ code: v.string(), text: v.string() })),
})

const reasonSchema = v.object({ code: v.string(), text: v.string() })
export const reasonsSchema = v.array(reasonSchema)

export const partSchema = v.object({
  asOf: v.pipe(v.nullable(time), v.description('When it was last read whole; null: never')),
  count: v.nullable(v.number()),
  error: v.nullable(v.object({ code: v.string(), text: v.string() })),
})

export const connectorSchema = v.object({
  id: v.string(),
  kind: v.picklist(connectorKinds),
  store: v.picklist(['apple', 'google', 'microsoft', 'other']),
  name: v.string(),
  location: v.nullable(
    v.object({
      key: v.string(),
      name: v.string(),
      country: v.string(),
      organization: v.string(),
      portal: v.optional(v.picklist(['business', 'school'])),
    }),
  ),
  credential: v.object({
    state: v.picklist(['valid', 'expiring', 'expired', 'invalid', 'foreign', 'duplicate', 'none', 'unknown']),
    expiresAt: v.nullable(time),
    checkedAt: v.nullable(time),
  }),
  settings: v.object({
    autoClaim: v.boolean(),
    userInvitations: v.boolean(),
    syncIntervalMinutes: v.number(),
    releaseLeavers: v.picklist(['off', 'after-days']),
    leaverDays: v.number(),
    bulk: v.optional(v.picklist(['auto', 'off'])),
    languages: v.optional(v.array(v.string())),
    packages: v.optional(v.array(v.string())),
    defaultPolicy: v.optional(v.string()),
  }),
  capabilities: v.object({
    counts: v.picklist(['live', 'kept', 'imported']),
    assign: v.boolean(),
    revoke: v.boolean(),
    deviceLicenses: v.boolean(),
    userLicenses: v.boolean(),
    books: v.boolean(),
    push: v.boolean(),
    retired: v.nullable(v.string()),
  }),
  status: v.picklist(['healthy', 'warning', 'unhealthy', 'not-enabled']),
  reasons: reasonsSchema,
  reminder: v.pipe(
    v.nullable(v.object({ days: v.number(), text: v.string() })),
    v.description('The end of the credential comes near: the last of 60, 30, 15, 7 and 1 days before it that has passed'),
  ),
  foreignOwner: v.nullable(v.object({ id: v.string(), name: v.string(), metadata: v.string(), noticedAt: time, leftAt: v.nullable(time) })),
  readOnly: v.boolean(),
  movedTo: v.pipe(
    v.nullable(v.object({ connectorId: v.string(), name: v.string(), at: time })),
    v.description('The ledger that counts now what this connector held; the store is not asked any more'),
  ),
  notices: v.pipe(
    v.object({
      state: v.picklist(['polling', 'subscribed', 'unreachable']),
      since: v.nullable(time),
      lastAt: v.nullable(time),
      alarm: v.nullable(v.object({ at: time, location: v.string() })),
      text: v.nullable(v.string()),
    }),
    v.description('Whether the store tells of changes as they happen, in words; without notices it is asked instead'),
  ),
  people: v.pipe(
    v.nullable(partSchema),
    v.description('People registered at the store; null where it keeps no list of them, or it was not read yet'),
  ),
  devices: v.pipe(v.nullable(partSchema), v.description('The organisation’s device list; null while no access to one is set up')),
  directory: v.pipe(
    v.nullable(partSchema),
    v.description('The directory that the store keeps, by its people; null where it keeps none, or none was read'),
  ),
  subscriptions: v.pipe(
    v.nullable(v.object({ ...partSchema.entries, enabled: v.nullable(v.boolean()) })),
    v.description('Null where the store has nothing of the kind for the location; enabled null: it did not say whether they are turned on'),
  ),
  lastSync: v.nullable(syncSchema),
  lastGoodSyncAt: v.nullable(time),
  nextSyncAt: v.nullable(time),
  leaving: v.pipe(v.boolean(), v.description('Its seats are being given back; it is forgotten when that is settled')),
  scopeTags: v.array(v.string()),
  createdAt: time,
})

export const licenseSchema = v.object({
  id: v.string(),
  connectorId: v.string(),
  store: v.picklist(['apple', 'google', 'microsoft', 'other']),
  product: v.object({
    id: v.pipe(v.string(), v.description('The store’s own: adamId, product id, SKU id')),
    name: v.string(),
    publisher: v.string(),
    kind: v.picklist(['app', 'book', 'custom-app', 'private-app', 'web-app', 'sku']),
    platforms: v.array(v.string()),
    deviceFamilies: v.pipe(
      v.array(v.string()),
      v.description('Of the store’s look-up, finer than `platforms`; empty while it has not answered'),
    ),
    bundleId: v.nullable(v.string()),
    version: v.nullable(v.string()),
    price: v.pipe(
      v.nullable(
        v.object({
          amount: v.number(),
          currency: v.pipe(v.nullable(v.string()), v.description('ISO 4217; null: the store told only the written form')),
          formatted: v.string(),
          storefront: v.pipe(v.string(), v.description('ISO 3166 alpha-2 of the storefront that answered; empty: it did not say')),
          asOf: time,
        }),
      ),
      v.description('For one unit; null: not told'),
    ),
    iconUrl: v.pipe(
      v.nullable(v.string()),
      v.description('A path of this server, WebP of 128 pixels; with `-64` before `.webp` the smaller one. Null: there is none'),
    ),
  }),
  pricing: v.nullable(v.string()),
  licenseTypes: v.array(v.picklist(['device', 'user'])),
  revocable: v.boolean(),
  total: v.pipe(v.nullable(v.number()), v.description('Null with `unlimited`: no limit; null without: the store does not count')),
  inUse: v.number(),
  available: v.pipe(v.nullable(v.number()), v.description('Below 0: the store took seats back that are still in use')),
  retired: v.nullable(v.number()),
  desired: v.pipe(v.number(), v.description('Seats that the assignments ask for')),
  waiting: v.pipe(v.number(), v.description('Those not served')),
  asOf: time,
  readAt: time,
  countSource: v.picklist(['live', 'kept', 'imported']),
  assignable: v.boolean(),
  unlimited: v.boolean(),
  gone: v.pipe(v.boolean(), v.description('The store no longer lists it; the last counts are kept with their age')),
  lowThreshold: v.nullable(v.number()),
  note: v.string(),
  collections: v.pipe(v.array(v.string()), v.description('Where the organisation’s own store front shows it')),
  remark: v.pipe(v.nullable(v.string()), v.description('What the store said of it, such as why nobody new can have it. Null: nothing')),
})

export const seatSchema = v.object({
  principal: principalSchema,
  licenseType: v.picklist(['device', 'user']),
  origin: v.picklist(['assignment', 'found']),
  since: v.pipe(v.string(), v.description('When it was first seen here')),
  orderId: v.nullable(v.string()),
})

const verdictStates = ['placed', 'pending', 'waiting', 'refused', 'excluded', 'released'] as const
export const verdictStateSchema = v.picklist(verdictStates, `must be one of ${verdictStates.join(', ')}`)
export const verdictSchema = v.object({
  principal: principalSchema,
  state: verdictStateSchema,
  because: v.looseObject({ code: v.string(), text: v.string() }),
  path: v.array(v.looseObject({ code: v.string(), text: v.string() })),
})

export const targetSchema = v.object({
  kind: v.picklist(['group', 'user', 'device', 'all-users', 'all-devices']),
  id: v.nullable(v.string()),
  name: v.string(),
})
export const assignmentSchema = v.object({
  id: v.string(),
  licenseId: v.string(),
  target: targetSchema,
  mode: v.picklist(['include', 'exclude']),
  intent: v.picklist(['required', 'available', 'uninstall']),
  licenseType: v.picklist(['device', 'user']),
  priority: v.number(),
  startsAt: v.nullable(time),
  endsAt: v.nullable(time),
  reservation: v.nullable(v.object({ seats: v.number(), unused: v.picklist(['lent', 'held']) })),
  note: v.string(),
  by: v.string(),
  at: time,
  summary: v.object({ placed: v.number(), pending: v.number(), waiting: v.number(), refused: v.number() }),
})

export const orderStates = ['planned', 'sent', 'pending', 'done', 'partly-done', 'failed', 'cancelled'] as const
export const orderSchema = v.object({
  id: v.string(),
  connectorId: v.string(),
  licenseId: v.pipe(v.nullable(v.string()), v.description('Null: it concerns people of the location, or all that they hold')),
  action: v.picklist([
    'associate',
    'disassociate',
    'revoke',
    'register-user',
    'update-user',
    'retire-user',
    'assign-subscription',
    'remove-subscription',
  ]),
  cause: v.pipe(
    v.picklist(['plan', 'reclaim', 'hand', 'undo', 'leaver-policy']),
    v.description(
      'plan: it follows from assignments; reclaim and hand: an administrator asked for it; undo: it takes another order back; leaver-policy: the rule of the connector',
    ),
  ),
  state: v.picklist(orderStates),
  total: v.number(),
  done: v.number(),
  failures: v.array(v.object({ principal: principalSchema, code: v.string(), text: v.string(), retryable: v.boolean() })),
  unknown: v.pipe(v.boolean(), v.description('The call may or may not have reached the store; the outcome is being found by reading')),
  storeReference: v.nullable(v.string()),
  createdAt: time,
  sentAt: v.nullable(time),
  finishedAt: v.nullable(time),
  by: v.string(),
  notBefore: v.pipe(v.nullable(time), v.description('It does not leave before, and can be cancelled until then')),
  undoes: v.pipe(v.nullable(v.string()), v.description('The order whose work this one takes back')),
  undoneBy: v.pipe(v.nullable(v.array(v.string())), v.description('The orders that took its work back; null: it was not undone')),
})

const known = { sources: v.array(v.string()), left: v.nullable(time) }
export const userSchema = v.object({
  id: v.string(),
  userName: v.string(),
  displayName: v.string(),
  email: v.string(),
  department: v.string(),
  active: v.boolean(),
  managedAppleAccount: v.string(),
  ...known,
  otherNames: v.pipe(v.optional(v.array(v.string())), v.description('User names that sources gave beside the first; absent: none')),
  sameAs: v.pipe(
    v.optional(v.string()),
    v.description('A further account of this person, kept for the seats that it holds; absent: a person of its own'),
  ),
})
export const deviceSchema = v.object({
  id: v.string(),
  serialNumber: v.string(),
  name: v.string(),
  platform: v.string(),
  model: v.string(),
  ownerId: v.nullable(v.string()),
  active: v.boolean(),
  ...known,
  warning: v.pipe(
    v.nullable(reasonSchema),
    v.description('What to know before it is given a seat: the organisation’s device list does not name it, or it has left'),
  ),
})
/** Of a group: the nested groups that lead to a member. */
export const memberSchema = v.object({
  ...principalSchema.entries,
  through: v.pipe(
    v.array(v.object({ id: v.string(), name: v.string() })),
    v.description('The nested groups that lead to this member, from the outermost; empty for one of the group’s own'),
  ),
})
export const groupSchema = v.object({
  id: v.string(),
  name: v.string(),
  kind: v.picklist(['user', 'device']),
  memberCount: v.pipe(v.number(), v.description('Its own members, without those of nested groups')),
  transitiveMemberCount: v.pipe(
    v.nullable(v.number()),
    v.description('With those of nested groups, each once; null in a list where counting them takes too long'),
  ),
  sources: v.array(v.string()),
  groups: v.pipe(v.optional(v.array(v.string())), v.description('Ids of the groups directly nested in it; absent: none')),
  rule: v.pipe(
    v.optional(
      v.object({
        match: v.picklist(['all', 'any']),
        conditions: v.array(v.object({ field: v.string(), test: v.picklist(ruleTests), value: v.string() })),
      }),
    ),
    v.description('Who is in follows from it; absent: members are named one by one'),
  ),
})
