import Fastify from 'fastify'
import t from 'tap'
import { loadConfig } from '../config.ts'
import { loggerOptions, redact } from '../logger.ts'
import { createToken } from '../tokens/token.ts'

const ID = '01234567-89ab-4cde-8f01-23456789abcd'

t.test('of a token the kind and the id stay in a text', async t => {
  for (const kind of ['st', 'ot', 'ad'] as const) {
    t.equal(redact(`before ${createToken(kind, ID)} after`), `before fmcp_${kind}_0123456789ab4cde8f0123456789abcd_[redacted] after`)
  }
  t.equal(redact('"/x?token=abc&y=1"'), '"/x?token=[redacted]&y=1"')
})

t.test('no log line of a request holds its token or the path of a stream, however they are written', async t => {
  let log = ''
  const app = Fastify({ logger: loggerOptions(loadConfig({ LOG_LEVEL: 'trace' }), line => { log += line }) })
  t.teardown(() => app.close())
  app.get<{ Params: { token: string } }>('/mcp/connect/:token', async request => {
    const { token } = request.params
    request.log.info({ req: request, path: `/mcp/connect/${token}`, one_time_token: 'hidden-by-name' }, `asked for ${token}`)
    request.log.error(new Error(token))
    return {}
  })
  app.post('/mcp/connect/messages/:key', async request => {
    request.log.info({ req: request }, request.url)
    return {}
  })
  const token = createToken('ot', ID)
  const secret = token.slice(-49)
  await app.inject(`/mcp/connect/${token}`)
  t.match(log, `/mcp/connect/${token.slice(0, 40)}_[redacted]`)
  t.notMatch(log, secret)
  t.notMatch(log, 'hidden-by-name')

  const key = `${'i'.repeat(43)}.${'p'.repeat(43)}`
  await app.inject({ method: 'POST', url: `/mcp/connect/messages/${key}` })
  t.match(log, '/mcp/connect/messages/[redacted]')
  t.notMatch(log, 'p'.repeat(43))

  log = ''
  const encoded = [...token].map(letter => `%${letter.charCodeAt(0).toString(16)}`).join('')
  await app.inject(`/mcp/connect/${encoded}`)
  t.match(log, '[redacted]')
  t.notMatch(log, secret)
})
