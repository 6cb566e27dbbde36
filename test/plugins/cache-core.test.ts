import { Kysely, PostgresDialect } from 'kysely'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { test, type Test } from 'tap'
import type { Database } from '../../db/types.ts'
import { problem } from '../../errors.ts'
import { createCache, type Cache, type Load } from '../../plugins/cache/cache.ts'
import type { CacheDriver, CacheKey } from '../../plugins/cache/driver.ts'
import { toKey } from '../../plugins/cache/key.ts'
import { createMemory } from '../../plugins/cache/memory.ts'
import type { Policy } from '../../plugins/cache/policy.ts'
import { createPostgresDriver } from '../../plugins/cache/postgres.ts'
import { createStore } from '../../plugins/cache/store.ts'
import { RedisDown } from '../../plugins/redis.ts'
import { createDatabase } from '../database.ts'

const policy: Policy = { fresh_seconds: 60, fresh_age_seconds: 60, grace_seconds: 60, stale_seconds: 600 }
/** Fresh for a moment, then in grace. */
const brief: Policy = { ...policy, fresh_seconds: 0.05, fresh_age_seconds: 0.05 }
/** Fresh for a moment, then old. */
const lapsing: Policy = { ...brief, grace_seconds: 0 }
const never = new AbortController().signal
const toParts = (): CacheKey => ({ owner_id: randomUUID(), connection_id: randomUUID(), tool: 'get_quote', args: {} })
const down = () => problem('PROVIDER_UNAVAILABLE', 'It is down.', { provider: 'fmp' })

interface World { driver: CacheDriver, log: string[], replica: (driver?: CacheDriver) => Cache }

/** Caches on one Postgres, each as a process of its own has it. */
async function createWorld (t: Test): Promise<World> {
  const pool = new pg.Pool({ connectionString: await createDatabase(t), max: 8 })
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  const driver = createPostgresDriver(db, { maxEntries: 100 })
  const log: string[] = []
  const note = (_: object | string, text = '') => { log.push(text || String(_)) }
  return {
    driver,
    log,
    replica (own = driver) {
      const store = createStore(own, { info: note, warn: note })
      const memory = createMemory(1024 * 1024)
      const cache = createCache({ memory, store, log: { debug: note }, deadlineMs: 5000 })
      t.teardown(() => cache.close())
      return cache
    }
  }
}

/** Counts its loads; each answers the next of the values, and the last one from then on. */
function loading (...values: unknown[]) {
  const backgrounds: boolean[] = []
  const load: Load = async (_, background) => {
    const value = values[Math.min(backgrounds.length, values.length - 1)]
    backgrounds.push(background)
    if (value instanceof Error) throw value
    return { value, cacheable: true }
  }
  return { load, backgrounds }
}

async function until (is: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; !await is() && Date.now() < deadline;) await sleep(10)
}

test('a fresh answer comes out of memory, and out of the store in another process', async t => {
  const world = await createWorld(t)
  const [parts, { load, backgrounds }, first] = [toParts(), loading('a'), world.replica()]
  t.match(await first.fetch(parts, policy, load, never), { value: 'a', hit: false, age_seconds: 0 })
  t.match(await first.fetch(parts, policy, load, never), { value: 'a', hit: true, tier: 'memory' })
  await first.close()
  t.match(await world.replica().fetch(parts, policy, load, never), { value: 'a', hit: true, tier: 'store' })
  t.match(await world.replica().peek(parts), { value: 'a', hit: true, tier: 'store' })
  t.equal(await world.replica().peek(toParts()), undefined)
  t.equal(backgrounds.length, 1)
})

test('past its freshness an answer is given at once, labelled, and refreshed once behind it', async t => {
  const world = await createWorld(t)
  const [parts, { load, backgrounds }, cache] = [toParts(), loading('old', 'new'), world.replica()]
  await cache.fetch(parts, brief, load, never)
  await sleep(80)
  const answers = await Promise.all([1, 2, 3].map(() => cache.fetch(parts, brief, load, never)))
  for (const answer of answers) t.match(answer, { value: 'old', hit: true, stale: 'revalidating' })
  await until(async () => (await cache.fetch(parts, policy, load, never)).value === 'new')
  t.same(backgrounds, [false, true], 'one refresh, which says that nobody waits for it')

  await cache.close()
  await sleep(80)
  const restarted = world.replica()
  t.match(await restarted.fetch(parts, brief, load, never), { value: 'new', tier: 'store', stale: 'revalidating' })
})

test('a refresh that fails is told to the log alone, and the answer stands', async t => {
  const world = await createWorld(t)
  const [parts, { load }, cache] = [toParts(), loading('old', down()), world.replica()]
  await cache.fetch(parts, brief, load, never)
  await sleep(80)
  t.match(await cache.fetch(parts, brief, load, never), { value: 'old', stale: 'revalidating' })
  await until(() => world.log.includes('an answer could not be refreshed'))
  t.match(world.log, ['an answer could not be refreshed'])
  t.match(await cache.fetch(parts, brief, load, never), { value: 'old', stale: 'revalidating' })
})

test('where no newer answer can be had an older one stands in, with the reason; but not for every failure', async t => {
  const world = await createWorld(t)
  for (const code of ['PROVIDER_UNAVAILABLE', 'PROVIDER_TIMEOUT', 'PROVIDER_QUOTA', 'PROVIDER_MALFORMED', 'OVERLOADED'] as const) {
    const [parts, { load }, cache] = [toParts(), loading('old', problem(code, 'It fails.')), world.replica()]
    await cache.fetch(parts, lapsing, load, never)
    await sleep(60)
    t.match(await cache.fetch(parts, lapsing, load, never), { value: 'old', hit: true, stale: code })
  }
  for (const code of ['PROVIDER_NOT_ENTITLED', 'PROVIDER_REJECTED_KEY', 'INVALID_INPUT', 'PROVIDER_NOT_CONFIGURED', 'SYMBOL_NOT_FOUND'] as const) {
    const [parts, { load }, cache] = [toParts(), loading('old', problem(code, 'It fails.')), world.replica()]
    await cache.fetch(parts, lapsing, load, never)
    await sleep(60)
    await t.rejects(cache.fetch(parts, lapsing, load, never), { code: `FMS_${code}` })
  }
  const [parts, { load }, cache] = [toParts(), loading('old', down()), world.replica()]
  const none = { ...lapsing, stale_seconds: 0 }
  await cache.fetch(parts, none, load, never)
  await sleep(60)
  await t.rejects(cache.fetch(parts, none, load, never), { code: 'FMS_PROVIDER_UNAVAILABLE' }, 'older than it may be')
})

test('at the deadline of a call an older answer stands in, and the load is aborted', async t => {
  const world = await createWorld(t)
  const [parts, { load }, cache] = [toParts(), loading('old'), world.replica()]
  await cache.fetch(parts, lapsing, load, never)
  await sleep(60)
  let aborted = false
  const slow: Load = signal => new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => { aborted = true; reject(signal.reason) })
  })
  const call = new AbortController()
  setTimeout(() => call.abort(problem('PROVIDER_TIMEOUT', 'Too slow.')), 150)
  t.match(await cache.fetch(parts, lapsing, slow, call.signal), { value: 'old', stale: 'PROVIDER_TIMEOUT' })
  t.ok(aborted)

  const gone = new AbortController()
  setTimeout(() => gone.abort(new Error('the caller left')), 50)
  await t.rejects(cache.fetch(parts, lapsing, slow, gone.signal), { message: 'the caller left' })
})

test('a caller may want it newer: what is older than max_age_seconds is loaded, and kept for all', async t => {
  const world = await createWorld(t)
  const [parts, { load, backgrounds }, cache] = [toParts(), loading('a', 'b', 'c', down()), world.replica()]
  await cache.fetch(parts, policy, load, never)
  const answers = await Promise.all(Array.from({ length: 5 }, () =>
    cache.fetch(parts, { ...policy, max_age_seconds: 0 }, load, never)))
  for (const answer of answers) t.match(answer, { value: 'b', hit: false }, 'loaded anew, once for all')
  t.equal(backgrounds.length, 2)
  t.match(await cache.fetch(parts, policy, load, never), { value: 'b', hit: true })
  t.match(await cache.fetch(parts, { ...policy, max_age_seconds: 60 }, load, never), { value: 'b', hit: true })

  await sleep(80)
  t.match(await cache.fetch(parts, { ...brief, max_age_seconds: 0.06 }, load, never), { value: 'c', hit: false }, 'no grace')
  await sleep(80)
  const failing = await cache.fetch(parts, { ...policy, max_age_seconds: 0.05 }, load, never)
  t.match(failing, { value: 'c', stale: 'PROVIDER_UNAVAILABLE' }, 'better than none')
})

test('the policy of now counts: what was stored for long is old where its time is short by now', async t => {
  const world = await createWorld(t)
  const [parts, { load }, cache] = [toParts(), loading('night', 'day'), world.replica()]
  const { fresh_age_seconds: _, ...untilOpen } = { ...policy, grace_seconds: 0 }
  await cache.fetch(parts, untilOpen, load, never)
  await sleep(60)
  t.match(await cache.fetch(parts, untilOpen, load, never), { value: 'night', hit: true })
  t.match(await cache.fetch(parts, { ...lapsing, fresh_age_seconds: 0.02 }, load, never), { value: 'day', hit: false })
})

test('a value that says so is fresh for less time', async t => {
  const world = await createWorld(t)
  const [parts, cache] = [toParts(), world.replica()]
  let loads = 0
  const load: Load = async () => ({ value: ++loads, cacheable: true, fresh_seconds: 0.05 })
  await cache.fetch(parts, { ...policy, grace_seconds: 0 }, load, never)
  await sleep(80)
  t.match(await cache.fetch(parts, { ...policy, grace_seconds: 0 }, load, never), { value: 2, hit: false })
})

test('an unknown symbol is kept for a minute, in every process, with all that was said of it; other failures are not', async t => {
  const world = await createWorld(t)
  const unknown = problem('SYMBOL_NOT_FOUND', 'fmp knows no XYZ.', { provider: 'fmp', suggestions: ['XYZW'], tried: [{ provider: 'fmp', outcome: 'symbol_not_found' }] })
  const [parts, { load, backgrounds }, cache] = [toParts(), loading(unknown), world.replica()]
  const same = {
    code: 'FMS_SYMBOL_NOT_FOUND',
    statusCode: 404,
    message: 'fmp knows no XYZ.',
    provider: 'fmp',
    suggestions: ['XYZW'],
    tried: [{ provider: 'fmp', outcome: 'symbol_not_found' }]
  }
  for (let i = 0; i < 2; i++) await t.rejects(cache.fetch(parts, lapsing, load, never), same)
  t.equal(await cache.peek(parts), undefined)
  await cache.close()
  await t.rejects(world.replica().fetch(parts, lapsing, load, never), same)
  t.equal(backgrounds.length, 1)
  await t.rejects(cache.fetch(parts, { ...lapsing, max_age_seconds: 0 }, load, never), same)
  t.equal(backgrounds.length, 2)
  await world.driver.drop({ connection_id: parts.connection_id })
  await t.rejects(world.replica().fetch(parts, lapsing, load, never), same)
  t.equal(backgrounds.length, 3, 'it goes with the rest')

  const failing = loading(down())
  const other = toParts()
  for (let i = 0; i < 2; i++) await t.rejects(cache.fetch(other, policy, failing.load, never), { code: 'FMS_PROVIDER_UNAVAILABLE' })
  t.equal(failing.backgrounds.length, 2)
})

test('100 identical calls in each of two processes make one load', async t => {
  const world = await createWorld(t)
  const parts = toParts()
  let loads = 0
  const load: Load = async () => {
    loads++
    await sleep(300)
    return { value: 'a', cacheable: true }
  }
  const replicas = [world.replica(), world.replica()]
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) =>
    replicas[i % 2]!.fetch(parts, policy, load, never)))
  t.ok(answers.every(({ value }) => value === 'a'))
  t.equal(loads, 1)
})

test('a process that died in the middle of a load is waited for as long as its lock, and no longer', async t => {
  const world = await createWorld(t)
  const [parts, { load }] = [toParts(), loading('a')]
  await world.driver.lock(toKey(parts), parts, 400)
  const startedAt = Date.now()
  t.match(await world.replica().fetch(parts, policy, load, never), { value: 'a', hit: false })
  t.ok(Date.now() - startedAt >= 350, 'it waited')
})

test('a caller that leaves while another process loads ends its wait', async t => {
  const world = await createWorld(t)
  const parts = toParts()
  await world.driver.lock(toKey(parts), parts, 5000)
  const call = new AbortController()
  setTimeout(() => call.abort(new Error('gone')), 100)
  await t.rejects(world.replica().fetch(parts, policy, loading('a').load, call.signal), { message: 'gone' })
})

test('a drop takes what is being loaded and what is being stored', async t => {
  const world = await createWorld(t)
  const [parts, cache] = [toParts(), world.replica()]
  const landings: ((value: string) => void)[] = []
  const load: Load = async () => {
    return { value: await new Promise<string>(resolve => landings.push(resolve)), cacheable: true }
  }
  const first = cache.fetch(parts, policy, load, never)
  await until(async () => landings.length > 0)
  await cache.forget({})
  const second = cache.fetch(parts, policy, loading('new').load, never)
  landings[0]!('old')
  t.match(await first, { value: 'old' }, 'who waited has an answer')
  t.match(await second, { value: 'new', hit: false }, 'who came later has none of it')
  t.match(await cache.fetch(parts, policy, load, never), { value: 'new', hit: true })
})

test('a drop takes what waits for another process, too: nothing is loaded behind an answer, and nothing kept', async t => {
  const world = await createWorld(t)
  const cache = world.replica()
  const parts = toParts()
  const key = toKey(parts)
  const drop = async () => {
    await cache.forget({ owner_id: parts.owner_id })
    await world.driver.drop({ owner_id: parts.owner_id })
  }
  const { load, backgrounds } = loading('old', 'new')
  await cache.fetch(parts, brief, load, never)
  await until(async () => Boolean(await world.driver.get(key, parts)))
  await sleep(60)
  const theirs = await world.driver.lock(key, parts, 60_000)
  t.match(await cache.fetch(parts, brief, load, never), { value: 'old', stale: 'revalidating' })
  await sleep(50)
  await drop()
  await theirs?.release()
  await until(async () => world.log.some(line => /could not be refreshed/.test(line)))
  t.same(backgrounds, [false])

  const others = await world.driver.lock(key, parts, 60_000)
  const waiting = cache.fetch(parts, policy, load, never)
  await sleep(50)
  await drop()
  await others?.release()
  t.match(await waiting, { value: 'new', hit: false }, 'who waits is answered')
  t.equal(await cache.peek(parts), undefined)
})

test('a store that hangs costs 250 ms and then nothing, and is said once', async t => {
  const world = await createWorld(t)
  const hang = () => new Promise<never>(() => {})
  let asked = 0
  const cache = world.replica({ ...world.driver, get: () => { asked++; return hang() }, set: hang, lock: hang })
  for (let i = 0; i < 3; i++) {
    const startedAt = Date.now()
    t.match(await cache.fetch(toParts(), policy, loading('a').load, never), { value: 'a' })
    t.ok(Date.now() - startedAt < 1000, 'one question a call')
  }
  const before = asked
  await Promise.all(Array.from({ length: 50 }, () => cache.fetch(toParts(), policy, loading('a').load, never)))
  t.ok(asked - before <= 1, 'while it is known to fail it is not asked')
  t.equal(world.log.filter(line => line.includes('fails')).length, 1)
})

test('a store that comes back is used again, and first makes up for what should have been dropped', async t => {
  const world = await createWorld(t)
  const parts = toParts()
  await world.replica().fetch(parts, policy, loading('old').load, never)
  await until(async () => Boolean(await world.driver.get(toKey(parts), parts)))

  const log: string[] = []
  const note = (_: object | string, text = '') => { log.push(text || String(_)) }
  let isDown = true
  const flaky: CacheDriver = {
    ...world.driver,
    drop: scope => isDown ? Promise.reject(new Error('down')) : world.driver.drop(scope)
  }
  const store = createStore(flaky, { info: note, warn: note })
  await t.rejects(store.drop({ connection_id: parts.connection_id }), { message: 'down' })
  t.equal(store.state(), 'down')
  const visit = store.visit()
  t.equal(await visit.get(toKey(parts), parts), undefined, 'what is owed is not read')
  t.ok(visit.failed)
  isDown = false
  t.equal(await store.visit().get(toKey(parts), parts), undefined)
  t.equal(await world.driver.get(toKey(parts), parts), undefined, 'it is gone')
  t.equal(store.state(), 'ok')
  t.same(log.map(line => line.includes('fails')), [true, false])

  isDown = true
  for (let i = 0; i < 101; i++) await t.rejects(store.drop({ owner_id: randomUUID() }))
  isDown = false
  const other = toParts()
  const [now, later] = [Date.now(), Date.now() + 60_000]
  await world.driver.set(toKey(other), other, { value: 1, stored_at: now, fresh_until: later, expires_at: later })
  await until(async () => {
    await store.visit().get('none', other)
    return store.state() === 'ok'
  })
  t.equal(await world.driver.get(toKey(other), other), undefined, 'too many to name: all of it')
})

test('a lock that is got too late is given back at once', async t => {
  const world = await createWorld(t)
  const [parts, key] = [toParts(), 'k']
  const slow: CacheDriver = { ...world.driver, lock: (...args) => sleep(400).then(() => world.driver.lock(...args)) }
  const store = createStore(slow, { info () {}, warn () {} })
  const isHeld = async () => {
    const lock = await world.driver.lock(key, parts, 1000)
    await lock?.release()
    return !lock
  }
  t.equal(await store.visit().lock(key, parts, 60_000), undefined)
  await sleep(400)
  await until(async () => !await isHeld())
  t.notOk(await isHeld())
})

test('what a slow store was being given when it was dropped is gone too', async t => {
  const world = await createWorld(t)
  const parts = toParts()
  const key = toKey(parts)
  const slow: CacheDriver = { ...world.driver, set: (...args) => sleep(600).then(() => world.driver.set(...args)) }
  const store = createStore(slow, { info () {}, warn () {} })
  const [now, later] = [Date.now(), Date.now() + 60_000]
  const entry = { value: 1, stored_at: now, fresh_until: later, expires_at: later }
  t.equal(await store.visit().set(key, parts, entry), undefined, 'it is not waited for')
  t.equal(await store.drop({ owner_id: parts.owner_id }), 1)
  t.equal(await world.driver.get(key, parts), undefined)
})

test('a store that is away is told of by whoever holds its connection, not once more here', async t => {
  const { driver } = await createWorld(t)
  const log: string[] = []
  const note = (_: object | string, text = '') => { log.push(text || String(_)) }
  const store = createStore({ ...driver, get: () => Promise.reject(new RedisDown('Redis is away')) }, { info: note, warn: note })
  const parts = toParts()
  t.equal(await store.visit().get(toKey(parts), parts), undefined)
  t.equal(store.state(), 'down')
  t.same(log, [])
})
