import type { FastifyReply } from 'fastify'

/**
 * Aborted when the caller goes away before the answer. (Fastify's `request.signal` listens to the request, which on
 * Node 20 closes as soon as its body has been read.)
 */
export function signalOf (reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort()
  })
  return controller.signal
}
