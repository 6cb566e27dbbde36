import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createDatabase, query } from '../database.ts'
import { areGone, createFolder } from '../fixtures/embedded.ts'
import { buildOnce, runServer, type Env } from './process.ts'

buildOnce()

/** Starts with `env` and expects one sentence, exit code 1 and nothing left behind. */
async function refuses (t: Test, env: Env, sentence: RegExp): Promise<void> {
  const dataDir = await createFolder(t)
  const name = Object.entries(env).map(pair => pair.join('=')).join(' ')
  const { code, stdout, stderr } = await runServer(t, dataDir, env)
  t.equal(code, 1, `${name} ends with 1`)
  t.match(stderr, /^financial-mcp-server: [^\n]+\n$/, `${name} is one line`)
  t.match(stderr, sentence, name)
  t.notMatch(stdout, /"level":[56]0/, `${name} is no error of the log`)
  t.ok(await areGone(dataDir, 1000), `${name} leaves no Postgres`)
}

t.test('a variable that cannot be is one sentence that names it', async t => {
  const refusals: [Env, RegExp][] = [
    [{ PORT: 'abc' }, /\bPORT must be integer/],
    [{ PORT: '70000' }, /\bPORT must be <= 65535/],
    [{ LOG_LEVEL: 'loud' }, /\bLOG_LEVEL .*fatal, error/],
    [{ MASTER_KEY_FILE: '/nowhere/master.key' }, /\bMASTER_KEY_FILE names \/nowhere\/master\.key/],
    [{ DATABASE_URL: 'postgres://localhost/none' }, /Set MASTER_KEY_FILE/],
    [{ ALPACA_API_KEY: 'only' }, /ALPACA_API_KEY and ALPACA_SECRET_KEY/],
    [{ PUBLIC_URL: 'example.com' }, /\bPUBLIC_URL must match/]
  ]
  await Promise.all(refusals.map(([env, sentence]) => refuses(t, env, sentence)))
})

t.test('a MASTER_KEY that is no key ring is refused', t => refuses(t, { MASTER_KEY: 'k1:short' }, /\bMASTER_KEY\b/))

t.test('a database that a later version has migrated is refused, and left as it is', async t => {
  const url = await createDatabase(t)
  await query(url, 'INSERT INTO kysely_migration VALUES (\'0999-later\', \'x\')')
  const env = { DATABASE_URL: url, MASTER_KEY: `k1:${randomBytes(32).toString('base64')}` }
  await refuses(t, env, /newer schema than this server knows \(0999-later\)\. Start the version of the server that made it/)
  t.equal((await query(url, 'SELECT 1 FROM kysely_migration WHERE name = \'0999-later\'')).rows.length, 1)
})

t.test('a port that is in use is refused by name', async t => {
  const taken = createServer()
  await once(taken.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  await refuses(t, { PORT: String(port) }, new RegExp(`\\bPORT ${port}\\b`))
})
