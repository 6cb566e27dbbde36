import { sql, type Kysely } from 'kysely'
import type { CacheEntryRow, Database } from '../../db/types.ts'
import { MOST_BYTES, toJson } from './codec.ts'
import type { CacheDriver, CacheEntry } from './driver.ts'

/** An owner may be this share over its bound until its next trim. */
const SLACK = 0.01

/** Entries in the table `cache_entries`, locks in `cache_locks`; what has expired is Postgres' clock's to say. */
export function createPostgresDriver (db: Kysely<Database>, { maxEntries }: { maxEntries: number }): CacheDriver {
  const trimEvery = Math.max(1, Math.floor(maxEntries * SLACK))
  /** Sets of each owner since its last trim. */
  const sets = new Map<string, number>()
  const selectKeys = () => db.selectFrom('cache_entries').select('key')

  async function trim (owner: string, kept = ''): Promise<void> {
    sets.delete(owner)
    const excess = selectKeys().where('owner_id', '=', owner).where('key', '<>', kept)
      .orderBy('expires_at', 'desc').offset(kept ? maxEntries - 1 : maxEntries)
    await deleteUnlocked(selectKeys().where('key', 'in', excess))
  }

  /** Two replicas that trim or sweep at once pass by each other's rows, and do not wait for them. */
  async function deleteUnlocked (keys: ReturnType<typeof selectKeys>): Promise<number> {
    const { numDeletedRows } = await db.deleteFrom('cache_entries')
      .where('key', 'in', keys.orderBy('key').forUpdate().skipLocked()).executeTakeFirst()
    return Number(numDeletedRows)
  }
  return {
    name: 'postgres',

    async get (key) {
      const row = await db.selectFrom('cache_entries').select(['value', 'stored_at', 'fresh_until', 'expires_at'])
        .where('key', '=', key).where('expires_at', '>', sql<Date>`now()`).executeTakeFirst()
      return row && toEntry(row)
    },

    async set (key, parts, entry, fence) {
      const json = toJson(entry.value)
      const bytes = Buffer.byteLength(json)
      if (bytes > MOST_BYTES) return false
      const { owner_id: owner } = parts
      const row = {
        owner_id: owner,
        connection_id: parts.connection_id,
        tool: parts.tool,
        value: json,
        bytes,
        stored_at: new Date(entry.stored_at),
        fresh_until: new Date(entry.fresh_until),
        expires_at: new Date(entry.expires_at)
      }
      const insert = db.insertInto('cache_entries').values({ ...row, key, fence: fence ?? 0 })
      const { numInsertedOrUpdatedRows: stored = 0n } = await insert.onConflict(conflict => fence === undefined
        // Without a lock it was asked for anew, and is the newest; the stored fence still keeps older holders out.
        ? conflict.column('key').doUpdateSet(row)
        : conflict.column('key').doUpdateSet({ ...row, fence }).where('cache_entries.fence', '<=', String(fence))
      ).executeTakeFirst()
      const count = (sets.get(owner) ?? 0) + 1
      sets.set(owner, count)
      if (count >= trimEvery) await trim(owner, key)
      return stored > 0n
    },

    async lock (key, _parts, ttlMs) {
      const until = sql<Date>`clock_timestamp() + ${ttlMs} * interval '1 millisecond'`
      const row = await db.insertInto('cache_locks')
        .values({ key, fence: sql<string>`nextval('cache_fences')`, expires_at: until })
        // Numbered when the former holder's row is at hand, not before: whoever holds it later has the higher fence.
        .onConflict(conflict => conflict.column('key')
          .doUpdateSet({ fence: sql<string>`nextval('cache_fences')`, expires_at: until })
          .where('cache_locks.expires_at', '<=', sql<Date>`clock_timestamp()`))
        .returning('fence').executeTakeFirst()
      if (!row) return undefined
      return {
        fence: Number(row.fence),
        async release () {
          await db.deleteFrom('cache_locks').where('key', '=', key).where('fence', '=', row.fence).execute()
        }
      }
    },

    async drop ({ owner_id: owner, connection_id: connection, tool }) {
      let query = db.deleteFrom('cache_entries')
      if (owner !== undefined) query = query.where('owner_id', '=', owner)
      if (connection !== undefined) query = query.where('connection_id', '=', connection)
      if (tool !== undefined) query = query.where('tool', '=', tool)
      return Number((await query.executeTakeFirst()).numDeletedRows)
    },

    async sweep () {
      for (const owner of [...sets.keys()]) await trim(owner)
      await db.deleteFrom('cache_locks').where('expires_at', '<=', sql<Date>`now()`).execute()
      return deleteUnlocked(selectKeys().where('expires_at', '<=', sql<Date>`now()`))
    },

    async counts () {
      const rows = await db.selectFrom('cache_entries').where('expires_at', '>', sql<Date>`now()`)
        .select(({ fn }) => ['connection_id', 'tool', fn.countAll().as('entries'), fn.sum('bytes').as('bytes')])
        .groupBy(['connection_id', 'tool']).execute()
      return rows.map(row => ({ ...row, entries: Number(row.entries), bytes: Number(row.bytes) }))
    }
  }
}

function toEntry (row: Pick<CacheEntryRow, 'value' | 'stored_at' | 'fresh_until' | 'expires_at'>): CacheEntry {
  return {
    value: row.value,
    stored_at: row.stored_at.getTime(),
    fresh_until: row.fresh_until.getTime(),
    expires_at: row.expires_at.getTime()
  }
}
