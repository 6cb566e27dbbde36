import { sql, type Kysely } from 'kysely'
import type { Database } from '../../db/types.ts'
import type { CacheDriver } from './driver.ts'

/** Entries in the table `cache_entries`. */
export function createPostgresDriver (db: Kysely<Database>): CacheDriver {
  return {
    async get (key) {
      const row = await db.selectFrom('cache_entries').select(['value', 'stored_at', 'expires_at'])
        .where('key', '=', key).where('expires_at', '>', sql<Date>`now()`).executeTakeFirst()
      return row && { value: row.value, stored_at: row.stored_at.getTime(), expires_at: row.expires_at.getTime() }
    },

    async set (key, parts, entry) {
      const row = {
        key,
        owner_id: parts.owner_id,
        connection_id: parts.connection_id,
        tool: parts.tool,
        value: JSON.stringify(entry.value),
        stored_at: new Date(entry.stored_at),
        expires_at: new Date(entry.expires_at)
      }
      await db.insertInto('cache_entries').values(row).onConflict(conflict => conflict.column('key').doUpdateSet(row)).execute()
    },

    async drop ({ owner_id: owner, connection_id: connection, tool }) {
      let query = db.deleteFrom('cache_entries')
      if (owner !== undefined) query = query.where('owner_id', '=', owner)
      if (connection !== undefined) query = query.where('connection_id', '=', connection)
      if (tool !== undefined) query = query.where('tool', '=', tool)
      return Number((await query.executeTakeFirst()).numDeletedRows)
    },

    async sweep () {
      const { numDeletedRows } = await db.deleteFrom('cache_entries').where('expires_at', '<=', sql<Date>`now()`).executeTakeFirst()
      return Number(numDeletedRows)
    }
  }
}
