/** The key ring of the built server: what a start refuses, and what a SIGHUP takes. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { createFolder, waitFor } from '../fixtures/embedded.ts'
import { ask, buildOnce, runServer, startServer } from './process.ts'

buildOnce()
t.setTimeout(120_000)

const line = (kid: string, byte: number) => `${kid}:${Buffer.alloc(32, byte).toString('base64')}\n`
const [K1, K2] = [line('k1', 1), line('k2', 2)]

async function build (t: Test) {
  const dataDir = await createFolder(t)
  const file = join(dataDir, 'ring')
  writeFileSync(file, K1, { mode: 0o600 })
  return { dataDir, file, env: { DATABASE_URL: await createDatabase(t), MASTER_KEY_FILE: file } }
}

t.test('SIGHUP reads the ring again and stops nothing', async t => {
  const { dataDir, file, env } = await build(t)
  const server = await startServer(t, dataDir, env)
  const hangup = async (text: string, told: string) => {
    writeFileSync(file, text)
    process.kill(server.pid, 'SIGHUP')
    t.ok(await waitFor(() => server.logs().some(entry => entry.includes(told))), told)
  }
  await hangup(K2 + K1, 'the key ring is read: k2 is primary')
  await hangup(K2, 'the former one stays: k2 is primary')
  t.match(server.logs().find(entry => entry.includes('the former one stays')), /master key k1 wrapped, and MASTER_KEY_FILE \(.*\) lacks it/)
  t.equal((await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')).status, 200)
  t.equal(await server.stop(), 0)

  const { code, stderr } = await runServer(t, dataDir, env)
  t.equal(code, 1, 'a start takes no such ring')
  t.match(stderr, /^financial-mcp-server: [^\n]*master key k1 wrapped, and MASTER_KEY_FILE \(.*\) lacks it[^\n]*\n$/)
})

t.test('a start is refused in one sentence where the ring is not the one of the database', async t => {
  const { dataDir, file, env } = await build(t)
  t.equal(await (await startServer(t, dataDir, env)).stop(), 0)
  const rings: [string, () => void, RegExp][] = [
    ['another key', () => writeFileSync(file, line('k1', 9)), /The key k1 of MASTER_KEY_FILE \(.*\) is not the one that wrapped/],
    ['another kid', () => writeFileSync(file, K2), /master key k1 wrapped, and MASTER_KEY_FILE \(.*\) lacks it/],
    ['an empty file', () => writeFileSync(file, ''), /MASTER_KEY_FILE \(.*\) holds no key/],
    ['half a line', () => writeFileSync(file, K1.slice(0, 20)), /Entry 1 of MASTER_KEY_FILE/],
    ['no file', () => rmSync(file), /MASTER_KEY_FILE names .*ring, which cannot be read: ENOENT/],
    ['a file that cannot be read', () => mkdirSync(file), /MASTER_KEY_FILE names .*ring, which cannot be read: EISDIR/]
  ]
  for (const [name, spoil, sentence] of rings) {
    spoil()
    const { code, stderr } = await runServer(t, dataDir, env)
    t.equal(code, 1, name)
    t.match(stderr, /^financial-mcp-server: [^\n]+\n$/, `${name} is one line`)
    t.match(stderr, sentence, name)
    t.notMatch(stderr, K1.slice(3, 20), `${name}: the key is not printed`)
  }
  rmSync(file, { recursive: true })
  writeFileSync(file, K1)
  t.equal(await (await startServer(t, dataDir, env)).stop(), 0, 'and goes on where the right one is put back')
})
