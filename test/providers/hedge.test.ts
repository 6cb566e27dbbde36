import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createLatencies, race, type Settled } from '../../providers/hedge.ts'

test('the p95 is known after twenty answers, and follows the last hundred', t => {
  const latencies = createLatencies()
  for (let ms = 1; ms < 20; ms++) latencies.record('fmp', 'quote', ms)
  t.equal(latencies.p95('fmp', 'quote'), undefined)
  latencies.record('fmp', 'quote', 20)
  t.equal(latencies.p95('fmp', 'quote'), 19)
  t.equal(latencies.p95('fmp', 'bars'), undefined)
  t.equal(latencies.p95('polygon', 'quote'), undefined)
  for (let i = 0; i < 100; i++) latencies.record('fmp', 'quote', 7)
  t.equal(latencies.p95('fmp', 'quote'), 7)
  t.end()
})

interface Contender { name: string, ms: number, fails?: boolean }

/** What happened in a race of these, in order. */
async function run (contenders: Contender[], patienceMs: number | undefined, nextFails = false): Promise<string[]> {
  const events: string[] = []
  const pool = [...contenders]
  await race<Contender, string>({
    next: async () => {
      if (nextFails && pool.length < contenders.length) throw new Error('no key')
      return pool.shift()
    },
    async run ({ name, ms, fails }) {
      events.push(`ask ${name}`)
      await sleep(ms)
      if (fails) throw new Error(name)
      return name
    },
    patienceMs: () => patienceMs,
    settle ({ name }, result: Settled<string>) {
      events.push(`${'value' in result ? 'got' : 'lost'} ${name}`)
      return 'value' in result
    },
    giveUp: ({ name }) => { events.push(`give up ${name}`) }
  })
  return events
}

const slow = { name: 'slow', ms: 5000 }
const quick = { name: 'quick', ms: 1 }
const broken = { name: 'broken', ms: 1, fails: true }

test('the first good answer wins and the other is given up', async t => {
  t.same(await run([slow, quick], 20), ['ask slow', 'ask quick', 'got quick', 'give up slow'])
})

test('without patience they are asked one after the other', async t => {
  t.same(await run([broken, quick, slow], undefined), ['ask broken', 'lost broken', 'ask quick', 'got quick'])
  t.same(await run([broken], undefined), ['ask broken', 'lost broken'])
  t.same(await run([], undefined), [])
})

test('one that fails beside a slow one makes room for the next', async t => {
  t.same(await run([slow, broken, quick], 20),
    ['ask slow', 'ask broken', 'lost broken', 'ask quick', 'got quick', 'give up slow'])
})

test('where there is no other, or it cannot be asked, the slow one is waited for', async t => {
  const late = { name: 'late', ms: 60 }
  t.same(await run([late], 5), ['ask late', 'got late'])
  t.same(await run([late, quick], 5, true), ['ask late', 'got late'])
})
