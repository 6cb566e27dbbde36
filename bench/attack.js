/** Sends bad bearer tokens, RATE of them a second for SECONDS, and tells its parent how they were answered. */
import autocannon from 'autocannon'
import { randomUUID } from 'node:crypto'
import { createToken } from '../dist/tokens/token.js'

const { URL: url, TOKEN: token, RATE: rate, SECONDS: seconds } = process.env
const own = token.split('_')[2]

/** From the dearest to refuse to the cheapest. */
const KINDS = [
  () => createToken('st', own),
  () => createToken('st', randomUUID()),
  () => createToken('ad', randomUUID()),
  () => `${token.slice(0, -1)}${token.endsWith('x') ? 'y' : 'x'}`,
  () => 'x'.repeat(150)
]
let sent = 0
const setupRequest = request => ({
  ...request,
  headers: { ...request.headers, authorization: `Bearer ${KINDS[sent++ % KINDS.length]()}` }
})
const result = await autocannon({
  url: `${url}/mcp`,
  connections: 20,
  duration: Number(seconds),
  overallRate: Number(rate),
  requests: [{ method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', setupRequest }]
})
const { statusCodeStats, errors, duration } = result
const statuses = Object.fromEntries(Object.entries(statusCodeStats).map(([code, { count }]) => [code, count]))
process.send({ statuses, errors, duration })
process.disconnect()
