import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { judgeConnections } from '../../cli/doctor/database.ts'
import { judgeExpiry, judgeSecretMode, judgeSpace } from '../../cli/doctor/files.ts'
import { judgeClock, type Finding } from '../../cli/doctor/finding.ts'
import { judgeInfo } from '../../cli/doctor/redis.ts'
import { checkNode, checkSettings } from '../../cli/doctor/settings.ts'
import { createSelfSigned } from '../../cli/self-signed.ts'
import { loadConfig } from '../../config.ts'
import { createDatabase, query } from '../database.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { MASTER_KEY } from '../helper.ts'
import { needsRedisServer, startRedisServer } from '../redis.ts'
import { sendJson, startUpstream } from '../upstream/index.ts'
import { fmcp, type Env } from './run.ts'

interface Report { ok: boolean, checks: Finding[] }

/** A database, the key ring in a file that nobody else may read, and the providers. */
async function build (t: Test) {
  const upstream = await startUpstream(t)
  const folder = t.testdir({ ring: MASTER_KEY })
  const ring = join(folder, 'ring')
  chmodSync(ring, 0o600)
  const url = await createDatabase(t)
  const env: Env = { DATABASE_URL: url, MASTER_KEY_FILE: ring, ...upstream.env }
  const doctor = async (more: Env = {}, ...options: string[]) => {
    const { code, stderr, json } = await fmcp({ ...env, ...more }, ['doctor', '--json', ...options])
    const { ok, checks } = json<Report & Record<string, unknown>>()
    t.equal(ok, code === 0, 'the exit code is what the report says')
    return { code, stderr, checks, of: (check: string) => checks.filter(finding => finding.check === check) }
  }
  const store = async (name: string, key = 'test-key') => {
    await fmcp(env, ['connection', 'create', name])
    await fmcp(env, ['credential', 'set', name, 'finnhub'], key)
  }
  return { upstream, folder, ring, url, env, doctor, store }
}

const failures = (checks: Finding[]) => checks.filter(({ state }) => state === 'fail')

t.setTimeout(900_000)

t.test('where all is well each check says so, in a table and as JSON, and the exit code is 0', async t => {
  const { doctor, store, env } = await build(t)
  await store('desk')
  const { code, stderr, checks, of } = await doctor()
  t.match({ code, stderr }, { code: 0, stderr: '' })
  t.same(failures(checks), [])
  t.same(checks.filter(({ state }) => state === 'warn').map(({ check }) => check).filter(check => check !== 'node'), [])
  for (const check of ['configuration', 'master key', 'database', 'schema', 'privileges', 'pool', 'listen', 'clock of the database', 'keys', 'redis', 'finnhub of "desk"', 'clock of finnhub']) {
    t.equal(of(check)[0]?.state, 'ok', check)
  }
  const table = await fmcp(env, ['doctor'])
  t.match(table, { code: 0, stdout: /^ok +database +PostgreSQL \d+/m })
  t.match(table.stdout, /^ok +finnhub of "desk" +The key was accepted at .*not asked again/m)
})

t.test('a configuration that cannot be read is the one finding', async t => {
  const { code, stderr, json } = await fmcp({ PORT: 'abc' }, ['doctor', '--json'])
  t.match(json(), { ok: false, checks: [{ check: 'node' }, { check: 'configuration', state: 'fail', message: /PORT must be integer/ }] })
  t.match({ code, stderr }, { code: 1, stderr: 'fmcp: 1 of 2 checks failed.\n' })
})

t.test('what the configuration says of the network is judged', async t => {
  const judged = (env: Env) =>
    Object.fromEntries(checkSettings(loadConfig(env)).map(({ check, state }) => [check, state]))
  const urls: [Env, string][] = [
    [{}, 'ok'],
    [{ HOST: '0.0.0.0' }, 'warn'],
    [{ HOST: '0.0.0.0', ALLOWED_HOSTS: 'market.example.com' }, 'warn'],
    [{ HOST: '0.0.0.0', ALLOWED_HOSTS: 'market.example.com', TLS_CERT_FILE: 'a', TLS_KEY_FILE: 'b' }, 'ok'],
    [{ PUBLIC_URL: 'http://market.example.com' }, 'warn'],
    [{ PUBLIC_URL: 'http://localhost:3000' }, 'ok'],
    [{ PUBLIC_URL: 'https://market.example.com' }, 'ok']
  ]
  for (const [env, state] of urls) t.equal(judged(env)['PUBLIC_URL'], state, JSON.stringify(env))
  const proxies: [Env, string | undefined][] = [
    [{}, undefined],
    [{ PUBLIC_URL: 'https://market.example.com' }, 'warn'],
    [{ PUBLIC_URL: 'https://market.example.com', TLS_CERT_FILE: 'a', TLS_KEY_FILE: 'b' }, undefined],
    [{ PUBLIC_URL: 'https://market.example.com', TRUST_PROXY: '10.0.0.1' }, 'ok'],
    [{ TRUST_PROXY: '10.0.0.1' }, 'warn'],
    [{ PUBLIC_URL: 'https://market.example.com', TRUST_PROXY: '10.0.0.1, 0.0.0.0/0' }, 'fail'],
    [{ PUBLIC_URL: 'https://market.example.com', TRUST_PROXY: '::/0' }, 'fail']
  ]
  for (const [env, state] of proxies) t.equal(judged(env)['TRUST_PROXY'], state, JSON.stringify(env))
  t.equal(judged({ ALLOW_QUERY_TOKENS: 'true' })['ALLOW_QUERY_TOKENS'], 'warn')
  t.equal(judged({ MASTER_KEY })['MASTER_KEY'], 'warn')
  t.same(['18.20.0', '20.18.9', '20.19.0', '22.15.0', '24.1.0'].map(version => checkNode(version).state), ['fail', 'fail', 'warn', 'ok', 'ok'])
})

t.test('clocks, disks, pools and certificates are judged by how far they are off', async t => {
  t.same([[100, 5], [100, 95], [11, 0]].map(([most = 0, used = 0]) => judgeConnections({ most, used }, 10).state), ['ok', 'warn', 'fail'])
  t.same([0, 1_900, -2_500, 31_000, -3_600_000].map(ms => judgeClock('clock', ms).state), ['ok', 'ok', 'warn', 'fail', 'fail'])
  t.match(judgeClock('clock', -2_500).message, /2\.5 s behind/)
  t.same([0, 50e6, 900e6, 2e9].map(bytes => judgeSpace(bytes).state), ['fail', 'fail', 'warn', 'ok'])
  t.same([0o600, 0o640, 0o644, 0o620].map(mode => judgeSecretMode('key', '/data/master.key', mode).state), ['ok', 'ok', 'fail', 'fail'])
  t.same([0o600, 0o644, 0o666].map(mode => judgeSecretMode('key', '/run/secrets/master_key', mode).state), ['ok', 'ok', 'fail'], 'a container has one user')
  const now = new Date('2026-11-23T12:00:00Z')
  const inDays = (days: number) => new Date(now.getTime() + days * 86_400_000)
  t.same([-0.5, 3, 14, 90].map(days => judgeExpiry(inDays(days), now).state), ['fail', 'warn', 'ok', 'ok'])
})

t.test('a database that cannot be reached, or does not let the user in, is said, and no provider is asked', async t => {
  const { doctor, url } = await build(t)
  const nobody = await doctor({ DATABASE_URL: 'postgres://fmcp:hidden-password@127.0.0.1:9/fmcp' })
  t.match(nobody.of('database'), [{ state: 'fail', message: /^Postgres at 127\.0\.0\.1:9\/fmcp did not answer within 5 seconds: .*ECONNREFUSED/ }])
  t.notMatch(JSON.stringify(nobody.checks) + nobody.stderr, 'hidden-password')
  t.match(nobody.of('providers'), [{ state: 'warn' }])
  t.equal(nobody.code, 1)
  const gone = new URL(url)
  gone.pathname = '/nothing'
  t.match((await doctor({ DATABASE_URL: gone.href })).of('database'), [{ state: 'fail', message: /refuses the connection/ }])
})

t.test('a schema that is newer, older or not there is told apart, and nothing is changed', async t => {
  const { doctor, url } = await build(t)
  await query(url, 'DELETE FROM kysely_migration WHERE name = \'0007-audit\'')
  const older = await doctor()
  t.match(older.of('schema'), [{ state: 'warn', message: /0007-audit.*fmcp backup/ }])
  t.equal((await query(url, 'SELECT 1 FROM kysely_migration WHERE name = \'0007-audit\'')).rows.length, 0, 'it migrates nothing')
  await query(url, 'INSERT INTO kysely_migration VALUES (\'0999-later\', \'x\')')
  const newer = await doctor()
  t.equal(newer.code, 1)
  t.match(newer.of('schema'), [{ state: 'fail', message: /newer schema.*0999-later/ }])
  const empty = await doctor({ DATABASE_URL: await createDatabase(t, { empty: true }) })
  t.match(empty.of('schema'), [{ state: 'ok', message: /empty/ }])
  t.equal(empty.code, 0)
})

t.test('a user without rights and a wrong encoding are failures', async t => {
  const { doctor, url } = await build(t)
  const role = `r_${randomBytes(4).toString('hex')}`
  await query(url, `CREATE ROLE ${role} LOGIN PASSWORD 'test'`)
  await query(url, `GRANT SELECT ON kysely_migration, data_keys, system_keys TO ${role}`)
  t.teardown(async () => {
    await query(url, `DROP OWNED BY ${role}`)
    await query(url, `DROP ROLE ${role}`)
  })
  const as = new URL(url)
  Object.assign(as, { username: role, password: 'test' })
  t.match((await doctor({ DATABASE_URL: as.href }, '--offline')).of('privileges'), [{ state: 'fail', message: /may not read and write .*sessions/ }])
  const empty = new URL(await createDatabase(t, { empty: true }))
  Object.assign(empty, { username: role, password: 'test' })
  t.match((await doctor({ DATABASE_URL: empty.href }, '--offline')).of('privileges'), [{ state: 'fail', message: /GRANT CREATE ON SCHEMA public/ }])

  const name = `ascii_${randomBytes(4).toString('hex')}`
  await query(url, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`)
  t.teardown(() => query(url, `DROP DATABASE ${name} WITH (FORCE)`))
  const ascii = new URL(url)
  ascii.pathname = `/${name}`
  t.match((await doctor({ DATABASE_URL: ascii.href }, '--offline')).of('database'), [{ state: 'fail', message: /SQL_ASCII/ }])
})

t.test('a pooler that loses what is listened to is found', async t => {
  const { doctor, url } = await build(t)
  const through = await startDeafPooler(t, url)
  t.match((await doctor({ DATABASE_URL: through }, '--offline')).of('listen'), [{ state: 'fail', message: /session mode/ }])
})

t.test('a key ring that does not open what is stored, or not by its primary, is said', async t => {
  const { doctor, store, ring, folder } = await build(t)
  await store('desk')
  const [, kept = ''] = MASTER_KEY.split(':')
  const other = `k2:${randomBytes(32).toString('base64')}`
  const write = (text: string) => writeFileSync(ring, text)
  write(`${other}\nk1:${kept}`)
  t.match((await doctor({}, '--offline')).of('keys'), [{ state: 'warn', message: /fmcp keys rewrap/ }])
  write(other)
  t.match((await doctor()).of('keys'), [{ state: 'fail', message: /k1/ }])
  write(`k1:${randomBytes(32).toString('base64')}`)
  const wrong = await doctor()
  t.match(wrong.of('keys'), [{ state: 'fail', message: /not the one that wrapped/ }])
  t.match(wrong.of('providers'), [{ state: 'warn', message: /Not asked/ }])
  write(MASTER_KEY)
  chmodSync(ring, 0o644)
  t.match((await doctor({}, '--offline')).of('master key'), [{ state: 'fail', message: /mode 0644.*chmod 600/ }])
  chmodSync(ring, 0o440)
  t.match((await doctor({}, '--offline')).of('master key'), [{ state: 'ok' }])
  t.match((await doctor({ MASTER_KEY_FILE: join(folder, 'none') }, '--offline')).of('configuration'), [{ state: 'fail', message: /cannot be read: ENOENT/ }])
})

t.test('folders that cannot be used and files that others may read are said', async t => {
  const folder = await createFolder(t)
  const doctor = async (env: Env) => {
    const { json } = await fmcp(env, ['doctor', '--json', '--offline'])
    const { checks } = json<Report & Record<string, unknown>>()
    return (check: string) => checks.filter(finding => finding.check === check)
  }
  const none = await doctor({ DATA_DIR: join(folder, 'made', 'later') })
  t.match(none('DATA_DIR'), [{ state: 'ok', message: /is made at the first start/ }])
  t.match(none('database'), [{ state: 'ok', message: /at the first start/ }])
  t.equal(none('disk').length, 1)
  t.notOk(existsSync(join(folder, 'made')), 'it makes nothing')
  t.match((await doctor({ DATA_DIR: '/dev/null/data' }))('DATA_DIR'), [{ state: 'fail', message: /\/dev\/null cannot be written/ }])
  t.match((await doctor({ DATA_DIR: `/tmp/${'long'.repeat(30)}` }))('DATA_DIR'), [{ state: 'fail', message: /bytes too long/ }])
  chmodSync(folder, 0o755)
  t.match((await doctor({ DATA_DIR: folder }))('DATA_DIR'), [{ state: 'warn', message: /chmod 700/ }])
  chmodSync(folder, 0o700)
  t.match((await doctor({ DATA_DIR: folder }))('DATA_DIR'), [{ state: 'ok' }])
  t.match((await doctor({ DATA_DIR: folder, AUDIT_FILE: join(folder, 'none', 'audit.ndjson') }))('AUDIT_FILE'), [{ state: 'fail', message: /ENOENT/ }])
  t.match((await doctor({ DATA_DIR: folder, AUDIT_FILE: join(folder, 'audit.ndjson') }))('AUDIT_FILE'), [{ state: 'ok' }])
})

t.test('a certificate that has expired, is for another name or for another key is said', async t => {
  const folder = await createFolder(t)
  const write = async (name: string, days: number, ...hosts: string[]) => {
    const { cert, key } = await createSelfSigned(hosts, days)
    writeFileSync(join(folder, `${name}.pem`), cert)
    writeFileSync(join(folder, `${name}.key`), key, { mode: 0o600 })
    return { TLS_CERT_FILE: join(folder, `${name}.pem`), TLS_KEY_FILE: join(folder, `${name}.key`) }
  }
  const doctor = async (env: Env) => {
    const { checks } = (await fmcp({ DATA_DIR: join(folder, 'data'), ...env }, ['doctor', '--json', '--offline'])).json<Report & Record<string, unknown>>()
    return checks.filter(({ check }) => check.startsWith('TLS_'))
  }
  const good = await write('good', 90, 'market.example.com')
  t.match(await doctor({ ...good, PUBLIC_URL: 'https://market.example.com' }), [{ state: 'ok', message: /good for 89|90 days/ }, { check: 'TLS_KEY_FILE', state: 'ok' }])
  t.match(await doctor({ ...good, PUBLIC_URL: 'https://127.0.0.1:3000' }), [{ state: 'ok' }, { state: 'ok' }])
  t.match(await doctor({ ...good, PUBLIC_URL: 'https://other.example.com' }), [{ state: 'ok' }, { state: 'warn', message: /not for other\.example\.com/ }, {}])
  t.match(await doctor(await write('soon', 3)), [{ state: 'warn', message: /expires in [23] days/ }, {}])
  const old = await write('old', 3)
  t.match(await doctor({ ...old, TLS_KEY_FILE: good.TLS_KEY_FILE }), [{ state: 'fail', message: /not the key of the certificate/ }, {}])
  chmodSync(old.TLS_KEY_FILE, 0o644)
  t.match(await doctor(old), [{}, { check: 'TLS_KEY_FILE', state: 'fail', message: /chmod 600/ }])
})

t.test('keys are tested once each, thriftily, and what a provider says of them is told', async t => {
  const { doctor, store, upstream, env } = await build(t)
  t.match((await doctor()).of('providers'), [{ state: 'warn', message: /fmcp credential set/ }])
  await store('desk')
  await store('lab')
  await store('other', 'test-other-key')
  const keyed = () => upstream.requests.filter(({ headers }) => headers['x-finnhub-token'])
  await doctor({}, '--offline')
  t.equal(upstream.requests.length, 0, 'offline nobody is asked')
  const first = await doctor()
  t.same(first.checks.filter(({ check }) => check.includes(' of "')).map(({ check }) => check), ['finnhub of "desk"', 'finnhub of "other"'])
  t.equal(keyed().length, 2, 'the key that two connections hold is asked once')
  await doctor()
  t.equal(keyed().length, 2, 'what was accepted a moment ago is not asked again')

  const answers: [number, Finding['state'], RegExp][] = [[401, 'fail', /key/], [429, 'warn', /no calls left/], [500, 'fail', /./]]
  for (const [status, state, message] of answers) {
    await fmcp(env, ['credential', 'set', 'desk', 'finnhub'], `test-key-${status}`)
    upstream.fault('finnhub', ({ headers }, response) => headers['x-finnhub-token'] ? sendJson(response, status, { error: 'test' }) : false)
    const { of, code } = await doctor()
    t.match(of('finnhub of "desk"'), [{ state, message }], String(status))
    t.equal(code, state === 'fail' ? 1 : 0)
  }
})

t.test('a clock that is not that of a provider is said', async t => {
  const { doctor, store, upstream } = await build(t)
  await store('desk')
  upstream.fault('finnhub', ({ method }, response) => {
    if (method !== 'HEAD') return false
    return response.writeHead(200, { date: new Date(Date.now() + 3_600_000).toUTCString() }).end()
  })
  t.match(await doctor(), { code: 1 })
  t.match((await doctor()).of('clock of finnhub'), [{ state: 'fail', message: /behind.*NTP/ }])
})

t.test('a Redis that is away, locked, or set up against its purpose is said', needsRedisServer, async t => {
  const { doctor } = await build(t)
  const judged = async (url: string) => (await doctor({ REDIS_URL: url }, '--offline')).checks.filter(({ check }) => check.startsWith('redis'))
  t.match(await judged('redis://127.0.0.1:9'), [{ state: 'fail', message: /ECONNREFUSED/ }])
  const good = await startRedisServer(t, '--appendonly', 'yes', '--maxmemory-policy', 'volatile-lru')
  t.match(await judged(good.url), [{ state: 'ok' }])
  const bad = await startRedisServer(t, '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
  t.match(await judged(bad.url), [{ check: 'redis memory', state: 'fail' }, { check: 'redis file', state: 'warn' }])
  const locked = await startRedisServer(t, '--requirepass', 'hidden-password')
  t.match(await judged(locked.url), [{ state: 'fail', message: /NOAUTH|authentication/i }])
})

t.test('what Redis says of itself is judged', async t => {
  const good = { redis_version: '7.2.4', aof_enabled: '1', aof_last_write_status: 'ok', maxmemory: '0', maxmemory_policy: 'noeviction', used_memory: '5' }
  const judged = (more: Record<string, string>) => judgeInfo(new Map(Object.entries({ ...good, ...more }))).map(({ check, state }) => `${check}: ${state}`)
  t.same(judged({}), ['redis: ok'])
  t.same(judged({ redis_version: '6.0.16' }), ['redis: fail'])
  t.same(judged({ redis_version: '6.2.0' }), ['redis: ok'])
  t.same(judged({ maxmemory: '100' }), ['redis memory: warn'])
  t.same(judged({ maxmemory: '100', maxmemory_policy: 'volatile-lru', used_memory: '95' }), ['redis memory: warn'])
  t.same(judged({ maxmemory_policy: 'allkeys-lru' }), ['redis memory: fail'])
  t.same(judged({ aof_enabled: '0' }), ['redis file: warn'])
  t.same(judged({ aof_last_write_status: 'err' }), ['redis file: fail'])
})

/** Leads to a Postgres behind a unix socket, and keeps its notifications to itself. @returns the URL of it */
async function startDeafPooler (t: Test, url: string): Promise<string> {
  const target = new URL(url)
  const host = target.searchParams.get('host')
  const open = () => host ? connect(join(host, `.s.PGSQL.${target.port}`)) : connect(Number(target.port), target.hostname)
  const server = createServer(client => {
    const postgres = open()
    let pending = Buffer.alloc(0)
    client.on('data', data => postgres.write(data))
    postgres.on('data', (data: Buffer) => {
      pending = Buffer.concat([pending, data])
      for (;;) {
        const length = pending.length < 5 ? Infinity : pending.readUInt32BE(1) + 1
        if (pending.length < length) return
        // NotificationResponse.
        if (pending[0] !== 65) client.write(pending.subarray(0, length))
        pending = pending.subarray(length)
      }
    })
    for (const [one, other] of [[client, postgres], [postgres, client]] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => server.close(resolve)))
  const { username, password, pathname } = target
  return `postgres://${username}:${password}@127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`
}
