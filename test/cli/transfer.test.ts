import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { withContext } from '../../cli/context.ts'
import { loadConfig } from '../../config.ts'
import { CANARY } from '../routes/build-control.ts'
import { buildEnv, createTerminal, fmcp, type Env } from './run.ts'

const PASSPHRASE = 'test four words here'

/** A database with a connection that has two keys and a setting of its own, and a folder with the passphrase. */
async function build (t: Test) {
  const env = await buildEnv(t)
  const folder = t.testdir({ passphrase: `${PASSPHRASE}\n`, other: 'test another passphrase' })
  const inside = <T>(work: Parameters<typeof withContext<T>>[2], of: Env = env) =>
    withContext(loadConfig(of), { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }, work)
  await inside(async app => {
    const { id } = await app.connections.create({ name: 'desk', settings: { alpaca_feed: 'sip' } }, { actor: 'test' })
    await app.connections.setCredential(id, 'fmp', { api_key: `${CANARY}-fmp` }, { actor: 'test' })
    await app.connections.setCredential(id, 'alpaca', { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` }, { actor: 'test' })
  })
  const passphrase = (name = 'passphrase') => ['--passphrase-file', join(folder, name)]
  return { env, inside, passphrase, at: (name: string) => join(folder, name) }
}

t.test('a connection goes from one server to another with its settings and keys', async t => {
  const { env, inside, at, passphrase } = await build(t)
  const exported = await fmcp(env, ['connection', 'export', 'desk', '--out', at('desk.json'), ...passphrase(), '--json'])
  t.match(exported, { code: 0, stderr: '' })
  t.same(exported.json(), { name: 'desk', providers: ['alpaca', 'fmp'], file: at('desk.json') })
  t.equal(statSync(at('desk.json')).mode & 0o777, 0o600)
  t.notMatch(readFileSync(at('desk.json'), 'utf8'), new RegExp(`${CANARY}|desk|${PASSPHRASE}`))
  await inside(async app => {
    const [event] = (await app.audit.list({ action: 'connection.export' })).items
    t.match(event, { actor: 'cli', target: 'desk', details: { providers: ['alpaca', 'fmp'] } })
    t.notMatch(JSON.stringify(event), CANARY)
  })

  const there = { ...await buildEnv(t), MASTER_KEY: `other:${Buffer.alloc(32, 5).toString('base64')}` }
  const imported = await fmcp(there, ['connection', 'import', at('desk.json'), ...passphrase(), '--json'])
  t.match(imported, { code: 0, stderr: '' })
  const { id } = imported.json<{ id: string }>()
  await inside(async app => {
    t.match(await app.connections.get(id), { name: 'desk', settings: { alpaca_feed: 'sip' } })
    t.same(await app.vault.openCredential(id, 'fmp'), { api_key: `${CANARY}-fmp` })
    t.same(await app.vault.openCredential(id, 'alpaca'), { key_id: `${CANARY}-id`, secret_key: `${CANARY}-secret` })
    const [event] = (await app.audit.list({ action: 'connection.import' })).items
    t.match(event, { actor: 'cli', target: 'desk', connection_id: id, details: { providers: ['fmp', 'alpaca'].sort() } })
    t.notMatch(JSON.stringify(event), CANARY)
  }, there)

  const again = await fmcp(there, ['connection', 'import', at('desk.json'), ...passphrase()])
  t.match(again, { code: 1, stdout: '', stderr: /^fmcp: There is a connection "desk" already[^\n]*--name[^\n]*\n$/ })
  t.match(await fmcp(there, ['connection', 'import', at('desk.json'), ...passphrase(), '--name', 'desk 2']), { code: 0, stdout: /\nname: desk 2\nkeys: alpaca,fmp\n$/ })
  t.equal((await fmcp(there, ['connection', 'list', '--json'])).json<object[]>().length, 2)
})

t.test('without --out the file is what is printed', async t => {
  const { env, passphrase } = await build(t)
  const { code, stdout } = await fmcp(env, ['connection', 'export', 'desk', ...passphrase()])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { format: 'financial-mcp-server/connection', version: 1, kdf: { name: 'argon2id', memory_kib: 65_536, passes: 3 } })
})

t.test('on a terminal the passphrase is asked for, twice where it is new, and is not shown', async t => {
  const { env, at } = await build(t)
  const args = ['connection', 'export', 'desk', '--out', at('desk.json')]
  t.match(await fmcp(env, args, createTerminal([PASSPHRASE, 'test four words hear'])), { code: 2, stderr: /two passphrases differ/ })
  const exported = await fmcp(env, args, createTerminal([PASSPHRASE, PASSPHRASE]))
  t.match(exported, { code: 0, stderr: 'passphrase: \npassphrase again: \n' })
  t.notMatch(exported.stdout, PASSPHRASE)
  const there = await buildEnv(t)
  t.match(await fmcp(there, ['connection', 'import', at('desk.json')], createTerminal([PASSPHRASE])), { code: 0, stderr: 'passphrase: \n' })
})

t.test('what does not open is one error, and nothing is written', async t => {
  const { env, at, passphrase } = await build(t)
  await fmcp(env, ['connection', 'export', 'desk', '--out', at('desk.json'), ...passphrase()])
  const text = readFileSync(at('desk.json'), 'utf8')
  const file = JSON.parse(text)
  const flipped = Buffer.from(file.sealed, 'base64')
  flipped[40]! ^= 1
  writeFileSync(at('flipped'), JSON.stringify({ ...file, sealed: flipped.toString('base64') }))
  writeFileSync(at('greedy'), JSON.stringify({ ...file, kdf: { ...file.kdf, memory_kib: 100 * 1024 * 1024 } }))
  writeFileSync(at('cut'), text.slice(0, 300))
  writeFileSync(at('large'), '')
  truncateSync(at('large'), 3 * 1024 * 1024)
  const there = await buildEnv(t)
  const wrong: [string[], number, RegExp][] = [
    [[at('desk.json'), ...passphrase('other')], 1, /passphrase is wrong, or the file was changed/],
    [[at('flipped'), ...passphrase()], 1, /passphrase is wrong, or the file was changed/],
    [[at('greedy'), ...passphrase()], 1, /kdf\.memory_kib must be <= 262144/],
    [[at('cut'), ...passphrase()], 1, /no export of a connection/],
    [[at('large'), ...passphrase()], 2, /too large/],
    [[at('nowhere'), ...passphrase()], 2, /cannot be read \(ENOENT\)/],
    [[at('desk.json'), '--passphrase-file', at('nowhere')], 2, /passphrase file .* cannot be read \(ENOENT\)/],
    [[at('desk.json')], 2, /--passphrase-file/],
    [[at('desk.json'), ...passphrase(), '--name', 'sample'], 1, /never mixes with real data/],
    [[at('desk.json'), ...passphrase(), '--name', 'x'.repeat(81)], 1, /1 to 80 characters/]
  ]
  for (const [args, code, message] of wrong) {
    const result = await fmcp(there, ['connection', 'import', ...args])
    t.match(result, { code, stdout: '', stderr: message }, String(message))
    t.equal(result.stderr.split('\n').length, 2, 'one line')
  }
  t.same((await fmcp(there, ['connection', 'list', '--json'])).json(), [])
})

t.test('an export that cannot be made is refused, and replaces nothing', async t => {
  const { env, at, passphrase, inside } = await build(t)
  writeFileSync(at('short'), 'test short')
  writeFileSync(at('long'), 'x'.repeat(2000))
  writeFileSync(at('empty'), '\n')
  writeFileSync(at('there'), 'mine')
  const wrong: [string[], number, RegExp][] = [
    [['desk', ...passphrase('short')], 2, /at least 12 characters/],
    [['desk', ...passphrase('long')], 2, /at most 1024/],
    [['desk', ...passphrase('empty')], 2, /is empty/],
    [['desk'], 2, /there is none. Give --passphrase-file/],
    [['attic', ...passphrase()], 1, /There is no connection "attic"/],
    [['desk', '--out', at('there'), ...passphrase()], 2, /exists already, and was left as it is/],
    [['desk', '--out', at('no/where'), ...passphrase()], 2, /cannot be written \(ENOENT\)/]
  ]
  for (const [args, code, message] of wrong) {
    t.match(await fmcp(env, ['connection', 'export', ...args]), { code, stdout: '', stderr: message }, String(message))
  }
  t.equal(readFileSync(at('there'), 'utf8'), 'mine')
  await inside(app => app.db.updateTable('auth_credentials').set({ ciphertext: Buffer.alloc(60, 1) }).where('provider', '=', 'fmp').execute())
  t.match(await fmcp(env, ['connection', 'export', 'desk', ...passphrase()]), { code: 1, stdout: '', stderr: /does not open/ })
})
