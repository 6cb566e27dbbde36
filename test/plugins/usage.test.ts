import { randomUUID } from 'node:crypto'
import Fastify from 'fastify'
import { sql } from 'kysely'
import t from 'tap'
import { LATENCY_BOUNDS_MS, LATENCY_COUNTS, toLatencyIndex, toQuantile } from '../../db/usage-latency.ts'
import { addUsage, rollUpUsage, type UsageMinute } from '../../db/usage.ts'
import { createUsageCollector } from '../../plugins/usage/collector.ts'
import { readUsageHistory } from '../../plugins/usage/history.ts'
import { build } from '../helper.ts'
import { until } from './build-security.ts'

const group = { connection_id: randomUUID(), session_id: randomUUID(), tool: 'get_quote' }
const ok = { outcome: 'ok', hit: false, ms: 12 }

/** A collector whose writes end as the test says, and what it logged. */
function collect (store: (rows: readonly UsageMinute[]) => Promise<void>, pauseMs = 600_000) {
  const logs: string[] = []
  const app = Fastify({ logger: { level: 'info', stream: { write: (line: string) => { logs.push(line) } } } })
  return { ...createUsageCollector(store, app.log, pauseMs), logs }
}

t.test('calls that are alike are one row, and a hundred of them one write', async t => {
  const written: UsageMinute[][] = []
  const { count, handOut, flush } = collect(async rows => { written.push([...rows]) })
  for (let n = 0; n < 100; n++) count(group, { ...ok, hit: n % 2 === 0, ms: n })
  count(group, { ...ok, outcome: 'PROVIDER_TIMEOUT' })
  handOut(group, 1000)
  handOut(group, 500)
  await flush()
  await flush()
  t.equal(written.length, 1)
  const rows = written[0]!
  const sum = (of: 'calls' | 'hits' | 'characters') => rows.reduce((total, row) => total + row[of], 0)
  t.same([sum('calls'), sum('hits'), sum('characters')], [101, 50, 1500])
  t.ok(rows.length <= 4, 'a row for each outcome, and twice as many where a minute ended')
})

t.test('what waits is written by itself', async t => {
  let written = 0
  const { count } = collect(async rows => { written += rows.length }, 10)
  count(group, ok)
  await until(() => written > 0)
  t.ok(written > 0)
})

t.test('what cannot be written is kept and added to what comes, and the log says so once at each end', async t => {
  let isDown = true
  const written: UsageMinute[] = []
  const { count, flush, logs } = collect(async rows => {
    if (isDown) throw new Error('the database is away')
    written.push(...rows)
  })
  count(group, ok)
  await flush()
  count(group, ok)
  await flush()
  isDown = false
  count(group, ok)
  await flush()
  t.equal(written.reduce((total, row) => total + row.calls, 0), 3)
  t.same(logs.map(line => JSON.parse(line).msg), ['the usage cannot be stored now; it is kept', 'the usage is stored again'])
})

t.test('what comes while a write that fails is under way is kept too', async t => {
  let fail = () => {}
  const written: UsageMinute[] = []
  let attempts = 0
  const { count, flush } = collect(async rows => {
    if (attempts++ === 0) await new Promise((_resolve, reject) => { fail = () => reject(new Error('away')) })
    written.push(...rows)
  })
  count(group, ok)
  const first = flush()
  count(group, ok)
  count({ ...group, tool: 'get_bars' }, ok)
  fail()
  await first
  await flush()
  t.equal(written.reduce((total, row) => total + row.calls, 0), 3)
})

t.test('no more than 20,000 rows wait, what is dropped is counted, and an end that loses rows says so', async t => {
  let isDown = true
  const { count, handOut, flush, close, logs } = collect(async () => { if (isDown) throw new Error('away') })
  for (let n = 0; n < 20_010; n++) count({ ...group, tool: `tool_${n}` }, ok)
  handOut({ ...group, tool: 'tool_20009' }, 5)
  isDown = false
  await flush()
  isDown = true
  count(group, ok)
  await close()
  isDown = false
  await flush()
  const told = logs.map(line => JSON.parse(line))
  t.match(told, [{ msg: /cannot be stored/ }, { msg: /was lost/, lost: 1 }, { msg: /stored again/ }])
})

t.test('a quantile lies within the bounds of the count that it falls into', async t => {
  const counts = (...times: number[]) => {
    const made = new Array<number>(LATENCY_COUNTS).fill(0)
    for (const ms of times) made[toLatencyIndex(ms)]! += 1
    return made
  }
  t.equal(toQuantile(counts(), 0.5), null)
  t.equal(toQuantile([], 0.5), null)
  for (const ms of [0, 0.4, 1, 3, 17, 99, 100, 101, 4000, 19_999]) {
    const value = toQuantile(counts(ms, ms, ms), 0.95)!
    const index = toLatencyIndex(ms)
    t.ok(value <= LATENCY_BOUNDS_MS[index]! && value >= (LATENCY_BOUNDS_MS[index - 1] ?? 0), `${ms}: ${value}`)
  }
  t.equal(toQuantile(counts(60_000), 0.5), 20_000)
  const mixed = counts(...new Array(90).fill(0.5), ...new Array(10).fill(700))
  t.ok(toQuantile(mixed, 0.5)! <= 1)
  t.ok(toQuantile(mixed, 0.95)! >= 500)
})

const minuteOf = (at: Date, fields: Partial<UsageMinute> = {}): UsageMinute => ({
  at: new Date(Math.floor(at.getTime() / 60_000) * 60_000).toISOString(),
  connection_id: group.connection_id,
  session_id: group.session_id,
  tool: 'get_quote',
  outcome: 'ok',
  calls: 1,
  hits: 1,
  characters: 10,
  latency: Array.from({ length: LATENCY_COUNTS }, (_, i) => i === 3 ? 1 : 0),
  ...fields
})
const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000)

t.test('the rows of several replicas add up, whatever their order', async t => {
  const { app } = await build(t)
  const rows = Array.from({ length: 300 }, (_, n) => minuteOf(ago(0), { tool: `tool_${n}` }))
  await Promise.all([rows, [...rows].reverse(), rows, [...rows].reverse()].map(rows => addUsage(app.db, rows)))
  const stored = await app.db.selectFrom('usage_buckets').selectAll().execute()
  t.equal(stored.length, 300)
  for (const { calls, hits, characters, latency } of stored) {
    t.same([calls, hits, Number(characters), latency[3], latency.length], [4, 4, 40, 4, LATENCY_COUNTS])
  }
})

t.test('minutes become hours after a day and go after eight, and the sums stay the same', async t => {
  const { app } = await build(t)
  const hours = [0, 10, 24, 27, 27.2, 50, 150, 200]
  for (const hour of hours) await addUsage(app.db, [minuteOf(ago(hour)), minuteOf(ago(hour), { outcome: 'CONFLICT', hits: 0 })])
  const now = new Date()
  const read = () => readUsageHistory(app.db, { range: 'week' }, now)
  const before = await read()
  t.match(before.total, { calls: 14, failed: 7, hits: 7, hit_ratio: 1, tokens_estimated: 70 })
  // Two replicas at once.
  await Promise.all([rollUpUsage(app.db), rollUpUsage(app.db)])
  t.same(await read(), before)
  const { rows } = await sql<{ span_seconds: number, oldest: number }>`
    SELECT span_seconds, max(extract(epoch FROM now() - at) / 3600)::float8 AS oldest
    FROM usage_buckets GROUP BY 1 ORDER BY 1`.execute(app.db)
  t.same(rows.map(row => row.span_seconds), [60, 3600])
  t.ok(rows[0]!.oldest < 27 && rows[1]!.oldest < 192)
  t.match((await readUsageHistory(app.db, { range: 'day' }, now)).total, { calls: 4 })
})

t.test('the parts of a range are without a gap, and none is of another hour', async t => {
  const { app } = await build(t)
  const now = new Date('2026-11-23T10:17:42Z')
  const at = (time: string, calls: number) => minuteOf(new Date(`2026-11-${time}:00Z`), { calls })
  await addUsage(app.db, [at('23T10:17', 1), at('23T09:18', 2), at('23T09:17', 4), at('22T10:30', 8), at('22T10:29', 16), at('16T11:00', 32)])
  for (const [range, parts, first, calls] of [
    ['hour', 60, '2026-11-23T09:18:00.000Z', 3], ['day', 96, '2026-11-22T10:30:00.000Z', 15], ['week', 168, '2026-11-16T11:00:00.000Z', 63]
  ] as const) {
    const { series, step_seconds: step, from, to, total } = await readUsageHistory(app.db, { range }, now)
    t.equal(series.length, parts)
    t.equal(series[0]!.at, first)
    t.equal(from, first)
    t.ok(series.every(({ at }, i) => Date.parse(at) === Date.parse(first) + i * step * 1000))
    t.equal(Date.parse(to), Date.parse(series.at(-1)!.at) + step * 1000)
    t.equal(total.calls, calls)
    t.equal(series.reduce((sum, part) => sum + part.calls, 0), calls)
    t.match(series.at(-1), { calls: 1 })
    t.match(series[1], { calls: range === 'week' ? 0 : series[1]!.calls, p50_ms: series[1]!.calls ? Number : null })
  }
})
