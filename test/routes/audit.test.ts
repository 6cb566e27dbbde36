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
    'since=2016-12-31T23:59:60Z', 'unknown=1', 'action='
  ]) t.match((await call('GET', `/api/audit?${query}`)).json(), { status: 400, code: 'FMS_INVALID_INPUT' }, query)
})
