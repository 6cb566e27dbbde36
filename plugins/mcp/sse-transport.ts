import type { Transport } from '@modelcontextprotocol/server'
import type { FastifyReply } from 'fastify'
import type { ServerResponse } from 'node:http'

const MAX_BUFFERED_BYTES = 1024 * 1024
/** When a client whose stream has ended opens another: by itself it would wait three seconds. */
const RETRY_MS = 1000

export function writeHead (raw: ServerResponse, reply: FastifyReply): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) raw.setHeader(name, value)
  }
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no'
  })
}

/** Writes to the stream's response; `close` ends it, which reaches the server by the response's own event. */
export function toSseTransport (raw: ServerResponse, endpoint: string, onSend: () => void): Transport {
  return {
    async start () {
      write(raw, `event: endpoint\ndata: ${endpoint}\nretry: ${RETRY_MS}\n\n`)
    },
    async send (message) {
      onSend()
      write(raw, `event: message\ndata: ${JSON.stringify(message)}\n\n`)
    },
    async close () {
      // A peer that does not read would hold an ended stream, and a shutdown, for ever.
      if (raw.writableLength > 0) raw.destroy()
      else raw.end()
    }
  }
}

/** Drops a stream whose peer does not read. */
export function write (raw: ServerResponse, frame: string): void {
  if (raw.destroyed || raw.writableEnded) return
  raw.write(frame)
  if (raw.writableLength > MAX_BUFFERED_BYTES) raw.destroy()
}
