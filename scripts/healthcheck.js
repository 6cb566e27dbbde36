// Whether the server beside it can serve: exit code 0 or 1, for the health check of a container.
import { readFileSync } from 'node:fs'
import { request as http } from 'node:http'
import { request as https } from 'node:https'

const { HOST = '127.0.0.1', PORT = '3000', TLS_CERT_FILE } = process.env
// An address that means "all" is none to call.
const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[HOST] ?? HOST
const send = TLS_CERT_FILE ? https : http
const request = send({
  host,
  port: PORT,
  path: '/health/ready',
  timeout: 4000,
  // The server's own certificate is for its public name: it must be this one, whatever name it has.
  ...(TLS_CERT_FILE && { ca: readFileSync(TLS_CERT_FILE), checkServerIdentity: () => undefined })
})
request.on('response', response => {
  response.resume()
  process.exitCode = response.statusCode === 200 ? 0 : 1
})
request.on('timeout', () => request.destroy(new Error('no answer within 4 seconds')))
request.on('error', error => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
request.end()
