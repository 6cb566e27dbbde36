import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { query } from '../database.ts'
import { buildSecurity, insertConnection, MASTER_KEY } from './build-security.ts'

const KEY = { api_key: 'test-key-1' }
const PAIR = { key_id: 'test-id', secret_key: 'test-secret' }

t.test('a credential goes in sealed and comes out for a call', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  t.equal(await app.vault.openCredential(id, 'fmp'), null)
  const { fingerprint, set_at: setAt } = await app.vault.setCredential(app.db, id, 'fmp', KEY)
  await app.vault.setCredential(app.db, id, 'alpaca', PAIR)
  t.match(fingerprint, /^[0-9a-f]{6}$/)
  t.ok(Math.abs(Date.now() - setAt.getTime()) < 60_000)
  t.same(await app.vault.openCredential(id, 'fmp'), KEY)
  t.same(await app.vault.openCredential(id, 'alpaca'), PAIR)
  t.same(await app.vault.configuredProviders(id), ['alpaca', 'fmp'])
  const rows = await app.db.selectFrom('auth_credentials').selectAll().execute()
  t.notOk(rows.some(row => row.ciphertext.includes('test-')))
})

t.test('a new credential replaces the old one and its test', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  const first = await app.vault.setCredential(app.db, id, 'fmp', KEY)
  await app.db.updateTable('auth_credentials').set({ test_status: 'ok', tested_at: new Date() }).execute()
  const second = await app.vault.setCredential(app.db, id, 'fmp', { api_key: 'test-key-2' })
  t.not(second.fingerprint, first.fingerprint)
  t.same(await app.vault.openCredential(id, 'fmp'), { api_key: 'test-key-2' })
  t.match(await app.db.selectFrom('auth_credentials').selectAll().execute(), [{ test_status: null, tested_at: null }])
})

t.test('writers of one connection at once make one data key', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  await Promise.all(['1', '2', '3', '4', '5'].map(key => app.db.transaction().execute(trx =>
    app.vault.setCredential(trx, id, 'fmp', { api_key: `test-${key}` }))))
  t.equal((await app.db.selectFrom('data_keys').selectAll().execute()).length, 1)
  t.match(await app.vault.openCredential(id, 'fmp'), { api_key: /^test-/ })
})

t.test('a connection that does not exist takes no credential', async t => {
  const { app } = await buildSecurity(t)
  await t.rejects(app.vault.setCredential(app.db, randomUUID(), 'fmp', KEY), { code: 'FMS_NOT_FOUND' })
})

t.test('a row that was moved in the database does not open', async t => {
  const { app, connectionId: a } = await buildSecurity(t)
  const b = await insertConnection(app)
  await app.vault.setCredential(app.db, a, 'fmp', KEY)
  await app.vault.setCredential(app.db, a, 'finnhub', { api_key: 'test-key-2' })
  await app.vault.setCredential(app.db, b, 'fmp', { api_key: 'test-key-3' })
  const attacks = {
    'the ciphertext of another provider': sql`UPDATE auth_credentials SET ciphertext = (
      SELECT ciphertext FROM auth_credentials WHERE provider = 'finnhub') WHERE provider = 'fmp'`,
    'another provider\'s name': sql`UPDATE auth_credentials SET provider = CASE provider
      WHEN 'fmp' THEN 'alpaca' ELSE 'fmp' END WHERE connection_id = ${a}`,
    'another connection': sql`UPDATE auth_credentials SET provider = 'polygon', connection_id = ${b}
      WHERE connection_id = ${a} AND provider = 'fmp'`,
    'another data key': sql`UPDATE auth_credentials SET data_key_id = (
      SELECT id FROM data_keys WHERE connection_id = ${b}) WHERE provider = 'fmp'`,
    'the data key given to another connection': sql`UPDATE data_keys SET connection_id = ${b}, retired_at = now()
      WHERE connection_id = ${a}`,
    'changed bytes': sql`UPDATE auth_credentials SET ciphertext = set_byte(ciphertext, 30, get_byte(ciphertext, 30) # 1)`
  }
  for (const [name, attack] of Object.entries(attacks)) {
    await app.db.transaction().execute(async trx => {
      await attack.execute(trx)
      const rows = await trx.selectFrom('auth_credentials').select(['connection_id', 'provider']).execute()
      t.ok(rows.length > 0)
    })
    const rows = await app.db.selectFrom('auth_credentials').select(['connection_id', 'provider']).execute()
    const results = await Promise.allSettled(rows.map(row => app.vault.openCredential(row.connection_id, row.provider)))
    t.ok(results.some(result => result.status === 'rejected'), name)
    await sql`DELETE FROM data_keys`.execute(app.db)
    await app.vault.setCredential(app.db, a, 'fmp', KEY)
    await app.vault.setCredential(app.db, a, 'finnhub', { api_key: 'test-key-2' })
    await app.vault.setCredential(app.db, b, 'fmp', { api_key: 'test-key-3' })
  }
})

t.test('destroying the keys of a connection destroys what they seal, and nothing of others', async t => {
  const { app, connectionId: a } = await buildSecurity(t)
  const b = await insertConnection(app)
  await app.vault.setCredential(app.db, a, 'fmp', KEY)
  await app.vault.setCredential(app.db, b, 'fmp', KEY)
  await app.vault.destroyConnectionKeys(app.db, a)
  t.equal(await app.vault.openCredential(a, 'fmp'), null)
  t.same(await app.vault.openCredential(b, 'fmp'), KEY)
})

t.test('what a destroyed connection had sealed does not open, also from a copy of its row', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  await app.vault.setCredential(app.db, id, 'fmp', KEY)
  const copy = await app.db.selectFrom('auth_credentials').selectAll().executeTakeFirstOrThrow()
  await app.vault.destroyConnectionKeys(app.db, id)
  t.same(await app.db.selectFrom('data_keys').select('id').execute(), [], 'the only key that opened it is gone')
  t.same(await app.db.selectFrom('auth_credentials').select('id').execute(), [])
  await app.vault.createDataKey(app.db, id)
  const { id: keyId } = await app.db.selectFrom('data_keys').select('id').executeTakeFirstOrThrow()
  await app.db.insertInto('auth_credentials').values({ ...copy, data_key_id: keyId }).execute()
  await t.rejects(app.vault.openCredential(id, 'fmp'), { message: /does not open/ })
})

t.test('a rotation seals the secrets again, destroys the former key, and changes nothing else', async t => {
  const { app, connectionId: a } = await buildSecurity(t)
  const b = await insertConnection(app)
  for (const id of [a, b]) await app.vault.setCredential(app.db, id, 'fmp', KEY)
  await app.vault.setCredential(app.db, a, 'alpaca', PAIR)
  await app.db.updateTable('auth_credentials').set({ test_status: 'ok' }).execute()
  const read = () => app.db.selectFrom('auth_credentials').selectAll().where('connection_id', '=', a).orderBy('provider').execute()
  const before = await read()
  t.equal(await app.db.transaction().execute(trx => app.vault.rotateDataKey(trx, a)), 2)
  const after = await read()
  for (const [i, row] of after.entries()) {
    t.match(row, { id: before[i]!.id, fingerprint: before[i]!.fingerprint, set_at: before[i]!.set_at, test_status: 'ok' })
    t.notSame(row.ciphertext, before[i]!.ciphertext)
    t.not(row.data_key_id, before[i]!.data_key_id)
  }
  t.same((await app.db.selectFrom('data_keys').select('id').where('connection_id', '=', a).execute()), [{ id: after[0]!.data_key_id }])
  t.same(await app.vault.openCredential(a, 'fmp'), KEY)
  t.same(await app.vault.openCredential(a, 'alpaca'), PAIR)
  t.same(await app.vault.openCredential(b, 'fmp'), KEY)
  const { ciphertext } = before[1]!
  await app.db.updateTable('auth_credentials').set({ ciphertext }).where('id', '=', before[1]!.id).execute()
  await t.rejects(app.vault.openCredential(a, 'fmp'), { message: /does not open/ }, 'what the former key sealed')
})

t.test('a rotation beside writers and readers of the same connection loses nothing', async t => {
  const { app, connectionId: id } = await buildSecurity(t)
  await app.vault.setCredential(app.db, id, 'fmp', KEY)
  const inTransaction = <T>(work: (trx: typeof app.db) => Promise<T>) => app.db.transaction().execute(work)
  const rounds = ['1', '2', '3', '4', '5', '6']
  const results = await Promise.all(rounds.flatMap(round => [
    inTransaction(trx => app.vault.rotateDataKey(trx, id)),
    inTransaction(trx => app.vault.setCredential(trx, id, 'finnhub', { api_key: `test-${round}` })),
    app.vault.openCredential(id, 'fmp')
  ]))
  t.equal(results.filter(result => JSON.stringify(result) === JSON.stringify(KEY)).length, rounds.length)
  t.same(await app.vault.openCredential(id, 'fmp'), KEY)
  t.match(await app.vault.openCredential(id, 'finnhub'), { api_key: /^test-\d$/ })
  t.equal((await app.db.selectFrom('data_keys').select('id').execute()).length, 1)
})

t.test('a rotation changes nothing where a secret does not open, and works once that one is deleted', async t => {
  const { app, connectionId: a } = await buildSecurity(t)
  const b = await insertConnection(app)
  const rotate = () => app.db.transaction().execute(trx => app.vault.rotateDataKey(trx, a))
  for (const provider of ['fmp', 'finnhub'] as const) await app.vault.setCredential(app.db, a, provider, KEY)
  await app.vault.setCredential(app.db, b, 'fmp', KEY)
  const { id: foreign } = await app.db.selectFrom('data_keys').select('id').where('connection_id', '=', b).executeTakeFirstOrThrow()
  const spoil = [
    sql`UPDATE auth_credentials SET ciphertext = set_byte(ciphertext, 30, get_byte(ciphertext, 30) # 1)
      WHERE connection_id = ${a} AND provider = 'fmp'`,
    sql`UPDATE auth_credentials SET data_key_id = ${foreign} WHERE connection_id = ${a} AND provider = 'fmp'`
  ]
  for (const attack of spoil) {
    await attack.execute(app.db)
    const before = await app.db.selectFrom('data_keys').selectAll().orderBy('id').execute()
    await t.rejects(rotate(), { code: 'FMS_CONFLICT', message: /The stored fmp key does not open/ })
    t.same(await app.db.selectFrom('data_keys').selectAll().orderBy('id').execute(), before)
    t.same(await app.vault.openCredential(a, 'finnhub'), KEY)
  }
  await sql`DELETE FROM auth_credentials WHERE connection_id = ${a} AND provider = 'fmp'`.execute(app.db)
  t.equal(await rotate(), 1)
  t.same(await app.vault.openCredential(a, 'finnhub'), KEY)
  await t.rejects(app.db.transaction().execute(trx => app.vault.rotateDataKey(trx, randomUUID())), { code: 'FMS_NOT_FOUND' })
})

t.test('the fingerprint does not depend on the order of the fields', async t => {
  const { app } = await buildSecurity(t)
  const { key_id: id, secret_key: secret } = PAIR
  t.equal(app.vault.fingerprint({ secret_key: secret, key_id: id }), app.vault.fingerprint(PAIR))
})

t.test('the system keys are the same for every replica and differ from each other', async t => {
  const { app: a, url } = await buildSecurity(t)
  const { app: b } = await buildSecurity(t, { url })
  const names = ['token', 'audit', 'fingerprint'] as const
  for (const name of names) {
    t.equal(a.vault.systemKey(name).length, 32)
    t.same(a.vault.systemKey(name), b.vault.systemKey(name))
  }
  t.equal(new Set(names.map(name => a.vault.systemKey(name).toString('hex'))).size, 3)
})

t.test('replicas that start at once on an empty database agree on the system keys', async t => {
  const { url } = await buildSecurity(t)
  await query(url, 'DELETE FROM system_keys')
  const [a, b] = await Promise.all([buildSecurity(t, { url }), buildSecurity(t, { url })])
  t.same(a.app.vault.systemKey('token'), b.app.vault.systemKey('token'))
})

t.test('start is refused where a stored kid is missing from the ring', async t => {
  const { url } = await buildSecurity(t)
  const env = { MASTER_KEY: `k2:${Buffer.alloc(32, 9).toString('base64')}` }
  await t.rejects(buildSecurity(t, { url, env }), { message: /k1 wrapped, and MASTER_KEY lacks it/ })
})

t.test('start is refused where the key under the kid is another one', async t => {
  const { app, url, connectionId: id } = await buildSecurity(t)
  await app.vault.createDataKey(app.db, id)
  const env = { MASTER_KEY: `k1:${Buffer.alloc(32, 9).toString('base64')}` }
  await t.rejects(buildSecurity(t, { url, env }), { message: /The key k1 of MASTER_KEY is not the one/ })
  await query(url, "UPDATE data_keys SET kid = 'k0'")
  const both = { MASTER_KEY: `${MASTER_KEY},k0:${Buffer.alloc(32, 9).toString('base64')}` }
  await t.rejects(buildSecurity(t, { url, env: both }), { message: /The key k0 of/ })
})

t.test('a second primary key seals what is new and the first still opens what is old', async t => {
  const { app, url, connectionId: id } = await buildSecurity(t)
  await app.vault.setCredential(app.db, id, 'fmp', KEY)
  const env = { MASTER_KEY: `k2:${Buffer.alloc(32, 9).toString('base64')},${MASTER_KEY}` }
  const { app: next, connectionId: other } = await buildSecurity(t, { url, env })
  t.same(await next.vault.openCredential(id, 'fmp'), KEY)
  await next.vault.setCredential(next.db, other, 'fmp', KEY)
  const kids = await next.db.selectFrom('data_keys').select('kid').orderBy('kid').execute()
  t.same(kids, [{ kid: 'k1' }, { kid: 'k2' }])
})
