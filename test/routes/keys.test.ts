import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { sql } from 'kysely'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.ts'
import { createDatabase } from '../database.ts'
import { until } from '../plugins/build-security.ts'
import { buildControl } from './build-control.ts'

const line = (kid: string, byte: number) => `${kid}:${Buffer.alloc(32, byte).toString('base64')}`
const [K1, K2] = [line('k1', 1), line('k2', 2)]
const URL = '/api/keys/rewrap'

/** Connections with a key each, wrapped by k1, and a server with k2 as the primary key. */
async function build (t: Test, count = 3) {
  const databaseUrl = await createDatabase(t)
  const former = await buildControl(t, { databaseUrl, env: { MASTER_KEY: K1 } })
  const ids: string[] = []
  for (let n = 0; n < count; n++) {
    const { id } = await former.app.connections.create({ name: `c${n}` }, { actor: 'test' })
    await former.app.connections.setCredential(id, 'fmp', { api_key: `test-${n}` }, { actor: 'test' })
    ids.push(id)
  }
  const control = await buildControl(t, { databaseUrl, env: { MASTER_KEY: `${K2},${K1}` } })
  const read = async () => (await control.call('GET', URL)).json()
  const ended = () => until(async () => (await read()).state !== 'running')
  return { ...control, former, ids, read, ended, databaseUrl, env: { DATABASE_URL: databaseUrl, MASTER_KEY: `${K2},${K1}` } }
}

t.test('an admin has every key wrapped anew, sees it, and it stands in the audit log', async t => {
  const { app, call, read, ended, former, ids } = await build(t)
  t.same(await read(), {
    state: 'none', started_by: null, started_at: null, ended_at: null, done: 0, total: 0, failed: [], message: null
  })
  const started = await call('POST', URL)
  t.equal(started.statusCode, 202)
  t.match(started.json(), { state: /running|done/, started_by: /^admin_token:/, started_at: String })
  await ended()
  t.match(await read(), { state: 'done', ended_at: String, done: 3, total: 3, failed: [], message: null })
  t.match((await former.call('GET', URL)).json(), { state: 'done', done: 3 }, 'any replica tells of it')
  t.match((await call('GET', '/api/system')).json().keys, {
    primary: 'k2', keys: [{ kid: 'k2', data_keys: 3, system_keys: 4 }, { kid: 'k1', data_keys: 0, system_keys: 0 }]
  })
  t.same(await app.vault.openCredential(ids[0]!, 'fmp'), { api_key: 'test-0' })
  const { items } = await app.audit.list({ action: 'keys.rewrap' })
  t.match(items.map(({ actor, target, outcome, details }) => ({ actor, target, outcome, details })), [
    { actor: /^admin_token:/, target: 'k2', outcome: 'ok', details: { phase: 'end', data_keys: 3, system_keys: 4, failed: 0 } },
    { actor: /^admin_token:/, target: null, outcome: 'ok', details: { phase: 'begin' } }
  ])
})

t.test('a second run is refused while one is under way, and goes on for one whose process is gone', async t => {
  const { app, call, read, ended } = await build(t)
  const begin = (seen: string) => sql`INSERT INTO key_rewraps (run_id, started_by, seen_at, done, total)
    VALUES (${randomUUID()}, 'cli', now() - ${seen}::interval, 1, 3)
    ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at`.execute(app.db)
  await begin('0 seconds')
  t.match(await read(), { state: 'running', started_by: 'cli', done: 1, total: 3 })
  t.match((await call('POST', URL)).json(), { status: 409, code: 'FMS_CONFLICT', detail: /GET \/api\/keys\/rewrap/ })
  t.equal((await app.audit.list({ action: 'keys.rewrap' })).items.length, 0)
  await begin('1 minute')
  t.match(await read(), { state: 'interrupted' })
  t.equal((await call('POST', URL)).statusCode, 202)
  await ended()
  t.match(await read(), { state: 'done', done: 3 })
})

t.test('a data key that does not open is named with what to do', async t => {
  const { app, call, read, ended, ids } = await build(t)
  await sql`UPDATE data_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1) WHERE connection_id = ${ids[1]}`.execute(app.db)
  await call('POST', URL)
  await ended()
  t.match(await read(), { state: 'failed', done: 2, failed: [ids[1]], message: /fmcp keys rotate/ })
  t.match((await app.audit.list({ action: 'keys.rewrap' })).items[0], { outcome: 'CONFLICT', details: { failed: 1 } })
})

t.test('a run that fails tells why, where that is for an operator', async t => {
  const { app, call, read, ended, log } = await build(t)
  await sql`UPDATE data_keys SET kid = 'k0'`.execute(app.db)
  await call('POST', URL)
  await ended()
  t.match(await read(), { state: 'failed', message: /the master key k0 wrapped, and MASTER_KEY lacks it/ })
  await sql`UPDATE data_keys SET kid = 'k1'`.execute(app.db)
  app.vault.rewrap = async () => { throw new Error('a defect with internals') }
  await call('POST', URL)
  await ended()
  const { message } = await read()
  t.match(message, /Start it again/)
  t.notMatch(message, 'internals')
  t.match(log(), 'a defect with internals')
})

t.test('a stop ends the run between two batches, and the next one does the rest', async t => {
  const { app, call, databaseUrl, former } = await build(t, 250)
  const { rewrap } = app.vault
  let batches = 0
  app.vault.rewrap = options => rewrap({
    ...options,
    onProgress (done, total) {
      options?.onProgress?.(done, total)
      if (++batches === 1) stopped = app.close()
    }
  })
  let stopped: Promise<unknown> | undefined
  await call('POST', URL)
  await until(() => stopped !== undefined)
  await stopped
  const left = (await former.call('GET', URL)).json()
  t.match(left, { state: 'failed', message: /goes on where it stopped/ })
  t.ok(left.done > 0 && left.done < 250, `${left.done} of 250`)
  const next = await buildControl(t, { databaseUrl, env: { MASTER_KEY: `${K2},${K1}` } })
  await next.call('POST', URL)
  await until(async () => (await next.call('GET', URL)).json().state === 'done')
  t.equal((await next.call('GET', URL)).json().done, 250 - left.done)
})

t.test('a run from the shell is seen over REST, also one that takes over', async t => {
  const { app, read, env } = await build(t)
  await sql`INSERT INTO key_rewraps (run_id, started_by) VALUES (${randomUUID()}, 'cli')`.execute(app.db)
  const io = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() }
  t.equal(await run(['keys', 'rewrap'], env, io), 0)
  t.match(await read(), { state: 'done', started_by: 'cli', done: 3, total: 3 })
})
