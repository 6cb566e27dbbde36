/** Generated messages and requests, right and wrong: no answer is a failure of the server, and none is malformed. */
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import fc, { type Arbitrary } from 'fast-check'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { figure, isShort, pick } from '../figures.ts'
import { build } from '../helper.ts'
import { createMessages } from './fuzz-messages.ts'
import { createRequests, routesOf, type FuzzedRequest } from './fuzz-requests.ts'
import { createMadeUp } from './made-up.ts'
import { faultOf, faultOfMessage, faultOfRpc, isOverload, type Answer } from './well-formed.ts'

const MESSAGES = pick(40_000, 2_400)
const STREAMED = pick(8_000, 400)
const OVER_SOCKETS = pick(2_000, 200)
const REQUESTS = pick(20_000, 1_500)
/** The short form is the same each time: what CI says is about the change. */
const SEED = Number(process.env['FUZZ_SEED'] ?? (isShort ? 1 : Date.now() % 2 ** 31))
/** What hangs is a failure as well. */
const PATIENCE_MS = 30_000

const ENV = { LOG_LEVEL: 'error', SESSION_CALLS_PER_MINUTE: '10000000', ADDRESS_CALLS_PER_MINUTE: '10000000', MAX_EVENT_LOOP_DELAY_MS: '0' }

const BY = { actor: 'test' }

const uncaught: unknown[] = []
for (const event of ['unhandledRejection', 'uncaughtException'] as const) process.on(event, (error: unknown) => uncaught.push(error))

/** Runs the check on so many generated values; the shrunk counterexample is the failure. */
async function fuzz<T> (
  t: Test, what: string, arbitrary: Arbitrary<T>, numRuns: number,
  send: (value: T) => Promise<Answer>, fault: (answer: Answer) => string | undefined
): Promise<void> {
  const counts: Record<string, number> = {}
  let overloaded = 0
  const property = fc.asyncProperty(arbitrary, async value => {
    const answer = await send(value)
    counts[answer.status] = (counts[answer.status] ?? 0) + 1
    if (isOverload(answer.status, answer.body)) overloaded++
    const wrong = fault(answer)
    if (wrong) throw new Error(`${wrong}: ${answer.status} ${answer.body.slice(0, 500)}`)
  })
  const { failed, numRuns: runs, counterexample, errorInstance } = await fc.check(property, { numRuns, seed: SEED })
  t.comment(`${what}: FUZZ_SEED=${SEED}, ${JSON.stringify(counts)}`)
  if (failed) t.fail(`${what}: ${String(errorInstance)}`, { counterexample: JSON.stringify(counterexample).slice(0, 3000) })
  figure(t, { what: `${what}: of ${runs} a wrong answer`, value: failed ? 1 : 0, most: 0 })
  t.comment(`${what}: ${overloaded} turned away by an overload`)
}

const toAnswer = ({ statusCode: status, headers, body }: LightMyRequestResponse): Answer => ({ status, headers, body })

function inTime<T> (work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => reject(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS) })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

async function start (t: Test) {
  const { app, logs } = await build(t, ENV)
  const { id } = await createMadeUp(app)
  const { access_token: token, session_id: sessionId } = await app.sessions.create(id, {}, BY)
  const inject = async (options: InjectOptions) => toAnswer(await inTime(app.inject(options)))
  /** What no request may leave behind. */
  function assertQuiet (what: string) {
    for (const line of logs.slice(0, 5)) t.comment(line)
    for (const error of uncaught.splice(0)) t.fail('an error was left uncaught', { error: String(error) })
    figure(t, { what: `${what}: lines in the log of errors`, value: logs.length, most: 0 })
  }
  return { app, token, sessionId, connectionId: id, inject, assertQuiet }
}

t.test('messages over Streamable HTTP', { timeout: 900_000 }, async t => {
  const { app, token, inject, assertQuiet } = await start(t)
  const messages = createMessages(app.tools.list())
  const authorization = `Bearer ${token}`
  await fuzz(t, 'JSON-RPC messages', messages, MESSAGES, ({ headers, body }) =>
    inject({ method: 'POST', url: '/mcp', headers: { authorization, ...headers }, payload: body }), faultOfRpc)

  await app.listen({ host: '127.0.0.1', port: 0 })
  const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const agent = new Agent({ connections: 4 })
  t.teardown(() => agent.close())
  await fuzz(t, 'JSON-RPC messages over sockets', messages, OVER_SOCKETS, ({ headers, body }) => inTime((async () => {
    const response = await agent.request({ origin, path: '/mcp', method: 'POST', headers: { authorization, ...headers }, body })
    return { status: response.statusCode, headers: response.headers, body: await response.body.text() }
  })()), faultOfRpc)
  assertQuiet('JSON-RPC messages')
})

t.test('messages over HTTP+SSE', { timeout: 900_000 }, async t => {
  const { app, token, inject, assertQuiet } = await start(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const authorization = `Bearer ${token}`
  const frames: string[] = []
  const endpoint = await openStream(t, port, authorization, frame => frames.push(frame))
  const batchless = createMessages(app.tools.list())
  await fuzz(t, 'HTTP+SSE messages', batchless, STREAMED, async ({ headers, body }) => {
    const answer = await inject({ method: 'POST', url: endpoint, headers: { authorization, ...headers }, payload: body })
    const wrong = frames.splice(0).find(frame => faultOfMessage(JSON.parse(frame)) !== undefined)
    return wrong === undefined ? answer : { status: 599, headers: {}, body: wrong }
  }, faultOfRpc)
  const ping = await inject({ method: 'POST', url: endpoint, headers: { authorization, 'content-type': 'application/json' }, payload: '{"jsonrpc":"2.0","id":"last","method":"ping"}' })
  t.equal(ping.status, 202, `the stream is still there: ${ping.body}`)
  assertQuiet('HTTP+SSE messages')
})

t.test('REST requests', { timeout: 900_000 }, async t => {
  const { app, sessionId, connectionId, inject, assertQuiet } = await start(t)
  const routes = routesOf(app.swagger())
  t.ok(routes.length > 40, 'it finds the routes')
  const ids = [connectionId, sessionId]
  const tokens = { session: '', admin: '' }
  /** Requests revoke and delete what they find, the tokens' own too. */
  async function renew () {
    const { id } = await createMadeUp(app)
    const session = await app.sessions.create(id, {}, BY)
    const admin = await app.admin.createToken({ name: 'fuzz' }, BY)
    Object.assign(tokens, { session: session.access_token, admin: admin.token })
    ids.splice(0, ids.length, id, session.session_id, admin.id, 'alpaca', 'finnhub')
  }
  await renew()
  const send = async ({ route, url, headers, body, by }: FuzzedRequest): Promise<Answer> => {
    const takes = by === 'right' ? route.takes : by === 'nobody' ? 'nobody' : route.takes === 'admin' ? 'session' : 'admin'
    const answer = await inject({
      method: route.method,
      url,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }), ...headers, ...(takes !== 'nobody' && { authorization: `Bearer ${tokens[takes]}` })
      },
      ...(body !== undefined && { payload: body })
    })
    if (by === 'right' && takes !== 'nobody' && answer.status === 401) await renew()
    return { ...answer, isRpc: route.path.startsWith('/mcp/connect/') && route.method !== 'GET' }
  }
  await fuzz(t, 'REST requests', createRequests(routes, () => ids), REQUESTS, send, faultOf)
  assertQuiet('REST requests')
})

/** Opens a stream; answers where its messages are sent to, and tells each frame after that. */
function openStream (t: Test, port: number, authorization: string, onFrame: (data: string) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path: '/mcp', headers: { host: `localhost:${port}`, authorization, accept: 'text/event-stream' } }, response => {
      let buffered = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        const parts = (buffered + text).split('\n\n')
        buffered = parts.pop() ?? ''
        for (const part of parts) {
          const [, event, data = ''] = /^event: (\w+)\ndata: (.*)$/m.exec(part) ?? []
          if (event === 'endpoint') resolve(data)
          else if (event === 'message') onFrame(data)
        }
      })
    })
    request.once('error', reject).end()
    t.teardown(() => request.destroy())
  })
}
