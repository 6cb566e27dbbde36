import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.ts'
import { adminScope } from '../../plugins/auth/index.ts'
import backup from '../../routes/backup.ts'
import { createDatabase } from '../database.ts'
import { MASTER_KEY } from '../helper.ts'
import { buildSecurity, createOutage, until } from '../plugins/build-security.ts'
import { assertNoCanary, buildControl, CANARY } from './build-control.ts'

const io = () => ({ stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() })

t.test('the backup is the file of fmcp backup: it restores, with its audit event in it, and holds no key', async t => {
  const control = await buildControl(t)
  const { app, call } = control
  const { id } = (await call('POST', '/api/connections', { name: 'desk' })).json()
  await call('PUT', `/api/connections/${id}/credentials/fmp`, { api_key: CANARY })
  const response = await call('POST', '/api/backup')
  t.equal(response.statusCode, 200)
  t.match(response.headers, {
    'content-type': 'application/gzip', 'cache-control': 'no-store', 'content-disposition': /^attachment; filename="fmcp-[\d-]{10}\.backup"$/
  })
  t.match((await app.audit.list({ action: 'backup.create' })).items, [{ actor: /^admin_token:/, outcome: 'ok' }])
  const folder = await mkdtemp(join(tmpdir(), 'fms-backup-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'fmcp.backup')
  await writeFile(file, response.rawPayload)
  const url = await createDatabase(t, { empty: true })
  t.equal(await run(['restore', file], { DATABASE_URL: url, MASTER_KEY }, io()), 0)
  const restored = await buildControl(t, { databaseUrl: url })
  t.match((await restored.call('GET', '/api/connections')).json(), [{ name: 'desk', credentials: [{ provider: 'fmp' }] }])
  t.same(await restored.app.vault.openCredential(id, 'fmp'), { api_key: CANARY })
  t.match((await restored.app.audit.list({ action: 'backup.create' })).items, [{ outcome: 'ok' }])
  await assertNoCanary(t, control, [response])
})

/** The route alone, with another patience, on a log that does not fit into the buffers between two processes. */
async function listening (t: Test, { stallMs = 60_000, rows = 100 } = {}) {
  const all = await buildSecurity(t, {
    routes (scope) {
      adminScope(scope)
      scope.register(backup, { stallMs })
    }
  })
  const { app } = all
  for (let n = 0; n < rows; n++) {
    // Nothing that gzip could make small.
    app.audit.enqueue({ action: 'test.event', actor: 'system', details: { text: randomBytes(700).toString('base64') } })
    if (n % 2000 === 0) await app.audit.flush()
  }
  await app.audit.flush()
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.server.closeAllConnections())
  const headers = { authorization: `Bearer ${token}` }
  const take = (signal?: AbortSignal) => fetch(`${url}/api/backup`, { method: 'POST', headers, ...(signal && { signal }) })
  /** Whether the next one can be taken, to its end. */
  const isFree = async () => {
    const response = await take()
    await response.arrayBuffer()
    return response.ok
  }
  return { ...all, take, isFree, port: Number(new URL(url).port), headers }
}

t.test('one is taken at a time', async t => {
  const { app, take, isFree } = await listening(t)
  let go: (() => void) | undefined
  const { record } = app.audit
  app.audit.record = async (trx, event) => {
    await new Promise<void>(resolve => { go = resolve })
    return record(trx, event)
  }
  const first = take()
  await until(() => go !== undefined)
  t.match(await (await take()).json(), { status: 503, code: 'FMS_OVERLOADED', retry_after_seconds: 10 })
  app.audit.record = record
  go!()
  t.ok((await (await first).arrayBuffer()).byteLength > 1000)
  await until(isFree)
})

t.test('who goes away, and who takes nothing, ends it, and the next one can be taken', async t => {
  const { log, isFree, port, headers, take } = await listening(t, { stallMs: 500, rows: 12_000 })
  const ends = () => log().split('a backup was not taken to its end').length - 1
  const leave = new AbortController()
  const response = await take(leave.signal)
  leave.abort()
  await t.rejects(response.arrayBuffer())
  await until(() => ends() === 1)
  await until(isFree)

  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.write(`POST /api/backup HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${headers.authorization}\r\nContent-Length: 0\r\n\r\n`)
  await until(() => ends() === 2)
  await until(isFree)
})

t.test('a database that is away is told before anything is sent, and does not keep the next from coming', async t => {
  const { app, url, take, isFree } = await listening(t)
  t.ok(await isFree())
  const { down, up } = createOutage(url)
  await down()
  t.teardown(up)
  await until(() => app.dbState.isDown())
  t.match(await (await take()).json(), { status: 503 })
  await up()
  await until(isFree)
})
