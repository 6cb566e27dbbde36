import type { Dispatcher } from 'undici'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { untilAborted } from './until-aborted.ts'

export class TooLarge extends Error {}

/** There was no room for the body until its signal was aborted. */
export class NoRoom extends Error {}

export interface ReadOptions {
  /** Most bytes of one body, counted after its decompression. */
  maxBytes: number
  store: BodyStore
  signal: AbortSignal
}

/** Of a refusal its first words are enough, whatever follows. */
const REFUSAL_BYTES = 64 * 1024

/**
 * The body as text; of a refusal (any status but 2xx) its beginning.
 * @throws TooLarge, NoRoom, the signal's reason, or what broke the stream
 */
export async function readText (
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { maxBytes, store, signal }: ReadOptions
): Promise<string> {
  const isRefusal = statusCode < 200 || statusCode > 299
  const parts = store.open()
  const stream = headers['content-encoding'] === 'gzip' ? pipeline(body, createGunzip(), () => {}) : body
  body.on('error', () => {})
  try {
    if (!isRefusal && Number(headers['content-length']) > maxBytes) throw new TooLarge(`content-length over ${maxBytes}`)
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (isRefusal && parts.bytes + chunk.length > REFUSAL_BYTES) {
        await parts.push(chunk.subarray(0, REFUSAL_BYTES - parts.bytes), signal)
        body.destroy()
        break
      }
      if (parts.bytes + chunk.length > maxBytes) throw new TooLarge(`body over ${maxBytes} bytes`)
      await parts.push(chunk, signal)
    }
    return parts.text()
  } catch (error) {
    body.destroy()
    throw error
  } finally {
    parts.close()
  }
}

/** The memory of all bodies that are being read. A body that finds no room waits, and its provider with it. */
export interface BodyStore {
  open: () => Body
  /** Bytes in use. */
  used: () => number
}

export interface Body {
  /** So far. */
  bytes: number
  /** @throws NoRoom where the signal is aborted before there is room */
  push: (chunk: Buffer, signal: AbortSignal) => Promise<void>
  text: () => string
  close: () => void
}

const SLAB_BYTES = 32 * 1024

/**
 * Bodies are copied into slabs that are used again, since what the sockets hand out would wait for the collector.
 * Room is given as a banker lends: always enough is left for the body that has come furthest to reach its end, so that
 * bodies that wait for each other cannot all wait.
 * @param total bytes of all bodies
 * @param largest bytes that one body may reach
 */
export function createBodyStore (total: number, largest: number): BodyStore {
  const open = new Set<Buffer[]>()
  const free: Buffer[] = []
  const most = Math.ceil(largest / SLAB_BYTES)
  let used = 0
  let waiting: (() => void)[] = []

  function fits (slabs: Buffer[]): boolean {
    let furthest = slabs.length + 1
    for (const { length } of open) furthest = Math.max(furthest, length)
    return (used + 1 + most - furthest) * SLAB_BYTES <= total
  }

  async function add (slabs: Buffer[], signal: AbortSignal): Promise<void> {
    while (!fits(slabs)) {
      await untilAborted(new Promise<void>(resolve => waiting.push(resolve)), signal)
        .catch(error => { throw new NoRoom('no room for the body', { cause: error }) })
    }
    slabs.push(free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES))
    used++
  }

  return {
    used: () => used * SLAB_BYTES,

    open () {
      const slabs: Buffer[] = []
      open.add(slabs)
      return {
        bytes: 0,
        async push (chunk, signal) {
          for (let read = 0; read < chunk.length;) {
            if (this.bytes === slabs.length * SLAB_BYTES) await add(slabs, signal)
            const copied = chunk.copy(slabs.at(-1)!, this.bytes % SLAB_BYTES, read)
            read += copied
            this.bytes += copied
          }
        },
        text () {
          const whole = slabs.length > 1 ? Buffer.concat(slabs, this.bytes) : slabs[0]
          return whole?.toString('utf8', 0, this.bytes) ?? ''
        },
        close () {
          open.delete(slabs)
          used -= slabs.length
          free.push(...slabs.splice(0))
          const woken = waiting
          waiting = []
          for (const wake of woken) wake()
        }
      }
    }
  }
}
