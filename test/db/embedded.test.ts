import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { connectEmbedded, EmbeddedError, startEmbedded } from '../../db/embedded/index.ts'
import {
  areGone, ask, copyFolder, createFolder, kill, makeFolder, processesOf, readPid, silent, spawnServer, start, waitFor
} from '../fixtures/embedded.ts'

const made = await makeFolder(t)

t.test('the first start makes a cluster that only this user reaches, the second one uses it', async t => {
  const dataDir = join(await createFolder(t), 'data')
  const begun = performance.now()
  const first = await startEmbedded({ dataDir, log: silent })
  t.comment(`first start ${Math.round(performance.now() - begun)} ms`)
  t.equal(await ask(first.pool, 'SHOW fsync'), 'on')
  t.equal(await ask(first.pool, 'SHOW listen_addresses'), '')
  t.equal(await ask(first.pool, 'SHOW server_encoding'), 'UTF8')
  t.equal(await ask(first.pool, 'SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = \'postgres\''), 'bC.UTF-8')
  t.match(await ask(first.pool, 'SELECT rolpassword FROM pg_authid WHERE rolname = \'postgres\''), /^SCRAM-SHA-256/)
  await t.rejects(ask({ ...first.pool, password: 'wrong' }, 'SELECT 1'), { code: '28P01' })
  t.equal((await stat(join(dataDir, 'run'))).mode & 0o777, 0o700)
  t.equal((await stat(join(dataDir, 'postgres.password'))).mode & 0o777, 0o600)
  await ask(first.pool, 'CREATE TABLE kept AS SELECT 42 AS answer')
  const stopping = performance.now()
  await first.stop()
  t.comment(`stop ${Math.round(performance.now() - stopping)} ms`)
  t.strictSame(processesOf(dataDir), [])

  const again = performance.now()
  const second = await start(t, dataDir)
  t.comment(`second start ${Math.round(performance.now() - again)} ms`)
  t.strictSame(second.pool, first.pool)
  t.equal(await ask(second.pool, 'SELECT answer FROM kept'), 42)
})

t.test('a data directory whose sockets the kernel would refuse is refused', async t => {
  await t.rejects(startEmbedded({ dataDir: `/tmp/${'x'.repeat(100)}`, log: silent }), /Choose a shorter DATA_DIR/)
  const longest = join(await createFolder(t), 'x')
  const dataDir = longest.padEnd(107 - '/run/starting-1234567-abcdef'.length, 'x')
  const embedded = await start(t, dataDir)
  t.equal(await ask(embedded.pool, 'SELECT 1'), 1)
  await t.rejects(startEmbedded({ dataDir: `${dataDir}x`, log: silent }), /is 1 bytes? too long/)
})

t.test('a folder that is no cluster, or of another major version, is left alone', async t => {
  const dataDir = await createFolder(t)
  await mkdir(join(dataDir, 'postgres'))
  await t.rejects(start(t, dataDir), new EmbeddedError(`${join(dataDir, 'postgres')} exists and is no Postgres cluster. ` +
    'Move it away, or choose another DATA_DIR.'))
  await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '17\n')
  await t.rejects(start(t, dataDir), /was made by Postgres 17, this is Postgres 18/)
  t.strictSame(await readdir(join(dataDir, 'postgres')), ['PG_VERSION'])
})

t.test('a lost password is asked for', async t => {
  const dataDir = await copyFolder(t, made)
  await (await start(t, dataDir)).stop()
  await rm(join(dataDir, 'postgres.password'))
  await t.rejects(start(t, dataDir), /postgres.password is missing: put it back from the backup/)
})

t.test('of starters at the same time one wins, and a later one is refused within 2 seconds', async t => {
  const dataDir = await copyFolder(t, made)
  const starters = await Promise.allSettled([1, 2, 3, 4].map(() => start(t, dataDir)))
  t.equal(starters.filter(starter => starter.status === 'fulfilled').length, 1)
  const begun = performance.now()
  await t.rejects(start(t, dataDir), { message: new RegExp(`Another server is using DATA_DIR \\(pid ${process.pid},`) })
  t.ok(performance.now() - begun < 2000)
  t.equal((await readdir(join(dataDir, 'run'))).filter(name => name.startsWith('server-')).length, 1)
})

t.test('a server of another process that was stopped (SIGSTOP) still holds its data directory', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir)
  t.match(await server.answer, /^ready/)
  kill(server.pid, 'SIGSTOP')
  const begun = performance.now()
  await t.rejects(start(t, dataDir), { message: new RegExp(`\\(pid ${server.pid},`) })
  t.ok(performance.now() - begun < 2000, 'within 2 seconds')
})

t.test('a CLI finds the database of a running server, and none without', async t => {
  const dataDir = await copyFolder(t, made)
  t.equal(await connectEmbedded({ dataDir }), null)
  const embedded = await start(t, dataDir)
  t.strictSame(await connectEmbedded({ dataDir }), embedded.pool)
  await embedded.stop()
  t.equal(await connectEmbedded({ dataDir }), null)
})

t.test('a Postgres that does not stop is ended by force, and the next start recovers', async t => {
  const dataDir = await copyFolder(t, made)
  const embedded = await start(t, dataDir)
  kill(readPid(dataDir), 'SIGSTOP')
  await embedded.stop(200)
  t.ok(await areGone(dataDir, 1000))
  t.equal(await ask((await start(t, dataDir)).pool, 'SELECT 1'), 1)
})

t.test('Ctrl-C reaches the server alone, which still uses the database while it stops', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir, { detached: true })
  t.match(await server.answer, /^ready/)
  kill(-server.pid, 'SIGINT')
  t.equal(await server.ended, 0)
  t.strictSame(processesOf(dataDir), [])
})

t.test('a Postgres that ends by itself is started again, with nothing left behind', async t => {
  const dataDir = await copyFolder(t, made)
  const embedded = await start(t, dataDir)
  const reasons: string[] = []
  embedded.onExit(reason => { reasons.push(reason) })
  for (let deaths = 0; deaths < 2; deaths++) {
    const pid = readPid(dataDir)
    kill(pid)
    // A backend outlives its postmaster for a moment: an answer alone is no sign of a new one.
    const isAnother = (other: number) => Number.isInteger(other) && other !== pid
    t.ok(await waitFor(() => isAnother(readPid(dataDir)) && ask(embedded.pool, 'SELECT 1').catch(() => false)))
  }
  t.ok(reasons.length > 0, 'the owner is told')
  t.ok(await waitFor(() => processesOf(dataDir).length === 3), 'a supervisor, its reader, a postmaster')
  t.equal((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[1], join(dataDir, 'postgres'))
})

t.test('a stop while Postgres is being started again leaves nothing behind', async t => {
  const dataDir = await copyFolder(t, made)
  for (const comesUp of [false, true]) {
    const embedded = await start(t, dataDir)
    const pid = readPid(dataDir)
    const exited = new Promise<string>(resolve => { embedded.onExit(resolve) })
    kill(pid)
    await exited
    if (comesUp) t.ok(await waitFor(() => ask(embedded.pool, 'SELECT 1').catch(() => false)))
    await embedded.stop()
    t.strictSame(processesOf(dataDir), [])
  }
})
