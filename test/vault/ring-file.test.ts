import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseKeyRing } from '../../vault/key-ring.ts'
import { addToRingFile } from '../../vault/ring-file.ts'

const OLD = `old:${Buffer.alloc(32, 1).toString('base64')}`
const kidsOf = (file: string) => [...parseKeyRing(readFileSync(file, 'utf8')).keys.keys()]

t.test('a new key is the primary one or the last, and the others stay', async t => {
  const file = join(t.testdir({ ring: `# ours\n${OLD},older:${Buffer.alloc(32, 2).toString('base64')}` }), 'ring')
  t.equal(await addToRingFile(file, 'primary', 'k2'), 'k2')
  t.equal(await addToRingFile(file, 'last', 'k3'), 'k3')
  t.same(kidsOf(file), ['k2', 'old', 'older', 'k3'])
  t.match(readFileSync(file, 'utf8'), '# ours')
  const made = await addToRingFile(file, 'primary')
  t.match(made, /^k[0-9a-f]{8}$/)
  t.equal(kidsOf(file)[0], made)
})

t.test('the file is its owner\'s alone, is replaced as a whole, and nothing is left beside it', async t => {
  const folder = t.testdir({ ring: OLD })
  const file = join(folder, 'ring')
  const { ino } = statSync(file)
  await addToRingFile(file, 'primary')
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.not(statSync(file).ino, ino)
  t.same(readdirSync(folder), ['ring'])
})

t.test('a file that is not there is made, and a link stays one', async t => {
  const folder = t.testdir()
  await addToRingFile(join(folder, 'new', 'ring'), 'last', 'k1')
  t.same(kidsOf(join(folder, 'new', 'ring')), ['k1'])
  symlinkSync(join(folder, 'new', 'ring'), join(folder, 'link'))
  await addToRingFile(join(folder, 'link'), 'primary', 'k2')
  t.same(kidsOf(join(folder, 'new', 'ring')), ['k2', 'k1'])
})

t.test('what cannot be done is said, and the file stays as it was', async t => {
  const folder = t.testdir({ ring: OLD, notes: 'milk, eggs' })
  await t.rejects(addToRingFile(join(folder, 'ring'), 'primary', 'old'), { message: /has the kid old twice/ })
  await t.rejects(addToRingFile(join(folder, 'notes'), 'primary'), { message: /notes is not kid:base64/ })
  await t.rejects(addToRingFile(join(folder, 'ring', 'x'), 'primary'), { message: /cannot be written \(ENOTDIR\)/ })
  mkdirSync(join(folder, 'folder'))
  await t.rejects(addToRingFile(join(folder, 'folder'), 'primary'), { message: /cannot be written \(EISDIR\)/ })
  writeFileSync(join(folder, `ring.${process.pid}.tmp`), '')
  await t.rejects(addToRingFile(join(folder, 'ring'), 'primary'), { message: /cannot be written \(EEXIST\)/ })
  t.equal(readFileSync(join(folder, 'ring'), 'utf8'), OLD)
})
