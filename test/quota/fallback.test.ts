import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createFallbackStore } from '../../quota/fallback.ts'
import { createMemoryStore } from '../../quota/memory.ts'
import type { QuotaRequest, QuotaStore } from '../../quota/types.ts'

const request: QuotaRequest = { ledger: 'l', windows: [{ per: 'minute', limit: 10 }], sessionId: 's', background: false }

/** A store that can be taken away, and how often it was asked. */
function breakable (store: QuotaStore) {
  const state = { mode: 'up' as 'up' | 'down' | 'silent', asked: 0 }
  const guard = <A extends unknown[], R>(method: (...args: A) => Promise<R>) => async (...args: A): Promise<R> => {
    state.asked++
    if (state.mode === 'down') throw new Error('away')
    if (state.mode === 'silent') await new Promise(() => {})
    return method(...args)
  }
  const guarded: QuotaStore = {
    take: guard(store.take),
    correct: guard(store.correct),
    block: guard(store.block),
    read: guard(store.read),
    learn: guard(store.learn),
    learned: guard(store.learned)
  }
  return { state, guarded }
}

function build () {
  const shared = createMemoryStore()
  const { state, guarded } = breakable(shared)
  const logs: string[] = []
  const log = { info: (text: string) => logs.push(text), warn: (_: object, text: string) => logs.push(text) }
  const memory = createMemoryStore()
  const store = createFallbackStore({ store: guarded, memory, log: log as never, timeoutMs: 100, pauseMs: 300 })
  return { shared, state, store, logs }
}

const until = async (met: () => Promise<boolean>) => { while (!await met()) await sleep(20) }

test('while the store is away the process goes on from what it was told, and what it grants is counted later', async t => {
  const { shared, state, store, logs } = build()
  for (let i = 0; i < 5; i++) await shared.take({ ...request, sessionId: 'elsewhere' })
  t.match(await store.take({ ...request, sessionId: null }), { granted: true, left: { left: 4 } })

  state.mode = 'down'
  const verdicts = []
  for (let i = 0; i < 6; i++) verdicts.push((await store.take({ ...request, sessionId: null })).granted)
  t.same(verdicts, [true, true, true, true, false, false], 'six were used when it went')
  t.ok(state.asked <= 3, 'it is not asked each time')
  t.equal(logs.length, 1)
  t.same((await store.read('l', request.windows)).windows.map(({ used }) => used), [10])

  state.mode = 'up'
  await until(async () => { await store.take({ ...request, windows: [], ledger: 'other' }); return logs.length === 2 })
  t.match(await store.take({ ...request, sessionId: null }), { granted: false, left: { left: 0 } })
  t.same((await shared.read('l', request.windows)).windows.map(({ used }) => used), [10], 'six and the four of the outage, once')
})

test('a store that does not answer holds up one caller, once', async t => {
  const { state, store } = build()
  state.mode = 'silent'
  const startedAt = Date.now()
  t.match(await store.take(request), { granted: true })
  t.ok(Date.now() - startedAt < 1000)
  t.match(await store.take(request), { granted: true, left: { left: 8 } })
  t.equal(state.asked, 1)
})

test('what a provider tells while the store is away holds in this process', async t => {
  const { state, store } = build()
  state.mode = 'down'
  await store.learn('l', { per_minute: 300 })
  t.same(await store.learned('l'), { per_minute: 300 })
  await store.correct('l', { per: 'minute', limit: 10 }, 2)
  t.match(await store.take({ ...request, sessionId: null }), { granted: true, left: { left: 1 } })
  await store.block('l', 5000)
  t.match(await store.take(request), { granted: false, left: { left: 0 } })
})
