import { sql } from 'kysely'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { run } from '../../cli/program.ts'
import { createDatabase } from '../database.ts'
import { MASTER_KEY } from '../helper.ts'
import { buildSecurity } from '../plugins/build-security.ts'
import { fill } from '../plugins/audit-world.ts'

async function build (t: Test) {
  const env = { DATABASE_URL: await createDatabase(t), MASTER_KEY }
  const { app } = await buildSecurity(t, { url: env.DATABASE_URL, env })
  return { app, fmcp: (...args: string[]) => fmcp(env, args) }
}

async function fmcp (env: Record<string, string>, args: string[]) {
  const output = { stdout: '', stderr: '' }
  const collect = (name: keyof typeof output) => new PassThrough().on('data', chunk => { output[name] += String(chunk) })
  const code = await run(['audit', ...args], env, { stdin: Readable.from([]), stdout: collect('stdout'), stderr: collect('stderr') })
  await new Promise(resolve => setImmediate(resolve))
  return { code, ...output }
}

t.test('the log is listed by filters', async t => {
  const { app, fmcp } = await build(t)
  await app.audit.record(app.db, { actor: 'admin:ada', action: 'test.event', target: 'a', time: new Date('2026-11-20T10:00:00Z') })
  await app.audit.record(app.db, { actor: 'system', action: 'test.event', outcome: 'NOT_FOUND' })
  t.match(await fmcp('list'), { code: 0, stderr: '', stdout: /^SEQ +TIME .*\n2 .*NOT_FOUND\n1 +2026-11-20T10:00:00.000Z +admin:ada +test.event +a +ok\n$/ })
  const seqs = async (...args: string[]) => JSON.parse((await fmcp('list', '--json', ...args)).stdout).map(({ seq }: { seq: number }) => seq)
  t.same(await seqs('--actor', 'admin:ada'), [1])
  t.same(await seqs('--until', '2026-11-21'), [1])
  t.same(await seqs('--since', '2026-11-21', '--outcome', 'NOT_FOUND'), [2])
  t.same(await seqs('--limit', '1'), [2])
  t.same(await seqs('--session', crypto.randomUUID()), [])
  for (const args of [['--since', 'soon'], ['--limit', '0'], ['--connection', 'x']]) t.match(await fmcp('list', ...args), { code: 2 }, args.join(' '))
})

t.test('it is exported to the output or to a new file of the caller alone', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'fms-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const { app, fmcp } = await build(t)
  await fill(app, 3)
  const printed = await fmcp('export', '--action', 'test.event')
  t.same(printed.stdout.trimEnd().split('\n').map(line => JSON.parse(line).seq), [1, 2, 3])
  const file = join(folder, 'audit.csv')
  t.match(await fmcp('export', '--format', 'csv', '--out', file), { code: 0, stdout: '' })
  t.match(await readFile(file, 'utf8'), /^seq,time,[^\r]*\r\n1,/)
  t.equal((await stat(file)).mode & 0o777, 0o600)
  t.match(await fmcp('export', '--out', file), { code: 1, stderr: /EEXIST/ }, 'what is there stays')
  t.match(await fmcp('export', '--format', 'xml'), { code: 2 })
  t.match((await app.audit.list({ action: 'audit.export' })).items[0], { actor: 'cli' })
})

t.test('a verification ends with 1 where the log is not what was written', async t => {
  const { app, fmcp } = await build(t)
  await fill(app, 5)
  const whole = await fmcp('verify')
  t.match(whole, { code: 0, stderr: '', stdout: /^verified: 5 rows from 1 on\nhead: 5:[0-9a-f]{64}\n$/ })
  const head = /head: (.*)/.exec(whole.stdout)?.[1] ?? ''
  t.match(await fmcp('verify', '--head', head, '--json'), { code: 0, stdout: /^\{"ok":true,"rows":5,/ })
  t.match(await fmcp('verify', '--head', `9${head}`), { code: 1, stderr: /^fmcp: The audit log is broken at row 6: cut_off\.[^\n]*\n$/ })
  await sql`ALTER TABLE audit_logs DISABLE TRIGGER USER`.execute(app.db)
  await sql`DELETE FROM audit_logs WHERE seq = 3`.execute(app.db)
  const broken = await fmcp('verify', '--json')
  t.equal(broken.code, 1)
  t.match(JSON.parse(broken.stdout), { ok: false, rows: 2, broken: { seq: 3, reason: 'missing' } })
  t.match(await fmcp('verify', '--head', 'x'), { code: 2 })
})

t.test('old events are pruned by hand', async t => {
  const { app, fmcp } = await build(t)
  await fill(app, 4, { time: new Date(Date.now() - 3 * 86_400_000) })
  await fill(app, 1)
  t.match(await fmcp('prune'), { code: 2, stderr: /--days, or AUDIT_RETENTION_DAYS/ })
  t.match(await fmcp('prune', '--days', '0'), { code: 2 })
  t.match(await fmcp('prune', '--days', '5'), { code: 0, stdout: 'Deleted 0 events.\n' })
  t.match(await fmcp('prune', '--days', '2', '--json'), { code: 0, stdout: '{"deleted":4}\n' })
  t.match(await fmcp('verify'), { code: 0, stdout: /from 5 on/ })
})

t.test('an anchor that was taken away is signed anew', async t => {
  const { app, fmcp } = await build(t)
  await fill(app, 2)
  await sql`DELETE FROM audit_anchors`.execute(app.db)
  t.match(await fmcp('verify'), { code: 1, stderr: /anchor_missing/ })
  t.match(await fmcp('anchor'), { code: 0, stdout: 'Signed the end of the log.\n' })
  t.match(await fmcp('anchor', '--json'), { code: 0, stdout: '{"signed":true}\n' })
  t.match(await fmcp('verify'), { code: 0 })
})
