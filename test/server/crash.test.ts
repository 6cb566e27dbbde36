import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { areGone, copyFolder, kill, makeFolder, waitFor } from '../fixtures/embedded.ts'
import { ask, buildOnce, createAdminToken, startServer, type Server } from './process.ts'

buildOnce()
t.setTimeout(290_000)
const made = await makeFolder(t)
const KILLS = 4

/** What the server said that it has stored. */
interface Acknowledged {
  connections: string[]
  credentials: { connection: string, fingerprint: string }[]
  sessions: { connection: string, session: string, token: string }[]
}

/** Makes connections with a key and a session each, one after the other, until the server is gone. */
async function write (server: Server, admin: string, name: string, done: Acknowledged): Promise<void> {
  for (let i = 0; ; i++) {
    const created = await ask(server, admin, '/api/connections', 'POST', { name: `${name}-${i}` })
    if (created.status !== 201) throw new Error(`${created.status} ${JSON.stringify(created.body)}`)
    const { id } = created.body
    done.connections.push(id)
    const sealed = await ask(server, admin, `/api/connections/${id}/credentials/fmp`, 'PUT', { api_key: `key-${name}-${i}` })
    if (sealed.status !== 200) throw new Error(`${sealed.status} ${JSON.stringify(sealed.body)}`)
    done.credentials.push({ connection: id, fingerprint: sealed.body.fingerprint })
    const opened = await ask(server, admin, `/api/connections/${id}/session`, 'POST', {})
    if (opened.status !== 201) throw new Error(`${opened.status} ${JSON.stringify(opened.body)}`)
    done.sessions.push({ connection: id, session: opened.body.session_id, token: opened.body.access_token })
  }
}

t.test(`what was acknowledged outlives ${KILLS} × kill -9`, { timeout: 280_000 }, async t => {
  const dataDir = await copyFolder(t, made)
  const done: Acknowledged = { connections: [], credentials: [], sessions: [] }
  let server = await startServer(t, dataDir)
  const admin = await createAdminToken(t, dataDir)
  for (let round = 0; round < KILLS; round++) {
    const before = done.sessions.length
    const writers = ['a', 'b'].map(name => write(server, admin, `${round}${name}`, done)
      .catch((error: unknown) => error))
    // Killed at another moment of the writes each time.
    if (!await waitFor(() => done.sessions.length > before + 1)) t.fail('nothing was written')
    await sleep(round * 7)
    kill(server.pid)
    for (const error of await Promise.all(writers)) t.match(error, { message: /fetch failed|terminated/ })
    await server.exited
    server = await startServer(t, dataDir)
  }
  t.comment(`${done.connections.length} connections, ${done.credentials.length} keys, ${done.sessions.length} sessions`)

  const { body } = await ask(server, admin, '/api/connections')
  const stored = new Map<string, string[]>(body.map((row: { id: string, credentials: { fingerprint: string }[] }) =>
    [row.id, row.credentials.map(({ fingerprint }) => fingerprint)]))
  t.same(done.connections.filter(id => !stored.has(id)), [], 'every connection is there')
  t.same(done.credentials.filter(({ connection, fingerprint }) => !stored.get(connection)?.includes(fingerprint)), [], 'every key is there')
  const refused = []
  for (const { session, token } of done.sessions) {
    const { status, body } = await ask(server, token, '/api/whoami')
    if (status !== 200 || body.session_id !== session) refused.push(session)
  }
  t.same(refused, [], 'every token is let in')
  t.equal(await server.stop(), 0)
  t.ok(await areGone(dataDir, 1000))
})
