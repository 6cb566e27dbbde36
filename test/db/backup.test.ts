import { createHash, randomInt } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.ts'
import { LEFT_OUT, writeBackup } from '../../db/backup.ts'
import { signBackup } from '../../db/backup-file.ts'
import { createDatabase, query } from '../database.ts'
import { fill } from '../plugins/audit-world.ts'
import { buildSecurity, BY, insertConnection, MASTER_KEY } from '../plugins/build-security.ts'

const CANARY = 'test-canary-51c0de'

async function fmcp (env: Record<string, string>, ...args: string[]) {
  const output = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof output) => new PassThrough().on('data', chunk => { output[name] += String(chunk) })
  const code = await run(args, env, { stdin: Readable.from([]), stdout: collect('stdout'), stderr: collect('stderr') })
  await new Promise(resolve => setImmediate(resolve))
  return { code, ...output }
}

async function createFolder (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fms-backup-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A server with something of everything, and a backup of it. */
async function build (t: Test) {
  const { app, url, connectionId } = await buildSecurity(t)
  const file = join(await createFolder(t), 'fmcp.backup')
  await app.db.transaction().execute(trx => app.vault.setCredential(trx, connectionId, 'fmp', { api_key: CANARY }))
  const session = await app.sessions.create(connectionId, { name: 'laptop' }, BY)
  const { token } = await app.admin.createToken({ name: 'ci' }, BY)
  await fill(app, 700)
  const env = { DATABASE_URL: url, MASTER_KEY }
  const { code, stderr } = await fmcp(env, 'backup', file)
  if (code !== 0) throw new Error(stderr)
  return { app, url, connectionId, session, token, file, env }
}

/** A database as the first start finds it, and a restore into it. */
async function buildTarget (t: Test) {
  const url = await createDatabase(t)
  return {
    url,
    restore: (file: string, masterKey = MASTER_KEY) => fmcp({ DATABASE_URL: url, MASTER_KEY: masterKey }, 'restore', file),
    isEmpty: async () => {
      const { rows } = await query(url, `SELECT (SELECT count(*) FROM system_keys) + (SELECT count(*) FROM audit_logs)
        + (SELECT count(*) FROM connections) + (SELECT count(*) FROM audit_anchors WHERE mac <> '') AS rows`)
      return rows[0]?.['rows'] === '0'
    }
  }
}

const readText = async (file: string) => gunzipSync(await readFile(file)).toString()

async function dump (url: string, tables: string[]): Promise<Record<string, unknown[]>> {
  const dumped: Record<string, unknown[]> = {}
  for (const table of tables) {
    dumped[table] = (await query(url, `SELECT to_jsonb(t)::text AS row FROM ${table} t ORDER BY 1`)).rows.map(({ row }) => row)
  }
  return dumped
}

t.test('a restored server is the same: sessions, keys, admins and the chain of its audit log', async t => {
  const { app, url, connectionId, session, token, file } = await build(t)
  const { restore, url: target } = await buildTarget(t)
  const restored = await restore(file)
  t.match(restored, { code: 0, stderr: '', stdout: /^restored: \d+ rows of \d{4}-/ })
  const tables = ['auth_credentials', 'data_keys', 'system_keys', 'sessions', 'admin_tokens']
  t.same(await dump(target, tables), await dump(url, tables), 'to the byte and the microsecond')
  const { app: next } = await buildSecurity(t, { url: target })
  t.match(await next.sessions.verify(session.access_token), { session_id: session.session_id })
  t.match(await next.admin.verifyToken(token), { name: 'ci' })
  t.same(await next.vault.openCredential(connectionId, 'fmp'), { api_key: CANARY })
  const { head } = await app.audit.verify()
  t.match(await next.audit.verify({ noted: { seq: head.seq, hash: Buffer.from(head.hash, 'hex') } }), { ok: true, from_seq: 1, rows: head.seq + 1 })
  t.match((await next.audit.list({ limit: 2 })).items, [{ actor: 'cli', action: 'backup.restore' }, { actor: 'cli', action: 'backup.create' }])
})

t.test('every table is in it but caches, counts and what is good for minutes', async t => {
  const { file, url } = await build(t)
  const lines = (await readText(file)).trimEnd().split('\n')
  const { rows } = await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
  const all = rows.map(({ tablename }) => String(tablename))
  const [, { counts }] = JSON.parse(lines.at(-1) ?? '')
  t.same(Object.keys(counts).sort(), all.filter(name => !LEFT_OUT.includes(name)))
  t.same(LEFT_OUT.filter(name => !all.includes(name)), [], 'nothing is left out that is not there')
  t.match(counts, { auth_credentials: 1, sessions: 1, audit_logs: 703 })
  t.match(JSON.parse(lines[0] ?? ''), { format: 'financial-mcp-server-backup', version: 1, kids: ['k1'], migrations: /0001-core/, created_at: /^\d{4}-/ })
  t.equal((await stat(file)).mode & 0o777, 0o600)
})

t.test('no secret is in it', async t => {
  const { file, session, token } = await build(t)
  const text = await readText(file)
  const masterKey = MASTER_KEY.split(':')[1] ?? ''
  for (const secret of [CANARY, session.access_token, token, masterKey, Buffer.from(masterKey, 'base64').toString('hex')]) {
    for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64').replace(/=+$/, '')]) {
      t.notOk(text.includes(form))
    }
  }
})

t.test('a file that was cut or changed anywhere is refused, and nothing is written', async t => {
  const { app, file } = await build(t)
  const { restore, isEmpty } = await buildTarget(t)
  const bytes = await readFile(file)
  const other = `${file}.other`
  for (let n = 0; n < 12; n += 1) {
    await writeFile(other, bytes)
    await truncate(other, randomInt(bytes.length))
    t.match(await restore(other), { code: 1, stderr: /^fmcp: .*(no backup|cut off|changed)[^\n]*\n$/ }, 'cut')
  }
  for (let n = 0; n < 25; n += 1) {
    const changed = Buffer.from(bytes)
    // Nothing hangs on the first ten: gzip's own time and system.
    const at = randomInt(10, bytes.length)
    changed.writeUInt8(changed.readUInt8(at) ^ (1 << randomInt(8)), at)
    await writeFile(other, changed)
    t.match(await restore(other), { code: 1, stderr: /^fmcp: [^\n]+\n$/ }, `byte ${at}`)
  }

  const lines = gunzipSync(bytes).toString().trimEnd().split('\n')
  const pack = async (body: string[], key: Buffer = Buffer.alloc(32), end = {}) => {
    const sha256 = createHash('sha256').update(body.map(line => `${line}\n`).join('')).digest('hex')
    const [, former] = JSON.parse(lines.at(-1) ?? '')
    await writeFile(other, gzipSync([...body, JSON.stringify(['end', { ...former, sha256, mac: signBackup(key, sha256), ...end }]), ''].join('\n')))
    return restore(other)
  }
  const body = lines.slice(0, -1)
  const own = app.vault.systemKey('audit')
  const renamed = body.map(line => line.replace('"name": "laptop"', '"name": "attack"'))
  t.notSame(renamed, body)
  t.match(await pack(renamed), { code: 1, stderr: /was changed: its signature is wrong/ }, 'who can make sums has no key')
  t.match(await pack(body.filter(line => !line.includes('"name": "audit"'))), { code: 1, stderr: /its sum is wrong/ })
  t.match(await pack(body.toSpliced(-1, 1), own), { code: 1, stderr: /its sum is wrong/ }, 'a row is missing')
  t.match(await pack(body, own, { mac: 'x' }), { code: 1, stderr: /signature/ })
  t.match(await pack(body.map(line => line.replace('"version":1', '"version":2')), own), { code: 1, stderr: /has the format 2/ })
  t.match(await pack(body.map(line => line.replace('"0001-core"', '"0000-other"')), own), { code: 1, stderr: /with the schema/ })
  const twice = body.map(line => line.includes('"token_hash"') && line.includes('"laptop"') ? `${line}\n${line}` : line)
  t.match(await pack(twice, own, { counts: { ...JSON.parse(lines.at(-1) ?? '')[1].counts, sessions: 2 } }), { code: 1, stderr: /duplicate key/ })
  for (const text of ['', 'x', gzipSync(''), gzipSync('{}\n'), gzipSync('null\n'), gzipSync(`${body[0]}\n["end"]\n`)]) {
    await writeFile(other, text)
    t.match(await restore(other), { code: 1, stderr: /no backup/ })
  }
  t.match(await restore(`${file}.missing`), { code: 1, stderr: /cannot be read \(ENOENT\)/ })
  t.ok(await isEmpty())
  t.match(await restore(file), { code: 0 }, 'the file itself is good')
})

t.test('without the key ring that it was made under it is refused, with the name of the key', async t => {
  const { file } = await build(t)
  const { restore, isEmpty, url } = await buildTarget(t)
  const other = (kid: string) => `${kid}:${Buffer.alloc(32, 9).toString('base64')}`
  t.match(await restore(file, other('k2')), { code: 1, stderr: /needs the master key k1, and MASTER_KEY lacks it/ })
  t.match(await restore(file, other('k1')), { code: 1, stderr: /The key k1 of MASTER_KEY is not the one/ })
  t.match(await fmcp({ DATABASE_URL: url }, 'restore', file), { code: 1, stderr: /MASTER_KEY_FILE/ })
  const dataDir = await createFolder(t)
  t.match(await fmcp({ DATA_DIR: dataDir }, 'restore', file), { code: 1, stderr: /needs the master key k1, and there is no key ring/ })
  t.same(await readdir(dataDir), [], 'no key is made, and no database')
  t.ok(await isEmpty())
})

t.test('a database that holds anything is refused', async t => {
  const { file, env, app } = await build(t)
  const before = await app.audit.verify()
  t.match(await fmcp(env, 'restore', file), { code: 1, stderr: /The database is not empty/ })
  t.match(await app.audit.verify(), before)
  const { restore, url } = await buildTarget(t)
  await query(url, "INSERT INTO connections (name, settings) VALUES ('test', '{}')")
  t.match(await restore(file), { code: 1, stderr: /connections has rows/ })
  const twice = await buildTarget(t)
  const codes = (await Promise.all([twice.restore(file), twice.restore(file)])).map(({ code }) => code)
  t.same(codes.sort(), [0, 1], 'of two at once one is restored')
})

t.test('an audit log that was broken is restored as it was, and said', async t => {
  const { app, env, file } = await build(t)
  await query(env.DATABASE_URL, "ALTER TABLE audit_logs DISABLE TRIGGER USER; UPDATE audit_logs SET actor = 'x' WHERE seq = 5")
  t.match(await fmcp(env, 'backup', file), { code: 0 })
  const { restore, url } = await buildTarget(t)
  t.match(await restore(file), { code: 1, stdout: /^restored/, stderr: /It is restored, and its audit log was broken already at row 5: edited/ })
  const { app: next } = await buildSecurity(t, { url })
  t.match(await next.audit.verify(), { broken: { seq: 5, reason: 'edited' } })
  t.match(await app.audit.verify(), { broken: { seq: 5 } })
})

t.test('a backup is of one moment, while others write', async t => {
  const { app, file, env, connectionId } = await build(t)
  const over = new AbortController()
  const writing = (async () => {
    while (!over.signal.aborted) {
      await app.sessions.create(connectionId, {}, BY)
      await fill(app, 50)
    }
  })()
  t.match(await fmcp(env, 'backup', file, '--json'), { code: 0, stdout: /^\{"file":.*"rows":\{/ })
  over.abort()
  await writing
  const { restore, url } = await buildTarget(t)
  t.match(await restore(file), { code: 0 })
  const { app: next } = await buildSecurity(t, { url })
  t.match(await next.audit.verify(), { ok: true })
})

t.test('it takes the place of a file when it is whole, and leaves nothing where it fails', async t => {
  const { app, file, env } = await build(t)
  const former = await readFile(file)
  const folder = join(file, '..')
  const key = app.vault.systemKey('audit')
  await t.rejects(writeBackup(app.db, key, { file: join(folder, 'missing', 'x'), server: '1' }), { message: /cannot be written \(ENOENT\)/ })
  await query(env.DATABASE_URL, 'ALTER TABLE kysely_migration RENAME TO away')
  await t.rejects(writeBackup(app.db, key, { file, server: '1' }))
  t.same(await readdir(folder), ['fmcp.backup'])
  t.same(await readFile(file), former)
  t.match(await fmcp({ ...env, MASTER_KEY: 'bad' }, 'backup', file), { code: 1 })
})

t.test('old rows that were pruned are no hole in a restored log', async t => {
  const { file, env } = await build(t)
  const { app: old, url } = await buildSecurity(t)
  await insertConnection(old)
  await fill(old, 20, { time: new Date(Date.now() - 9 * 86_400_000) })
  await fill(old, 5)
  await old.audit.prune(1, BY)
  t.match(await fmcp({ ...env, DATABASE_URL: url }, 'backup', file), { code: 0 })
  const { restore, url: target } = await buildTarget(t)
  t.match(await restore(file), { code: 0 })
  const { app: next } = await buildSecurity(t, { url: target })
  t.match(await next.audit.verify(), { ok: true, from_seq: 21 })
})
