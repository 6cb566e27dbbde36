import fp from 'fastify-plugin'
import type { Kysely } from 'kysely'
import type pg from 'pg'
import type { Config } from '../config.ts'
import { openDatabase, type OpenOptions } from '../db/open.ts'
import type { DatabaseState } from '../db/monitor.ts'
import type { Database } from '../db/types.ts'
import type {} from './health.ts'

export { openDatabase } from '../db/open.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** bigint is read as string, timestamptz as Date, bytea as Buffer. */
    db: Kysely<Database>
    /** The same database below Kysely, for LISTEN and NOTIFY. */
    dbPool: pg.Pool
    /** Whether Postgres answers; while it does not, every use of it fails at once. */
    dbState: DatabaseState
    /** Throws when the database does not answer within 2 seconds. */
    dbHealth: () => Promise<void>
  }
}

/** The database, migrated. It closes after the hooks of every plugin that was registered later. */
export default fp<{ config: Config, open?: OpenOptions }>(async (app, { config, open = {} }) => {
  const { db, pool, state, health, close } = await openDatabase(config, app.log, open)
  app.decorate('db', db)
  app.decorate('dbPool', pool)
  app.decorate('dbState', state)
  app.decorate('dbHealth', health)
  app.health.add('database', () => state.isDown() ? 'down' : 'ok')
  app.addHook('onClose', close)
}, { name: 'db', dependencies: ['health'] })
