/** The key ring's file, changed while servers run. */
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { query } from '../database.ts'
import { buildSecurity, createOutage, insertConnection, until } from './build-security.ts'

const line = (kid: string, byte: number) => `${kid}:${Buffer.alloc(32, byte).toString('base64')}\n`
const [K1, K2, K3] = [line('k1', 7), line('k2', 9), line('k3', 3)]
const KEY = { api_key: 'test-key-1' }

/** A server on a ring file, and a connection of it with a key. */
async function build (t: Test, { url, ring = K1 }: { url?: string, ring?: string } = {}) {
  const file = join(t.testdir(), `ring-${Math.random()}`)
  writeFileSync(file, ring)
  const env = { MASTER_KEY: '', MASTER_KEY_FILE: file }
  const built = await buildSecurity(t, { ...(url && { url }), env })
  await built.app.vault.setCredential(built.app.db, built.connectionId, 'fmp', KEY)
  const kidOf = async (connectionId: string) => (await built.app.db.selectFrom('data_keys').select('kid')
    .where('connection_id', '=', connectionId).executeTakeFirst())?.kid
  const seal = async () => {
    const id = await insertConnection(built.app)
    await built.app.vault.setCredential(built.app.db, id, 'fmp', KEY)
    return kidOf(id)
  }
  return { ...built, file, write: (text: string) => writeFileSync(file, text), seal, kidOf }
}

t.test('a new primary key wraps what is new after a reload, and the log names it', async t => {
  const { app, write, seal, connectionId, log } = await build(t)
  t.equal(await seal(), 'k1')
  write(K2 + K1)
  t.equal(await app.vault.reload(), true)
  t.match(log(), /the key ring is read: k2 is primary/)
  t.equal(await seal(), 'k2')
  t.same(await app.vault.openCredential(connectionId, 'fmp'), KEY)
  t.notMatch(log(), K2.slice(3, -1))
})

t.test('a ring that does not open what is stored is not taken, and the log says why', async t => {
  const { app, write, file, seal, connectionId, log } = await build(t)
  const refusals: [string | undefined, RegExp][] = [
    [K2, /master key k1 wrapped, and MASTER_KEY_FILE \(.*\) lacks it/],
    [line('k1', 8), /The key k1 of MASTER_KEY_FILE .* is not the one/],
    ['', /holds no key/],
    [K1.slice(0, 20), /Entry 1 of MASTER_KEY_FILE/],
    [undefined, /is missing/]
  ]
  for (const [text, reason] of refusals) {
    const before = log().length
    if (text === undefined) rmSync(file)
    else write(text)
    t.equal(await app.vault.reload(), false)
    const lines = log().slice(before).split('\n').filter(entry => entry.includes('"level":50'))
    t.equal(lines.length, 1, 'one error')
    t.match(lines[0], reason)
    t.match(lines[0], /the former one stays: k1 is primary/)
    t.same(await app.vault.openCredential(connectionId, 'fmp'), KEY)
  }
  write(K1)
  t.equal(await seal(), 'k1')
})

t.test('a ring that cannot be checked while the database is away is not taken', async t => {
  const { app, write, url, log } = await build(t)
  const outage = createOutage(url)
  write(K2 + K1)
  await outage.down()
  t.teardown(() => outage.up())
  await until(() => app.dbState.isDown())
  t.equal(await app.vault.reload(), false)
  t.match(log(), /the former one stays: k1 is primary/)
  await outage.up()
  await until(() => !app.dbState.isDown())
  t.equal(await app.vault.reload(), true)
})

t.test('a ring that is a variable is not read again, and the log says what to do', async t => {
  const { app, log } = await buildSecurity(t)
  t.equal(await app.vault.reload(), false)
  t.match(log(), /MASTER_KEY is read at start only. Restart the server/)
})

t.test('a server that meets a key of another\'s new ring reads its file once more', async t => {
  const first = await build(t)
  const second = await build(t, { url: first.url, ring: K2 + K1 })
  await second.app.vault.rewrap()
  const open = () => first.app.vault.openCredential(first.connectionId, 'fmp')
  await t.rejects(open(), { message: /master key k2 wrapped, and MASTER_KEY_FILE \(.*\) lacks it/ })
  await t.rejects(first.seal(), { message: /k2/ }, 'it does not wrap by a key that was given up')
  first.write('half of a li')
  await t.rejects(open(), { message: /k2 wrapped/, cause: { message: /Entry 1/ } })
  first.write(K2)
  t.same(await Promise.all([open(), open(), open()]), [KEY, KEY, KEY])
  t.equal(await first.seal(), 'k2')
  t.match(first.log(), /the key ring was read again: k2 is primary/)
  t.equal(first.log().split('was read again: k2').length, 2, 'once')
})

t.test('a key that no ring has any more does not open what others still open', async t => {
  const { app, url, connectionId, kidOf } = await build(t)
  const lost = await insertConnection(app)
  await app.vault.setCredential(app.db, lost, 'fmp', KEY)
  await query(url, `UPDATE data_keys SET kid = 'gone' WHERE connection_id = '${lost}'`)
  await t.rejects(app.vault.openCredential(lost, 'fmp'), { message: /master key gone wrapped/ })
  t.same(await app.vault.openCredential(connectionId, 'fmp'), KEY)
  t.equal(await kidOf(lost), 'gone')
})

t.test('a server with the old primary key looks at its file before it wraps, once another has rewrapped', async t => {
  const first = await build(t, { ring: K1 + K2 })
  const second = await build(t, { url: first.url, ring: K2 + K1 })
  t.equal(await first.seal(), 'k1')
  await second.app.vault.rewrap()
  first.write(K2 + K1)
  t.equal(await first.seal(), 'k2', 'without a signal')
  first.write(K3 + K2 + K1)
  t.equal(await first.seal(), 'k2', 'as long as nothing was rewrapped there is nothing to look for')
})

t.test('the callers of a server that lacks a key are told nothing of it, and the log has the kid', async t => {
  const { app, url, connectionId, log } = await buildSecurity(t, {
    routes: scope => scope.get('/open', () => scope.vault.openCredential(connectionId, 'fmp'))
  })
  await app.vault.setCredential(app.db, connectionId, 'fmp', KEY)
  await query(url, "UPDATE data_keys SET kid = 'k9'")
  const { statusCode, body } = await app.inject('/open')
  t.equal(statusCode, 500)
  t.match(JSON.parse(body), { code: 'FMS_INTERNAL', detail: 'Something went wrong here. The log has it under the request id.' })
  t.notMatch(body, /k9|MASTER/)
  t.match(log(), /master key k9 wrapped, and MASTER_KEY lacks it/)
})
