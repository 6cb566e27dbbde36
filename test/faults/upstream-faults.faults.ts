/** The first provider fails in every way, under load: the deadline, the memory and the receipts hold. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDatabase } from '../database.ts'
import { waitFor } from '../fixtures/embedded.ts'
import { buildOnce } from '../server/process.ts'
import { figure, pick, quantile } from '../figures.ts'
import { createClient, describe, isServerError, latencies, startLoad, type Result } from './load.ts'
import { MODES, startProvider, type Mode } from './misbehaviour.ts'
import { rest, startWorld, symbolOf } from './world.ts'

const DEADLINE_MS = 12_000
/** For the answer's own way, on a machine that is busy. */
const SLACK_MS = 500
/** Of one request to a provider. */
const PROVIDER_DEADLINE_MS = 6_000
const CALLS_PER_SECOND = 2
const SECONDS = pick(30, 5)
const CACHED_PER_SECOND = pick(100, 30)
const HOT = 50
const WARM_UP_SECONDS = pick(20, 4)

buildOnce()

/** These fill lines and memory: they come by themselves, or nothing could be told of the others. */
const LARGE = ['huge', 'gzipbomb']
const WAVES = [Object.keys(MODES).filter(name => !LARGE.includes(name)), LARGE]

/** Whether the receipt, or the error, tells of the first provider what it did, and of the second that it answered. */
function isTrue ({ status, text, ms }: Result, mode: Mode, isPinned: boolean): boolean {
  if (status === 0) return false
  const body = JSON.parse(text)
  // However it fails, it may also have been too slow at it.
  const isLate = ms >= PROVIDER_DEADLINE_MS && mode.outcome && text.includes('"outcome":"timeout"')
  const outcome = isLate ? /^timeout$/ : mode.outcome
  if (isPinned && outcome) {
    const told = String(body.code).replace(/^FMS_(PROVIDER_)?/, '').toLowerCase()
    return status >= 400 && outcome.test(told) && (body.provider === 'alpaca' || body.tried?.[0]?.provider === 'alpaca')
  }
  if (status !== 200) return false
  const { provider, tried } = body.meta
  if (!outcome) return provider === 'alpaca' && tried.length === 0
  return provider === 'polygon' && tried.length === 1 && tried[0].provider === 'alpaca' && outcome.test(tried[0].outcome)
}

t.test('whatever the first provider does, under load', { timeout: 600_000 }, async t => {
  const provider = await startProvider(t)
  const { replicas: [replica], connect } = await startWorld(t, {
    env: { ...provider.env, DATABASE_URL: await createDatabase(t), CACHE_TTL: '3600' }, replicas: 1
  })
  const client = createClient(t, 1024)
  const tokens: Record<string, string> = {}
  for (const name of Object.keys(MODES)) {
    tokens[name] = (await connect({ keys: ['alpaca', 'polygon'], prefix: name })).tokens[0]!
  }
  const healthy = await connect({ keys: ['polygon'] })

  const cached = (i: number) => rest(replica!, healthy.tokens[0]!, `get_quote?symbols=${symbolOf(i % HOT)}`, 'cached')
  await startLoad(client, CACHED_PER_SECOND, WARM_UP_SECONDS, cached).done
  const memory = [replica!.memoryMb()]
  const watch = setInterval(() => memory.push(replica!.memoryMb()), 100)
  t.teardown(() => clearInterval(watch))

  const background = startLoad(client, CACHED_PER_SECOND, 600, cached)
  let asked = 1000
  const results: Result[] = []
  for (const names of WAVES) {
    results.push(...await startLoad(client, CALLS_PER_SECOND * names.length, SECONDS, i => {
      const name = names[i % names.length]!
      // Every other call of each asks for this provider only.
      const isPinned = Math.floor(i / names.length) % 2 === 1
      return rest(replica!, tokens[name]!, `get_quote?symbols=${symbolOf(asked++)}${isPinned ? '&provider=alpaca' : ''}`,
        isPinned ? `${name} pinned` : name)
    }).done)
  }
  const reads = await background.stop()
  clearInterval(watch)

  let lies = 0
  for (const [name, mode] of Object.entries(MODES)) {
    const mine = results.filter(({ kind }) => kind === name || kind === `${name} pinned`)
    const wrong = mine.filter(result => !isTrue(result, mode, result.kind.endsWith('pinned')))
    lies += wrong.length
    t.comment(`${name}: ${mine.length} calls, median ${quantile(latencies(mine), 0.5).toFixed(0)} ms, longest ${Math.max(...latencies(mine)).toFixed(0)} ms, ${wrong.length} untrue`)
    if (wrong.length) t.comment(`${describe(wrong)}; the first: ${wrong[0]!.text.slice(0, 500)}`)
  }
  figure(t, { what: 'upstream-faults: longest call', value: Math.max(...latencies(results)), unit: 'ms', most: DEADLINE_MS + SLACK_MS, timed: true })
  figure(t, { what: `upstream-faults: untrue receipts of ${results.length}`, value: lies, most: 0 })
  figure(t, { what: 'upstream-faults: memory above the start', value: Math.max(...memory) - memory[0]!, unit: 'MB', most: 64, timed: true })
  figure(t, { what: 'upstream-faults: cached calls that failed', value: reads.filter(isServerError).length, most: 0 })
  t.comment(`cached calls meanwhile: p99 ${quantile(latencies(reads), 0.99).toFixed(0)} ms, longest ${Math.max(...latencies(reads)).toFixed(0)} ms`)

  await provider.recover()
  await sleep(1500)
  const startedAt = performance.now()
  const answered = await waitFor(async () => (await client.send(rest(replica!, tokens['429']!,
    `get_quote?symbols=${symbolOf(asked++)}&provider=alpaca`, 'after 429'))).status === 200, 30_000)
  t.ok(answered, 'the key is asked again')
  const opened = results.filter(({ kind, text }) => kind.startsWith('429') && /unavailable/i.test(text)).length
  figure(t, { what: 'upstream-faults: breakers that 429s opened', value: opened, most: 0 })
  figure(t, { what: 'upstream-faults: until a key is asked again after 429s', value: performance.now() - startedAt, unit: 'ms', most: 10_000, timed: true })
})
