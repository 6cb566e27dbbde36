/** HTTP as no client library would send it: bytes over a socket. */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Answered {
  /** One of each answer, in order; interim ones (1xx) are left out. */
  statuses: number[]
  /** Everything that came, as bytes in latin1. */
  text: string
  /** Whether the server closed the connection. */
  closed: boolean
}

export interface SendOptions {
  /** How long the server may take until it closes. */
  ms?: number
  /** Resolves as soon as so many answers are there. */
  answers?: number
}

/** Sends the parts as fast as they are taken, until the server closes or the time is up. Never throws. */
export async function sendRaw (
  port: number, parts: Iterable<Buffer | string>, { ms = 10_000, answers = Infinity }: SendOptions = {}
): Promise<Answered> {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  let closed = false
  let seen = 0
  let tail = ''
  const ended = new Promise<void>(resolve => {
    socket.on('error', () => {})
    socket.once('close', () => {
      closed = true
      resolve()
    })
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const text = tail + chunk.toString('latin1')
      seen += statusesOf(text).length
      // A status line may come in two parts; a whole one is longer than what is kept.
      tail = text.slice(-12)
      if (seen >= answers) resolve()
    })
  })
  const written = writeAll(socket, parts)
  const timer = new AbortController()
  await Promise.race([ended, sleep(ms, undefined, { signal: timer.signal }).catch(() => {})])
  timer.abort()
  socket.destroy()
  await written
  const text = Buffer.concat(chunks).toString('latin1')
  return { statuses: statusesOf(text), text, closed }
}

async function writeAll (socket: Socket, parts: Iterable<Buffer | string>): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return
    if (socket.write(part, 'latin1')) continue
    await new Promise<void>(resolve => {
      const done = () => {
        socket.off('drain', done).off('close', done)
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
  }
}

const statusesOf = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.[01] ([2-5]\d\d) /g)].map(([, status]) => Number(status))

/** Refused, or hung up on, and nothing else. */
export const isRefused = ({ statuses, closed }: Answered): boolean =>
  statuses.length ? statuses.every(status => status >= 400 && status < 500) : closed

/** A request's head and body as one text. */
export function toRequest (line: string, headers: Record<string, string>, body = ''): string {
  const length = body && !('content-length' in headers) && !('transfer-encoding' in headers)
    ? { 'content-length': String(Buffer.byteLength(body, 'latin1')) }
    : {}
  const lines = Object.entries({ ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`
}

/** So many bytes, a part at a time, without ever holding them all. */
export function * repeat (text: string, bytes: number): Generator<string> {
  const part = text.repeat(Math.ceil(65_536 / text.length))
  for (let left = bytes; left > 0; left -= part.length) yield left >= part.length ? part : part.slice(0, left)
}
