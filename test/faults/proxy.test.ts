import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { waitFor } from '../fixtures/embedded.ts'
import { startProxy } from './proxy.ts'

/** An echo behind a proxy; `heard` is what reached it. */
async function build (t: Test) {
  const heard: string[] = []
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heard.push(String(chunk))
      socket.write(chunk)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const proxy = await startProxy(t, { port: (server.address() as AddressInfo).port })
  const open = async () => {
    const socket = connect(proxy.port, '127.0.0.1')
    const state = { socket, text: '', error: '', closed: false }
    socket.on('data', chunk => { state.text += String(chunk) })
    socket.on('error', (error: NodeJS.ErrnoException) => { state.error = error.code ?? '' })
    socket.on('close', () => { state.closed = true })
    t.teardown(() => socket.destroy())
    await new Promise<void>(resolve => { for (const event of ['connect', 'close']) socket.once(event, () => resolve()) })
    return state
  }
  return { proxy, heard, open }
}

async function echoes (state: { socket: Socket, text: string }, text: string): Promise<boolean> {
  state.text = ''
  state.socket.write(text)
  return waitFor(() => state.text === text, 5000)
}

t.test('it carries both directions, and a farewell', async t => {
  const { proxy, open } = await build(t)
  const one = await open()
  t.ok(await echoes(one, 'x'.repeat(500_000)))
  t.same(proxy.connections(), { open: 1, total: 1 })
  one.socket.end()
  t.ok(await waitFor(() => one.closed && proxy.connections().open === 0))
})

t.test('down: those that stand end, new ones are refused, and then it is back on its port', async t => {
  const { proxy, open } = await build(t)
  const { port } = proxy
  const one = await open()
  await proxy.mode('down')
  t.ok(await waitFor(() => one.closed))
  t.equal((await open()).error, 'ECONNREFUSED')
  await proxy.mode('pass')
  t.equal(proxy.port, port)
  t.ok(await echoes(await open(), 'back'))
})

t.test('reset: all are broken with RST', async t => {
  const { proxy, open } = await build(t)
  const one = await open()
  t.ok(await echoes(one, 'a'))
  await proxy.mode('reset')
  t.ok(await waitFor(() => one.error === 'ECONNRESET'))
  const two = await open()
  t.ok(await waitFor(() => two.closed))
})

t.test('blackhole: connections stand and nothing passes; what was lost stays lost', async t => {
  const { proxy, open, heard } = await build(t)
  const one = await open()
  const quiet = await open()
  t.ok(await echoes(one, 'a'))
  await proxy.mode('blackhole')
  one.socket.write('b')
  const two = await open()
  two.socket.write('c')
  await sleep(200)
  t.notOk(one.closed || two.closed)
  t.same([one.text, two.text, heard], ['a', '', ['a']])
  await proxy.mode('pass')
  t.ok(await waitFor(() => one.closed && two.closed), 'a torn connection is broken, not mended')
  t.ok(await echoes(quiet, 'd'), 'one that lost nothing goes on')
})

t.test('halfopen: what is asked arrives, and no answer does', async t => {
  const { proxy, open, heard } = await build(t)
  const one = await open()
  await proxy.mode('halfopen')
  one.socket.write('a')
  t.ok(await waitFor(() => heard.length === 1))
  await sleep(100)
  t.equal(one.text, '')
  await proxy.mode('pass')
  t.ok(await waitFor(() => one.closed))
})

t.test('latency delays each way and keeps the order', async t => {
  const { proxy, open } = await build(t)
  const one = await open()
  await proxy.mode({ latencyMs: 100 })
  const begun = performance.now()
  for (const text of ['a', 'b', 'c']) {
    one.socket.write(text)
    await sleep(5)
  }
  t.ok(await waitFor(() => one.text === 'abc'))
  t.ok(performance.now() - begun >= 190, 'there and back')
})

t.test('a slow connection takes its time, and speeds up with the next mode', async t => {
  const { proxy, open } = await build(t)
  const one = await open()
  await proxy.mode({ bytesPerSecond: 10_000 })
  const begun = performance.now()
  t.ok(await echoes(one, 'x'.repeat(5000)))
  t.ok(performance.now() - begun >= 400)
  const rest = echoes(one, 'y'.repeat(200_000))
  await sleep(50)
  await proxy.mode('pass')
  t.ok(await rest, '20 seconds of it are not waited for')
})

t.test('nobody behind it: a connection is ended', async t => {
  const proxy = await startProxy(t, { port: 9 })
  const socket = connect(proxy.port, '127.0.0.1')
  socket.on('error', () => {})
  t.ok(await waitFor(() => socket.destroyed))
})
