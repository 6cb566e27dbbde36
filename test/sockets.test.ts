import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { drain } from '../sockets.ts'
import { build } from './helper.ts'

async function listen (t: Test) {
  const { app } = await build(t)
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { app, port: (app.server.address() as AddressInfo).port }
}

/** A connection that has sent this much. */
async function open (t: Test, port: number, text: string) {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.resume().write(text)
  return socket
}

t.test('a connection that has sent nothing, or half a request, does not hold a stop', async t => {
  const { app, port } = await listen(t)
  const head = `POST /api/login HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: application/json\r\n`
  const arrived = once(app.server, 'request')
  const sockets = await Promise.all(['', head, `${head}Content-Length: 100\r\n\r\n{`].map(text => open(t, port, text)))
  await arrived
  const closed = Promise.all(sockets.map(socket => once(socket, 'close')))
  await app.close()
  t.ok(await closed, 'they are closed')
})

t.test('a stop waits for a call whose answer is on its way', async t => {
  const { app, port } = await listen(t)
  let finish = () => {}
  const called = new Promise<void>(resolve => {
    app.sessions.verify = () => new Promise((_resolve, reject) => {
      finish = () => reject(new Error('the test ends it'))
      resolve()
    })
  })
  const answer = fetch(`http://localhost:${port}/api/whoami`, { headers: { authorization: 'Bearer test-token' } })
  await called
  const closed = app.close()
  // Longer than what is left open otherwise.
  await new Promise(resolve => setTimeout(resolve, 1500))
  finish()
  t.equal((await answer).status, 500)
  await closed
})

t.test('requests in a row are handled one by one, and no more where nobody is left', async t => {
  const { app, port } = await listen(t)
  const waiting: (() => void)[] = []
  app.sessions.verify = () => new Promise((_resolve, reject) => waiting.push(() => reject(new Error('the test ends it'))))
  const begun = async (count: number) => {
    for (const deadline = Date.now() + 10_000; waiting.length < count && Date.now() < deadline;) await sleep(10)
    // Others would have come by now.
    await sleep(100)
    t.equal(waiting.length, count)
  }
  const request = `GET /api/whoami HTTP/1.1\r\nHost: localhost:${port}\r\nAuthorization: Bearer test-token\r\n\r\n`
  const taken = once(app.server, 'connection') as Promise<[Socket]>
  const socket = await open(t, port, request.repeat(3))
  const [serversEnd] = await taken
  let text = ''
  socket.on('data', data => { text += String(data) })
  await begun(1)
  waiting[0]!()
  await begun(2)
  t.equal(text.match(/^HTTP\/1\.1 500/gm)?.length, 1, 'the first is answered')
  const closed = once(serversEnd, 'close')
  socket.destroy()
  await closed
  waiting[1]!()
  await begun(2)
})

t.test('a drain says that the server is not ready, serves on, and ends each connection with its next answer', async t => {
  const { app, port } = await listen(t)
  const url = `http://localhost:${port}/health`
  const before = await fetch(`${url}/ready`)
  t.match({ status: before.status, connection: before.headers.get('connection') }, { status: 200, connection: 'keep-alive' })
  const drained = drain(app, 1000)
  const ready = await fetch(`${url}/ready`)
  t.match({ status: ready.status, body: await ready.json() }, { status: 503, body: { status: 'draining', dependencies: { database: 'ok' } } })
  t.equal(ready.headers.get('connection'), 'close')
  const served = await fetch(`${url}/live`)
  t.match({ status: served.status, connection: served.headers.get('connection') }, { status: 200, connection: 'close' })
  await drained
})

t.test('without a time to drain nothing is said', async t => {
  const { app, port } = await listen(t)
  await drain(app, 0)
  t.equal((await fetch(`http://localhost:${port}/health/ready`)).status, 200)
})

t.test('slow clients are timed out', async t => {
  const { app } = await listen(t)
  t.match(app.server, { headersTimeout: 15_000, requestTimeout: 30_000 })
})
