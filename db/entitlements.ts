import { sql, type Kysely } from 'kysely'
import type { ProviderName } from '../schemas/market.ts'
import type { Refusal } from '../schemas/usage.ts'
import type { Database, EntitlementRow } from './types.ts'

/** What the connection's keys were refused for and are not asked again yet. */
export function listEntitlements (db: Kysely<Database>, connectionId: string): Promise<EntitlementRow[]> {
  return db.selectFrom('entitlements').selectAll()
    .where('connection_id', '=', connectionId).where('until', '>', sql<Date>`now()`)
    .orderBy('provider').orderBy('endpoint').execute()
}

/**
 * Keeps a refusal of the key that stood when the request was sent: one of a key that was replaced meanwhile is nothing.
 * @returns whether it was kept
 */
export async function insertEntitlement (db: Kysely<Database>, row: EntitlementRow, sentAt: Date): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    INSERT INTO entitlements (connection_id, provider, endpoint, capability, message, learned_at, until)
    SELECT connection_id, provider, ${row.endpoint}, ${row.capability}, ${row.message}, ${row.learned_at}, ${row.until}
    FROM auth_credentials
    WHERE connection_id = ${row.connection_id} AND provider = ${row.provider} AND set_at <= ${sentAt}
    ON CONFLICT (connection_id, provider, endpoint) DO UPDATE SET
      capability = excluded.capability, message = excluded.message, learned_at = excluded.learned_at, until = excluded.until
  `.execute(db)
  return numAffectedRows > 0n
}

/** Drops what is asked again anyway; @returns how many. */
export async function sweepEntitlements (db: Kysely<Database>): Promise<number> {
  const { numDeletedRows } = await db.deleteFrom('entitlements').where('until', '<=', sql<Date>`now()`).executeTakeFirst()
  return Number(numDeletedRows)
}

/** Forgets what the provider refused: its key is another, or may have got another plan. */
export async function deleteEntitlements (
  db: Kysely<Database>, connectionId: string, provider: ProviderName
): Promise<void> {
  await db.deleteFrom('entitlements')
    .where('connection_id', '=', connectionId).where('provider', '=', provider).execute()
}

/** The row as it leaves the server. */
export function toRefusal ({ connection_id: _id, learned_at: learned, until, ...row }: EntitlementRow): Refusal {
  return { ...row, learned_at: learned.toISOString(), until: until.toISOString() }
}
