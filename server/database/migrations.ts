/**
 * The steps that bring a database to the present schema, oldest first. A step that has been released is never changed:
 * add another. Names sort in the order in which the steps run.
 */
import type { Kysely } from 'kysely'
import { Migrator, type Migration } from 'kysely/migration'
import { columnTypes, createTable, type Dialect } from './columns.ts'
import type { Database } from './schema.ts'

const foundation = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, integer, bigint, blob } = columnTypes(dialect)
    const table = <Name extends string>(name: Name) => createTable(db, dialect, name)

    await table('meta')
      .addColumn('name', text, (column) => column.notNull().primaryKey())
      .addColumn('value', text, (column) => column.notNull())
      .execute()
    await table('counters')
      .addColumn('name', text, (column) => column.notNull().primaryKey())
      .addColumn('value', bigint, (column) => column.notNull())
      .execute()

    await table('chunks')
      .addColumn('key', text, (column) => column.notNull().primaryKey())
      .addColumn('seq', bigint, (column) => column.notNull())
      .addColumn('bytes', blob, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('chunks_seq').on('chunks').column('seq').execute()

    await table('plan_docs')
      .addColumn('doc', text, (column) => column.notNull().primaryKey())
      .addColumn('epoch', integer, (column) => column.notNull())
      .addColumn('state', blob, (column) => column.notNull())
      .addColumn('state_seq', bigint, (column) => column.notNull())
      .execute()
    await table('plan_log')
      .addColumn('seq', bigint, (column) => column.notNull().primaryKey())
      .addColumn('doc', text, (column) => column.notNull())
      .addColumn('epoch', integer, (column) => column.notNull())
      .addColumn('bytes', blob, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('plan_log_doc').on('plan_log').columns(['doc', 'seq']).execute()
    await table('plan_clients')
      .addColumn('doc', text, (column) => column.notNull())
      .addColumn('client_id', bigint, (column) => column.notNull())
      .addColumn('device', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('plan_clients_key', ['doc', 'client_id'])
      .execute()

    await table('devices')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('admin', text, (column) => column.notNull())
      .addColumn('last_n', bigint, (column) => column.notNull())
      .addColumn('seen_at', bigint, (column) => column.notNull())
      .execute()
    await table('edits')
      .addColumn('device', text, (column) => column.notNull())
      .addColumn('n', bigint, (column) => column.notNull())
      .addColumn('doc', text, (column) => column.notNull())
      .addColumn('admin', text, (column) => column.notNull())
      .addColumn('role', text, (column) => column.notNull())
      .addColumn('digest', text, (column) => column.notNull())
      .addColumn('verdict', text, (column) => column.notNull())
      .addColumn('seq', bigint, (column) => column.notNull())
      .addColumn('at', bigint, (column) => column.notNull())
      .addColumn('words', text, (column) => column.notNull())
      .addColumn('intents', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('edits_key', ['device', 'n'])
      .execute()

    await table('orders')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('connector', text, (column) => column.notNull())
      .addColumn('license', text, (column) => column.notNull())
      .addColumn('action', text, (column) => column.notNull())
      .addColumn('cause', text, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('unknown', integer, (column) => column.notNull().defaultTo(0))
      .addColumn('reference', text)
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('attempted_at', bigint)
      .addColumn('sent_at', bigint)
      .addColumn('finished_at', bigint)
      .addColumn('by_name', text, (column) => column.notNull())
      .addColumn('total', integer, (column) => column.notNull())
      .addColumn('done', integer, (column) => column.notNull().defaultTo(0))
      .addColumn('next_poll_at', bigint)
      .addColumn('seq', bigint, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('orders_state').on('orders').columns(['state', 'connector']).execute()
    await db.schema.createIndex('orders_license').on('orders').columns(['license', 'created_at']).execute()
    await table('order_targets')
      .addColumn('order_id', text, (column) => column.notNull())
      .addColumn('ordinal', bigint, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('code', text)
      .addColumn('text', text)
      .addColumn('retryable', integer, (column) => column.notNull().defaultTo(0))
      .addColumn('at_seq', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('order_targets_key', ['order_id', 'ordinal'])
      .execute()
    await db.schema.createIndex('order_targets_order').on('order_targets').column('order_id').execute()

    await table('syncs')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('connector', text, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('trigger_name', text, (column) => column.notNull())
      .addColumn('full_walk', integer, (column) => column.notNull())
      .addColumn('started_at', bigint, (column) => column.notNull())
      .addColumn('finished_at', bigint)
      .addColumn('body', text, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('syncs_connector').on('syncs').columns(['connector', 'started_at']).execute()
    await table('store_cursors')
      .addColumn('connector', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('value', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('store_cursors_key', ['connector', 'name'])
      .execute()

    await table('principal_keys')
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('ordinal', bigint, (column) => column.notNull().unique())
      .addPrimaryKeyConstraint('principal_keys_key', ['kind', 'key'])
      .execute()
    await table('license_keys')
      .addColumn('connector', text, (column) => column.notNull())
      .addColumn('product', text, (column) => column.notNull())
      .addColumn('pricing', text, (column) => column.notNull())
      .addColumn('ordinal', bigint, (column) => column.notNull().unique())
      .addPrimaryKeyConstraint('license_keys_key', ['connector', 'product', 'pricing'])
      .execute()
    await table('locations')
      .addColumn('key', text, (column) => column.notNull().primaryKey())
      .addColumn('connector', text, (column) => column.notNull())
      .execute()
    await table('credentials')
      .addColumn('connector', text, (column) => column.notNull().primaryKey())
      .addColumn('key_id', text, (column) => column.notNull())
      .addColumn('wrapped_key', blob, (column) => column.notNull())
      .addColumn('nonce', blob, (column) => column.notNull())
      .addColumn('sealed', blob, (column) => column.notNull())
      .addColumn('hash', text, (column) => column.notNull())
      .addColumn('updated_at', bigint, (column) => column.notNull())
      .execute()

    await table('admins')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('email', text, (column) => column.notNull().unique())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('role', text, (column) => column.notNull())
      .addColumn('password_hash', text)
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('disabled_at', bigint)
      .execute()
    await table('sessions')
      .addColumn('id_hash', text, (column) => column.notNull().primaryKey())
      .addColumn('admin', text, (column) => column.notNull())
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('last_seen_at', bigint, (column) => column.notNull())
      .addColumn('expires_at', bigint, (column) => column.notNull())
      .addColumn('user_agent', text, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('sessions_admin').on('sessions').column('admin').execute()
    await table('api_keys')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('role', text, (column) => column.notNull())
      .addColumn('key_hash', text, (column) => column.notNull().unique())
      .addColumn('scope_tags', text, (column) => column.notNull())
      .addColumn('created_by', text, (column) => column.notNull())
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('expires_at', bigint)
      .addColumn('last_used_at', bigint)
      .addColumn('revoked_at', bigint)
      .execute()
    await table('setup_links')
      .addColumn('token_hash', text, (column) => column.notNull().primaryKey())
      .addColumn('admin', text)
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('expires_at', bigint)
      .addColumn('used_at', bigint)
      .execute()
    await table('idempotency')
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('actor', text, (column) => column.notNull())
      .addColumn('digest', text, (column) => column.notNull())
      .addColumn('status', integer, (column) => column.notNull())
      .addColumn('content_type', text, (column) => column.notNull())
      .addColumn('body', text, (column) => column.notNull())
      .addColumn('at', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('idempotency_key', ['key', 'actor'])
      .execute()
    await db.schema.createIndex('idempotency_at').on('idempotency').column('at').execute()
    await table('audit')
      .addColumn('n', bigint, (column) => column.notNull().primaryKey())
      .addColumn('at', bigint, (column) => column.notNull())
      .addColumn('actor', text, (column) => column.notNull())
      .addColumn('actor_name', text, (column) => column.notNull())
      .addColumn('action', text, (column) => column.notNull())
      .addColumn('object', text, (column) => column.notNull())
      .addColumn('detail', text, (column) => column.notNull())
      .addColumn('origin', text, (column) => column.notNull())
      .addColumn('prev_hash', text, (column) => column.notNull())
      .addColumn('hash', text, (column) => column.notNull())
      .execute()
    // Whoever appends takes this row first, so that two writers on PostgreSQL stand in line for the end of the chain.
    await db.withTables<Pick<Database, 'counters'>>().insertInto('counters').values({ name: 'audit', value: 0 }).execute()
  },
})

/** Orders that concern people of a Location: `terms` says how a subscription is meant. */
const locationOrders: Migration = {
  up: async (db: Kysely<unknown>) => {
    await db.schema.alterTable('orders').addColumn('terms', 'text').execute()
    await db.schema.createIndex('orders_reference').on('orders').columns(['connector', 'reference']).execute()
  },
}

/** What the stores tell about products, and their icons as drawn anew here. */
const productMetadata = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint, blob } = columnTypes(dialect)
    await createTable(db, dialect, 'product_metadata')
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('product', text, (column) => column.notNull())
      .addColumn('storefront', text, (column) => column.notNull())
      .addColumn('described', text)
      .addColumn('as_of', bigint)
      .addColumn('asked_at', bigint, (column) => column.notNull())
      .addColumn('due_at', bigint, (column) => column.notNull())
      .addColumn('icon_source', text)
      .addColumn('icon_key', text)
      .addColumn('icon_from', text)
      .addColumn('icon_refused', text)
      .addColumn('icon_due_at', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('product_metadata_key', ['kind', 'storefront', 'product'])
      .execute()
    await db.schema.createIndex('product_metadata_icon').on('product_metadata').column('icon_key').execute()
    await createTable(db, dialect, 'product_icons')
      .addColumn('key', text, (column) => column.notNull().primaryKey())
      .addColumn('small', blob, (column) => column.notNull())
      .addColumn('large', blob, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .execute()
  },
})

/** Notices of stores: as they came, for some days, and the secret that proves them. */
const notices = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, integer, bigint, blob } = columnTypes(dialect)
    await createTable(db, dialect, 'notices')
      .addColumn('connector', text, (column) => column.notNull())
      .addColumn('id', text, (column) => column.notNull())
      .addColumn('n', bigint, (column) => column.notNull())
      .addColumn('received_at', bigint, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('reference', text)
      .addColumn('parts', integer, (column) => column.notNull())
      .addColumn('state', text, (column) => column.notNull())
      .addColumn('due_at', bigint)
      .addColumn('body', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('notices_key', ['connector', 'id'])
      .execute()
    await db.schema.createIndex('notices_due').on('notices').columns(['state', 'due_at']).execute()
    await db.schema.createIndex('notices_reference').on('notices').columns(['connector', 'reference']).execute()
    await db.schema.createIndex('notices_received').on('notices').column('received_at').execute()
    await createTable(db, dialect, 'notice_secrets')
      .addColumn('connector', text, (column) => column.notNull().primaryKey())
      .addColumn('key_id', text, (column) => column.notNull())
      .addColumn('wrapped_key', blob, (column) => column.notNull())
      .addColumn('nonce', blob, (column) => column.notNull())
      .addColumn('sealed', blob, (column) => column.notNull())
      .addColumn('hash', text, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .execute()
  },
})

/** People and groups as SCIM clients set them. */
const scimResources = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint } = columnTypes(dialect)
    await createTable(db, dialect, 'scim_resources')
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('id', text, (column) => column.notNull())
      .addColumn('name_key', text, (column) => column.notNull())
      .addColumn('external_id', text)
      .addColumn('attributes', text, (column) => column.notNull())
      .addColumn('created_at', bigint, (column) => column.notNull())
      .addColumn('modified_at', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('scim_resources_key', ['kind', 'id'])
      .execute()
    await db.schema.createIndex('scim_resources_name').unique().on('scim_resources').columns(['kind', 'name_key']).execute()
    await db.schema.createIndex('scim_resources_external').on('scim_resources').columns(['kind', 'external_id']).execute()
    await db.schema.createIndex('scim_resources_made').on('scim_resources').columns(['kind', 'created_at', 'id']).execute()
  },
})

/** Orders that wait for their day, and orders that take others back. */
const orderUndo = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint } = columnTypes(dialect)
    await db.schema.alterTable('orders').addColumn('not_before', bigint).execute()
    await db.schema.alterTable('orders').addColumn('undoes', text).execute()
    await db.schema.alterTable('orders').addColumn('undone_by', text).execute()
    await db.schema.alterTable('orders').addColumn('found', text).execute()
  },
})

/** What each source says of a person; large files that are being taken over. Who is known already is taken as their sources' word. */
const sourceRecords = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint, integer } = columnTypes(dialect)
    await createTable(db, dialect, 'source_records')
      .addColumn('source', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('ordinal', bigint, (column) => column.notNull())
      .addColumn('joined_by', text, (column) => column.notNull())
      .addColumn('external_id', text)
      .addColumn('name_key', text)
      .addColumn('account_key', text)
      .addColumn('mail_key', text)
      .addColumn('fields', text, (column) => column.notNull())
      .addColumn('since', bigint, (column) => column.notNull())
      .addColumn('told_at', bigint, (column) => column.notNull())
      .addColumn('gone_at', bigint)
      .addPrimaryKeyConstraint('source_records_key', ['source', 'key'])
      .execute()
    for (const column of ['ordinal', 'external_id', 'name_key', 'account_key', 'mail_key'])
      await db.schema.createIndex(`source_records_${column}`).on('source_records').column(column).execute()
    await createTable(db, dialect, 'import_jobs')
      .addColumn('id', text, (column) => column.notNull().primaryKey())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('actor', text, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .addColumn('taken', integer, (column) => column.notNull())
      .addColumn('done', integer, (column) => column.notNull())
      .execute()
    await createTable(db, dialect, 'import_parts')
      .addColumn('job', text, (column) => column.notNull())
      .addColumn('n', integer, (column) => column.notNull())
      .addColumn('rows', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('import_parts_key', ['job', 'n'])
      .execute()
    await fillSourceRecords(db as Kysely<Known>)
  },
})

/** The two tables as they were when this step was written. */
interface Known {
  chunks: { key: string; bytes: Uint8Array }
  source_records: {
    source: string
    key: string
    ordinal: number
    joined_by: string
    name_key: string
    account_key: string | null
    mail_key: string | null
    fields: string
    since: number
    told_at: number
  }
}

const fillSourceRecords = async (db: Kysely<Known>): Promise<void> => {
  const lower = (value: unknown): string => (typeof value === 'string' ? value.trim().toLowerCase() : '')
  for (const { bytes } of await db.selectFrom('chunks').select('bytes').where('key', 'like', 'principals/%').execute()) {
    const rows: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const records: Known['source_records'][] = []
    for (const row of Array.isArray(rows) ? rows : []) {
      const [id, userName, displayName, email, department, active, managedAppleAccount, sources]: readonly unknown[] = Array.isArray(row)
        ? row
        : []
      if (typeof id !== 'string' || !id.startsWith('u') || !Array.isArray(sources)) continue
      for (const source of sources)
        if (source === 'csv' || source === 'hand' || source === 'scim')
          records.push({
            source,
            key: lower(userName),
            ordinal: Number(id.slice(1)),
            joined_by: 'user-name',
            name_key: lower(userName),
            account_key: lower(managedAppleAccount) || null,
            mail_key: lower(email) || null,
            fields: JSON.stringify({ userName, displayName, email, department, active: active === 1, managedAppleAccount }),
            since: 0,
            told_at: 0,
          })
    }
    for (let from = 0; from < records.length; from += 500)
      await db
        .insertInto('source_records')
        .values(records.slice(from, from + 500))
        .execute()
  }
}

/** What a directory names of each group, by its own ids. */
const sourceGroups = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, blob } = columnTypes(dialect)
    await createTable(db, dialect, 'source_groups')
      .addColumn('source', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addColumn('group_id', text, (column) => column.notNull())
      .addColumn('members', blob, (column) => column.notNull())
      .addColumn('groups', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('source_groups_key', ['source', 'key'])
      .execute()
    await db.schema.createIndex('source_groups_group').on('source_groups').column('group_id').execute()
  },
})

/** What people claim by themselves, and the links with which they come. */
const selfService = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint, integer, blob } = columnTypes(dialect)
    await createTable(db, dialect, 'claims_made')
      .addColumn('license', text, (column) => column.notNull())
      .addColumn('ordinal', bigint, (column) => column.notNull())
      .addColumn('at', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('claims_made_key', ['license', 'ordinal'])
      .execute()
    await db.schema.createIndex('claims_made_ordinal').on('claims_made').column('ordinal').execute()
    await createTable(db, dialect, 'self_service')
      .addColumn('generation', integer, (column) => column.notNull().primaryKey())
      .addColumn('is_on', integer, (column) => column.notNull())
      .addColumn('key_id', text, (column) => column.notNull())
      .addColumn('wrapped_key', blob, (column) => column.notNull())
      .addColumn('nonce', blob, (column) => column.notNull())
      .addColumn('sealed', blob, (column) => column.notNull())
      .addColumn('changed_at', bigint, (column) => column.notNull())
      .addColumn('changed_by', text, (column) => column.notNull())
      .execute()
    await createTable(db, dialect, 'self_service_links')
      .addColumn('ordinal', bigint, (column) => column.notNull().primaryKey())
      .addColumn('generation', integer, (column) => column.notNull())
      .addColumn('turn', bigint, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .addColumn('made_by', text, (column) => column.notNull())
      .addColumn('expires_at', bigint, (column) => column.notNull())
      .addColumn('used_at', bigint)
      .execute()
    await createTable(db, dialect, 'self_service_sessions')
      .addColumn('id_hash', text, (column) => column.notNull().primaryKey())
      .addColumn('ordinal', bigint, (column) => column.notNull())
      .addColumn('generation', integer, (column) => column.notNull())
      .addColumn('turn', bigint, (column) => column.notNull())
      .addColumn('expires_at', bigint, (column) => column.notNull())
      .execute()
    await db.schema.createIndex('self_service_sessions_expires').on('self_service_sessions').column('expires_at').execute()
  },
})

/** Organisations that are being bound at a store. */
const signups = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint, blob } = columnTypes(dialect)
    await createTable(db, dialect, 'signups')
      .addColumn('id_hash', text, (column) => column.notNull().primaryKey())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('scope_tags', text, (column) => column.notNull())
      .addColumn('actor', text, (column) => column.notNull())
      .addColumn('status', text, (column) => column.notNull())
      .addColumn('text', text, (column) => column.notNull())
      .addColumn('connector', text)
      .addColumn('wrapped_key', blob, (column) => column.notNull())
      .addColumn('nonce', blob, (column) => column.notNull())
      .addColumn('sealed', blob, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .execute()
  },
})

/** Licenses that are kept by hand: products, purchase lots, holders. */
const ledgers = (dialect: Dialect): Migration => ({
  up: async (db: Kysely<unknown>) => {
    const { text, bigint, integer } = columnTypes(dialect)
    await createTable(db, dialect, 'ledger_products')
      .addColumn('ledger', text, (column) => column.notNull())
      .addColumn('id', text, (column) => column.notNull())
      .addColumn('name', text, (column) => column.notNull())
      .addColumn('publisher', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('license_types', text, (column) => column.notNull())
      .addColumn('revocable', integer, (column) => column.notNull())
      .addColumn('unlimited', integer, (column) => column.notNull())
      .addColumn('note', text, (column) => column.notNull())
      .addColumn('moved_from', text)
      .addPrimaryKeyConstraint('ledger_products_key', ['ledger', 'id'])
      .execute()
    await createTable(db, dialect, 'ledger_lots')
      .addColumn('ledger', text, (column) => column.notNull())
      .addColumn('product', text, (column) => column.notNull())
      .addColumn('id', text, (column) => column.notNull())
      .addColumn('seats', bigint, (column) => column.notNull())
      .addColumn('price_minor', bigint)
      .addColumn('currency', text)
      .addColumn('supplier', text, (column) => column.notNull())
      .addColumn('order_number', text, (column) => column.notNull())
      .addColumn('bought_on', text)
      .addColumn('valid_from', text)
      .addColumn('valid_until', text)
      .addColumn('note', text, (column) => column.notNull())
      .addColumn('made_at', bigint, (column) => column.notNull())
      .addPrimaryKeyConstraint('ledger_lots_key', ['ledger', 'id'])
      .execute()
    await db.schema.createIndex('ledger_lots_product').on('ledger_lots').columns(['ledger', 'product']).execute()
    await createTable(db, dialect, 'ledger_seats')
      .addColumn('ledger', text, (column) => column.notNull())
      .addColumn('product', text, (column) => column.notNull())
      .addColumn('kind', text, (column) => column.notNull())
      .addColumn('key', text, (column) => column.notNull())
      .addPrimaryKeyConstraint('ledger_seats_key', ['ledger', 'product', 'kind', 'key'])
      .execute()
    await db.schema.createIndex('ledger_seats_holder').on('ledger_seats').columns(['ledger', 'kind', 'key']).execute()
  },
})

export const migrationsFor = (dialect: Dialect): Record<string, Migration> => ({
  '0001-foundation': foundation(dialect),
  '0002-location-orders': locationOrders,
  '0003-product-metadata': productMetadata(dialect),
  '0004-notices': notices(dialect),
  '0005-scim-resources': scimResources(dialect),
  '0006-order-undo': orderUndo(dialect),
  '0007-source-records': sourceRecords(dialect),
  '0008-source-groups': sourceGroups(dialect),
  '0009-self-service': selfService(dialect),
  '0010-signups': signups(dialect),
  '0011-ledgers': ledgers(dialect),
})

/** All steps that are missing, or none: a step that fails takes its own changes back and throws. */
export const migrate = async (db: Kysely<never>, dialect: Dialect): Promise<void> => {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrationsFor(dialect) } })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}
