import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { withContext } from '../../cli/context.ts'
import { loadConfig } from '../../config.ts'
import { createDatabase, query } from '../database.ts'
import { fmcp, type Env } from './run.ts'

const line = (kid: string, byte: number) => `${kid}:${Buffer.alloc(32, byte).toString('base64')}\n`
const [K1, K2] = [line('k1', 1), line('k2', 2)]

/** A database with a ring file of k1, and two connections with a key each. */
async function build (t: Test) {
  const file = join(t.testdir({ ring: K1 }), 'ring')
  const url = await createDatabase(t)
  const env: Env = { DATABASE_URL: url, MASTER_KEY_FILE: file }
  for (const name of ['desk', 'lab']) {
    await fmcp(env, ['connection', 'create', name])
    await fmcp(env, ['credential', 'set', name, 'fmp'], `test-${name}`)
  }
  const inside = <T>(work: Parameters<typeof withContext<T>>[2]) =>
    withContext(loadConfig(env), { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr }, work)
  return { env, url, file, inside }
}

t.test('a new master key from its making to the end of the old one', async t => {
  const { env, file, inside } = await build(t)
  t.same((await fmcp(env, ['keys', 'status', '--json'])).json(), {
    source: `MASTER_KEY_FILE (${file})`, primary: 'k1', keys: [{ kid: 'k1', state: 'primary', data_keys: 2, system_keys: 4 }]
  })
  const made = await fmcp({}, ['keys', 'generate', '--prepend', file, '--kid', 'k2'])
  t.match(made, { code: 0, stdout: `Added k2 to ${file} as the primary key.\n`, stderr: '' })
  t.match(readFileSync(file, 'utf8'), /^k2:.{44}\nk1:/)
  const rewrapped = await fmcp(env, ['keys', 'rewrap'])
  t.match(rewrapped, { code: 0, stdout: 'primary: k2\ndata_keys: 2\nsystem_keys: 4\n', stderr: '2 of 2 data keys\n' })
  t.match(await fmcp(env, ['keys', 'status']), { stdout: /\nk2 +primary +2 +4\nk1 +in the ring +0 +0\n$/ })
  writeFileSync(file, readFileSync(file, 'utf8').split('\n')[0]!)
  t.same((await fmcp(env, ['keys', 'rewrap', '--json'])).json(), { kid: 'k2', system_keys: 0, data_keys: 0, failed: [] })
  await inside(async app => {
    const [desk] = await app.connections.list()
    t.same(await app.vault.openCredential(desk!.id, 'fmp'), { api_key: 'test-desk' })
    const { items } = await app.audit.list({ action: 'keys.rewrap' })
    t.match(items.map(({ details, target }) => [target, details]), [
      ['k2', { phase: 'end', data_keys: 0 }], [null, { phase: 'begin' }],
      ['k2', { phase: 'end', data_keys: 2, system_keys: 4, failed: 0 }], [null, { phase: 'begin' }]
    ])
  })
})

t.test('status tells what is missing and what is wrong, where nothing else starts', async t => {
  const { env, url, file } = await build(t)
  await query(url, "UPDATE data_keys SET kid = 'k0' WHERE connection_id = (SELECT id FROM connections WHERE name = 'lab')")
  writeFileSync(file, line('k1', 9))
  t.same((await fmcp(env, ['keys', 'status', '--json'])).json()['keys'], [
    { kid: 'k1', state: 'wrong', data_keys: 1, system_keys: 4 },
    { kid: 'k0', state: 'missing', data_keys: 1, system_keys: 0 }
  ])
  t.match(await fmcp(env, ['keys', 'rewrap']), { code: 1, stderr: /\nfmcp: The key k1 of MASTER_KEY_FILE [^\n]+ is not the one [^\n]+\n$/ })
})

t.test('a new key is printed, or added to a file', async t => {
  const file = join(t.testdir({ ring: K1, notes: 'milk' }), 'ring')
  t.match(await fmcp({}, ['keys', 'generate', '--kid', 'k7']), { code: 0, stdout: /^k7:[A-Za-z0-9+/]{43}=\n$/ })
  t.match((await fmcp({}, ['keys', 'generate', '--json'])).json(), { line: /^k[0-9a-f]{8}:.{44}$/ })
  const appended = await fmcp({}, ['keys', 'generate', '--append', file, '--kid', 'k2', '--json'])
  t.same(appended.json(), { file, kid: 'k2', primary: false })
  t.match(readFileSync(file, 'utf8'), /^k1:.{44}\nk2:.{44}\n$/)
  t.notMatch(appended.stdout, readFileSync(file, 'utf8').split(':')[2]!.trim(), 'what is in the file is not printed')
  const wrong: [string[], number, RegExp][] = [
    [['--kid', 'a b'], 2, /A kid is 1 to 64/],
    [['--prepend', file, '--append', file], 2, /cannot be used with/],
    [['--prepend', file, '--kid', 'k1'], 1, /has the kid k1 twice/],
    [['--prepend', join(file, '..', 'notes')], 1, /is not kid:base64/]
  ]
  for (const [args, code, message] of wrong) t.match(await fmcp({}, ['keys', 'generate', ...args]), { code, stdout: '', stderr: message })
})

t.test('a data key that does not open is told by its connection, and the others are wrapped', async t => {
  const { env, url, file, inside } = await build(t)
  await query(url, `UPDATE data_keys SET wrapped = set_byte(wrapped, 40, get_byte(wrapped, 40) # 1)
    WHERE connection_id = (SELECT id FROM connections WHERE name = 'lab')`)
  writeFileSync(file, K2 + K1)
  const { rows: [lab] } = await query(url, "SELECT id FROM connections WHERE name = 'lab'")
  const result = await fmcp(env, ['keys', 'rewrap', '--json'])
  t.match(result, { code: 1, stderr: /1 data keys do not open.*fmcp keys rotate/ })
  t.same(result.json(), { kid: 'k2', system_keys: 4, data_keys: 1, failed: [lab?.['id']] })
  await inside(async app => t.match((await app.audit.list({ action: 'keys.rewrap' })).items[0], { outcome: 'CONFLICT' }))

  const listed = await fmcp(env, ['connection', 'list', '--json'])
  t.match(listed, { code: 0, stderr: new RegExp(`The key k1 of .* delete the connections .*: ${lab?.['id']}`) }, 'said, and no hindrance')
  t.equal((await fmcp(env, ['credential', 'delete', 'lab', 'fmp'])).code, 0)
  t.equal((await fmcp(env, ['keys', 'rotate', 'lab'])).code, 0)
  t.match(await fmcp(env, ['keys', 'rewrap', '--json']), { code: 0, stderr: '' })
})

t.test('a connection gets a new data key', async t => {
  const { env, inside } = await build(t)
  const before = await inside(app => app.db.selectFrom('data_keys').select(['id', 'connection_id']).execute())
  t.match(await fmcp(env, ['keys', 'rotate', 'desk']), { code: 0, stdout: 'Sealed 1 provider keys of "desk" again, under a new data key.\n' })
  t.match((await fmcp(env, ['keys', 'rotate', 'desk', '--json'])).json(), { name: 'desk', credentials: 1 })
  t.match(await fmcp(env, ['keys', 'rotate', 'attic']), { code: 1, stderr: /There is no connection "attic"/ })
  await inside(async app => {
    const [desk, lab] = await app.connections.list()
    const after = await app.db.selectFrom('data_keys').select(['id', 'connection_id']).execute()
    const keyOf = (rows: typeof after, id = '') => rows.find(row => row.connection_id === id)?.id
    t.not(keyOf(after, desk?.id), keyOf(before, desk?.id))
    t.equal(keyOf(after, lab?.id), keyOf(before, lab?.id))
    t.same(await app.vault.openCredential(desk!.id, 'fmp'), { api_key: 'test-desk' })
    t.match((await app.audit.list({ action: 'keys.rotate' })).items[0], { actor: 'cli', target: 'desk', connection_id: desk?.id, details: { credentials: 1 } })
  })
})
