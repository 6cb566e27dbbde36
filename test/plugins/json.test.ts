import t from 'tap'
import { build } from '../helper.ts'
import { createMadeUp } from '../security/made-up.ts'

const json = { host: 'localhost', 'content-type': 'application/json' }

t.test('a body that is no UTF-8 is refused, for REST and for MCP', async t => {
  const { app } = await build(t)
  const { id } = await createMadeUp(app)
  const { access_token: token } = await app.sessions.create(id, {}, { actor: 'test' })
  const payload = Buffer.from('{"name":"\xff\xfe","password":"test-password-1"}', 'latin1')
  const login = await app.inject({ method: 'POST', url: '/api/login', headers: json, payload })
  t.match([login.statusCode, login.json()], [400, { code: 'FMS_INVALID_INPUT', detail: /UTF-8/ }])
  const mcp = await app.inject({ method: 'POST', url: '/mcp', headers: { ...json, authorization: `Bearer ${token}` }, payload })
  t.match([mcp.statusCode, mcp.json()], [400, { error: { code: -32700 } }])
  const good = await app.inject({ method: 'POST', url: '/api/login', headers: json, payload: '{"name":"Zoë","password":"test-password-1"}' })
  t.equal(good.statusCode, 401, 'other letters than ASCII are read')
})

t.test('a body has 64 KiB at most, a message of MCP 1 MiB', async t => {
  const { app } = await build(t)
  const { id } = await createMadeUp(app)
  const { access_token: token } = await app.sessions.create(id, {}, { actor: 'test' })
  const send = async (url: string, kilobytes: number) => {
    const payload = `{"name":"${'x'.repeat(kilobytes * 1024)}"}`
    const response = await app.inject({ method: 'POST', url, headers: { ...json, authorization: `Bearer ${token}` }, payload })
    return response.statusCode
  }
  t.equal(await send('/api/login', 60), 400)
  t.equal(await send('/api/login', 64), 413)
  t.equal(await send('/mcp', 1000), 400)
  t.equal(await send('/mcp', 1024), 413)
})
