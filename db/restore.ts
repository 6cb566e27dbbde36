import { sql, type Kysely } from 'kysely'
import { EnvelopeError } from '../vault/envelope.ts'
import type { KeyRing } from '../vault/key-ring.ts'
import { unwrapDataKey, unwrapSystemKey } from '../vault/wrap.ts'
import type { AuditFields } from './audit-chain.ts'
import { appendAuditLogs } from './audit-logs.ts'
import { verifyChain, type Verification } from './audit-verify.ts'
import { listMigrations, listTables } from './backup.ts'
import { BackupError, isSignedBackup, readBackup, type BackupEnd, type BackupHeader } from './backup-file.ts'
import type { Database } from './types.ts'

export interface CheckedBackup {
  file: string
  header: BackupHeader
  end: BackupEnd
  /** The key of its audit log. */
  key: Buffer
}

/** A wrapped key as a backup holds it. */
interface StoredKey { id: string, connection_id: string, name: string, kid: string, wrapped: string }

const ROWS = 500

/**
 * Reads the whole file: that it is whole, that the ring opens every key of the server and a data key of each kid, and
 * that the server that has those keys made it. Writes nothing.
 * @param ring undefined where there is none
 * @throws BackupError, or ConfigError of the ring
 */
export async function checkBackup (file: string, ring: KeyRing | undefined): Promise<CheckedBackup> {
  const keys: { kid: string, name?: string, open: (ring: KeyRing) => Buffer }[] = []
  let header: BackupHeader | undefined
  for await (const part of readBackup(file)) {
    if (part.kind === 'header') header = part.header
    else if (part.kind === 'end') return { file, header: header!, end: part.end, key: openKeys(part.end) }
    else if (part.table === 'system_keys') {
      const row = parseKey(part.json)
      keys.push({ ...row, open: ring => unwrapSystemKey(ring, row) })
    } else if (part.table === 'data_keys') {
      const row = parseKey(part.json)
      if (!keys.some(key => key.name === undefined && key.kid === row.kid)) {
        keys.push({ kid: row.kid, open: ring => unwrapDataKey(ring, row) })
      }
    }
  }
  throw new BackupError(`${file} has no end.`)

  function openKeys (end: BackupEnd): Buffer {
    let audit: Buffer | undefined
    for (const key of keys) {
      const opened = openKey(ring, key)
      if (key.name === 'audit') audit = opened
    }
    if (audit && isSignedBackup(audit, end)) return audit
    throw new BackupError(`${file} was changed: its signature is wrong. Take another one.`)
  }
}

function parseKey (json: string) {
  const row = JSON.parse(json) as StoredKey
  // As Postgres writes a bytea: \x and hex.
  return { ...row, wrapped: Buffer.from(row.wrapped.slice(2), 'hex') }
}

function openKey (ring: KeyRing | undefined, { kid, open }: { kid: string, open: (ring: KeyRing) => Buffer }): Buffer {
  if (!ring?.keys.has(kid)) {
    const lack = ring ? `${ring.source} lacks it` : 'there is no key ring'
    throw new BackupError(`The backup needs the master key ${kid}, and ${lack}. Put the master.key of that server into ` +
      'DATA_DIR, or set MASTER_KEY_FILE to it; without that key nothing in it can be opened.')
  }
  try {
    return open(ring)
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error
    throw new BackupError(`The key ${kid} of ${ring.source} is not the one that wrapped the keys of this backup. ` +
      'Put the right key under that kid.', { cause: error })
  }
}

/**
 * Puts all rows into the empty database, in one transaction, with an event in the audit log.
 * @returns what the audit log of the backup was: a broken one is restored as it is
 * @throws BackupError where the database is not empty or has another schema
 */
export async function restoreBackup (
  db: Kysely<Database>, { file, header, end, key }: CheckedBackup, event: AuditFields
): Promise<Verification> {
  return db.transaction().execute(async trx => {
    await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(trx)
    // A server that starts meanwhile waits with the keys that it would make.
    await sql`LOCK TABLE system_keys IN EXCLUSIVE MODE`.execute(trx)
    await assertSameSchema(trx, header)
    const tables = await listTables(trx)
    await assertEmpty(trx, tables)
    await trx.deleteFrom('audit_anchors').execute()
    await insertRows(trx, tables, file, end)
    const verification = await verifyChain(trx, key)
    await appendAuditLogs(trx, key, [event])
    return verification
  })
}

async function assertSameSchema (trx: Kysely<Database>, { migrations, server }: BackupHeader): Promise<void> {
  const own = await listMigrations(trx)
  if (own.join() === migrations.join()) return
  throw new BackupError(
    `The backup was made by ${server} with the schema ${migrations.at(-1)}, and this server has ${own.at(-1)}. ` +
    'Restore it with the version that made it, then start this one on the database.')
}

async function assertEmpty (trx: Kysely<Database>, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    // The schema itself brings an anchor that is not signed.
    const isOwn = table === 'audit_anchors' ? sql`WHERE mac <> ''` : sql``
    const { rows } = await sql`SELECT FROM ${sql.table(table)} ${isOwn} LIMIT 1`.execute(trx)
    if (rows.length > 0) {
      throw new BackupError(`The database is not empty (${table} has rows), and a restore never replaces what is ` +
        'there. Take a new database, or an empty DATA_DIR with nothing but master.key.')
    }
  }
}

async function insertRows (
  trx: Kysely<Database>, tables: readonly string[], file: string, end: BackupEnd
): Promise<void> {
  let batch: string[] = []
  let into = ''
  const flush = async () => {
    if (batch.length > 0) {
      const table = sql.table(into)
      await sql`INSERT INTO ${table}
        SELECT * FROM json_populate_recordset(NULL::${table}, ${`[${batch.join(',')}]`}::json)`.execute(trx)
    }
    batch = []
  }
  for await (const part of readBackup(file)) {
    // What was checked is what is restored.
    if (part.kind === 'end' && part.end.mac !== end.mac) {
      throw new BackupError(`${file} was changed while it was read. Begin again.`)
    }
    if (part.kind !== 'row') continue
    if (part.table !== into || batch.length === ROWS) await flush()
    if (!tables.includes(part.table)) {
      throw new BackupError(`The backup holds the table ${part.table}, which this server does not restore.`)
    }
    into = part.table
    batch.push(part.json)
  }
  await flush()
}
