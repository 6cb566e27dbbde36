import t, { type Test } from 'tap'
import { createDatabase } from '../database.ts'
import { figure, pick } from '../figures.ts'
import { build as buildApp } from '../helper.ts'

const CLIENTS = 200
const ROUNDS = pick(5, 1)
const BY = { actor: 'test' }
const STREAM = { accept: 'text/event-stream' }

/** Two replicas over one database, listening, and tokens of one session. */
async function build (t: Test) {
  const databaseUrl = await createDatabase(t)
  const env = { DATABASE_URL: databaseUrl, MAX_EVENT_LOOP_DELAY_MS: '0' }
  const worlds = [await buildApp(t, env), await buildApp(t, env)]
  const urls: string[] = []
  for (const { app } of worlds) {
    // A stream that was opened, and what fetch opens in place of an aborted one, would hold a stop.
    t.teardown(() => {
      const sweep = setInterval(() => app.server.closeAllConnections(), 50)
      app.server.once('close', () => clearInterval(sweep))
    })
    urls.push(await app.listen({ host: '127.0.0.1', port: 0 }))
  }
  const { app, connect } = worlds[0]!
  const { sessionId } = await connect({ keys: [] })
  const make = async () => (await app.oneTimeTokens.create(sessionId, {}, urls[0]!, BY)).one_time_token
  return { app, urls, make }
}

const exchange = (url: string, token: string) => fetch(`${url}/api/session/exchange`, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token })
})

const statusesOf = (answers: Response[], status: number) => answers.filter(answer => answer.status === status).length

t.test('one token, raced by 200 clients over two replicas', async t => {
  const { app, urls, make } = await build(t)
  const ways: Record<string, (url: string, token: string) => Promise<Response>> = {
    exchange,
    claim: (url, token) => fetch(`${url}/mcp/connect/${token}`, { headers: STREAM })
  }
  for (const [name, use] of Object.entries(ways)) {
    let winners = 0
    let consumed = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const token = await make()
      const answers = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => use(urls[i % 2]!, token)))
      winners += statusesOf(answers, 200)
      // 300 from one address in a minute change the answer to those that are bad, and to no other.
      consumed += statusesOf(answers, 410) + statusesOf(answers, 429)
      if (round === 0 && name === 'exchange') t.equal(statusesOf(answers, 410), CLIENTS - 1)
      await Promise.all(answers.map(answer => answer.status === 200 && name === 'claim' ? answer.body?.cancel() : answer.text()))
    }
    t.equal(winners, ROUNDS)
    figure(t, { what: `${name}: winners of a race of ${CLIENTS}`, value: winners / ROUNDS, most: 1 })
    figure(t, { what: `${name}: losers that were not told so`, value: ROUNDS * (CLIENTS - 1) - consumed, most: 0 })
  }
  const claims = (await app.audit.list({ action: 'one_time_token.claim' })).items.length
  const rotations = (await app.audit.list({ action: 'session.rotate' })).items.length
  figure(t, { what: 'uses in the audit log more than there were tokens', value: claims + rotations - 2 * ROUNDS, most: 0 })
})

t.test('what only looks at the address does not use a token up, and an expired one is refused', async t => {
  const { app, urls: [url = '', other = ''], make } = await build(t)
  const tokens = await Promise.all(Array.from({ length: 5 }, make))
  let lost = 0
  for (const token of tokens) {
    const address = `/mcp/connect/${token}`
    const looks: [string, Record<string, string>][] = [
      ['HEAD', STREAM], ['GET', { ...STREAM, 'sec-purpose': 'prefetch' }], ['GET', { ...STREAM, purpose: 'prefetch' }],
      ['GET', { accept: '*/*' }], ['GET', { accept: 'text/html' }], ['POST', STREAM], ['OPTIONS', STREAM]
    ]
    for (const [method, headers] of looks) await (await fetch(url + address, { method, headers })).text()
    const opened = await fetch(other + address, { headers: STREAM })
    if (opened.status !== 200) lost += 1
    await opened.body?.cancel()
  }
  figure(t, { what: 'tokens used up by HEAD, prefetches and previews', value: lost, most: 0 })

  const expired = await Promise.all(Array.from({ length: 10 }, make))
  await app.db.updateTable('one_time_tokens').set({ expires_at: new Date(Date.now() - 1) }).where('consumed_at', 'is', null).execute()
  const answers = await Promise.all(expired.flatMap((token, i) =>
    [exchange(url, token), fetch(`${i % 2 ? url : other}/mcp/connect/${token}`, { headers: STREAM })]))
  t.equal(statusesOf(answers, 401), answers.length)
  figure(t, { what: 'expired tokens that were taken', value: statusesOf(answers, 200), most: 0 })
  await Promise.all(answers.map(answer => answer.text()))
})
