/** Postgres is killed and goes silent, under load: reads go on, writes are refused at once, and it comes back. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ask as askPostgres, waitFor } from '../fixtures/embedded.ts'
import { buildOnce } from '../server/process.ts'
import { startUpstream } from '../upstream/index.ts'
import { figure, pick } from '../figures.ts'
import { between, createClient, describe, startLoad, type Call, type Result } from './load.ts'
import { startPostgres } from './postgres.ts'
import { startProxy } from './proxy.ts'
import { rest, startWorld, symbolOf } from './world.ts'

const KILLS = pick(10, 2)
const READS_PER_SECOND = pick(100, 40)
const WRITES_PER_SECOND = pick(10, 6)
const DOWN_MS = pick(2500, 2000)
const CALM_MS = pick(2000, 1500)
const POOL_SIZE = 10
/** Of each replica beside the pool: to watch whether Postgres answers, and to hear the other replicas. */
const WATCHERS = 2
const HOT = 20

buildOnce()

interface Outage { from: number, backAt: number, recoveredMs: number }

async function build (t: Test) {
  const upstream = await startUpstream(t)
  const postgres = await startPostgres(t)
  const proxy = await startProxy(t, postgres.socket)
  const world = await startWorld(t, {
    env: {
      ...upstream.env,
      DATABASE_URL: postgres.urlAt(proxy.port),
      DATABASE_POOL_SIZE: String(POOL_SIZE),
      CACHE_TTL: '3600',
      SESSION_GRACE_SECONDS: '120'
    }
  })
  const { connectionId, tokens: [token = ''] } = await world.connect({ keys: ['polygon'] })
  const client = createClient(t)
  const read = (i: number) => rest(world.replicas[i % 2]!, token, `get_quote?symbols=${symbolOf(i % HOT)}`, 'read')
  const write = (i: number): Call => ({
    url: `${world.replicas[i % 2]!.url}/api/connections/${connectionId}/session`,
    method: 'POST',
    headers: { authorization: `Bearer ${world.admin}`, 'content-type': 'application/json' },
    body: '{}',
    kind: 'write'
  })
  for (let i = 0; i < 4 * HOT; i++) await client.send(read(i < 2 * HOT ? i : i + 1))
  const size = async () => Number(await askPostgres({ connectionString: postgres.url },
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"))

  /** Until both replicas write again, in milliseconds. */
  async function recovery (): Promise<number> {
    const backAt = performance.now()
    await Promise.all([0, 1].map(i => waitFor(async () => (await client.send(write(i))).status === 201, 30_000)))
    return performance.now() - backAt
  }
  /** Runs the outage in the middle of a steady load, and answers what the load met. */
  async function during (outages: () => Promise<Outage[]>) {
    const loads = [startLoad(client, READS_PER_SECOND, 600, read), startLoad(client, WRITES_PER_SECOND, 600, write)]
    await sleep(CALM_MS)
    const happened = await outages()
    await sleep(CALM_MS)
    const [reads = [], writes = []] = await Promise.all(loads.map(load => load.stop()))
    return { happened, reads, writes }
  }
  return { ...world, postgres, proxy, during, recovery, size }
}

const longest = (results: readonly Result[]) => Math.max(0, ...results.map(({ ms }) => ms))

function judge (t: Test, name: string, reads: Result[], refused: Result[]): void {
  const failed = reads.filter(({ status }) => status !== 200)
  t.comment(`${name}: ${reads.length} reads, failures: ${describe(failed)}; longest ${longest(reads).toFixed(0)} ms`)
  t.comment(`${name}: writes: ${describe(refused)}`)
  figure(t, { what: `${name}: cached reads that failed`, value: failed.length, most: 0 })
  figure(t, { what: `${name}: writes that failed with anything but 503`, value: refused.filter(({ status }) => status !== 503 && status !== 201).length, most: 0 })
}

t.test('kill -9 under load: reads stay 2xx, writes get 503 at once, and it recovers by itself', async t => {
  const { postgres, replicas, during, recovery, size } = await build(t)
  const before = await size()
  const { happened, reads, writes } = await during(async () => {
    const outages: Outage[] = []
    for (let i = 0; i < KILLS; i++) {
      const from = performance.now()
      await postgres.kill()
      await sleep(DOWN_MS)
      await postgres.start()
      const backAt = performance.now()
      outages.push({ from, backAt, recoveredMs: await recovery() })
      await sleep(CALM_MS)
    }
    return outages
  })
  const met = happened.flatMap(({ from, backAt }) => between(writes, from, backAt))
  judge(t, 'postgres-kill', reads, met)
  const refused = met.filter(({ status }) => status === 503)
  t.ok(refused.length >= KILLS, `${refused.length} writes were refused`)
  figure(t, { what: 'postgres-kill: longest wait for a 503', value: longest(refused), unit: 'ms', most: 250, timed: true })
  figure(t, { what: `postgres-kill: recovery, worst of ${KILLS}`, value: Math.max(...happened.map(({ recoveredMs }) => recoveredMs)), unit: 'ms', most: 2000, timed: true })
  const most = 2 * (POOL_SIZE + WATCHERS)
  t.comment(`connections before: ${before}`)
  figure(t, { what: 'postgres-kill: connections after', value: await size(), most })
  for (const { logs } of replicas) for (const line of logs().filter(line => line.startsWith('{"level":60'))) t.comment(line)
  const told = replicas.map(({ logs }) => logs().filter(line => /the database (does not answer|answers again)/.test(line)).length)
  figure(t, { what: 'postgres-kill: log lines an outage', value: Math.max(...told) / KILLS, most: 2 })
})

t.test('a black-holed Postgres is found out, and then refused at once', async t => {
  const { proxy, during, recovery, size } = await build(t)
  const FOUND_OUT_MS = 2000
  const { happened: [outage], reads, writes } = await during(async () => {
    const from = performance.now()
    await proxy.mode('blackhole')
    await sleep(FOUND_OUT_MS + 2 * DOWN_MS)
    await proxy.mode('pass')
    const backAt = performance.now()
    return [{ from, backAt, recoveredMs: await recovery() }]
  })
  const { from, backAt, recoveredMs } = outage!
  judge(t, 'postgres-blackhole', reads, between(writes, from, backAt))
  const first = between(writes, from, from + FOUND_OUT_MS)
  const later = between(writes, from + FOUND_OUT_MS, backAt - 300)
  figure(t, { what: 'postgres-blackhole: longest write while it is found out', value: longest(first), unit: 'ms', most: FOUND_OUT_MS, timed: true })
  figure(t, { what: 'postgres-blackhole: longest wait for a 503 after that', value: longest(later), unit: 'ms', most: 250, timed: true })
  t.ok(later.length > 0 && later.every(({ status }) => status === 503), describe(later))
  figure(t, { what: 'postgres-blackhole: recovery', value: recoveredMs, unit: 'ms', most: 2000, timed: true })
  figure(t, { what: 'postgres-blackhole: connections after', value: await size(), most: 2 * (POOL_SIZE + WATCHERS) })
})
