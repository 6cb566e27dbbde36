import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createFolder } from '../fixtures/embedded.ts'
import { ask, buildOnce, createAdminToken, fmcp, startServer } from './process.ts'

buildOnce()

t.test('a backup of a running server is restored on a clean DATA_DIR with its key ring, and on none without', { timeout: 240_000 }, async t => {
  const [dataDir, safe] = [await createFolder(t), await createFolder(t)]
  const server = await startServer(t, dataDir)
  const admin = await createAdminToken(t, dataDir)
  const file = join(safe, 'fmcp.backup')
  const made = await fmcp(t, dataDir, ['backup', file, '--json'])
  t.match(made, { code: 0, stderr: '' })
  await copyFile(join(dataDir, 'master.key'), join(safe, 'master.key'))
  const quote = await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')
  t.equal(quote.status, 200)
  const { body: { head } } = await ask(server, admin, '/api/audit/verify')
  t.equal(await server.stop(), 0)

  const clean = join(safe, 'data')
  await mkdir(clean)
  const refused = await fmcp(t, clean, ['restore', file])
  t.match(refused, { code: 1, stdout: '', stderr: /needs the master key k[0-9a-f]+, and there is no key ring/ })
  t.same(await readdir(clean), [], 'nothing is made, least of all a key')

  await copyFile(join(safe, 'master.key'), join(clean, 'master.key'))
  const restored = await fmcp(t, clean, ['restore', file])
  t.match(restored, { code: 0, stderr: '' })
  t.match(await fmcp(t, clean, ['restore', file]), { code: 1, stderr: /not empty/ })
  const next = await startServer(t, clean)
  t.equal((await ask(next, server.token, '/api/tools/get_quote?symbols=AAPL')).status, 200, 'the session of before')
  t.match((await ask(next, admin, '/api/audit/verify')).body, { ok: true, from_seq: 1 })
  t.match((await ask(next, admin, `/api/audit/verify?head=${head.seq + 99}:${head.hash}`)).body, { ok: false }, 'the call after the backup is not in it')
  t.match((await ask(next, admin, '/api/audit?action=backup.restore')).body.items, [{ actor: 'cli' }])
  t.equal(await next.stop(), 0)
})
