import { sql } from 'kysely'
import t from 'tap'
import { buildControl } from './build-control.ts'

t.test('the log is read newest first, in pages that neither repeat nor skip', async t => {
  const { call } = await buildControl(t)
  for (const name of ['a', 'b', 'c', 'd', 'e']) await call('POST', '/api/connections', { name })
  const targets: string[] = []
  let url: string | null = '/api/audit?action=connection.create&limit=2'
  while (url) {
    const page: { items: { target: string }[], next_cursor: string | null } = (await call('GET', url)).json()
    targets.push(...page.items.map(({ target }) => target))
    url = page.next_cursor && `/api/audit?action=connection.create&limit=2&cursor=${page.next_cursor}`
  }
  t.same(targets, ['e', 'd', 'c', 'b', 'a'])
})

t.test('the filters hold together', async t => {
  const { app, call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  const { session_id: sessionId } = (await call('POST', `/api/connections/${id}/session`)).json()
  await app.audit.record(app.db, { actor: 'anonymous', action: 'admin.login', outcome: 'UNAUTHENTICATED' })
  const count = async (query: string) => (await call('GET', `/api/audit?${query}`)).json().items.length
  t.equal(await count(`connection_id=${id}`), 2)
  t.equal(await count(`connection_id=${id}&action=session.create`), 1)
  t.equal(await count(`session_id=${sessionId}`), 1)
  t.equal(await count('actor=anonymous'), 1)
  t.equal(await count('outcome=UNAUTHENTICATED'), 1)
  t.equal(await count('actor=nobody'), 0)
  const soon = new Date(Date.now() + 60_000).toISOString()
  t.equal(await count(`since=${soon}`), 0)
  t.equal(await count(`connection_id=${id}&until=${soon}`), 2)
})

t.test('the log is followed by its numbers, the oldest first, and nothing is missed or told twice', async t => {
  const { app, call } = await buildControl(t)
  const follow = async (after: number, query = '') => (await call('GET', `/api/audit?after=${after}${query}`)).json()
  const [newest] = (await call('GET', '/api/audit?limit=1')).json().items
  t.same(await follow(newest.seq), { items: [], next_cursor: null })
  for (let n = 0; n < 7; n += 1) app.audit.enqueue({ action: 'test.event', actor: 'system', target: `t${n}` })
  await app.audit.flush()
  const seen: string[] = []
  for (let after = newest.seq; ;) {
    const { items, next_cursor: cursor } = await follow(after, '&limit=3')
    t.equal(cursor, null)
    if (!items.length) break
    seen.push(...items.map(({ target }: { target: string }) => target))
    after = items.at(-1).seq
  }
  t.same(seen, ['t0', 't1', 't2', 't3', 't4', 't5', 't6'])
  t.equal((await follow(0, '&target=t3')).items.length, 1)
  t.equal((await follow(0, '&limit=1')).items[0].seq, 1)
  t.equal((await follow(Number.MAX_SAFE_INTEGER)).items.length, 0)
  t.equal((await call('GET', '/api/audit?target=t4')).json().items.length, 1)
})

t.test('a browser downloads the export from the server\'s own page, and from no other', async t => {
  const { app } = await buildControl(t)
  const code = String(await app.admin.issueSetupCode())
  const login = await app.admin.setup({ code, name: 'ada', password: 'correct horse battery' }, { actor: 'anonymous', ip: '127.0.0.1' })
  const cookies = { fmcp: login.cookie }
  const get = (headers: Record<string, string>) => app.inject({ url: '/api/audit/export?format=csv', cookies, headers: { host: 'localhost', ...headers } })
  const own = await get({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate' })
  t.equal(own.statusCode, 200)
  t.match(own.headers['content-disposition'], /^attachment; filename="audit-.*\.csv"$/)
  t.match(own.body, /^seq,time,actor/)
  // The browser itself keeps the cookie from another site's request: SameSite=Strict.
  t.equal((await app.inject({ url: '/api/audit/export', headers: { host: 'localhost', 'sec-fetch-site': 'cross-site' } })).statusCode, 401)
})

t.test('a row shows what happened and no hash', async t => {
  const { call } = await buildControl(t)
  const { id } = (await call('POST', '/api/connections', { name: 'a' })).json()
  await call('PATCH', `/api/connections/${id}`, { settings: { caching: false } })
  const [row] = (await call('GET', `/api/audit?connection_id=${id}`)).json().items
  t.match(row, { action: 'connection.update', outcome: 'ok', details: { changed: ['settings.caching'] }, ip: '127.0.0.1' })
  t.notOk('hash' in row || 'prev_hash' in row)
})

t.test('a question that is not valid is refused', async t => {
  const { call } = await buildControl(t)
  for (const query of [
    'limit=0', 'limit=501', 'limit=x', 'cursor=x', 'cursor=9999999999999999999', 'connection_id=1', 'since=yesterday',
    'since=2016-12-31T23:59:60Z', 'unknown=1', 'action=', 'after=-1', 'after=x', 'after=1&cursor=5'
  ]) t.match((await call('GET', `/api/audit?${query}`)).json(), { status: 400, code: 'FMS_INVALID_INPUT' }, query)
})

t.test('the export is the whole log, the oldest first, with hashes, and stands in the log itself', async t => {
  const { app, call } = await buildControl(t)
  for (let n = 0; n < 1200; n += 1) app.audit.enqueue({ action: 'test.event', actor: 'system', target: String(n) })
  const response = await call('GET', '/api/audit/export?action=test.event')
  t.match(response.headers, {
    'content-type': 'application/x-ndjson', 'cache-control': 'no-store', 'content-disposition': /^attachment; filename="audit-[\d-]{10}\.ndjson"$/
  })
  const rows = response.body.trimEnd().split('\n').map(line => JSON.parse(line))
  t.same(rows.map(({ target }) => target), Array.from({ length: 1200 }, (_, n) => String(n)))
  const { head } = (await call('GET', '/api/audit/verify')).json()
  t.match((await call('GET', '/api/audit/export')).body, `"hash":"${head.hash}"`)
  t.match((await app.audit.list({ action: 'audit.export' })).items, [
    { actor: /^admin_token:/, details: { format: 'ndjson' } }, { details: { action: 'test.event' } }
  ])
  t.equal((await call('GET', '/api/audit/export?actor=nobody')).body, '')
})

t.test('CSV is quoted, and holds no formula that a client chose', async t => {
  const { app, call } = await buildControl(t)
  const names = ['=HYPERLINK("http://test.invalid")', '+1', '-1', '@SUM(A1)', ' =1', '\t1', '＝1', 'a,"b"\r\nc', '', 'plain-1']
  for (const name of names) {
    app.audit.enqueue({ action: 'test.event', actor: 'system', client_name: name, latency_ms: 7, details: { a: [1] } })
  }
  const response = await call('GET', '/api/audit/export?format=csv&action=test.event')
  t.equal(response.headers['content-type'], 'text/csv; charset=utf-8; header=present')
  const [header, ...rows] = parseCsv(response.body)
  const column = (name: string) => rows.map(row => row[header?.indexOf(name) ?? -1])
  t.same(column('client_name'), ["'=HYPERLINK(\"http://test.invalid\")", "'+1", "'-1", "'@SUM(A1)", "' =1", "'\t1", "'＝1", 'a,"b"\r\nc', '', 'plain-1'])
  t.same(column('latency_ms'), names.map(() => '7'))
  t.same(column('target'), names.map(() => ''))
  t.same(column('details'), names.map(() => '{"a":[1]}'))
  t.ok(column('hash').every(hash => /^[0-9a-f]{64}$/.test(hash ?? '')))
})

/** As a spreadsheet reads it. */
function parseCsv (text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\r\n') rows.push([])
  }
  return rows.slice(0, -1)
}

t.test('a caller who goes away ends the export, and one who is slow gets it all', async t => {
  const { app } = await buildControl(t)
  const { token } = await app.admin.createToken({ name: 'test' }, { actor: 'system' })
  for (let n = 0; n < 5000; n += 1) app.audit.enqueue({ action: 'test.event', actor: 'system', details: { text: 'x'.repeat(900) } })
  await app.audit.flush()
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  let pages = 0
  const full = app.audit.export
  app.audit.export = async function * (filter) {
    for await (const page of full(filter)) {
      pages += 1
      yield page
    }
  }
  const fetchIt = (signal?: AbortSignal) => fetch(`${url}/api/audit/export?action=test.event`, { headers: { authorization: `Bearer ${token}` }, ...(signal && { signal }) })
  const leave = new AbortController()
  const left = await fetchIt(leave.signal)
  await left.body?.getReader().read()
  leave.abort()
  const response = await fetchIt()
  const text = await response.text()
  t.equal(text.trimEnd().split('\n').length, 5000)
  t.ok(pages < 20, `${pages} pages were read, and not ten by each`)
})

t.test('a verification tells how far the log is whole, and where it is not', async t => {
  const { app, call } = await buildControl(t)
  const whole = await call('GET', '/api/audit/verify')
  t.equal(whole.statusCode, 200)
  const { head } = whole.json()
  t.match(whole.json(), { ok: true, from_seq: 1, rows: head.seq, broken: null })
  t.match((await call('GET', `/api/audit/verify?head=${head.seq}:${head.hash}`)).json(), { ok: true })
  t.match((await call('GET', `/api/audit/verify?head=${head.seq + 9}:${head.hash}`)).json(), { ok: false, broken: { seq: head.seq + 1, reason: 'cut_off' } })
  await sql`ALTER TABLE audit_logs DISABLE TRIGGER USER`.execute(app.db)
  await sql`UPDATE audit_logs SET actor = 'x' WHERE seq = 1`.execute(app.db)
  t.match((await call('GET', '/api/audit/verify')).json(), { ok: false, rows: 0, broken: { seq: 1, reason: 'edited' } })
})

t.test('an export or a verification that is not valid is refused', async t => {
  const { call } = await buildControl(t)
  for (const url of ['export?format=xml', 'export?limit=5', 'export?since=yesterday', 'verify?head=1', 'verify?head=1:ab', 'verify?x=1']) {
    t.match((await call('GET', `/api/audit/${url}`)).json(), { status: 400, code: 'FMS_INVALID_INPUT' }, url)
  }
})
