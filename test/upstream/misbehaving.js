/**
 * A provider in a process of its own, whose memory is not that of the client: `/<fault>` misbehaves in that way.
 * Prints its port.
 */
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'

const MEGABYTE = 1024 * 1024
const row = JSON.stringify({ symbol: 'AAPL', date: '2024-01-02', text: 'x'.repeat(970) }) + ','
const block = row.repeat(Math.ceil(MEGABYTE / row.length))
const bomb = gzipSync(' '.repeat(100 * MEGABYTE))
const body = (head, chunk, times, tail) => Readable.from((function * () {
  yield head
  for (let i = 0; i < times; i++) yield chunk
  yield tail
})())

const faults = {
  huge: response => body('[', block, 100, '{}]').on('error', () => {}).pipe(response),
  bomb (response) {
    response.setHeader('content-encoding', 'gzip')
    response.end(bomb)
  },
  drip (response) {
    const timer = setInterval(() => response.write(' '), 20)
    response.once('close', () => clearInterval(timer))
  },
  hang () {},
  reset: response => response.write('[', () => response.socket?.resetAndDestroy()),
  half (response) {
    response.setHeader('content-length', MEGABYTE)
    response.write(block.slice(0, MEGABYTE / 2), () => response.socket?.end())
  },
  storm: response => { response.statusCode = 500; response.end(block) },
  limit: response => { response.statusCode = 429; response.end('{}') },
  html: response => response.end('<html></html>'),
  /** What a busy client gets all day. */
  fine: response => response.end(`[${block.slice(0, 200 * row.length)}1]`)
}

const server = createServer((request, response) => faults[request.url.slice(1)](response))
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.once('disconnect', () => process.exit())
