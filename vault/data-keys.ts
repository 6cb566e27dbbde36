/** The keys that seal, one a connection. */
import type { Kysely } from 'kysely'
import { randomBytes, randomUUID } from 'node:crypto'
import type { AuthCredentialRow, DataKeyRow, Database } from '../db/types.ts'
import { problem } from '../errors.ts'
import type { Credential } from '../providers/types.ts'
import { openSealedCredential, sealCredential } from './credentials.ts'
import { EnvelopeError } from './envelope.ts'
import type { KeyRing } from './key-ring.ts'
import type { LiveRing } from './live-ring.ts'
import { unwrapDataKey, wrapDataKey } from './wrap.ts'

/**
 * The connection's data key, made where it has none.
 * @param trx holds the connection's row
 */
export async function ensureDataKey (trx: Kysely<Database>, live: LiveRing, connectionId: string): Promise<DataKeyRow> {
  return await findActive(trx, connectionId) ?? insertDataKey(trx, live, connectionId)
}

/** The 32 bytes that the row wraps. */
export async function openDataKey (live: LiveRing, row: Parameters<typeof unwrapDataKey>[1]): Promise<Buffer> {
  return unwrapDataKey(await live.having(row.kid), row)
}

/**
 * Gives the connection a new data key, seals its secrets again with it, and destroys the former one.
 * @param trx a transaction that holds the connection's row
 * @returns how many secrets were sealed again
 * @throws CONFLICT where one does not open
 */
export async function rotateDataKey (trx: Kysely<Database>, live: LiveRing, connectionId: string): Promise<number> {
  const former = await trx.selectFrom('data_keys').selectAll().where('connection_id', '=', connectionId).execute()
  const rows = await trx.selectFrom('auth_credentials').selectAll().where('connection_id', '=', connectionId).execute()
  await trx.updateTable('data_keys').set({ retired_at: new Date() }).where('connection_id', '=', connectionId).execute()
  const next = await insertDataKey(trx, live, connectionId)
  const nextKey = await openDataKey(live, next)
  for (const row of rows) {
    const credential = await openWith(live, former, row)
    const ciphertext = sealCredential(nextKey, { ...row, data_key_id: next.id }, credential)
    await trx.updateTable('auth_credentials').set({ ciphertext, data_key_id: next.id }).where('id', '=', row.id).execute()
  }
  await trx.deleteFrom('data_keys').where('connection_id', '=', connectionId).where('id', '!=', next.id).execute()
  return rows.length
}

/** @param keys of the row's connection: one that is sealed by another's was moved */
async function openWith (live: LiveRing, keys: DataKeyRow[], row: AuthCredentialRow): Promise<Credential> {
  try {
    const key = keys.find(({ id }) => id === row.data_key_id)
    if (!key) throw new EnvelopeError('The row names a data key of another connection')
    return openSealedCredential(await openDataKey(live, key), row)
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause
    throw problem('CONFLICT', `The stored ${row.provider} key does not open: its row was changed or moved. ` +
      'Delete that key, rotate, and store it again.', { provider: row.provider, cause })
  }
}

function findActive (db: Kysely<Database>, connectionId: string): Promise<DataKeyRow | undefined> {
  return db.selectFrom('data_keys').selectAll()
    .where('connection_id', '=', connectionId).where('retired_at', 'is', null).executeTakeFirst()
}

async function insertDataKey (trx: Kysely<Database>, live: LiveRing, connectionId: string): Promise<DataKeyRow> {
  const id = randomUUID()
  const wrapped = wrapDataKey(await ringToWrapBy(trx, live), { id, connection_id: connectionId }, randomBytes(32))
  await trx.insertInto('data_keys').values({ id, connection_id: connectionId, retired_at: null, ...wrapped })
    .onConflict(conflict => conflict.column('connection_id').where('retired_at', 'is', null).doNothing()).execute()
  return trx.selectFrom('data_keys').selectAll()
    .where('connection_id', '=', connectionId).where('retired_at', 'is', null).executeTakeFirstOrThrow()
}

/**
 * A rewrap changes the server's own keys first. Until this transaction ends it cannot, so it finds what is wrapped here
 * by the former key; and what comes after it sees the new kid, and looks whether the ring's file has changed.
 */
async function ringToWrapBy (trx: Kysely<Database>, live: LiveRing): Promise<KeyRing> {
  const { kid } = await trx.selectFrom('system_keys').select('kid').where('name', '=', 'token')
    .forShare().executeTakeFirstOrThrow()
  const ring = await live.having(kid)
  if (ring.primary.kid !== kid) await live.refresh()
  return live.current()
}
