import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'tap'
import { createMemoryStore } from '../../quota/memory.ts'
import { createQueue } from '../../quota/queue.ts'
import type { QuotaRequest, QuotaVerdict } from '../../quota/types.ts'

const quiet = new AbortController().signal
const request = (more: Partial<QuotaRequest> = {}): QuotaRequest =>
  ({ ledger: 'l', windows: [{ per: 'second', limit: 1 }], sessionId: null, background: false, ...more })

test('a short wait is waited for, a long one is told at once', async t => {
  const { take } = createMemoryStore()
  const queue = createQueue({ take })
  const startedAt = Date.now()
  t.match(await queue.take(request(), quiet), { granted: true })
  t.match(await queue.take(request(), quiet), { granted: true })
  t.ok(Date.now() - startedAt >= 900, `${Date.now() - startedAt} ms`)

  const minute = request({ ledger: 'm', windows: [{ per: 'minute', limit: 1 }] })
  await queue.take(minute, quiet)
  const askedAt = Date.now()
  const verdict = await queue.take(minute, quiet)
  t.ok(!verdict.granted && verdict.waitMs > 50_000)
  t.ok(Date.now() - askedAt < 1000)
})

test('who waits is served in turn: interactive first, then session by session', async t => {
  const served: string[] = []
  let isFull = true
  // All are refused at one instant, however slowly they come.
  let clock = 0
  const queue = createQueue({
    now: () => clock,
    async take ({ sessionId, background }) {
      if (isFull) return { granted: false, waitMs: 300, left: { left: 0, limit: 1, per: 'second' } }
      served.push(`${sessionId}${background ? ' later' : ''}`)
      return { granted: true, left: null }
    }
  })
  const wanted = [['a', true], ['a', false], ['a', false], ['a', false], ['b', false], ['b', true], ['c', false]] as const
  const takes = wanted.map(([sessionId, background]) => queue.take(request({ sessionId, background }), quiet))
  await sleep(20)
  isFull = false
  clock = 400
  await Promise.all(takes)
  t.same(served.slice(0, 3).sort(), ['a', 'b', 'c'], 'each session once')
  t.same(served.slice(3), ['a', 'a', 'b later', 'a later'])
})

test('whoever goes away is not served, and leaves the place to the next', async t => {
  const { take } = createMemoryStore()
  let asked = 0
  const queue = createQueue({ take: one => { asked++; return take(one) } })
  await queue.take(request(), quiet)
  const controller = new AbortController()
  const gone = queue.take(request(), controller.signal)
  const stays = queue.take(request(), quiet)
  controller.abort(new Error('gone'))
  await t.rejects(gone, { message: 'gone' })
  t.match(await stays, { granted: true })
  await t.rejects(queue.take(request(), controller.signal), { message: 'gone' })
  t.equal(await take(request({ ledger: 'other' })).then(({ granted }) => granted), true)
  t.ok(asked < 10)
})

test('a window that is full is remembered: the store is not asked by each', async t => {
  const { take } = createMemoryStore()
  let asked = 0
  const queue = createQueue({ take: one => { asked++; return take(one) } })
  const minute = request({ windows: [{ per: 'minute', limit: 5 }], sessionId: 's' })
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => queue.take(minute, quiet)))
  t.equal(verdicts.filter(({ granted }) => granted).length, 5)
  t.equal(asked, 6)
  t.match(await queue.take({ ...minute, windows: [{ per: 'minute', limit: 6 }] }, quiet), { granted: true }, 'a higher limit holds at once')
})

test('a store that throws fails the one that asked it, and nobody else', async t => {
  let count = 0
  const queue = createQueue({
    async take (): Promise<QuotaVerdict> {
      if (count++ === 0) throw new Error('defect')
      return { granted: true, left: null }
    }
  })
  const [first, second] = [queue.take(request(), quiet), queue.take(request(), quiet)]
  await t.rejects(first, { message: 'defect' })
  t.match(await second, { granted: true })
})
