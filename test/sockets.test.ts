import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
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

t.test('slow clients are timed out', async t => {
  const { app } = await listen(t)
  t.match(app.server, { headersTimeout: 15_000, requestTimeout: 30_000 })
})
