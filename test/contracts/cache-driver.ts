import type { Test } from 'tap'
import { randomUUID } from 'node:crypto'
import type { CacheDriver, CacheKey } from '../../plugins/cache/driver.ts'

/** What every cache driver must do. `make` answers a driver on a store of its own. */
export async function cacheDriverContract (t: Test, make: (t: Test) => Promise<CacheDriver>): Promise<void> {
  const parts = (overrides: Partial<CacheKey> = {}): CacheKey => ({ owner_id: randomUUID(), connection_id: randomUUID(), tool: 'get_quote', args: {}, ...overrides })
  const entry = (value: unknown, ms = 60_000) => ({ value, stored_at: Date.now(), expires_at: Date.now() + ms })

  await t.test('what was set is got, to the letter', async t => {
    const driver = await make(t)
    const value = { b: 1, a: [null, 0.1, 'ü "quoted"', { deep: true }], last: '2026-01-01' }
    const stored = entry(value)
    await driver.set('k', parts(), stored)
    t.same(await driver.get('k'), stored)
    t.equal(JSON.stringify((await driver.get('k'))!.value), JSON.stringify(value), 'with its order of fields')
  })

  await t.test('an absent and an expired entry are undefined', async t => {
    const driver = await make(t)
    t.equal(await driver.get('nothing'), undefined)
    await driver.set('old', parts(), entry(1, -1))
    t.equal(await driver.get('old'), undefined)
  })

  await t.test('a second set replaces the first', async t => {
    const driver = await make(t)
    await driver.set('k', parts(), entry(1))
    await driver.set('k', parts(), entry(2))
    t.equal((await driver.get('k'))!.value, 2)
  })

  await t.test('a drop takes what is in its scope and leaves the rest', async t => {
    const driver = await make(t)
    const mine = parts()
    await driver.set('a', mine, entry(1))
    await driver.set('b', { ...mine, tool: 'get_bars' }, entry(2))
    await driver.set('c', parts(), entry(3))
    t.equal(await driver.drop({ owner_id: mine.owner_id, tool: 'get_bars' }), 1)
    t.equal(await driver.get('b'), undefined)
    t.equal(await driver.drop({ connection_id: mine.connection_id }), 1)
    t.equal(await driver.get('a'), undefined)
    t.equal((await driver.get('c'))!.value, 3)
    t.equal(await driver.drop({}), 1)
    t.equal(await driver.get('c'), undefined)
  })

  await t.test('a sweep takes the expired and nothing else', async t => {
    const driver = await make(t)
    await driver.set('old', parts(), entry(1, -1))
    await driver.set('new', parts(), entry(2))
    await driver.sweep()
    t.equal((await driver.get('new'))!.value, 2)
  })
}
