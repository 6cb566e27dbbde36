import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  areGone, ask, copyFolder, createFolder, kill, makeFolder, processesOf, readPid, spawnServer, start, waitFor
} from '../fixtures/embedded.ts'

const made = await makeFolder(t)

t.test('an initdb that was killed in the middle is done anew', async t => {
  const dataDir = await createFolder(t)
  const unfinished = async () => (await readdir(dataDir)).some(name => name.startsWith('postgres.new-'))
  const server = spawnServer(t, dataDir)
  t.ok(await waitFor(unfinished, 20_000))
  kill(server.pid)
  await server.ended
  t.ok(await unfinished(), 'the server left it')
  const embedded = await start(t, dataDir)
  t.equal(await ask(embedded.pool, 'SELECT 1'), 1)
  t.notOk(await unfinished())
})

t.test('when the server is killed (kill -9) Postgres ends by itself', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir)
  t.match(await server.answer, /^ready/)
  t.equal(processesOf(dataDir).length, 3)
  const begun = performance.now()
  kill(server.pid)
  t.ok(await areGone(dataDir, 2000))
  t.comment(`gone after ${Math.round(performance.now() - begun)} ms`)
})

t.test('a start right after a kill -9 waits for the former Postgres', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir)
  t.match(await server.answer, /^ready/)
  const former = readPid(dataDir)
  kill(server.pid)
  await server.ended
  const embedded = await start(t, dataDir)
  t.equal(await ask(embedded.pool, 'SELECT 1'), 1)
  t.not(readPid(dataDir), former)
})

t.test('a start after server, supervisor and Postgres were all killed recovers', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir)
  t.match(await server.answer, /^ready/)
  const all = processesOf(dataDir)
  kill(server.pid)
  for (const pid of all) kill(pid)
  await server.ended
  t.ok(readPid(dataDir) > 1, 'the pid file is stale')
  t.equal(await ask((await start(t, dataDir)).pool, 'SELECT 1'), 1)
})

t.test('a Postgres that lost its server and its supervisor is ended by the next start', async t => {
  const dataDir = await copyFolder(t, made)
  const server = spawnServer(t, dataDir)
  t.match(await server.answer, /^ready/)
  const orphan = readPid(dataDir)
  const others = processesOf(dataDir).filter(pid => pid !== orphan)
  kill(server.pid, 'SIGSTOP')
  for (const pid of others) kill(pid)
  kill(server.pid)
  await server.ended
  t.ok(processesOf(dataDir).includes(orphan))
  t.equal(await ask((await start(t, dataDir)).pool, 'SELECT 1'), 1)
  t.notOk(processesOf(dataDir).includes(orphan))
})

t.test('a stale pid file whose number some other process has now does not hinder', async t => {
  const dataDir = await copyFolder(t, made)
  const embedded = await start(t, dataDir)
  const files = [join(dataDir, 'postgres', 'postmaster.pid'), join(dataDir, 'run', '.s.PGSQL.5432.lock')]
  const texts = await Promise.all(files.map(file => readFile(file, 'utf8')))
  await embedded.stop()
  await Promise.all(files.map((file, i) => writeFile(file, `${texts[i]}`.replace(/^\d+/, String(process.ppid)))))
  t.equal(await ask((await start(t, dataDir)).pool, 'SELECT 1'), 1)
})
