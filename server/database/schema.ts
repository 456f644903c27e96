/**
 * The tables, as both databases hold them. Times are milliseconds since 1970, flags are 0 or 1, JSON is text; a `bigint`
 * column gives a number and a blob gives bytes, whichever the database (database.ts sees to it).
 */
import type { Kysely, Transaction } from 'kysely'

export interface Database {
  meta: MetaTable
  counters: CountersTable

  chunks: ChunksTable
  plan_docs: PlanDocsTable
  plan_log: PlanLogTable
  plan_clients: PlanClientsTable
  devices: DevicesTable
  edits: EditsTable

  orders: OrdersTable
  order_targets: OrderTargetsTable
  syncs: SyncsTable
  store_cursors: StoreCursorsTable
  principal_keys: PrincipalKeysTable
  license_keys: LicenseKeysTable
  locations: LocationsTable
  ledger_products: LedgerProductsTable
  ledger_lots: LedgerLotsTable
  ledger_seats: LedgerSeatsTable
  credentials: CredentialsTable
  notices: NoticesTable
  notice_secrets: NoticeSecretsTable
  signups: SignupsTable
  product_metadata: ProductMetadataTable
  product_icons: ProductIconsTable
  scim_resources: ScimResourcesTable
  source_groups: SourceGroupsTable
  source_records: SourceRecordsTable
  import_jobs: ImportJobsTable
  import_parts: ImportPartsTable

  admins: AdminsTable
  sessions: SessionsTable
  api_keys: ApiKeysTable
  setup_links: SetupLinksTable
  idempotency: IdempotencyTable
  audit: AuditTable

  claims_made: ClaimsMadeTable
  self_service: SelfServiceTable
  self_service_links: SelfServiceLinksTable
  self_service_sessions: SelfServiceSessionsTable
}

export type Db = Kysely<Database>
export type Trx = Transaction<Database>

/** What belongs to the database as a whole: its epoch, the id of the key that seals its secrets. */
export interface MetaTable {
  name: string
  value: string
}

/** The last number given out of each gap-free run. */
export interface CountersTable {
  name: string
  value: number
}

/** Folded facts; `seq` is that of the last change. */
export interface ChunksTable {
  key: string
  seq: number
  bytes: Uint8Array
}

/** Compacted plan documents; `plan_log` holds what came after `state_seq`. */
export interface PlanDocsTable {
  doc: string
  epoch: number
  state: Uint8Array
  state_seq: number
}
export interface PlanLogTable {
  seq: number
  doc: string
  epoch: number
  bytes: Uint8Array
}
/** Which device a Yjs client id belongs to: the first that used it in the document. */
export interface PlanClientsTable {
  doc: string
  client_id: number
  device: string
}

/** Browser profiles, with the number of the last edit taken from each. */
export interface DevicesTable {
  id: string
  admin: string
  last_n: number
  seen_at: number
}
/** Every edit taken or refused, for ever: (device, n) is the idempotency key. */
export interface EditsTable {
  device: string
  n: number
  doc: string
  admin: string
  role: string
  digest: string
  verdict: string
  seq: number
  at: number
  words: string
  intents: string
}

export interface OrdersTable {
  id: string
  connector: string
  /** Empty for an order that concerns people of a Location. */
  license: string
  action: string
  /** `plan`, `reclaim`, `hand`, `undo` or `leaver-policy`. */
  cause: string
  state: string
  /** 1: the call may or may not have reached the store. */
  unknown: number
  reference: string | null
  created_at: number
  attempted_at: number | null
  sent_at: number | null
  finished_at: number | null
  by_name: string
  total: number
  done: number
  next_poll_at: number | null
  /** JSON of the terms of a subscription. */
  terms: string | null
  not_before: number | null
  undoes: string | null
  /** JSON: ids of orders. */
  undone_by: string | null
  /** JSON: what was found when it was planned, for undoing it and for looking again when it comes due. */
  found: string | null
  seq: number
}
export interface OrderTargetsTable {
  order_id: string
  ordinal: number
  state: string
  code: string | null
  text: string | null
  retryable: number
  at_seq: number
}
export interface SyncsTable {
  id: string
  connector: string
  state: string
  trigger_name: string
  full_walk: number
  started_at: number
  finished_at: number | null
  body: string
}
export interface StoreCursorsTable {
  connector: string
  name: string
  value: string
}
/** Ordinals are given once and never used again. */
export interface PrincipalKeysTable {
  kind: string
  key: string
  ordinal: number
}
/**
 * What each source says of a person, and why it is this one. `fields` is JSON; the keys are normal, null where there is none.
 * `gone_at`: the source names it no more, and it is kept so that whoever comes back is the same.
 */
export interface SourceRecordsTable {
  source: string
  key: string
  ordinal: number
  joined_by: string
  external_id: string | null
  name_key: string | null
  account_key: string | null
  mail_key: string | null
  fields: string
  since: number
  told_at: number
  gone_at: number | null
}
/** A large file that is being taken over in parts. `taken`: it was decided, and what is left is done after a crash too. */
export interface ImportJobsTable {
  id: string
  kind: string
  actor: string
  made_at: number
  taken: number
  done: number
}
export interface ImportPartsTable {
  job: string
  n: number
  rows: string
}
/** People and groups as SCIM clients set them; `kind` is `User` or `Group`, `name_key` the name without regard to case. */
export interface ScimResourcesTable {
  kind: string
  id: string
  name_key: string
  external_id: string | null
  attributes: string
  created_at: number
  modified_at: number
}
/** Groups as a directory names them, by its own ids: `members` as a column of ordinals, `groups` as JSON of keys. */
export interface SourceGroupsTable {
  source: string
  key: string
  group_id: string
  members: Uint8Array
  groups: string
}
/** `pricing` is empty where the store has none: a key column holds no null. */
export interface LicenseKeysTable {
  connector: string
  product: string
  pricing: string
  ordinal: number
}
export interface LocationsTable {
  key: string
  connector: string
}

/** Sealed by credentials.ts, and opened only there. */
export interface CredentialsTable {
  connector: string
  key_id: string
  wrapped_key: Uint8Array
  nonce: Uint8Array
  sealed: Uint8Array
  hash: string
  updated_at: number
}

/**
 * Notices of stores, each once, in the order of `n`. `state`: `waiting` until it was looked into (at `due_at`), then
 * `done`, `outside` (somebody else's change), `set-aside` (of a kind that we do not know) or `strange` (of a Location that
 * is not the connector's). `reference` and `parts`: of which call it tells, and of how many of its targets. `body` is
 * sealed: it can hold what lets somebody accept an invitation.
 */
export interface NoticesTable {
  connector: string
  id: string
  n: number
  received_at: number
  kind: string
  reference: string | null
  parts: number
  state: string
  due_at: number | null
  body: string
}
/** Sealed by notice-secrets.ts, and opened only there. `hash` is what a notice's secret is compared with. */
/**
 * Organisations that are being bound at a store. `sealed` holds what completes it, then the credential until its connector
 * is made, and nothing afterwards. `scope_tags` and `actor` are JSON.
 */
export interface SignupsTable {
  id_hash: string
  kind: string
  name: string
  scope_tags: string
  actor: string
  status: string
  text: string
  connector: string | null
  wrapped_key: Uint8Array
  nonce: Uint8Array
  sealed: Uint8Array
  made_at: number
}

export interface NoticeSecretsTable {
  connector: string
  key_id: string
  wrapped_key: Uint8Array
  nonce: Uint8Array
  sealed: Uint8Array
  hash: string
  made_at: number
}

/** `password_hash` is null until an invitation is taken up. */
/**
 * What a store told about a product in one storefront (the Location's own; the one that answered stands in `described`,
 * as JSON). `described` null: it told nothing when it was asked last. `icon_from` is the address that `icon_key` was
 * drawn from, `icon_refused` why the picture at `icon_source` is not shown.
 */
export interface ProductMetadataTable {
  kind: string
  product: string
  storefront: string
  described: string | null
  as_of: number | null
  asked_at: number
  due_at: number
  icon_source: string | null
  icon_key: string | null
  icon_from: string | null
  icon_refused: string | null
  icon_due_at: number
}
/** WebP, 64 and 128 pixels. The key follows from the content: what is under it never changes. */
export interface ProductIconsTable {
  key: string
  small: Uint8Array
  large: Uint8Array
  made_at: number
}

export interface AdminsTable {
  id: string
  email: string
  name: string
  role: string
  password_hash: string | null
  created_at: number
  disabled_at: number | null
}
export interface SessionsTable {
  id_hash: string
  admin: string
  created_at: number
  last_seen_at: number
  expires_at: number
  user_agent: string
}
export interface ApiKeysTable {
  id: string
  name: string
  role: string
  key_hash: string
  scope_tags: string
  created_by: string
  created_at: number
  expires_at: number | null
  last_used_at: number | null
  revoked_at: number | null
}
/** `admin` is null in the link that makes the first owner, else it names who was invited. */
export interface SetupLinksTable {
  token_hash: string
  admin: string | null
  created_at: number
  expires_at: number | null
  used_at: number | null
}

/** Answers kept so that a repeated request gets the same; `status` 0 while the first is at work. `body` is sealed. */
export interface IdempotencyTable {
  key: string
  actor: string
  digest: string
  status: number
  content_type: string
  body: string
  at: number
}

export interface AuditTable {
  n: number
  at: number
  actor: string
  actor_name: string
  action: string
  object: string
  detail: string
  origin: string
  prev_hash: string
  hash: string
}

/** Who took a seat of what is offered, and did not give it back: so that they are told when the offer has ended. */
export interface ClaimsMadeTable {
  license: string
  ordinal: number
  at: number
}

/** One row: whether people may take seats by themselves, and the sealed key that signs their links. */
export interface SelfServiceTable {
  generation: number
  /** 0 or 1. */
  is_on: number
  key_id: string
  wrapped_key: Uint8Array
  nonce: Uint8Array
  sealed: Uint8Array
  changed_at: number
  changed_by: string
}

/** One row for each person who was ever given a link; a link holds under its generation and turn. */
export interface SelfServiceLinksTable {
  ordinal: number
  generation: number
  turn: number
  made_at: number
  made_by: string
  /** Of the one that lasts longest. */
  expires_at: number
  used_at: number | null
}
export interface SelfServiceSessionsTable {
  id_hash: string
  ordinal: number
  generation: number
  turn: number
  expires_at: number
}

/** `ledger`: the key of the ledger's Location. `license_types` is JSON. */
export interface LedgerProductsTable {
  ledger: string
  id: string
  name: string
  publisher: string
  kind: string
  license_types: string
  revocable: number
  unlimited: number
  note: string
  /** The license of another connector that it was before. */
  moved_from: string | null
}
/** Days are `YYYY-MM-DD`. */
export interface LedgerLotsTable {
  ledger: string
  product: string
  id: string
  seats: number
  price_minor: number | null
  currency: string | null
  supplier: string
  order_number: string
  bought_on: string | null
  valid_from: string | null
  valid_until: string | null
  note: string
  made_at: number
}
export interface LedgerSeatsTable {
  ledger: string
  product: string
  kind: string
  key: string
}
