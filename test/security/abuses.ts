/** Requests that nobody sends by mistake; each must be refused, or its connection closed. */
import { gzipSync } from 'node:zlib'
import { repeat, toRequest } from './raw.ts'

export interface Abuse {
  name: string
  parts: () => Iterable<Buffer | string>
  /** It holds a second request that must never be answered. */
  smuggles?: boolean
}

const MB = 1024 * 1024
const DEEP = 10_000
const MILLION = 1_000_000

/** All of them, against a server at this authority, by a client that may come in and by one that may not. */
export function createAbuses (host: string, token: string): Abuse[] {
  const own = { Host: host, 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const known = { ...own, authorization: `Bearer ${token}` }
  const close = { connection: 'close' }
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    toRequest(`POST ${path}`, { ...(path === '/mcp' ? known : own), ...close, ...headers }, body)
  const abuse = (name: string, ...parts: (Buffer | string)[]): Abuse => ({ name, parts: () => parts })

  return [
    ...tooMuch(own, known),
    ...['/mcp', '/api/login'].flatMap(path => bodies.map(([name, body]) => abuse(`${name} to ${path}`, post(path, body)))),
    abuse('a bomb as Content-Encoding: gzip to /mcp', post('/mcp', BOMB, { 'content-encoding': 'gzip' })),
    abuse('a bomb as Content-Encoding: gzip to /api/login', post('/api/login', BOMB, { 'content-encoding': 'gzip' })),
    ...urls.map(url => abuse(`GET ${url.slice(0, 40)}`, toRequest(`GET ${url}`, { ...known, ...close }))),
    ...lines.map(line => abuse(JSON.stringify(line.slice(0, 40)), `${line}\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)),
    abuse('a token of bytes', toRequest('GET /api/tools', { ...own, ...close, authorization: 'Bearer \xff\xfe' })),
    abuse('a Host of bytes', toRequest('GET /api/tools', { ...known, ...close, Host: '\xff\xfe' })),
    abuse('a protocol version of bytes', post('/mcp', PING, { 'mcp-protocol-version': '\xff\xfe' })),
    ...toSmuggling(host)
  ]
}

function tooMuch (own: Record<string, string>, known: Record<string, string>): Abuse[] {
  const chunked = { 'transfer-encoding': 'chunked' }
  const length = { 'content-length': String(100 * MB) }
  return [
    {
      name: 'one header of 16 MB',
      * parts () {
        yield `GET /api/tools HTTP/1.1\r\nHost: ${own['Host']}\r\nX-Long: `
        yield * repeat('a', 16 * MB)
      }
    },
    {
      name: '16 MB of headers',
      * parts () {
        yield `GET /api/tools HTTP/1.1\r\nHost: ${own['Host']}\r\n`
        yield * repeat('X-Many: 0123456789\r\n', 16 * MB)
      }
    },
    {
      name: 'a URL of 16 MB',
      * parts () {
        yield 'GET /api/tools?'
        yield * repeat('a=1&', 16 * MB)
      }
    },
    ...([['/mcp', known], ['/mcp', own], ['/api/login', own]] as const).flatMap(([path, headers]): Abuse[] => {
      const who = `${path}${headers === known ? ' with a token' : ''}`
      return [
        {
          name: `100 MB announced to ${who}`,
          * parts () {
            yield toRequest(`POST ${path}`, { ...headers, ...length, connection: 'close' })
            yield * repeat(' ', 100 * MB)
          }
        },
        {
          name: `100 MB in chunks to ${who}`,
          * parts () {
            yield toRequest(`POST ${path}`, { ...headers, ...chunked, connection: 'close' })
            for (const part of repeat(' ', 100 * MB)) yield `${part.length.toString(16)}\r\n${part}\r\n`
          }
        }
      ]
    })
  ]
}

const PING = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
/** Made before anyone waits: it takes a second. */
const BOMB = gzipSync(Buffer.alloc(100 * MB, ' '), { level: 9 }).toString('latin1')

const call = (args: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_quote","arguments":${args}}}`

const bodies: [name: string, body: string][] = [
  ['lists 10,000 deep', '['.repeat(DEEP) + ']'.repeat(DEEP)],
  ['objects 10,000 deep', '{"a":'.repeat(DEEP) + '1' + '}'.repeat(DEEP)],
  ['10,000 brackets that never close', call('[').slice(0, -2) + '['.repeat(DEEP)],
  ['a list of a million', `[${'0,'.repeat(MILLION)}0]`],
  ['a list of a million names', call(`{"symbols":[${'"A",'.repeat(MILLION)}"A"]}`)],
  ['a list of half a million', `[${'0,'.repeat(MILLION / 2)}0]`],
  ['a batch of 20,000', `[${Array.from({ length: 20_000 }, () => PING).join(',')}]`],
  ['__proto__', '{"__proto__":{"isAdmin":true},"name":"a","password":"test-password-1"}'],
  ['__proto__ in arguments', call('{"__proto__":{"isAdmin":true}}')],
  ['__proto__, escaped', call('{"\\u005f_proto__":{"isAdmin":true}}')],
  ['constructor.prototype', call('{"constructor":{"prototype":{"isAdmin":true}}}')],
  ['bytes that are no UTF-8', '{"name":"\xff\xfe\xc0\xaf","password":"test-password-1"}'],
  ['half a surrogate pair in UTF-8', '{"name":"\xed\xa0\x80","password":"test-password-1"}'],
  ['UTF-16', Buffer.from(`\ufeff${PING}`, 'utf16le').toString('latin1')],
  ['no JSON', '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'],
  ['half a JSON', '{"name":"a","pass']
]

const urls = [
  '/api/tools/%ff', '/api/tools/%c0%ae%c0%ae/', '/%', '/api/%zz', '/api/tools/\xff', '/mcp%00', '/api/tools/get_quote%00?symbols=AAPL',
  '/api/tools/get_quote?symbols=%ff%fe', '/api/tools/get_quote?symbols=AAPL&__proto__=1', '/api/tools/get_quote?symbols=AAPL&constructor[prototype]=1',
  '/api/tools/__proto__', '/api/tools/constructor', '/api/tools/toString', `/api/tools/${'a'.repeat(2000)}`,
  '/../../etc/passwd', '/docs/static/..%2f..%2f..%2fpackage.json', '/docs/static/%2e%2e/%2e%2e/package.json', '//evil.example/api/tools', '/api//tools', '/API/TOOLS',
  '/api/tools/get_quote?symbols=' + 'A,'.repeat(6000), 'api/tools', '*', 'http://', 'http://evil.example/api/tools', 'file:///etc/passwd'
]

/** Request lines, whole but for the headers. */
const lines = [
  'PRI * HTTP/2.0', 'GET /api/tools HTTP/9.9', 'GET /api/tools', 'GET  /api/tools HTTP/1.1', 'GET /api/tools HTTP/1.1 x', 'GET /api/tools\tHTTP/1.1',
  'CONNECT evil.example:443 HTTP/1.1', 'TRACE /api/tools HTTP/1.1', 'BREW /api/tools HTTP/1.1', 'get /api/tools HTTP/1.1', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'PUT /api/tools HTTP/1.1', 'OPTIONS * HTTP/1.1', 'DELETE /mcp HTTP/1.1'
]

/** What two servers in a row could take for one request and for two. */
function toSmuggling (host: string): Abuse[] {
  const second = `GET /health/live HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const smuggle = (name: string, head: string[], body: string): Abuse => ({
    name: `smuggling: ${name}`,
    smuggles: true,
    parts: () => [`POST /api/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${head.map(line => `${line}\r\n`).join('')}\r\n${body}`]
  })
  const empty = `0\r\n\r\n${second}`
  const length = `Content-Length: ${empty.length}`
  const chunked = 'Transfer-Encoding: chunked'
  return [
    smuggle('Content-Length before Transfer-Encoding', [length, chunked], empty),
    smuggle('Transfer-Encoding before Content-Length', [chunked, length], empty),
    smuggle('two lengths', ['Content-Length: 0', `Content-Length: ${second.length}`], second),
    smuggle('two equal lengths', ['Content-Length: 2', 'Content-Length: 2'], `{}${second}`),
    smuggle('a list of lengths', [`Content-Length: 0, ${second.length}`], second),
    ...['+0', '-1', '0x0', '0 0', '1e1', '', '99999999999999999999', '٠'].map(value => smuggle(`Content-Length: ${value}`, [`Content-Length: ${value}`], second)),
    ...['chunked, identity', 'identity', 'gzip, x', 'xchunked', 'chunked\x0b', '"chunked"', 'chunked;a=b'].map(value =>
      smuggle(`Transfer-Encoding: ${JSON.stringify(value)}`, [`Transfer-Encoding: ${value}`, length], empty)),
    smuggle('white space before the colon', ['Transfer-Encoding : chunked', length], empty),
    smuggle('white space before the name', ['X-A: b', ' Transfer-Encoding: chunked', length], empty),
    smuggle('two encodings', [chunked, 'Transfer-Encoding: identity', length], empty),
    smuggle('a bare line feed', [`X-A: b\n${chunked}`, length], empty),
    smuggle('a bare carriage return', [`X-A: b\r${chunked}`, length], empty),
    smuggle('a NUL in a header', ['X-A: b\x00c', length], empty),
    smuggle('a name with a NUL', ['X\x00: b', length], empty),
    smuggle('a header without a colon', ['chunked', length], empty),
    smuggle('a chunk of a signed length', [chunked], `+0\r\n\r\n${second}`),
    smuggle('a chunk of 0x0', [chunked], `0x0\r\n\r\n${second}`),
    smuggle('a chunk that ends with a bare line feed', [chunked], `2\n{}\n0\n\n${second}`),
    smuggle('a chunk that is longer than it says', [chunked], `2\r\n{}xx\r\n0\r\n\r\n${second}`),
    smuggle('a chunk longer than any', [chunked], `fffffffffffffffff\r\n{}\r\n${empty}`),
    smuggle('a chunk extension of 100 kB', [chunked], `2;${'a'.repeat(100_000)}\r\n{}\r\n${empty}`),
    smuggle('trailers of 100 kB', [chunked], `0\r\n${'X-T: 0123456789\r\n'.repeat(6_000)}\r\n${second}`)
  ]
}
