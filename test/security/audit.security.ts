/** A log of 100,000 rows, and what its database's owner does to it. */
import { sql, type Kysely } from 'kysely'
import { randomInt } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import t from 'tap'
import { verifyChain, type Verification } from '../../db/audit-verify.ts'
import type { Database } from '../../db/types.ts'
import { figure, pick } from '../figures.ts'
import { fill } from '../plugins/audit-world.ts'
import { buildSecurity } from '../plugins/build-security.ts'

const ROWS = pick(100_000, 10_000)

/** At row n: what is done, and the row at which it must show. */
const ATTACKS: Record<string, (n: number) => [string, number]> = {
  edit: n => [`UPDATE audit_logs SET outcome = 'x' WHERE seq = ${n}`, n],
  'edit of the details': n => [`UPDATE audit_logs SET details = details || '{"n": -1}' WHERE seq = ${n}`, n],
  delete: n => [`DELETE FROM audit_logs WHERE seq = ${n}`, n],
  'delete, renumbered': n => [`DELETE FROM audit_logs WHERE seq = ${n}; UPDATE audit_logs SET seq = seq - 1 WHERE seq > ${n}`, n],
  reorder: n => [`UPDATE audit_logs SET seq = 0 WHERE seq = ${n}; UPDATE audit_logs SET seq = ${n} WHERE seq = ${n + 1};` +
    `UPDATE audit_logs SET seq = ${n + 1} WHERE seq = 0`, n],
  'reorder with its hashes': n => [`UPDATE audit_logs a SET action = b.action, target = b.target, details = b.details, time = b.time
    FROM audit_logs b WHERE a.seq IN (${n}, ${n + 1}) AND b.seq = ${2 * n + 1} - a.seq`, n],
  'cut tail': n => [`DELETE FROM audit_logs WHERE seq > ${n}`, n + 1],
  'cut tail with the anchor': n => [`DELETE FROM audit_logs WHERE seq > ${n}; UPDATE audit_anchors SET (seq, hash) = (SELECT seq, hash FROM audit_logs WHERE seq = ${n})`, n],
  'cut head with a checkpoint': n => [`INSERT INTO audit_checkpoints SELECT seq, hash, hash FROM audit_logs WHERE seq = ${n}; DELETE FROM audit_logs WHERE seq <= ${n}`, n]
}

t.test('the owner of the database cannot change the log unseen', { timeout: 1_200_000 }, async t => {
  const { app } = await buildSecurity(t)
  await fill(app, ROWS)

  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const startedAt = performance.now()
  const whole = await app.audit.verify()
  const seconds = (performance.now() - startedAt) / 1000
  delay.disable()
  t.match(whole, { ok: true, rows: ROWS })
  figure(t, { what: `audit: ${ROWS} rows verified`, value: seconds, unit: 's', most: 10, timed: true })
  figure(t, { what: 'audit: longest pause of the event loop meanwhile', value: delay.max / 1e6, unit: 'ms', most: 250, timed: true })

  const key = app.vault.systemKey('audit')
  await sql`ALTER TABLE audit_logs DISABLE TRIGGER USER`.execute(app.db)
  let missed = 0
  for (const [name, attack] of Object.entries(ATTACKS)) {
    for (const n of [2, randomInt(10, ROWS - 10), ROWS - 1]) {
      const [statements, seq] = attack(n)
      const { broken } = await during(app.db, statements, trx => verifyChain(trx, key))
      const isFound = broken?.seq === seq
      if (!isFound) missed += 1
      t.ok(isFound, `${name} at ${n}: ${broken?.reason} at ${broken?.seq}`)
    }
  }
  figure(t, { what: `audit: of ${Object.keys(ATTACKS).length * 3} changes at random rows, not found`, value: missed, most: 0 })
  t.same(await app.audit.verify(), whole, 'the log itself is whole')
})

class Undo extends Error {}

/** Runs the statements, looks, and takes them back. */
async function during (
  db: Kysely<Database>, statements: string, look: (trx: Kysely<Database>) => Promise<Verification>
): Promise<Verification> {
  let seen: Verification | undefined
  await db.transaction().execute(async trx => {
    await sql`SET LOCAL statement_timeout = 0`.execute(trx)
    for (const statement of statements.split(';')) await sql.raw(statement).execute(trx)
    seen = await look(trx)
    throw new Undo()
  }).catch(error => { if (!(error instanceof Undo)) throw error })
  if (!seen) throw new Error('it was not looked at')
  return seen
}
