import type { Test } from 'tap'
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { CacheDriver, CacheEntry, CacheKey } from '../../plugins/cache/driver.ts'
import { toKey } from '../../plugins/cache/key.ts'

type Make = (t: Test, options: { maxEntries: number }) => Promise<CacheDriver>

const toParts = (overrides: Partial<CacheKey> = {}): CacheKey => ({
  owner_id: randomUUID(), connection_id: randomUUID(), tool: 'get_quote', args: {}, ...overrides
})
const toEntry = (value: unknown, ms = 60_000): CacheEntry => {
  const now = Date.now()
  return { value, stored_at: now, fresh_until: now + Math.round(ms / 2), expires_at: now + ms }
}

/** What every cache driver must do. `make` answers a driver on an empty store of its own. */
export async function cacheDriverContract (t: Test, make: Make): Promise<void> {
  await t.test('entries', t => entries(t, make))
  await t.test('scopes', t => scopes(t, make))
  await t.test('limits', t => limits(t, make))
  await t.test('locks', t => locks(t, make))
}

/** A driver with the key left to the parts. */
async function open (t: Test, make: Make, maxEntries = 1000) {
  const driver = await make(t, { maxEntries })
  return {
    driver,
    get: async (parts: CacheKey) => driver.get(toKey(parts), parts),
    read: async (parts: CacheKey) => (await driver.get(toKey(parts), parts))?.value,
    set: (parts: CacheKey, entry: CacheEntry, fence?: number) => driver.set(toKey(parts), parts, entry, fence),
    lock: (parts: CacheKey, ttlMs = 60_000) => driver.lock(toKey(parts), parts, ttlMs)
  }
}

async function entries (t: Test, make: Make): Promise<void> {
  await t.test('what was set is got, to the letter', async t => {
    const { get, set } = await open(t, make)
    const large = Array.from({ length: 2000 }, (_, i) => ({ time: `2026-01-01T00:00:${i}Z`, close: i / 7, name: 'ü "é" \u0000 \ud800' }))
    for (const value of [{ b: 1, a: [null, 0.1, 'ü "quoted"', { deep: true }], last: '2026-01-01' }, large, null, 0, '']) {
      const [parts, stored] = [toParts(), toEntry(value)]
      t.equal(await set(parts, stored), true)
      t.same(await get(parts), stored)
      t.equal(JSON.stringify((await get(parts))!.value), JSON.stringify(value), 'with its order of fields')
    }
  })

  await t.test('an absent and an expired entry are undefined', async t => {
    const { get, set } = await open(t, make)
    t.equal(await get(toParts()), undefined)
    const [past, soon] = [toParts(), toParts()]
    await set(past, toEntry(1, -1))
    t.equal(await get(past), undefined)
    await set(soon, toEntry(1, 50))
    await sleep(200)
    t.equal(await get(soon), undefined)
  })

  await t.test('an entry that is no longer fresh is still given, until it expires', async t => {
    const { get, set } = await open(t, make)
    const [parts, now] = [toParts(), Date.now()]
    const stale = { value: 1, stored_at: now - 5000, fresh_until: now - 1000, expires_at: now + 60_000 }
    await set(parts, stale)
    t.same(await get(parts), stale)
  })

  await t.test('a second set replaces the first, with its expiry', async t => {
    const { get, set } = await open(t, make)
    const [parts, last] = [toParts(), toEntry(2, 120_000)]
    await set(parts, toEntry(1, 200))
    await set(parts, last)
    await sleep(300)
    t.same(await get(parts), last)
  })

  await t.test('of concurrent sets each is whole, and one is left', async t => {
    const { driver, read, set } = await open(t, make)
    const parts = toParts()
    const values = Array.from({ length: 20 }, (_, i) => String(i).repeat(1000))
    t.ok((await Promise.all(values.map(value => set(parts, toEntry(value))))).every(Boolean))
    t.ok(values.includes(String(await read(parts))))
    t.match(await driver.counts(), [{ entries: 1 }])
  })
}

async function scopes (t: Test, make: Make): Promise<void> {
  await t.test('a drop takes what is in its scope and leaves the rest', async t => {
    const { driver, read, set } = await open(t, make)
    const mine = toParts()
    const bars = { ...mine, tool: 'get_bars' }
    const other = toParts()
    await set(mine, toEntry(1))
    await set(bars, toEntry(2))
    await set(other, toEntry(3))
    t.equal(await driver.drop({ owner_id: mine.owner_id, tool: 'get_bars' }), 1)
    t.equal(await read(bars), undefined)
    t.equal(await driver.drop({ owner_id: mine.owner_id, connection_id: other.connection_id }), 0)
    t.equal(await driver.drop({ connection_id: mine.connection_id }), 1)
    t.equal(await read(mine), undefined)
    t.equal(await read(other), 3)
    t.equal(await driver.drop({ tool: 'get_quote' }), 1)
    t.equal(await driver.drop({}), 0)
    t.same(await driver.counts(), [])
  })

  await t.test('a drop of a connection takes all its sessions, and one of everything all', async t => {
    const { driver, read, set } = await open(t, make)
    const sessions = Array.from({ length: 5 }, () => toParts({ connection_id: '11111111-1111-4111-8111-111111111111' }))
    const other = toParts()
    for (const parts of [...sessions, other]) await set(parts, toEntry(1))
    t.equal(await driver.drop({ connection_id: sessions[0]!.connection_id }), 5)
    for (const parts of sessions) t.equal(await read(parts), undefined)
    t.equal(await read(other), 1)
    t.equal(await driver.drop({}), 1)
    t.equal(await read(other), undefined)
  })

  await t.test('a drop of many entries takes them all', async t => {
    const { driver, set } = await open(t, make)
    const parts = toParts()
    for (let i = 0; i < 450; i += 15) {
      await Promise.all(Array.from({ length: 15 }, (_, j) => set({ ...parts, args: { i: i + j } }, toEntry(i))))
    }
    t.equal(await driver.drop({ owner_id: parts.owner_id }), 450)
    t.same(await driver.counts(), [])
  })

  await t.test('a sweep takes the expired and nothing else', async t => {
    const { driver, read, set } = await open(t, make)
    const [old, lasting] = [toParts(), toParts()]
    await set(old, toEntry(1, 50))
    await set(lasting, toEntry(2))
    await sleep(200)
    await driver.sweep()
    t.equal(await read(lasting), 2)
    t.match(await driver.counts(), [{ connection_id: lasting.connection_id, tool: 'get_quote', entries: 1 }])
    t.equal(await driver.sweep(), 0)
  })

  await t.test('counts tell entries and bytes by connection and tool, without the expired', async t => {
    const { driver, set } = await open(t, make)
    const first = toParts()
    const second = toParts({ connection_id: first.connection_id })
    await set(first, toEntry('a'.repeat(1000)))
    await set({ ...first, tool: 'get_bars' }, toEntry('b'.repeat(3000)))
    await set(second, toEntry('c'.repeat(1000)))
    await set(toParts(), toEntry('d', 50))
    await sleep(200)
    const counts = (await driver.counts()).toSorted((a, b) => a.tool < b.tool ? -1 : 1)
    t.match(counts, [{ tool: 'get_bars', entries: 1 }, { tool: 'get_quote', entries: 2 }])
    t.equal(counts.length, 2)
    for (const [i, least] of [3000, 2000].entries()) {
      const { bytes, connection_id: connection } = counts[i]!
      t.equal(connection, first.connection_id)
      t.ok(bytes >= least && bytes < least + 300, `${bytes} bytes`)
    }
  })
}

async function limits (t: Test, make: Make): Promise<void> {
  await t.test('an owner has a bound, beyond which its first to expire go', async t => {
    const { driver, read, set } = await open(t, make, 10)
    const [mine, other] = [toParts(), toParts()]
    await set(other, toEntry('other', 1000))
    // The last to be set expire first: what is new is kept, and the older go by their expiry.
    for (let i = 0; i < 25; i++) await set({ ...mine, args: { i } }, toEntry(i, 100_000 - i * 1000))
    const kept: unknown[] = []
    for (let i = 0; i < 25; i++) kept.push(await read({ ...mine, args: { i } }))
    t.same(kept.filter(value => value !== undefined), [0, 1, 2, 3, 4, 5, 6, 7, 8, 24])
    const counts = await driver.counts()
    t.equal(counts.find(({ connection_id: id }) => id === mine.connection_id)!.entries, 10)
    for (let i = 0; i < 25; i++) await set({ ...mine, args: { i: 0 } }, toEntry(i))
    t.equal((await driver.counts()).find(({ connection_id: id }) => id === mine.connection_id)!.entries, 10, 'the same key counts once')
  })

  await t.test('a large bound holds within one in a hundred', async t => {
    const { driver, set } = await open(t, make, 300)
    const parts = toParts()
    for (let i = 0; i < 500; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, j) => set({ ...parts, args: { i: i + j } }, toEntry(i))))
    }
    const [{ entries } = { entries: 0 }] = await driver.counts()
    t.ok(entries <= 303 && entries >= 290, `${entries} entries`)
    await driver.sweep()
    t.ok((await driver.counts())[0]!.entries <= 300)
  })

  await t.test('an entry over 1 MiB is not kept, and one below is', async t => {
    const { read, set } = await open(t, make)
    const parts = toParts()
    // Random, so that no compression brings it below.
    const random = (bytes: number) => randomBytes(bytes / 2).toString('hex')
    t.equal(await set(parts, toEntry(random(4 * 1024 * 1024))), false)
    t.equal(await read(parts), undefined)
    const kept = random(900 * 1024)
    t.equal(await set(parts, toEntry(kept)), true)
    t.equal(await read(parts), kept)
    t.equal(await set(parts, toEntry('a'.repeat(64 * 1024 * 1024))), false, 'nor one that is far over it before')
  })
}

async function locks (t: Test, make: Make): Promise<void> {
  await t.test('a lock is held by one, and by the next when it is released', async t => {
    const { lock } = await open(t, make)
    const parts = toParts()
    const taken = (await Promise.all(Array.from({ length: 10 }, () => lock(parts)))).filter(Boolean)
    t.equal(taken.length, 1)
    t.ok(await lock({ ...parts, args: { other: true } }), 'another key has its own')
    await taken[0]!.release()
    const next = await lock(parts)
    t.ok(next!.fence > taken[0]!.fence)
    t.ok(Number.isSafeInteger(next!.fence))
  })

  await t.test('a lock ends by itself, and to release a lost one takes nothing from its holder', async t => {
    const { lock } = await open(t, make)
    const parts = toParts()
    const lost = await lock(parts, 50)
    await sleep(200)
    const held = await lock(parts)
    t.ok(held!.fence > lost!.fence)
    await lost!.release()
    t.equal(await lock(parts), undefined)
    await held!.release()
    await held!.release()
    t.ok(await lock(parts))
  })

  await t.test('a holder that lost its lock does not overwrite what a later one stored', async t => {
    const { lock, read, set } = await open(t, make)
    const parts = toParts()
    const lost = await lock(parts, 50)
    await sleep(200)
    const held = await lock(parts)
    t.equal(await set(parts, toEntry('later'), held!.fence), true)
    t.equal(await set(parts, toEntry('earlier'), lost!.fence), false)
    t.equal(await read(parts), 'later')
    t.equal(await set(parts, toEntry('again'), held!.fence), true)
    t.equal(await read(parts), 'again')
  })

  await t.test('a set without a lock replaces, and keeps the fence that stands', async t => {
    const { lock, read, set } = await open(t, make)
    const parts = toParts()
    const lost = await lock(parts, 50)
    await sleep(200)
    await set(parts, toEntry('fenced'), (await lock(parts))!.fence)
    t.equal(await set(parts, toEntry('free')), true)
    t.equal(await read(parts), 'free')
    t.equal(await set(parts, toEntry('lost'), lost!.fence), false)
    t.equal(await read(parts), 'free')
  })

  await t.test('a sweep leaves the locks that are held', async t => {
    const { driver, lock } = await open(t, make)
    const [held, ended] = [toParts(), toParts()]
    await lock(held)
    await lock(ended, 50)
    await sleep(200)
    await driver.sweep()
    t.equal(await lock(held), undefined)
    t.ok(await lock(ended))
  })
}
