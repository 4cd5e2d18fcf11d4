/**
 * The role for dashboards and for the page: it may read the tables of the plan and how far they are, nothing else.
 */
import type { Client } from 'pg'
import { codeOf } from '../errors.ts'
import { allTables } from '../pipeline/table-text.ts'
import type { Plan } from '../pipeline/plan.ts'
import { META_TABLE } from './meta-table.ts'
import { columnList, qualifiedTable, quoteIdentifier, SCHEMA } from '../text/sql-text.ts'

/** Its name, on every server. */
export const READER_ROLE = 'tidemark_reader'

/** What a reader may know of the pipelines: how far each is, not who owns it and from where. */
const READABLE_META: readonly string[] = [
  'pipeline',
  'plan_hash',
  'plan',
  'tables',
  'writer',
  'epoch',
  'watermark',
  'started_at',
  'updated_at',
  'dead_letters_dropped',
]

/** Whether the role may read the tables now, and if not, why. */
export interface ReaderRoleReport {
  readonly granted: boolean
  /** One sentence for people. */
  readonly message: string
}

/** Statements that make the role. `login` is SQL: `nologin`, or `login password '…'`. */
export function readerRoleStatements(login: string): readonly string[] {
  const role = quoteIdentifier(READER_ROLE)
  return [
    `create role ${role} ${login}`,
    `alter role ${role} set default_transaction_read_only = on`,
    `alter role ${role} set statement_timeout = '30s'`,
  ]
}

/**
 * Lets the role read exactly the tables of the plan, and others of ours that `also` names. On a server where it is
 * missing it is made without a right to log in; where our user may not make roles, nothing happens. Runs inside the
 * caller's transaction.
 */
export async function grantReaderRole(
  client: Client,
  plan: Plan,
  also: readonly string[] = [],
): Promise<ReaderRoleReport> {
  return whereAllowed(client, async () => {
    const made = await makeReadable(client)
    await grantTables(client, plan, also)
    const hint = made ? `; to use it: alter role ${READER_ROLE} login password '…'` : ''
    return `the role ${READER_ROLE} may read the tables${hint}`
  })
}

/** The same for what all pipelines share: the role is there, and may read how far they are. */
export async function prepareReaderRole(client: Client): Promise<void> {
  await whereAllowed(client, async () => ((await makeReadable(client)) ? 'made' : 'there'))
}

/**
 * Lets the role, where there is one, read tables that came later. A right that is there is not granted again: that
 * would lock what pipelines share. Inside the caller's transaction.
 */
export async function grantToReader(client: Client, names: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c, pg_roles r
      where r.rolname = $1 and c.relnamespace = to_regnamespace($2) and c.relname = any ($3)
        and not has_table_privilege(r.oid, c.oid, 'select')`,
    [READER_ROLE, SCHEMA, names],
  )
  const tables = rows.map(({ name }) => qualifiedTable(name)).join(', ')
  if (tables !== '') await client.query(`grant select on ${tables} to ${quoteIdentifier(READER_ROLE)}`)
}

async function whereAllowed(client: Client, work: () => Promise<string>): Promise<ReaderRoleReport> {
  await client.query('savepoint reader_role')
  try {
    const message = await work()
    await client.query('release savepoint reader_role')
    return { granted: true, message }
  } catch (error) {
    if (codeOf(error) !== '42501') throw error
    await client.query('rollback to savepoint reader_role')
    return { granted: false, message: `no read-only role: our user may not create ${READER_ROLE} on this server` }
  }
}

/** Gives whether the role had to be made. */
async function makeReadable(client: Client): Promise<boolean> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [READER_ROLE])
  if (rowCount === 0) for (const statement of readerRoleStatements('nologin')) await client.query(statement)
  // A right that is there is not granted again: that would lock what all pipelines share until the transaction's end.
  if (await mayReadShared(client)) return false
  const role = quoteIdentifier(READER_ROLE)
  await client.query(`grant usage on schema ${quoteIdentifier(SCHEMA)} to ${role}`)
  await client.query(`grant select (${columnList(READABLE_META)}) on ${qualifiedTable(META_TABLE)} to ${role}`)
  return rowCount === 0
}

async function mayReadShared(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `select exists (select 1 from pg_namespace n, aclexplode(n.nspacl) a
                     where n.nspname = $1 and a.grantee = r.oid and a.privilege_type = 'USAGE')
        and (select count(distinct c.attname) from pg_attribute c, aclexplode(c.attacl) a
              where c.attrelid = to_regclass($2) and c.attname = any ($3) and a.grantee = r.oid
                and a.privilege_type = 'SELECT') = cardinality($3) as has
       from pg_roles r where r.rolname = $4`,
    [SCHEMA, qualifiedTable(META_TABLE), READABLE_META, READER_ROLE],
  )
  return rows[0]?.has ?? false
}

async function grantTables(client: Client, plan: Plan, also: readonly string[]): Promise<void> {
  const role = quoteIdentifier(READER_ROLE)
  const tables = [...allTables(plan).map((table) => table.name), ...also].map(qualifiedTable)
  await revokeFormerTables(client, plan, role)
  await client.query(`grant select on ${tables.join(', ')} to ${role}`)
}

// Only what this pipeline had and has no more: other pipelines and administrators grant rights of their own.
async function revokeFormerTables(client: Client, plan: Plan, role: string): Promise<void> {
  const names = allTables(plan).map((table) => table.name)
  const { rows } = await client.query<{ name: string }>(
    `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relkind in ('r', 'p')
       and c.relname in (select unnest(tables) from ${qualifiedTable(META_TABLE)} where pipeline = $2) and c.relname <> all ($3)`,
    [SCHEMA, plan.name, names],
  )
  for (const { name } of rows) await client.query(`revoke all on ${qualifiedTable(name)} from ${role}`)
}
