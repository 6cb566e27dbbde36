import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseKeyRing } from '../../vault/key-ring.ts'
import { fmcp } from './run.ts'

t.test('makes a key ring and a password, in a folder that only its owner may enter', async t => {
  const out = join(t.testdir(), 'secrets')
  const { code, stdout, stderr } = await fmcp({}, ['init-secrets', '--out', out])
  t.match({ code, stderr }, { code: 0, stderr: '' })
  t.match(stdout, `Made ${join(out, 'master_key')}.\nMade ${join(out, 'postgres_password')}.\n`)
  t.equal(statSync(out).mode & 0o777, 0o700)
  for (const name of ['master_key', 'postgres_password']) t.equal(statSync(join(out, name)).mode & 0o777, 0o644, name)
  const [ring, password] = ['master_key', 'postgres_password'].map(name => readFileSync(join(out, name), 'utf8'))
  t.equal(parseKeyRing(ring!).keys.size, 1)
  t.match(password, /^[\w-]{32}\n$/)
  t.notMatch(stdout, password!.trim())
})

t.test('what is there stays, and what is missing is made', async t => {
  const out = t.testdir({ master_key: 'mine' })
  const { stdout } = await fmcp({}, ['init-secrets', '--out', out, '--json'])
  t.same(JSON.parse(stdout), { folder: out, made: ['postgres_password'], kept: ['master_key'] })
  t.equal(readFileSync(join(out, 'master_key'), 'utf8'), 'mine')
  t.match((await fmcp({}, ['init-secrets', '--out', out])).stdout, 'postgres_password is there already and stays.')
})

t.test('a folder that cannot be is said in one sentence', async t => {
  const file = join(t.testdir({ file: '' }), 'file')
  const { code, stderr } = await fmcp({}, ['init-secrets', '--out', join(file, 'secrets')])
  t.equal(code, 1)
  t.match(stderr, /^fmcp: The secrets cannot be written to .*file\/secrets \(ENOTDIR\)\. Choose another --out/)
})
