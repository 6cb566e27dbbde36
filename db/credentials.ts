import type { Kysely } from 'kysely'
import type { CredentialStatus, CredentialTest } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { AuthCredentialRow, Database } from './types.ts'

/** A connection's credentials by provider, or everybody's without `connectionId`. */
export function listCredentials (db: Kysely<Database>, connectionId?: string): Promise<AuthCredentialRow[]> {
  return db.selectFrom('auth_credentials').selectAll()
    .$if(connectionId !== undefined, query => query.where('connection_id', '=', String(connectionId)))
    .orderBy('provider').execute()
}

export function findCredential (
  db: Kysely<Database>, connectionId: string, provider: ProviderName
): Promise<AuthCredentialRow | undefined> {
  return db.selectFrom('auth_credentials').selectAll()
    .where('connection_id', '=', connectionId).where('provider', '=', provider).executeTakeFirst()
}

/** @returns whether there was one */
export async function deleteCredential (
  db: Kysely<Database>, connectionId: string, provider: ProviderName
): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('auth_credentials')
    .where('connection_id', '=', connectionId).where('provider', '=', provider).executeTakeFirstOrThrow()
  return numDeletedRows > 0n
}

/**
 * Stores how a test ended.
 * @returns false where the key was replaced or deleted while it ran: the result is not about the key that stands now
 */
export async function storeCredentialTest (
  db: Kysely<Database>, tested: AuthCredentialRow, result: CredentialTest
): Promise<boolean> {
  const { numUpdatedRows } = await db.updateTable('auth_credentials').set({
    test_status: result.status,
    test_latency_ms: Math.round(result.latency_ms),
    test_message: result.message,
    tested_at: new Date()
  }).where('id', '=', tested.id).where('ciphertext', '=', tested.ciphertext).executeTakeFirstOrThrow()
  return numUpdatedRows > 0n
}

/** The row as it leaves the server: nothing of the key but its fingerprint. */
export function toCredentialStatus (row: AuthCredentialRow): CredentialStatus {
  return {
    provider: row.provider,
    fingerprint: row.fingerprint,
    set_at: row.set_at.toISOString(),
    test_status: row.test_status,
    test_latency_ms: row.test_latency_ms,
    test_message: row.test_message,
    tested_at: row.tested_at?.toISOString() ?? null
  }
}
