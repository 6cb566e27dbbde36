import type { FastifyInstance } from 'fastify'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type {} from './plugins/health.ts'

/** How long a client may take to send a request whole: who drips it holds a connection no longer. */
export const REQUEST_MS = 30_000
/** The same for its headers, as options of Node's server; `connectionsCheckingInterval` is how late it may be seen. */
export const SLOW_CLIENTS = { headersTimeout: 15_000, connectionsCheckingInterval: 5_000 }

/** For a request that is on its way when a stop begins. */
const ARRIVAL_MS = 1_000
const SWEEP_MS = 50

/**
 * Lets a stop wait for calls under way, and for nothing else: not for a connection that is kept alive after its last
 * answer, and not for one that has sent nothing yet, or half a request, which Node stops to time out as soon as the
 * server closes.
 */
export function endConnections (app: FastifyInstance): void {
  const underWay = new Set<IncomingMessage>()
  // Before Fastify's own listener, which may answer at once.
  app.server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    underWay.add(request)
    // A proxy that would send its next request here must take another connection, to another replica.
    if (app.health.isDraining()) response.setHeader('connection', 'close')
    response.once('close', () => underWay.delete(request))
  })
  app.addHook('preClose', async () => {
    const startedAt = Date.now()
    const sweep = setInterval(() => {
      app.server.closeIdleConnections()
      const isOver = Date.now() - startedAt > ARRIVAL_MS && ![...underWay].some(({ complete }) => complete)
      if (isOver) app.server.closeAllConnections()
    }, SWEEP_MS).unref()
    app.server.once('close', () => clearInterval(sweep))
  })
}

/**
 * Handles the requests of one connection one after the other, each when the answer before it has left: who sends a
 * thousand at once, or takes no answer, costs the others no more than one request does.
 */
export function takeTurns (app: FastifyInstance): void {
  const latest = new WeakMap<Socket, ServerResponse>()
  app.addHook('onRequest', (request, reply, done) => {
    const { socket } = request.raw
    const before = latest.get(socket)
    latest.set(socket, reply.raw)
    if (!before || before.destroyed) return done()
    before.once('close', () => {
      // Nobody is there to take the answer.
      if (socket.destroyed) reply.hijack()
      done()
    })
  })
}

/**
 * Says that the server is not ready and goes on serving, so that whoever balances between replicas sends the next
 * requests elsewhere; each answer ends its connection.
 * @returns when the time is over
 */
export async function drain (app: FastifyInstance, ms: number): Promise<void> {
  if (ms === 0) return
  app.health.drain()
  app.log.info(`the server is not ready any more, and stops in ${ms / 1000} seconds`)
  await sleep(ms)
}
