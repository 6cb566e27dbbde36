import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'

/** An audit log that its owner tampers with. */
export interface Tampering {
  /** Runs the statements with the triggers away. */
  tamper: (statements: string) => Promise<void>
  /** Puts the rows, the anchor and the checkpoints back as they were when it was begun. */
  restore: () => Promise<void>
}

export const event = (n: number) => ({ action: 'test.event', actor: 'system', target: String(n), details: { n } })

/** So many events, in batches. */
export async function fill ({ audit }: FastifyInstance, count: number, { time }: { time?: Date } = {}): Promise<void> {
  for (let n = 1; n <= count; n += 1) {
    audit.enqueue({ ...event(n), ...(time && { time }) })
    if (n % 5000 === 0) await audit.flush()
  }
  await audit.flush()
}

const TABLES = ['audit_logs', 'audit_anchors', 'audit_checkpoints']

/** Takes the triggers away, as the owner of the database can. */
export async function startTampering ({ db }: FastifyInstance): Promise<Tampering> {
  await sql`ALTER TABLE audit_logs DISABLE TRIGGER USER`.execute(db)
  for (const table of TABLES) await sql`CREATE TABLE ${sql.table(`${table}_copy`)} AS SELECT * FROM ${sql.table(table)}`.execute(db)
  return {
    async tamper (statements) {
      for (const statement of statements.split(';')) await sql.raw(statement).execute(db)
    },
    async restore () {
      for (const table of TABLES) {
        await sql`TRUNCATE ${sql.table(table)}`.execute(db)
        await sql`INSERT INTO ${sql.table(table)} SELECT * FROM ${sql.table(`${table}_copy`)}`.execute(db)
      }
    }
  }
}
