import { sql, type Kysely } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../db/types.ts'
import { problem } from '../errors.ts'
import { EnvelopeError } from './envelope.ts'
import { keyOf, type KeyRing } from './key-ring.ts'
import { listStoredKids } from './stored-keys.ts'
import { unwrapDataKey, unwrapSystemKey, wrapDataKey, wrapSystemKey } from './wrap.ts'

export interface Rewrapped {
  /** The kid that wraps everything now, but for what failed. */
  kid: string
  system_keys: number
  data_keys: number
  /** Ids of connections whose data key does not open, and stays as it is. */
  failed: string[]
}

export interface RewrapOptions {
  /** Told after each batch: data keys done, and those that there were to do. */
  onProgress?: (done: number, total: number) => void
  /** Ends the run between two batches. */
  signal?: AbortSignal
}

const BATCH = 100
const PAUSE_MS = 200
/** A row is held for seconds at most: the database ends a transaction that is left alone. */
const MOST_IDLE_PASSES = 150

/**
 * Wraps by the ring's primary key whatever another one wrapped: keys only, no secret is opened. Each batch is a
 * transaction of its own, so servers go on meanwhile, and after an end by force the next run does the rest.
 * @throws ConfigError where the ring lacks a kid; EnvelopeError where a key of the server itself does not open
 * @throws CONFLICT where rows stay held by others for half a minute; the signal's reason
 */
export async function rewrap (
  db: Kysely<Database>, ring: KeyRing, { onProgress, signal }: RewrapOptions = {}
): Promise<Rewrapped> {
  for (const kid of await listStoredKids(db)) keyOf(ring, kid)
  // First, and in one step: servers see by them that another key is primary now.
  const systemKeys = await rewrapSystemKeys(db, ring)
  const total = await countOthers(db, ring)
  let done = 0
  for (let idle = 0; idle < MOST_IDLE_PASSES; idle += 1) {
    const before = done
    const failed = await runPass(db, ring, count => {
      done += count
      onProgress?.(done, Math.max(total, done))
      signal?.throwIfAborted()
    })
    if (await countOthers(db, ring) <= failed.length) {
      return { kid: ring.primary.kid, system_keys: systemKeys, data_keys: done, failed }
    }
    if (done > before) idle = 0
    await sleep(PAUSE_MS)
    signal?.throwIfAborted()
  }
  throw problem('CONFLICT', 'Some data keys are held by other transactions. Run it again when they have ended; it goes on where it stopped.')
}

async function rewrapSystemKeys (db: Kysely<Database>, ring: KeyRing): Promise<number> {
  return db.transaction().execute(async trx => {
    const rows = await trx.selectFrom('system_keys').selectAll().where('kid', '!=', ring.primary.kid)
      .orderBy('name').forUpdate().execute()
    for (const row of rows) {
      await trx.updateTable('system_keys').set(wrapSystemKey(ring, row, unwrapSystemKey(ring, row)))
        .where('name', '=', row.name).execute()
    }
    return rows.length
  })
}

/** Once over all rows, but for those that somebody else holds. @returns the connections whose key does not open */
async function runPass (db: Kysely<Database>, ring: KeyRing, onBatch: (count: number) => void): Promise<string[]> {
  const failed: string[] = []
  let after: string | undefined
  for (;;) {
    const batch = await rewrapBatch(db, ring, after)
    failed.push(...batch.failed)
    if (batch.last === undefined) return failed
    after = batch.last
    onBatch(batch.count)
  }
}

async function rewrapBatch (db: Kysely<Database>, ring: KeyRing, after: string | undefined) {
  return db.transaction().execute(async trx => {
    const rows = await trx.selectFrom('data_keys').select(['id', 'connection_id', 'kid', 'wrapped'])
      .where('kid', '!=', ring.primary.kid)
      .$if(after !== undefined, query => query.where('id', '>', String(after)))
      // Not FOR UPDATE: whoever stores a credential meanwhile refers to the row, and must not wait.
      .orderBy('id').limit(BATCH).forNoKeyUpdate().skipLocked().execute()
    const failed: string[] = []
    const next: { id: string, wrapped: string }[] = []
    for (const row of rows) {
      try {
        const { wrapped } = wrapDataKey(ring, row, unwrapDataKey(ring, row))
        next.push({ id: row.id, wrapped: wrapped.toString('hex') })
      } catch (error) {
        if (!(error instanceof EnvelopeError)) throw error
        failed.push(row.connection_id)
      }
    }
    await sql`UPDATE data_keys SET kid = ${ring.primary.kid}, wrapped = decode(next.wrapped, 'hex')
      FROM json_to_recordset(${JSON.stringify(next)}::json) AS next (id uuid, wrapped text)
      WHERE data_keys.id = next.id`.execute(trx)
    return { count: next.length, failed, last: rows.at(-1)?.id }
  })
}

async function countOthers (db: Kysely<Database>, ring: KeyRing): Promise<number> {
  const { count } = await db.selectFrom('data_keys').select(query => query.fn.countAll<string>().as('count'))
    .where('kid', '!=', ring.primary.kid).executeTakeFirstOrThrow()
  return Number(count)
}
