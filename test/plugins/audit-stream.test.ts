import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ExportedEntry } from '../../plugins/audit/event.ts'
import { createSyslogSink } from '../../plugins/audit/syslog.ts'
import { event } from './audit-world.ts'
import { buildSecurity, createOutage, until } from './build-security.ts'

async function createFolder (t: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fms-audit-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const readText = (file: string) => readFile(file, 'utf8').catch(() => '')
const readLines = async (file: string) => (await readText(file)).split('\n').filter(Boolean).map(line => JSON.parse(line))

t.test('each event is appended to the file in the order of the chain, with its hash, and those that failed are not', async t => {
  const file = join(await createFolder(t), 'audit.ndjson')
  const { app } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  await app.audit.record(app.db, event(1))
  await app.db.transaction().execute(async trx => {
    await app.audit.record(trx, event(2))
    throw new Error('test failure')
  }).catch(() => {})
  for (let n = 3; n < 300; n += 1) app.audit.enqueue(event(n))
  await Promise.all([app.audit.flush(), app.db.transaction().execute(trx => app.audit.record(trx, event(300)))])
  await app.close()
  const { app: next } = await buildSecurity(t, { url: app.dbPool.options.connectionString ?? '' })
  const exported: ExportedEntry[] = []
  for await (const page of next.audit.export({})) exported.push(...page)
  t.same(await readLines(file), exported, 'the same as an export')
  t.equal(exported.length, 299)
  t.equal((await stat(file)).mode & 0o777, 0o600)
})

t.test('an event stands in the file only when its transaction has ended', async t => {
  const file = join(await createFolder(t), 'audit.ndjson')
  const { app } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  let end = () => {}
  const open = app.db.transaction().execute(async trx => {
    await app.audit.record(trx, event(1))
    await new Promise<void>(resolve => { end = resolve })
  })
  await new Promise(resolve => setTimeout(resolve, 400))
  t.equal(await readText(file), '')
  end()
  await open
  await until(async () => (await readLines(file)).length === 1)
})

t.test('a file that was moved away is made anew', async t => {
  const file = join(await createFolder(t), 'audit.ndjson')
  const { app } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  await app.audit.record(app.db, event(1))
  await until(async () => (await readLines(file)).length === 1)
  await rename(file, `${file}.1`)
  await app.audit.record(app.db, event(2))
  await until(async () => (await readLines(file)).length === 1)
  t.match(await readLines(`${file}.1`), [{ seq: 1 }])
  t.match(await readLines(file), [{ seq: 2 }])
})

t.test('a missing folder is said once; the events wait for it and the server goes on', async t => {
  const folder = await createFolder(t)
  const file = join(folder, 'not-yet', 'audit.ndjson')
  const { app, log } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  await app.audit.record(app.db, event(1))
  await until(() => log().includes('ENOENT'))
  await app.audit.record(app.db, event(2))
  await mkdir(join(folder, 'not-yet'))
  await until(async () => (await readLines(file)).length === 2)
  await until(() => log().includes('audit events are written again'))
  t.match(log(), /"audit_stream":"file"/)
  t.equal(log().split('audit events cannot be written now').length, 2)
  t.match(await app.audit.verify(), { ok: true, rows: 2 })
})

t.test('a disk that is full is said once, and what is lost at the end too', async t => {
  const folder = await createFolder(t)
  const file = join(folder, 'audit.ndjson')
  await symlink('/dev/full', file)
  const { app, log } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  await app.audit.record(app.db, event(1))
  await until(() => log().includes('ENOSPC'))
  await rm(file)
  await app.audit.record(app.db, event(2))
  await until(async () => (await readLines(file)).length === 2)
  t.match(await readText(file), /^\n\{/, 'half a line may stand before it')
  await until(() => log().includes('audit events are written again'))
  await rm(file)
  await symlink('/dev/full', file)
  await app.audit.record(app.db, event(3))
  await app.close()
  t.match(log(), /"lost":1/)
})

t.test('while the database is away the events wait for the word that they stand', async t => {
  const file = join(await createFolder(t), 'audit.ndjson')
  const { app, url } = await buildSecurity(t, { env: { AUDIT_FILE: file } })
  const outage = createOutage(url)
  await app.audit.record(app.db, event(1))
  await outage.down()
  app.audit.enqueue(event(2))
  await app.audit.flush()
  await outage.up()
  await until(async () => (await readLines(file)).length === 2)
  t.match(await readLines(file), [{ seq: 1 }, { seq: 2 }])
})

/** A TCP server that keeps what it is sent, by connection. */
async function listen (t: Test, port = 0) {
  const sockets: Socket[] = []
  const texts: string[] = []
  const server = createServer(socket => {
    const at = sockets.push(socket) - 1
    texts[at] = ''
    socket.on('error', () => {}).on('data', chunk => { texts[at] += String(chunk) })
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  t.teardown(close)
  return { port: (server.address() as AddressInfo).port, sockets, texts, close }
}

/** Splits octet-counted frames. */
function split (text: string): string[] {
  const bytes = Buffer.from(text)
  const messages: string[] = []
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(' ', at)
    const end = space + 1 + Number(bytes.toString('utf8', at, space))
    messages.push(bytes.toString('utf8', space + 1, end))
    at = end
  }
  return messages
}

const HEADER = /^<(\d+)>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ financial-mcp-server \d+ audit - /

t.test('over TCP each event is a counted frame of RFC 5424, and a lost connection is dialled again', async t => {
  const first = await listen(t)
  const { app, log } = await buildSecurity(t, { env: { AUDIT_SYSLOG: `tcp://localhost:${first.port}` } })
  await app.audit.record(app.db, { ...event(1), client_name: 'Zürich\n' })
  await app.audit.record(app.db, { ...event(2), outcome: 'UNAUTHENTICATED' })
  await until(() => split(first.texts.join('')).length === 2)
  const [one = '', two = ''] = split(first.texts.join(''))
  t.equal(HEADER.exec(one)?.[1], '109')
  t.equal(HEADER.exec(two)?.[1], '108')
  t.match(JSON.parse(one.replace(HEADER, '')), { seq: 1, client_name: 'Zürich\n', hash: /^[0-9a-f]{64}$/ })
  t.equal(first.sockets.length, 1)

  first.close()
  await once(first.sockets[0]!, 'close')
  await new Promise(resolve => setTimeout(resolve, 100))
  await app.audit.record(app.db, event(3))
  await until(() => log().includes('audit events cannot be written now'))
  const second = await listen(t, first.port)
  await until(() => second.texts.join('').includes('"seq":3'))
  await until(() => log().includes('audit events are written again'))
})

t.test('a server that takes nothing in does not hold up the stop', async t => {
  const { port, sockets } = await listen(t)
  const { app } = await buildSecurity(t, { env: { AUDIT_SYSLOG: `tcp://127.0.0.1:${port}` } })
  await app.audit.record(app.db, event(1))
  await until(() => sockets.length === 1)
  sockets[0]?.pause()
  await t.resolves(app.close())
})

t.test('over UDP each event is a datagram', async t => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  t.teardown(() => { socket.close() })
  await once(socket, 'listening')
  const messages: string[] = []
  socket.on('message', message => { messages.push(String(message)) })
  const { app } = await buildSecurity(t, { env: { AUDIT_SYSLOG: `udp://127.0.0.1:${socket.address().port}` } })
  await app.audit.record(app.db, event(1))
  await app.audit.record(app.db, event(2))
  await until(() => messages.length === 2)
  t.match(messages.map(message => JSON.parse(message.replace(HEADER, '')).seq).sort(), [1, 2])
})

t.test('what is larger than a datagram is left out, and a name that does not resolve is a failure', async t => {
  const line = { action: 'x', time: new Date().toISOString(), outcome: 'ok', json: `"${'x'.repeat(70_000)}"` }
  await t.resolves(createSyslogSink('udp://127.0.0.1:9').write([line]))
  await t.rejects(createSyslogSink('udp://test.invalid:9').write([line]))
  await t.rejects(createSyslogSink('tcp://[::1]:1').write([line]))
})
