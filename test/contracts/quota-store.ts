import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { toReserve } from '../../quota/plans.ts'
import type { QuotaRequest, QuotaStore, QuotaWindow } from '../../quota/types.ts'

export interface Shelf {
  store: QuotaStore
  /** Another object on the same data, as of another replica or after a restart. */
  again: () => QuotaStore
}

const second = (limit: number): QuotaWindow => ({ per: 'second', limit })
const minute = (limit: number): QuotaWindow => ({ per: 'minute', limit })
const day = (limit: number): QuotaWindow => ({ per: 'day', limit })

const toRequest = (windows: QuotaWindow[], more: Partial<QuotaRequest> = {}): QuotaRequest =>
  ({ ledger: `l-${randomUUID()}`, windows, sessionId: null, background: false, ...more })

/** What every store of the quota must do. `make` answers a store on data of its own. */
export async function quotaStoreContract (t: Test, make: (t: Test) => Promise<Shelf>): Promise<void> {
  const take = async (store: QuotaStore, request: QuotaRequest, times: number) => {
    const verdicts = []
    for (let i = 0; i < times; i++) verdicts.push((await store.take(request)).granted)
    return verdicts.filter(Boolean).length
  }

  await t.test('of 200 takes at once exactly the limit is granted', async t => {
    const { store, again } = await make(t)
    const request = toRequest([minute(50), day(1000)])
    const other = again()
    const verdicts = await Promise.all(Array.from({ length: 200 }, (_, i) => (i % 2 ? store : other).take({ ...request, sessionId: `s${i % 3}` })))
    t.equal(verdicts.filter(({ granted }) => granted).length, 50)
    const left = verdicts.flatMap(({ granted, left }) => granted ? [left!.left] : [])
    t.same(left.sort((a, b) => a - b), Array.from({ length: 50 }, (_, i) => i), 'each is told what is left after it')
    const { windows } = await again().read(request.ledger, request.windows)
    t.same(windows.map(({ per, used }) => [per, used]), [['minute', 50], ['day', 50]])
  })

  await t.test('all windows count a request, or none does', async t => {
    const { store } = await make(t)
    const request = toRequest([minute(2), day(1000)])
    t.equal(await take(store, request, 5), 2)
    const { windows } = await store.read(request.ledger, [minute(2), day(1000)])
    t.same(windows.map(({ used }) => used), [2, 2])
  })

  await t.test('never more than the limit in any stretch, and what is told to wait is right', async t => {
    const { store } = await make(t)
    const request = toRequest([second(4)])
    const granted: number[] = []
    for (let i = 0; i < 14;) {
      const before = Date.now()
      const verdict = await store.take(request)
      if (verdict.granted) {
        granted.push(before)
        i++
      } else {
        t.ok(verdict.waitMs > 0 && verdict.waitMs <= 1200, `${verdict.waitMs} ms`)
        t.same(verdict.left, { left: 0, limit: 4, per: 'second' })
        await sleep(verdict.waitMs + 2)
        t.match(await store.take(request), { granted: true })
        granted.push(Date.now())
        i++
      }
    }
    for (let i = 4; i < granted.length; i++) t.ok(granted[i]! - granted[i - 4]! >= 1000, `${granted[i]! - granted[i - 4]!} ms`)
  })

  await t.test('a window without a limit is counted and refuses nothing', async t => {
    const { store } = await make(t)
    const request = toRequest([{ per: 'minute', limit: null }, { per: 'day', limit: null }], { sessionId: 's', background: true })
    t.same(await store.take(request), { granted: true, left: null })
    t.equal(await take(store, request, 20), 20)
    const { windows, blockedMs } = await store.read(request.ledger, request.windows)
    t.same(windows.map(({ used }) => used), [21, 21])
    t.equal(blockedMs, 0)
    t.ok(windows[0]!.freesMs! > 55_000 && windows[0]!.freesMs! <= 62_000)
    t.same((await store.read('never seen', [minute(1)])), { blockedMs: 0, windows: [{ per: 'minute', used: 0, freesMs: null }] })
  })

  await t.test('left is of the window with the least left', async t => {
    const { store } = await make(t)
    t.same(await store.take(toRequest([second(30), minute(60)])), { granted: true, left: { left: 29, limit: 30, per: 'second' } })
    t.same(await store.take(toRequest([minute(60), day(10)])), { granted: true, left: { left: 9, limit: 10, per: 'day' } })
  })

  await t.test('a correction only ever takes away', async t => {
    const { store } = await make(t)
    const request = toRequest([minute(10), day(100)])
    await store.take(request)
    await store.correct(request.ledger, minute(10), 3)
    t.match(await store.take(request), { granted: true, left: { left: 2 } })
    await store.correct(request.ledger, minute(10), 9)
    t.match(await store.take(request), { granted: true, left: { left: 1 } })
    await store.correct(request.ledger, minute(10), 0)
    t.match(await store.take(request), { granted: false, left: { left: 0, limit: 10, per: 'minute' } })
    const { windows } = await store.read(request.ledger, request.windows)
    t.same(windows.map(({ used }) => used), [10, 3], 'the other window is left alone')
  })

  await t.test('a block holds for its time, and a shorter one does not end it', async t => {
    const { store } = await make(t)
    const request = toRequest([minute(10)])
    await store.block(request.ledger, 900)
    await store.block(request.ledger, 100)
    const verdict = await store.take(request)
    t.match(verdict, { granted: false, left: { left: 0, limit: 10, per: 'minute' } })
    if (verdict.granted) return
    t.ok(verdict.waitMs > 300 && verdict.waitMs <= 900, `${verdict.waitMs} ms`)
    t.ok((await store.read(request.ledger, [minute(10)])).blockedMs > 0)
    t.match(await store.take({ ...request, windows: [{ per: 'minute', limit: null }] }), { granted: false, left: null })
    await sleep(verdict.waitMs + 5)
    t.match(await store.take(request), { granted: true, left: { left: 9 } })
  })

  await t.test('what the provider told of the plan is kept, member by member', async t => {
    const { store, again } = await make(t)
    t.same(await store.learned('unknown'), {})
    await store.learn('l', { per_minute: 300 })
    await store.learn('l', { per_second: 30 })
    await store.learn('l', { per_minute: 500, per_day: null })
    t.same(await again().learned('l'), { per_minute: 500, per_second: 30, per_day: null })
  })

  await t.test('a new store on the same data goes on with the counts', async t => {
    const { store, again } = await make(t)
    const request = toRequest([minute(5)])
    t.equal(await take(store, request, 4), 4)
    t.equal(await take(again(), request, 4), 1)
  })

  await t.test('requests that went out uncounted are counted first', async t => {
    const { store } = await make(t)
    const request = toRequest([minute(5), day(100)])
    t.match(await store.take({ ...request, unrecorded: 3 }), { granted: true, left: { left: 1 } })
    t.match(await store.take({ ...request, unrecorded: 4 }), { granted: false, left: { left: 0 } })
    const { windows } = await store.read(request.ledger, request.windows)
    t.same(windows.map(({ used }) => used), [8, 8], 'whatever the verdict')
  })

  await t.test('background requests leave a reserve', async t => {
    const { store } = await make(t)
    for (const [limit, reserve] of [[5, 1], [10, 2], [2, 1]] as const) {
      t.equal(toReserve(limit), reserve)
      const request = toRequest([minute(limit), day(1000)], { background: true })
      t.equal(await take(store, request, limit + 1), limit - reserve)
      t.equal(await take(store, { ...request, background: false }, limit + 1), reserve)
    }
    const verdict = await store.take(toRequest([minute(1)], { background: true }))
    t.match(verdict, { granted: false, left: { left: 1 } }, 'one request a minute is nobody\'s to take behind an answer')
  })

  await t.test('a session alone may use all', async t => {
    const { store } = await make(t)
    t.equal(await take(store, toRequest([minute(7)], { sessionId: 'a' }), 10), 7)
  })

  await t.test('past the half, a session that has had its share makes room for one that has not', async t => {
    const { store } = await make(t)
    const request = toRequest([minute(10)])
    const by = (sessionId: string | null) => ({ ...request, sessionId })
    t.equal(await take(store, by('b'), 1), 1)
    t.equal(await take(store, by('a'), 10), 5, 'half of ten')
    const refused = await store.take(by('a'))
    t.match(refused, { granted: false, left: { left: 4, limit: 10 } })
    t.ok(!refused.granted && refused.waitMs > 0 && refused.waitMs <= 62_000)
    t.match(await store.take(by(null)), { granted: true }, 'nobody\'s is never refused for a share')
    t.equal(await take(store, by('b'), 10), 3, 'up to the limit')
    t.match(await store.take(by('c')), { granted: false, left: { left: 0 } })
  })

  await t.test('who has asked and was refused has a share of what comes next', async t => {
    const { store } = await make(t)
    const request = toRequest([second(4)])
    t.equal(await take(store, { ...request, sessionId: 'a' }, 4), 4)
    const refused = await store.take({ ...request, sessionId: 'b' })
    t.match(refused, { granted: false })
    for (;;) {
      const { windows: [window] } = await store.read(request.ledger, request.windows)
      if (window!.used === 0) break
      await sleep(20)
      await store.take({ ...request, sessionId: 'b', background: true, windows: [] })
    }
    await store.take({ ...request, windows: [], sessionId: 'b' })
    t.equal(await take(store, { ...request, sessionId: 'a' }, 4), 3, 'three are granted before more than half is used')
    t.match(await store.take({ ...request, sessionId: 'b' }), { granted: true })
  })
}
