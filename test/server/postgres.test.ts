import t from 'tap'
import { areGone, createFolder, kill, readPid, waitFor } from '../fixtures/embedded.ts'
import { ask, buildOnce, startServer } from './process.ts'

buildOnce()

t.test('the server outlives a kill -9 of its Postgres', async t => {
  const dataDir = await createFolder(t)
  const server = await startServer(t, dataDir)
  t.equal((await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')).status, 200)
  const postgres = readPid(dataDir)
  kill(postgres)
  const seen = new Set<number>()
  const cached = new Set<number>()
  const works = async () => {
    cached.add((await ask(server, server.token, '/api/tools/get_quote?symbols=AAPL')).status)
    seen.add((await ask(server, '', '/health/ready')).status)
    const { status } = await ask(server, server.token, '/api/tools/get_quote?symbols=MSFT&format=csv')
    return readPid(dataDir) > 1 && readPid(dataDir) !== postgres && status === 200 &&
      (await ask(server, '', '/health/ready')).status === 200
  }
  t.ok(await waitFor(works, 15_000), 'it works again')
  t.same([...cached], [200], 'what is in memory is answered all the time')
  t.same([...seen], [200], 'so it is ready, though degraded')
  t.equal((await ask(server, server.token, '/api/whoami')).status, 200)
  t.equal(await server.stop(), 0)
  t.ok(await areGone(dataDir, 1000))
})
