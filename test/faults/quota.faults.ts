/** A key of five calls a minute, many callers on two replicas, and restarts in between: never a sixth. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { needsRedisServer, startRedisServer } from '../redis.ts'
import { buildOnce, type Env } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'
import { figure, isShort, pick } from '../figures.ts'
import { createClient, describe, type Result } from './load.ts'
import { rest, startWorld, symbolOf } from './world.ts'

const CALLERS = 100
const SESSIONS = 10
const LIMIT = 5
const MINUTE_MS = 60_000
const SECONDS = pick(200, 12)
const PAUSE_MS = pick(1500, 600)

buildOnce()

/** The most of these instants that any stretch of a minute holds. */
function busiest (instants: number[]): number {
  return Math.max(0, ...instants.map(first => instants.filter(at => at >= first && at < first + MINUTE_MS).length))
}

async function spend (t: Test, name: string, env: Env) {
  const upstream = await startUpstream(t)
  const sentAt: number[] = []
  upstream.fault('polygon', () => {
    sentAt.push(performance.now())
    return false
  })
  const { replicas, connect } = await startWorld(t, {
    env: { ...upstream.env, DATABASE_URL: await createDatabase(t), ...env }
  })
  const { tokens } = await connect({
    keys: ['polygon'],
    settings: { quota: { polygon: { per_second: null, per_minute: LIMIT, per_day: null } } },
    sessions: SESSIONS
  })
  const client = createClient(t)
  const startedAt = performance.now()
  const end = startedAt + SECONDS * 1000
  const results: Result[] = []
  let asked = 0
  async function call (caller: number): Promise<void> {
    while (performance.now() < end) {
      const symbol = symbolOf(asked++)
      const token = tokens[caller % SESSIONS]!
      results.push(await client.send(rest(replicas[caller % 2]!, token, `get_quote?symbols=${symbol}`, 'call')))
      await sleep(PAUSE_MS)
    }
  }
  const restarts = async () => {
    await sleep(SECONDS * 250)
    await replicas[0]!.restart('SIGKILL')
    await sleep(SECONDS * 250)
    await replicas[1]!.restart('SIGTERM')
  }
  await Promise.all([restarts(), ...Array.from({ length: CALLERS }, (_, i) => call(i))])

  t.comment(`${name}: ${describe(results)}`)
  t.comment(`${name}: sent at ${sentAt.map(at => ((at - startedAt) / 1000).toFixed(1)).join(', ')} s`)
  figure(t, { what: `quota, ${name}: most calls in any minute`, value: busiest(sentAt), most: LIMIT })
  // All that is due is given: five in each minute that was whole.
  const due = LIMIT * Math.max(1, Math.floor(SECONDS * 1000 / MINUTE_MS))
  figure(t, { what: `quota, ${name}: calls that were due and not given`, value: Math.max(0, due - sentAt.length), most: 0 })
  // Whoever asks a server that is being restarted has no answer, or is told to come again.
  const known = (result: Result) => result.status === 200 || /"FMS_PROVIDER_QUOTA"/.test(result.text) ||
    result.status === 0 || result.status === 503
  figure(t, { what: `quota, ${name}: answers of another kind`, value: results.filter(result => !known(result)).length, most: 0 })
}

t.test('with Redis, never a sixth call in a minute', { ...needsRedisServer, timeout: 600_000 }, async t => {
  await spend(t, 'Redis', { REDIS_URL: (await startRedisServer(t)).url })
})

// In the short form test/plugins/quota.test.ts stands for it.
if (!isShort) {
  t.test('with Postgres alone, never a sixth call in a minute', { timeout: 600_000 }, async t => {
    await spend(t, 'Postgres', {})
  })
}
