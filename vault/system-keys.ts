import type { Kysely } from 'kysely'
import { randomBytes } from 'node:crypto'
import type { Database } from '../db/types.ts'
import type { KeyRing } from './key-ring.ts'
import { unwrapSystemKey, wrapSystemKey } from './wrap.ts'

const SYSTEM_KEYS = ['token', 'audit', 'fingerprint', 'totp'] as const
export type SystemKeyName = typeof SYSTEM_KEYS[number]

/** The keys of the server itself, 32 bytes each, made where they are missing. */
export async function ensureSystemKeys (db: Kysely<Database>, ring: KeyRing): Promise<Record<SystemKeyName, Buffer>> {
  const made = SYSTEM_KEYS.map(name => ({ name, ...wrapSystemKey(ring, { name }, randomBytes(32)) }))
  await db.insertInto('system_keys').values(made).onConflict(conflict => conflict.column('name').doNothing()).execute()
  // Re-read: another replica may have been first.
  const read = async (name: SystemKeyName) => unwrapSystemKey(ring,
    await db.selectFrom('system_keys').selectAll().where('name', '=', name).executeTakeFirstOrThrow())
  return { token: await read('token'), audit: await read('audit'), fingerprint: await read('fingerprint'), totp: await read('totp') }
}
