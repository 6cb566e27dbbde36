/** A rewrap that is killed again and again, rows that are swapped, and bytes that are flipped. */
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openSealedCredential } from '../../vault/credentials.ts'
import { EnvelopeError } from '../../vault/envelope.ts'
import { parseKeyRing } from '../../vault/key-ring.ts'
import { unwrapDataKey } from '../../vault/wrap.ts'
import { figure, pick } from '../figures.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { buildSecurity, insertConnection, MASTER_KEY, type Security } from '../plugins/build-security.ts'
import { buildOnce, startFmcp } from '../server/process.ts'

buildOnce()
t.setTimeout(1_200_000)

const KEYS = pick(2000, 200)
const KILLS = pick(10, 3)
const RECORDS = pick(200, 20)
const K2 = `k2:${Buffer.alloc(32, 9).toString('base64')}`
const K3 = `k3:${Buffer.alloc(32, 3).toString('base64')}`

const secretOf = (connectionId: string) => ({ api_key: `test-${connectionId}` })

async function seal (app: Security['app'], count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    const id = await insertConnection(app)
    await app.vault.setCredential(app.db, id, 'fmp', secretOf(id))
    ids.push(id)
  }
  return ids
}

/** How many do not give the secret that was sealed for them. */
async function countLost (app: Security['app'], ids: string[]): Promise<number> {
  let lost = 0
  for (const id of ids) {
    const opened = await app.vault.openCredential(id, 'fmp').catch(() => null)
    if (JSON.stringify(opened) !== JSON.stringify(secretOf(id))) lost++
  }
  return lost
}

async function countOf (app: Security['app'], kid: string): Promise<number> {
  const { rows: [row] } = await sql<{ count: number }>`SELECT (SELECT count(*) FROM data_keys WHERE kid = ${kid})::int +
    (SELECT count(*) FROM system_keys WHERE kid = ${kid})::int AS count`.execute(app.db)
  return row?.count ?? 0
}

/** One run of the real command; killed when so many keys are wrapped by `kid`, and a little later. */
async function run (t: Test, app: Security['app'], { folder, env, kid, killAt }: {
  folder: string, env: Record<string, string>, kid: string, killAt?: number
}) {
  const command = startFmcp(t, folder, ['keys', 'rewrap', '--json'], env)
  const end = new AbortController()
  command.exited.finally(() => end.abort())
  if (killAt !== undefined) {
    while (!end.signal.aborted && await countOf(app, kid) < killAt) await sleep(2)
    await sleep(randomInt(0, 10))
    command.kill()
  }
  return { code: await command.exited, ...command.output }
}

t.test('a rewrap that is killed goes on where it stopped, and loses nothing', async t => {
  const { app, url } = await buildSecurity(t)
  const ids = await seal(app, KEYS)
  const folder = await createFolder(t)
  const env = { DATABASE_URL: url, MASTER_KEY: `${K2},${MASTER_KEY}` }
  const { app: reader } = await buildSecurity(t, { url, env: { MASTER_KEY: `${MASTER_KEY},${K2}` } })
  let interrupted = 0
  let lostMeanwhile = 0
  for (let round = 0; round < KILLS; round++) {
    const most = Math.max(1, Math.floor(KEYS * (round + 1) / (KILLS + 1)))
    const killAt = round === 0 ? 0 : randomInt(Math.floor(most / 2), most)
    const { code, stderr } = await run(t, app, { folder, env, kid: 'k2', killAt })
    if (code === null) interrupted++
    else t.equal(code, 0, stderr)
    t.comment(`round ${round}: ${code === null ? 'killed' : 'ended'} with ${await countOf(app, 'k1')} keys to go`)
    lostMeanwhile += await countLost(reader, ids.filter((_, i) => i % 20 === round % 20))
  }
  const startedAt = performance.now()
  const last = await run(t, app, { folder, env, kid: 'k2' })
  t.equal(last.code, 0, last.stderr)
  figure(t, { what: `Kills of ${KILLS} that came too late`, value: KILLS - interrupted, most: Math.floor(KILLS / 2), timed: true })
  figure(t, { what: 'Secrets tried between the kills that did not open', value: lostMeanwhile, most: 0 })
  figure(t, { what: `Keys of ${KEYS} still under the old kid`, value: await countOf(app, 'k1'), most: 0 })
  const { app: next } = await buildSecurity(t, { url, env: { MASTER_KEY: K2 } })
  figure(t, { what: `Secrets of ${KEYS} lost, without the old key`, value: await countLost(next, ids), most: 0 })
  figure(t, { what: 'The last run, with the start of its process', value: (performance.now() - startedAt) / 1000, unit: 's', most: 60, timed: true })

  const whole = { DATABASE_URL: url, MASTER_KEY: `${K3},${K2}` }
  const at = performance.now()
  const undisturbed = await run(t, app, { folder, env: whole, kid: 'k3' })
  t.match(JSON.parse(undisturbed.stdout), { kid: 'k3', system_keys: 4, failed: [] })
  figure(t, { what: `A whole rewrap of ${KEYS} keys, with the start of its process`, value: (performance.now() - at) / 1000, unit: 's', most: 60, timed: true })
})

t.test('rows that are swapped in the database do not open', async t => {
  const { app } = await buildSecurity(t)
  const ids = await seal(app, RECORDS)
  const swaps: Record<string, (a: string, b: string) => ReturnType<typeof sql>> = {
    ciphertexts: (a, b) => sql`UPDATE auth_credentials AS c SET ciphertext = o.ciphertext FROM auth_credentials AS o
      WHERE c.connection_id <> o.connection_id AND c.connection_id IN (${a}, ${b}) AND o.connection_id IN (${a}, ${b})`,
    'wrapped data keys': (a, b) => sql`UPDATE data_keys AS k SET wrapped = o.wrapped FROM data_keys AS o
      WHERE k.connection_id <> o.connection_id AND k.connection_id IN (${a}, ${b}) AND o.connection_id IN (${a}, ${b})`,
    'data key ids': (a, b) => sql`UPDATE auth_credentials AS c SET data_key_id = o.data_key_id FROM auth_credentials AS o
      WHERE c.connection_id <> o.connection_id AND c.connection_id IN (${a}, ${b}) AND o.connection_id IN (${a}, ${b})`
  }
  for (const [name, swap] of Object.entries(swaps)) {
    const copy = await app.db.selectFrom('auth_credentials').selectAll().execute()
    const keys = await app.db.selectFrom('data_keys').selectAll().execute()
    for (let i = 0; i + 1 < ids.length; i += 2) await swap(ids[i]!, ids[i + 1]!).execute(app.db)
    const opened = await Promise.all(ids.map(id => app.vault.openCredential(id, 'fmp').then(() => 1, () => 0)))
    figure(t, { what: `Rows of ${ids.length} that open after a swap of their ${name}`, value: opened.reduce<number>((sum, one) => sum + one, 0), most: 0 })
    for (const row of keys) await app.db.updateTable('data_keys').set({ wrapped: row.wrapped }).where('id', '=', row.id).execute()
    for (const { id, ciphertext, data_key_id: key } of copy) {
      await app.db.updateTable('auth_credentials').set({ ciphertext, data_key_id: key }).where('id', '=', id).execute()
    }
    t.equal(await countLost(app, ids), 0, 'all open again')
  }
})

t.test('a record with one flipped byte does not open, and never gives something else', async t => {
  const { app } = await buildSecurity(t)
  await seal(app, RECORDS)
  const ring = parseKeyRing(MASTER_KEY)
  const rows = await app.db.selectFrom('auth_credentials').selectAll().execute()
  const keys = new Map((await app.db.selectFrom('data_keys').selectAll().execute()).map(row => [row.id, row]))
  let flips = 0
  let opened = 0
  let otherErrors = 0
  const attempt = (open: () => unknown) => {
    flips++
    try {
      open()
      opened++
    } catch (error) {
      if (!(error instanceof EnvelopeError)) otherErrors++
    }
  }
  for (const row of rows) {
    const key = keys.get(row.data_key_id)!
    const dataKey = unwrapDataKey(ring, key)
    t.same(openSealedCredential(dataKey, row), secretOf(row.connection_id))
    for (const ciphertext of flipped(row.ciphertext)) {
      attempt(() => openSealedCredential(dataKey, { ...row, ciphertext }))
    }
    for (const wrapped of flipped(key.wrapped)) attempt(() => unwrapDataKey(ring, { ...key, wrapped }))
    attempt(() => openSealedCredential(dataKey, { ...row, id: randomUUID() }))
    attempt(() => openSealedCredential(randomBytes(32), row))
  }
  t.comment(`${flips} changes of ${rows.length} records`)
  figure(t, { what: `Changed records of ${flips} that opened`, value: opened, most: 0 })
  figure(t, { what: `Changed records of ${flips} that failed by another error than the vault's`, value: otherErrors, most: 0 })

  const [row] = rows
  let openedInDatabase = 0
  for (const ciphertext of flipped(row!.ciphertext)) {
    await app.db.updateTable('auth_credentials').set({ ciphertext }).where('id', '=', row!.id).execute()
    openedInDatabase += await app.vault.openCredential(row!.connection_id, 'fmp').then(() => 1, () => 0)
  }
  figure(t, { what: `Changed rows of ${row!.ciphertext.length} in the database that opened`, value: openedInDatabase, most: 0 })
})

/** Each byte in turn, changed to something else. */
function * flipped (bytes: Buffer): Generator<Buffer> {
  for (let index = 0; index < bytes.length; index++) {
    const changed = Buffer.from(bytes)
    changed[index]! ^= randomInt(1, 256)
    yield changed
  }
}
