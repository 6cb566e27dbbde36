import type { FastifyReply } from 'fastify'
import { Readable } from 'node:stream'
import { releaseAfter } from '../sessions/holds.ts'
import type { Sessions } from '../sessions/index.ts'
import type { Exchange } from './server.ts'

/** Sends the SDK's response. @param onEnd called when a stream was read to its end */
export type Send = (
  exchange: Exchange, reply: FastifyReply, response: Response, onEnd?: () => void
) => Promise<FastifyReply>

/** Makes the sender; a stream that it sends ends with the token of its session. */
export function createSend ({ hold }: Pick<Sessions, 'hold'>): Send {
  return async ({ principal }, reply, response, onEnd) => {
    reply.code(response.status)
    response.headers.forEach((value, name) => { reply.header(name, value) })
    if (response.body === null) return reply.send()
    if (!isStream(response)) return reply.send(await response.text())
    const reader = response.body.getReader()
    const cancel = () => { reader.cancel().catch(() => {}) }
    try {
      releaseAfter(reply.raw, await hold(principal, cancel))
    } catch (error) {
      cancel()
      throw error
    }
    return reply.send(Readable.from(toFrames(reader, onEnd)))
  }
}

export const isStream = (response: Response) => response.headers.get('content-type') === 'text/event-stream'

/** With `onEnd`, the stream is read to its end even when nobody takes it any more; else it is cancelled then. */
async function * toFrames (reader: ReadableStreamDefaultReader<Uint8Array>, onEnd?: () => void) {
  try {
    // A comment at once: proxies withhold the headers until the first byte.
    yield ': ok\n\n'
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    if (onEnd) drain(reader).then(onEnd)
    else reader.cancel()
  }
}

async function drain (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  while (!(await reader.read()).done);
}
