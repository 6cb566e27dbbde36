import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findKeyRing, keyOf, loadKeyRing, parseKeyRing, readKeyRingAgain } from '../../vault/key-ring.ts'

const A = Buffer.alloc(32, 1)
const B = Buffer.alloc(32, 2)
const line = (kid: string, key: Buffer) => `${kid}:${key.toString('base64')}`
const embedded = (dataDir: string) =>
  ({ masterKey: undefined, masterKeyFile: undefined, databaseUrl: undefined, dataDir })

t.test('the first key is primary, in lines or separated by commas', async t => {
  for (const text of [
    `${line('a', A)}\n${line('b', B)}\n`, `${line('a', A)},${line('b', B)}`,
    `# old, and new\n\n  ${line('a', A)} ,\r\n#${line('c', B)}\n${line('b', B)}`
  ]) {
    const ring = parseKeyRing(text)
    t.same(ring.primary, { kid: 'a', key: A })
    t.same([...ring.keys], [['a', A], ['b', B]])
  }
})

t.test('a ring that cannot be read is refused with the variable and without the key', async t => {
  const faults = {
    '': /holds no key/,
    '# nothing': /holds no key/,
    [A.toString('base64')]: /Entry 1/,
    [`${line('a', A)}\nb:dGVzdA==`]: /Entry 2/,
    [`a b:${A.toString('base64')}`]: /Entry 1/,
    [`${line('a', A)}:x`]: /Entry 1/,
    [`${line('a', A)},${line('a', B)}`]: /kid a twice/
  }
  for (const [text, message] of Object.entries(faults)) {
    t.throws(() => parseKeyRing(text), { message })
    t.throws(() => parseKeyRing(text), { message: /MASTER_KEY_FILE \(or MASTER_KEY\)/ })
    try {
      parseKeyRing(text)
    } catch (error) {
      t.notMatch(String(error), A.toString('base64'))
    }
  }
})

t.test('a kid that the database names must be in the ring', async t => {
  const config = { masterKey: line('a', A), masterKeyFile: '/etc/ring', databaseUrl: 'postgres://localhost', dataDir: '/nowhere' }
  t.equal((await loadKeyRing(config, ['a'])).isNew, false)
  await t.rejects(loadKeyRing(config, ['a', 'old']), { message: /old.*MASTER_KEY_FILE \(\/etc\/ring\) lacks it/ })
  await t.rejects(loadKeyRing({ ...config, masterKeyFile: undefined }, ['old']), { message: /old wrapped, and MASTER_KEY lacks it/ })
  t.throws(() => keyOf(parseKeyRing(line('a', A)), 'b'), { message: /lacks it/ })
})

t.test('embedded: the key is made once, for its owner only', async t => {
  const dataDir = join(t.testdir(), 'data')
  const made = await loadKeyRing(embedded(dataDir))
  const file = join(dataDir, 'master.key')
  t.equal(made.isNew, true)
  t.equal(statSync(file).mode & 0o777, 0o600)
  const text = readFileSync(file, 'utf8')
  const again = await loadKeyRing(embedded(dataDir), [made.primary.kid])
  t.equal(again.isNew, false)
  t.same(again.primary, made.primary)
  t.equal(readFileSync(file, 'utf8'), text)
})

t.test('embedded: of two starts at once both have the same key', async t => {
  const dataDir = t.testdir()
  const [a, b] = await Promise.all([loadKeyRing(embedded(dataDir)), loadKeyRing(embedded(dataDir))])
  t.same(a.primary, b.primary)
  t.equal([a.isNew, b.isNew].filter(Boolean).length, 1)
})

t.test('embedded: the key is not made anew where data exists', async t => {
  const dataDir = t.testdir()
  await t.rejects(loadKeyRing(embedded(dataDir), ['k1']), { message: /k1.*MASTER_KEY/ })
  t.throws(() => statSync(join(dataDir, 'master.key')))
})

t.test('embedded: a file that cannot be read or written is named', async t => {
  const dataDir = t.testdir()
  mkdirSync(join(dataDir, 'master.key'))
  await t.rejects(loadKeyRing(embedded(dataDir)), { message: /master\.key cannot be read/ })
  writeFileSync(join(dataDir, 'file'), '')
  await t.rejects(loadKeyRing(embedded(join(dataDir, 'file'))), { message: /cannot be read/ })
})

t.test('with DATABASE_URL the key is never made', async t => {
  const config = { ...embedded(t.testdir()), databaseUrl: 'postgres://localhost' }
  await t.rejects(loadKeyRing(config), { message: /MASTER_KEY/ })
})

t.test('what is looked up is not made', async t => {
  const dataDir = t.testdir()
  t.equal(await findKeyRing(embedded(dataDir)), undefined)
  t.throws(() => statSync(join(dataDir, 'master.key')))
  const { primary } = await loadKeyRing(embedded(dataDir))
  t.same((await findKeyRing(embedded(dataDir)))?.primary, primary)
})

t.test('a ring that is a file is read again as it is now', async t => {
  const dataDir = t.testdir({ ring: line('a', A), 'master.key': line('a', A) })
  const configs = { ring: { ...embedded(dataDir), masterKey: line('a', A), masterKeyFile: join(dataDir, 'ring') }, 'master.key': embedded(dataDir) }
  for (const [name, config] of Object.entries(configs)) {
    const file = join(dataDir, name)
    writeFileSync(file, `${line('b', B)}\n${line('a', A)}`)
    t.equal((await readKeyRingAgain(config)).primary.kid, 'b')
    writeFileSync(file, '')
    await t.rejects(readKeyRingAgain(config), { message: /holds no key/ })
    writeFileSync(file, 'half of a li')
    await t.rejects(readKeyRingAgain(config), { message: new RegExp(`Entry 1 of .*${name}`) })
    rmSync(file)
    await t.rejects(readKeyRingAgain(config), { message: new RegExp(`${name} is missing`) })
    mkdirSync(file)
    await t.rejects(readKeyRingAgain(config), { message: new RegExp(`${name} cannot be read \\(EISDIR\\)`) })
  }
})

t.test('a ring that is a variable cannot be read again', async t => {
  const config = { ...embedded(t.testdir()), masterKey: line('a', A) }
  await t.rejects(readKeyRingAgain(config), { message: /MASTER_KEY is read at start only/ })
})
