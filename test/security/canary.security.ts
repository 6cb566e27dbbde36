/** Secrets with marks, every way in and every way to fail: none of them stands where it must not, in any form. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { figure, pick } from '../figures.ts'
import { createFolder } from '../fixtures/embedded.ts'
import { buildOnce, runServer } from '../server/process.ts'
import { runCommands } from './canary-commands.ts'
import { askFailing, driveAll, enter, json, misplace, useOnce, type Known } from './canary-drive.ts'
import { KEYS, KEY_TEXTS, MASTER_KEY, PASSWORD, PROVIDERS, startCanaryWorld, type CanaryWorld } from './canary-world.ts'
import { routesOf } from './fuzz-requests.ts'
import { findHits, type Place, type Secret } from './markers.ts'

buildOnce()

function report (t: Test, what: string, secrets: readonly Secret[], places: readonly Place[]): void {
  const hits = findHits(secrets, places)
  for (const hit of hits.slice(0, 20)) t.comment(hit.replaceAll('\n', ' '))
  figure(t, { what: `canary: ${what}, ${secrets.length} secrets in ${places.length} texts: hits`, value: hits.length, most: 0 })
}

t.test('a secret is found in each form', async t => {
  const value = 'Canary/x+"<%=\\&0'
  const unicode = [...value].map(c => `\\u00${c.charCodeAt(0).toString(16).padStart(2, '0')}`).join('')
  const written = [
    value, [...value].reverse().join(''), Buffer.from(value).toString('hex'), encodeURIComponent(value), JSON.stringify({ a: { b: value } }),
    JSON.stringify(JSON.stringify(value)), ...['', 'a', 'ab'].map(before => Buffer.from(`${before}${value}after`).toString('base64')),
    Buffer.from(`${value}?`).toString('base64url'), unicode
  ]
  for (const text of written) {
    t.equal(findHits([{ name: 'x', value }], [{ name: 'y', text: `before ${text} after` }]).length, 1, text)
  }
  t.same(findHits([{ name: 'x', value }], [{ name: 'y', text: 'Canary/x' }]), [], 'and nowhere else')
})

/** Makes a connection with every key, and tokens: what is driven deletes and revokes what it finds. */
function createRenew (t: Test, { app, send, secrets }: CanaryWorld): () => Promise<Known> {
  let count = 0
  return async () => {
    const { token: admin } = await app.admin.createToken({ name: 'canary' }, { actor: 'test' })
    secrets.push({ name: 'an admin token', value: admin.slice(-49) })
    const headers = { ...json, authorization: `Bearer ${admin}` }
    const post = (route: string, url: string, body: object) =>
      send(route, { method: 'POST', url, headers, payload: JSON.stringify(body) })
    const name = `canary ${count++}`
    const made = await post('POST /api/connections', '/api/connections', { name, settings: { cache_scope: 'connection' } })
    const { id } = made.json() as { id: string }
    for (const provider of PROVIDERS) {
      const url = `/api/connections/${id}/credentials/${provider}`
      const set = await send('PUT credentials', { method: 'PUT', url, headers, payload: JSON.stringify(KEYS[provider]) })
      t.equal(set.statusCode, 200, 'the key is stored')
    }
    const session = await post('POST /api/connections/{id}/session', `/api/connections/${id}/session`, {})
    const { access_token: token, session_id: sessionId } = session.json() as Record<'access_token' | 'session_id', string>
    return { admin, token, connectionId: id, sessionId }
  }
}

t.test('answers, logs, metrics and the database', { timeout: 900_000 }, async t => {
  const world = await startCanaryWorld(t)
  const { app, send, secrets, unexpected, upstream } = world
  const renew = createRenew(t, world)
  await enter(world)
  const first = await renew()
  // What goes well leaves something in the cache.
  for (const symbol of ['AAPL', 'MSFT']) {
    await send('GET tool', { url: `/api/tools/get_quote?symbols=${symbol}`, headers: { authorization: `Bearer ${first.token}` } })
  }
  await useOnce(world, first)
  const second = await renew()
  await misplace(world, second)
  await askFailing(world, second)
  // What follows clears the cache too.
  const rows = await world.dump()
  t.ok(rows.some(({ name }) => name.includes('cache_entries')), 'something is cached')
  const routes = routesOf(app.swagger())
  t.ok(routes.length > 40, 'it finds the routes')
  await driveAll(world, routes, renew)
  const last = await renew()
  const reading = ['/api/audit?limit=500', '/api/audit/export?format=ndjson', '/api/audit/export?format=csv', '/metrics', '/api/cache']
  for (const url of [...reading, `/api/connections/${last.connectionId}`]) {
    await send(`GET ${url}`, { url, headers: { authorization: `Bearer ${last.admin}` } })
  }

  const places = [...rows, ...await world.collect()]
  t.ok(places.filter(({ name }) => name.startsWith('log line')).length > 300, 'the log is that of debugging')
  t.ok(upstream.requests.some(({ headers }) => KEY_TEXTS.includes(String(headers['apca-api-secret-key']))), 'the keys are used')
  t.same([...new Set(unexpected)], [], 'no other answer shows a secret')
  t.comment(`secrets: ${[...new Set(secrets.map(({ name }) => name))].join(', ')}`)
  report(t, 'answers, logs, metrics and the database', secrets, places)

  await t.test('every fmcp command', async t => {
    const printed = await runCommands(t, world, last)
    report(t, 'fmcp', secrets, [...printed, ...await world.dump()])
  })
})

t.test('a server that cannot start', { timeout: 300_000 }, async t => {
  const folder = await createFolder(t)
  const ring = join(folder, 'ring')
  await writeFile(ring, `k1:${PASSWORD}\n`)
  const password = encodeURIComponent(PASSWORD)
  const key = KEYS.fmp.api_key
  const address = `user:${password}@127.0.0.1:9/x`
  const database = { DATABASE_URL: `postgres://${address}`, MASTER_KEY }
  const wrong: Record<string, string>[] = [
    database,
    { ...database, DATABASE_URL: `postgress://${address}` },
    { ...database, DATABASE_URL: `postgres://user:${PASSWORD}@127.0.0.1:9/x` },
    { ...database, MASTER_KEY: PASSWORD },
    { ...database, MASTER_KEY: `k1:${PASSWORD}` },
    { ...database, MASTER_KEY: `${MASTER_KEY},${MASTER_KEY}` },
    { DATABASE_URL: database.DATABASE_URL, MASTER_KEY_FILE: ring },
    { ...database, ALPACA_API_KEY: key },
    { ...database, PORT: key },
    { ...database, LOG_LEVEL: 'trace' },
    { ...database, MASTER_KEY: `k1:${Buffer.from(PASSWORD).toString('base64')}` },
    { ...database, MASTER_KEY_FILE: ring },
    { DATABASE_URL: database.DATABASE_URL },
    { ...database, REDIS_URL: `redis://:${password}@127.0.0.1:9` },
    { ...database, REDIS_URL: `http://:${password}@127.0.0.1:9` }
  ]
  // Those that wait for a database do so side by side.
  const places = await Promise.all(wrong.slice(0, pick(wrong.length, 5)).map(async (env): Promise<Place> => {
    const { code, stdout, stderr } = await runServer(t, folder, { FMP_API_KEY: key, ...env })
    t.not(code, 0, 'it does not start')
    return { name: `a start with ${Object.keys(env).join(', ')} (${code})`, text: `${stdout}\n${stderr}` }
  }))
  const secrets: Secret[] = [
    { name: 'the password', value: PASSWORD },
    { name: 'the master key', value: Buffer.from(MASTER_KEY.slice(3), 'base64') },
    { name: 'a key', value: key }
  ]
  report(t, 'starts that fail', secrets, places)
})
