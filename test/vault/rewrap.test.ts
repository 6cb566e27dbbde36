import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { rewrap } from '../../vault/rewrap.ts'
import { parseKeyRing } from '../../vault/key-ring.ts'
import { buildSecurity, insertConnection, MASTER_KEY, until } from '../plugins/build-security.ts'

const K2 = `k2:${Buffer.alloc(32, 9).toString('base64')}`
const BOTH = { MASTER_KEY: `${K2},${MASTER_KEY}` }

/** A server with k1, connections with a key each, and a server with k2 as the primary key. */
async function build (t: Test, count: number) {
  const { app: former, url } = await buildSecurity(t)
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const id = await insertConnection(former)
    await former.vault.setCredential(former.db, id, 'fmp', { api_key: `test-${id}` })
    ids.push(id)
  }
  const { app } = await buildSecurity(t, { url, env: BOTH })
  const kids = async () => (await sql<{ kid: string }>`SELECT DISTINCT kid FROM data_keys
    UNION SELECT kid FROM system_keys ORDER BY kid`.execute(app.db)).rows.map(({ kid }) => kid)
  return { app, url, ids, kids }
}

t.test('every key is wrapped anew, in batches, and opens afterwards without the old key', async t => {
  const { app, url, ids, kids } = await build(t, 230)
  const progress: number[][] = []
  const result = await app.vault.rewrap({ onProgress: (...step) => progress.push(step) })
  t.same(result, { kid: 'k2', system_keys: 4, data_keys: 230, failed: [] })
  t.same(progress, [[100, 230], [200, 230], [230, 230]])
  t.same(await kids(), ['k2'])
  const { app: next } = await buildSecurity(t, { url, env: { MASTER_KEY: K2 } })
  for (const id of ids) t.same(await next.vault.openCredential(id, 'fmp'), { api_key: `test-${id}` })
  for (const name of ['token', 'audit', 'fingerprint', 'totp'] as const) {
    t.same(next.vault.systemKey(name), app.vault.systemKey(name), `${name} is the same key`)
  }
  t.same(await app.vault.rewrap(), { kid: 'k2', system_keys: 0, data_keys: 0, failed: [] }, 'a second run has nothing to do')
})

t.test('two at once do the work of one', async t => {
  const { app, kids, ids } = await build(t, 230)
  const [a, b] = await Promise.all([app.vault.rewrap(), app.vault.rewrap()])
  t.equal(a.data_keys + b.data_keys, 230)
  t.equal(a.system_keys + b.system_keys, 4)
  t.same(await kids(), ['k2'])
  t.same(await app.vault.openCredential(ids[0]!, 'fmp'), { api_key: `test-${ids[0]}` })
})

t.test('a row that somebody holds is waited for, and the others are not', async t => {
  const { app, ids, kids } = await build(t, 3)
  const held = ids[0]!
  const letGo = new AbortController()
  const holder = app.db.transaction().execute(async trx => {
    await trx.selectFrom('data_keys').select('id').where('connection_id', '=', held).forUpdate().execute()
    while (!letGo.signal.aborted) {
      await sleep(10)
      await sql`SELECT 1`.execute(trx)
    }
  })
  let done = 0
  const running = app.vault.rewrap({ onProgress: count => { done = count } })
  await until(() => done === 2)
  letGo.abort()
  t.match(await running, { data_keys: 3, failed: [] })
  await holder
  t.same(await kids(), ['k2'])
})

t.test('a key that does not open is told, and the others are wrapped', async t => {
  const { app, ids } = await build(t, 3)
  await sql`UPDATE data_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1)
    WHERE connection_id = ${ids[1]}`.execute(app.db)
  t.same(await app.vault.rewrap(), { kid: 'k2', system_keys: 4, data_keys: 2, failed: [ids[1]] })
  const rows = await app.db.selectFrom('data_keys').select(['connection_id', 'kid']).where('kid', '=', 'k1').execute()
  t.same(rows, [{ connection_id: ids[1], kid: 'k1' }])
})

t.test('a key of the server itself that does not open ends it before anything is changed', async t => {
  const { app, kids } = await build(t, 1)
  await sql`UPDATE system_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE name = 'totp'`.execute(app.db)
  await t.rejects(app.vault.rewrap(), { message: /does not open/ })
  t.same(await kids(), ['k1'])
})

t.test('a kid that the ring lacks ends it by name', async t => {
  const { app } = await build(t, 1)
  await t.rejects(rewrap(app.db, parseKeyRing(K2)), { message: /master key k1 wrapped/ })
})

t.test('nothing is lost of what servers seal meanwhile', async t => {
  const { app, url, ids, kids } = await build(t, 200)
  // A server that was given both keys and does not know of the rewrap.
  const { app: other } = await buildSecurity(t, { url, env: { MASTER_KEY: `${MASTER_KEY},${K2}` } })
  const stored = new Map(ids.map(id => [id, `test-${id}`]))
  const end = new AbortController()
  async function write (writer: number): Promise<void> {
    for (let i = 0; !end.signal.aborted; i++) {
      const id = i % 5 === 0 ? await insertConnection(other) : ids[(i * 7 + writer * 31) % ids.length]!
      const key = `test-${writer}-${i}`
      const server = i % 2 ? app : other
      // Two writers of one connection take turns: whoever commits last has the last word here too.
      await server.db.transaction().execute(async trx => {
        await server.vault.setCredential(trx, id, 'fmp', { api_key: key })
        stored.set(id, key)
      })
    }
  }
  const writers = [0, 1, 2].map(write)
  await until(() => [...stored.values()].some(key => key.endsWith('-10')))
  await app.vault.rewrap()
  end.abort()
  await Promise.all(writers)
  await app.vault.rewrap()
  t.same(await kids(), ['k2'])
  const lost = []
  for (const [id, key] of stored) {
    const found = await app.vault.openCredential(id, 'fmp')
    if (!found || !('api_key' in found) || found.api_key !== key) lost.push(id)
  }
  t.ok(stored.size > ids.length)
  t.same(lost, [])
})

t.test('what is wrapped by the old key while a rewrap begins is rewrapped', async t => {
  const { app, url, kids } = await build(t, 1)
  const { app: former } = await buildSecurity(t, { url, env: { MASTER_KEY: `${MASTER_KEY},${K2}` } })
  const id = await insertConnection(former)
  let release = () => {}
  const released = new Promise<void>(resolve => { release = resolve })
  let isSealed = false
  const writing = former.db.transaction().execute(async trx => {
    await former.vault.setCredential(trx, id, 'fmp', { api_key: 'test-late' })
    isSealed = true
    await released
  })
  await until(() => isSealed)
  let isDone = false
  const running = app.vault.rewrap().finally(() => { isDone = true })
  await sleep(300)
  t.notOk(isDone, 'it waits for the writer')
  release()
  await writing
  await running
  t.same(await kids(), ['k2'])
  t.same(await app.vault.openCredential(id, 'fmp'), { api_key: 'test-late' })
})
