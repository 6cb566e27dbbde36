import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * What a proxy does from now on, to the connections that stand and to new ones:
 * - `pass` carries everything;
 * - `down` refuses new connections and ends those that stand;
 * - `reset` accepts a connection and breaks it with RST, and breaks those that stand;
 * - `blackhole` keeps connections open and accepts new ones, and carries nothing in either direction;
 * - `halfopen` carries what clients send and never the answers;
 * - `latencyMs` delays each chunk of both directions, in order;
 * - `bytesPerSecond` slows each direction of each connection.
 *
 * What was held back in `blackhole` and `halfopen` is thrown away, so a connection of that time is broken when the mode
 * changes again.
 */
export type ProxyMode = 'pass' | 'down' | 'reset' | 'blackhole' | 'halfopen' |
  { latencyMs: number } | { bytesPerSecond: number }

export interface Target { host?: string, port: number }

export interface Proxy {
  port: number
  /** Resolves when the mode holds. */
  mode: (mode: ProxyMode) => Promise<void>
  /** Connections that stand now, and how many there were. */
  connections: () => { open: number, total: number }
  /** Carries nothing any more for the connections whose client said these words lately; answers how many they are. */
  silence: (words: string) => number
}

interface Pair {
  client: Socket
  server: Socket | undefined
  /** Bytes of it were thrown away. */
  torn: boolean
  /** The latest that its client said. */
  said: string
  isSilent: boolean
}

const SLOW_CHUNKS_PER_SECOND = 20
const MOST_SAID = 4096

/** A TCP proxy on 127.0.0.1 with faults, ended with the test. `target` may also be the path of a unix socket. */
export async function startProxy (t: Test, target: Target | string): Promise<Proxy> {
  let mode: ProxyMode = 'pass'
  let total = 0
  let port = 0
  const pairs = new Set<Pair>()
  const server = createServer(accept)

  function accept (client: Socket): void {
    total += 1
    client.on('error', () => {})
    if (mode === 'reset' || mode === 'down') {
      client.resetAndDestroy()
      return
    }
    const pair: Pair = { client, server: undefined, torn: false, said: '', isSilent: false }
    pairs.add(pair)
    client.once('close', () => end(pair))
    // Nobody behind a black hole hears of a new connection; its first words are lost.
    if (mode === 'blackhole') {
      pair.torn = true
      client.resume()
      return
    }
    const upstream = typeof target === 'string' ? connect(target) : connect({ host: '127.0.0.1', ...target })
    pair.server = upstream
    upstream.on('error', () => {})
    upstream.once('close', () => end(pair))
    carry(pair, client, upstream, 'up')
    carry(pair, upstream, client, 'down')
  }

  function end (pair: Pair): void {
    pairs.delete(pair)
    // A black hole passes on no farewell either, but the side that left is let go.
    pair.client.destroy()
    pair.server?.destroy()
  }

  /** Hands chunks on in their order, each in the mode that holds when its turn comes. */
  function carry (pair: Pair, from: Socket, to: Socket, direction: 'up' | 'down'): void {
    let last = Promise.resolve()
    let waiting = 0
    from.on('data', (chunk: Buffer) => {
      waiting += 1
      if (direction === 'up') pair.said = (pair.said + chunk.toString('latin1')).slice(-MOST_SAID)
      if (waiting > 16) from.pause()
      const arrivedAt = performance.now()
      last = last.then(async () => {
        await pass(chunk, arrivedAt)
        waiting -= 1
        if (waiting <= 16) from.resume()
      })
    })
    from.once('end', () => { last.then(() => { if (!to.destroyed) to.end() }) })

    async function pass (chunk: Buffer, arrivedAt: number): Promise<void> {
      if (to.destroyed) return
      if (pair.isSilent || mode === 'blackhole' || (mode === 'halfopen' && direction === 'down')) {
        pair.torn = true
        return
      }
      if (typeof mode !== 'object') return write(to, chunk)
      if ('latencyMs' in mode) {
        await pause(arrivedAt + mode.latencyMs - performance.now())
        return write(to, chunk)
      }
      await trickle(to, chunk)
    }
  }

  async function trickle (to: Socket, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      if (typeof mode !== 'object' || !('bytesPerSecond' in mode)) return write(to, chunk.subarray(at))
      const size = Math.max(1, Math.round(mode.bytesPerSecond / SLOW_CHUNKS_PER_SECOND))
      await pause(Math.min(size, chunk.length - at) / mode.bytesPerSecond * 1000)
      await write(to, chunk.subarray(at, at + size))
      at += size
    }
  }

  const listen = async () => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    port = (server.address() as AddressInfo).port
  }
  const stopListening = () => new Promise<void>(resolve => {
    if (!server.listening) return resolve()
    server.close(() => resolve())
    for (const pair of pairs) end(pair)
  })

  await listen()
  t.teardown(stopListening)
  return {
    get port () { return port },
    connections: () => ({ open: pairs.size, total }),
    silence (words) {
      const meant = [...pairs].filter(({ said }) => said.includes(words))
      for (const pair of meant) pair.isSilent = true
      return meant.length
    },
    async mode (next) {
      mode = next
      if (next === 'down') return stopListening()
      if (next === 'reset') for (const { client } of pairs) client.resetAndDestroy()
      else if (next !== 'blackhole' && next !== 'halfopen') for (const pair of pairs) if (pair.torn) end(pair)
      if (!server.listening) await listen()
    }
  }
}

/** The same database by way of a proxy. */
export async function startDatabaseProxy (t: Test, databaseUrl: string): Promise<{ url: string, proxy: Proxy }> {
  const url = new URL(databaseUrl)
  const folder = url.searchParams.get('host')
  const port = Number(url.port || 5432)
  const proxy = await startProxy(t, folder?.startsWith('/') ? `${folder}/.s.PGSQL.${port}` : { host: url.hostname, port })
  url.searchParams.delete('host')
  url.hostname = '127.0.0.1'
  url.port = String(proxy.port)
  return { url: url.href, proxy }
}

const pause = (ms: number) => new Promise<void>(resolve => {
  if (ms > 0) setTimeout(resolve, ms)
  else resolve()
})

/** Resolves when the socket can take more, or is gone. */
function write (to: Socket, chunk: Buffer): Promise<void> {
  return new Promise(resolve => {
    if (to.destroyed || to.writableEnded || to.write(chunk)) return resolve()
    const done = () => {
      to.off('drain', done)
      to.off('close', done)
      resolve()
    }
    to.once('drain', done)
    to.once('close', done)
  })
}
