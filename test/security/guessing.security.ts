/** A flood of bad bearer tokens: none of them costs an argon2 or a row, and a good client notices nothing. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase, query } from '../database.ts'
import { createClient, describe, latencies, startLoad } from '../faults/load.ts'
import { figure, isShort, pick, quantile } from '../figures.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { MASTER_KEY } from '../helper.ts'
import { buildOnce } from '../server/process.ts'

const RATE = pick(2000, 500)
/** Of each half: without a good client, to count rows, and beside one. */
const SECONDS = pick(15, 4)
const GOOD_PER_SECOND = 20

const bench = join(import.meta.dirname, '..', '..', 'bench')

buildOnce()

t.test(`${RATE} bad tokens a second`, { timeout: 180_000 }, async t => {
  const url = await createDatabase(t)
  const host = run(t, 'host.js', { DATABASE_URL: url, MASTER_KEY, PORT: '0', LOG_LEVEL: 'error', ...(isShort && { MAX_EVENT_LOOP_DELAY_MS: '0' }) })
  const [server] = await once(host, 'message') as [{ url: string, token: string }]
  const client = createClient(t, 16)
  const good = () => ({ url: `${server.url}/api/tools/get_quote?symbols=AAPL`, headers: { authorization: `Bearer ${server.token}` }, kind: 'good' })
  await startLoad(client, GOOD_PER_SECOND, 2, good).done

  async function flood () {
    const attack = run(t, 'attack.js', { URL: server.url, TOKEN: server.token, RATE: String(RATE), SECONDS: String(SECONDS) })
    const [result] = await once(attack, 'message') as [{ statuses: Record<string, number>, errors: number }]
    return result
  }
  const runsBefore = await argon2Runs(host)
  const before = await readSettled(url)
  const alone = await flood()
  const after = await readSettled(url)
  const written = [...before].filter(row => !after.has(row)).concat([...after].filter(row => !before.has(row)))

  const load = startLoad(client, GOOD_PER_SECOND, SECONDS, good)
  const beside = await flood()
  const results = await load.done
  const runs = await argon2Runs(host) - runsBefore

  const statuses = [alone, beside].flatMap(({ statuses }) => Object.entries(statuses))
  const sent = statuses.reduce((sum, [, count]) => sum + count, 0)
  const taken = statuses.filter(([status]) => !['401', '429'].includes(status))
  t.comment(`answers: ${JSON.stringify(alone)} ${JSON.stringify(beside)}; good: ${describe(results)}`)
  t.comment(`written: ${written.slice(0, 10).join(', ')}`)
  t.ok(sent > RATE * SECONDS * (isShort ? 0.2 : 1), 'the flood came')
  figure(t, { what: `guessing: of ${sent} bad tokens not refused`, value: taken.reduce((sum, [, count]) => sum + count, 0), most: 0 })
  figure(t, { what: 'guessing: argon2 runs', value: runs, most: 0 })
  figure(t, { what: 'guessing: rows written', value: written.length, most: 0 })
  figure(t, { what: `guessing: failures of ${results.length} good calls`, value: results.filter(({ status }) => status !== 200).length, most: 0 })
  figure(t, { what: 'guessing: p99 of good calls', value: quantile(latencies(results), 0.99), unit: 'ms', most: 100, timed: true })
})

/** A script of the benches, beside the test and ended with it. */
function run (t: Test, script: string, env: Record<string, string>): ChildProcess {
  // What tap measures coverage with adds itself to whatever is spawned.
  const command = ['-c', 'unset NODE_OPTIONS; exec "$@"', 'sh', process.execPath, '--disable-warning=ExperimentalWarning', join(bench, script)]
  const child = spawn('sh', command, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function argon2Runs (host: ChildProcess): Promise<number> {
  const answer = once(host, 'message')
  host.send('argon2')
  const [{ argon2Runs }] = await answer as [{ argon2Runs: number }]
  return argon2Runs
}

/** Every row's place and version, read when what was under way has been written. */
async function readSettled (url: string): Promise<Set<string>> {
  let rows = await readVersions(url)
  const isSettled = await waitFor(async () => {
    const former = rows
    // Longer than the usage waits with what it counts.
    await sleep(6_000)
    rows = await readVersions(url)
    return rows.size === former.size && [...rows].every(row => former.has(row))
  }, 60_000)
  if (!isSettled) throw new Error('rows are written all the time')
  return rows
}

async function readVersions (url: string): Promise<Set<string>> {
  const tables = await query(url, "SELECT format('%I', relname) AS name FROM pg_stat_user_tables")
  const versions = tables.rows.map(({ name }) => `SELECT '${String(name)}' || ctid::text || xmin::text AS version FROM ${String(name)}`)
  const { rows } = await query(url, versions.join(' UNION ALL '))
  return new Set(rows.map(({ version }) => String(version)))
}
