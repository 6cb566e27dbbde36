import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { problem } from '../../errors.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { Outcome } from '../../providers/judge.ts'
import { createResilience, type ResilienceOptions } from '../../providers/resilience.ts'
import { untilAborted } from '../../providers/until-aborted.ts'

const { fmp, polygon } = PROVIDERS
const fine: Outcome = { json: [] }
const down: Outcome = { problem: problem('PROVIDER_UNAVAILABLE', 'status 500'), retryable: true, isDown: true }
const limited: Outcome = { problem: problem('PROVIDER_QUOTA', 'enough'), retryable: false, isDown: false }

/** A provider that ends each attempt as told, and a log of what was said about it. */
function world (options: ResilienceOptions = {}) {
  const logs: [string, object, string][] = []
  const log = {
    warn: (fields: object, text: string) => { logs.push(['warn', fields, text]) },
    info: (fields: object, text: string) => { logs.push(['info', fields, text]) }
  } as NonNullable<ResilienceOptions['log']>
  const resilience = createResilience({ log, openMs: 50, ...options })
  let sent = 0
  const attempt = (outcome: Outcome | (() => Promise<Outcome>), { key = 'k1', admit = () => {}, provider = fmp, signal = new AbortController().signal } = {}) =>
    resilience.attempt({
      provider,
      key,
      admit,
      signal,
      send: async () => {
        sent++
        return typeof outcome === 'function' ? outcome() : outcome
      }
    })
  return { attempt, logs, sent: () => sent, states: () => resilience.states() }
}

async function times (count: number, task: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) await task()
}

test('five failures in a row open the breaker of the key alone; it is said once, and closes after a good trial', async t => {
  const { attempt, logs, sent, states } = world()
  await times(5, () => attempt(down))
  for (let i = 0; i < 3; i++) {
    await t.rejects(attempt(fine), { code: 'FMS_PROVIDER_UNAVAILABLE', provider: 'fmp', retry_after_seconds: 1, message: /failed repeatedly/ })
  }
  t.equal(sent(), 5, 'not asked while it is open')
  t.same(await attempt(fine, { key: 'k2' }), fine, 'another key of the same provider')
  t.same(await attempt(fine, { provider: polygon }), fine)
  t.same(states().get('fmp')?.sort(), ['closed', 'open'])

  await sleep(60)
  t.same(await attempt(down), down, 'the trial')
  await t.rejects(attempt(fine), { message: /failed repeatedly/ }, 'a trial that fails opens it for longer')
  await sleep(120)
  t.same(await attempt(fine), fine)
  t.same(await attempt(fine), fine)
  t.match(logs, [
    ['warn', { provider: 'fmp', code: 'PROVIDER_UNAVAILABLE', reason: 'status 500' }, /failed repeatedly/],
    ['info', { provider: 'fmp' }, /answers again/]
  ])
  t.equal(logs.length, 2)
})

test('half of many open it; refusals, limits and what was never sent do not', async t => {
  const mixed = world()
  await times(5, async () => {
    await mixed.attempt(fine)
    await mixed.attempt(down)
  })
  await t.rejects(mixed.attempt(fine), { message: /failed repeatedly/ })

  const storm = world()
  await times(50, () => storm.attempt(limited))
  const refusal = problem('PROVIDER_QUOTA', 'no quota left')
  await times(10, () => t.rejects(storm.attempt(fine, { admit: () => { throw refusal } }), refusal))
  t.equal(storm.sent(), 50)
  t.same(storm.states().get('fmp'), ['closed'])
})

test('a trial that ends without a verdict leaves it open, and nobody waits for the trial', async t => {
  const { attempt, states } = world()
  await times(5, () => attempt(down))
  await sleep(60)
  const abort = new AbortController()
  const hanging = attempt(() => untilAborted(new Promise<Outcome>(() => {}), abort.signal), { signal: abort.signal })
  t.same(states().get('fmp'), ['half_open'])
  await t.rejects(attempt(fine), { message: /failed repeatedly/ })
  abort.abort(new Error('gone'))
  await t.rejects(hanging, { message: 'gone' })
  t.same(states().get('fmp'), ['open'])
})

test('no more than so many run at once, so many wait, and one that is aborted leaves at once', async t => {
  const { attempt, sent } = world({ running: 2, waiting: 2 })
  const ends: (() => void)[] = []
  const long = () => new Promise<Outcome>(resolve => ends.push(() => resolve(fine)))
  const running = [attempt(long), attempt(long)]
  const abort = new AbortController()
  const waiting = [attempt(fine), attempt(fine, { signal: abort.signal })]
  await t.rejects(attempt(fine), { code: 'FMS_PROVIDER_UNAVAILABLE', message: /under way here/, retry_after_seconds: 1 })
  t.same(await attempt(fine, { provider: polygon }), fine, 'each provider has places of its own')
  abort.abort(new Error('gone'))
  await t.rejects(waiting[1]!, { message: 'gone' })
  for (const end of ends) end()
  t.same(await Promise.all([...running, waiting[0]]), [fine, fine, fine])
  t.same(await attempt(fine), fine)
  t.equal(sent(), 5, 'what was aborted was never sent')
})

test('who waits for quota ends with its signal and holds no place', async t => {
  const { attempt } = world({ running: 1, waiting: 0 })
  const abort = new AbortController()
  const waiting = attempt(fine, { admit: () => new Promise<void>(() => {}), signal: abort.signal })
  t.same(await attempt(fine), fine)
  abort.abort(new Error('gone'))
  await t.rejects(waiting, { message: 'gone' })
  t.same(await attempt(fine), fine)
})
