import t from 'tap'
import { openExport, sealExport } from '../../vault/export.ts'

const PASSPHRASE = 'test correct horse battery'
const VALUE = { name: 'desk', credentials: { fmp: { api_key: 'test-canary' } } }
const REFUSED = { code: 'FMS_FORBIDDEN', message: /passphrase is wrong, or the file was changed/ }

t.test('what was sealed opens with its passphrase only, and does not show', async t => {
  const text = await sealExport(VALUE, PASSPHRASE)
  t.same(await openExport(text, PASSPHRASE), VALUE)
  t.notMatch(text, /test-canary|desk/)
  t.notMatch(Buffer.from(JSON.parse(text).sealed, 'base64').toString('latin1'), /test-canary|desk/)
  await t.rejects(openExport(text, 'test correct horse batter'), REFUSED)
  t.not(JSON.parse(text).sealed, JSON.parse(await sealExport(VALUE, PASSPHRASE)).sealed)
})

t.test('the passphrase is the same however its letters were typed', async t => {
  const text = await sealExport(VALUE, 'test cafe\u0301 corner table')
  t.same(await openExport(text, 'test caf\u00e9 corner table'), VALUE)
})

t.test('a changed byte of what is sealed does not open', async t => {
  const file = JSON.parse(await sealExport(VALUE, PASSPHRASE))
  const bytes = Buffer.from(file.sealed, 'base64')
  for (const index of [1, 12, 13, 28, 29, bytes.length - 1]) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= 1
    await t.rejects(openExport(JSON.stringify({ ...file, sealed: changed.toString('base64') }), PASSPHRASE), REFUSED, `byte ${index}`)
  }
  await t.rejects(openExport(JSON.stringify({ ...file, sealed: 'AA==' }), PASSPHRASE), REFUSED)
})

t.test('the parameters are sealed too', async t => {
  const file = JSON.parse(await sealExport(VALUE, PASSPHRASE))
  for (const change of [{ passes: 4 }, { memory_kib: 65_537 }, { parallelism: 2 }, { salt: Buffer.alloc(16).toString('base64') }]) {
    const text = JSON.stringify({ ...file, kdf: { ...file.kdf, ...change } })
    await t.rejects(openExport(text, PASSPHRASE), REFUSED, JSON.stringify(change))
  }
})

t.test('a file that asks for more than a reader gives is refused before anything is taken', async t => {
  const file = JSON.parse(await sealExport(VALUE, PASSPHRASE))
  for (const change of [{ memory_kib: 100 * 1024 * 1024 }, { memory_kib: 8 }, { passes: 1_000_000 }, { passes: 1 }, { parallelism: 255 }, { salt: '' }, { name: 'pbkdf2' }]) {
    const text = JSON.stringify({ ...file, kdf: { ...file.kdf, ...change } })
    await t.rejects(openExport(text, PASSPHRASE), { code: 'FMS_INVALID_INPUT', message: /damaged or was changed: kdf\.[a-z_]+ must/ }, JSON.stringify(change))
  }
})

t.test('another file is refused by what it is', async t => {
  const file = JSON.parse(await sealExport(VALUE, PASSPHRASE))
  for (const text of ['', 'hello', '[]', 'null', '{"format":"zip"}']) {
    await t.rejects(openExport(text, PASSPHRASE), { code: 'FMS_INVALID_INPUT', message: /is no export of a connection/ }, text)
  }
  await t.rejects(openExport(JSON.stringify({ ...file, version: 2 }), PASSPHRASE), { message: /reads version 1/ })
  await t.rejects(openExport(JSON.stringify({ ...file, extra: 1 }), PASSPHRASE), { message: /damaged or was changed/ })
})
