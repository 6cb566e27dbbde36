/** Run by `startProvider`: prints the environment that leads to it, is well after a line on stdin, and ends with it. */
import { createInterface } from 'node:readline'
import { startUpstream } from '../upstream/index.ts'
import { MODES } from './misbehaviour.ts'

const { env, fault } = await startUpstream({ teardown () {} })
fault('alpaca', (request, response) => {
  const [, name = ''] = /^(.*)-\w+$/.exec(String(request.headers['apca-api-key-id'])) ?? []
  const mode = MODES[name]
  return mode ? mode.answer(request, response) : false
})
console.log(JSON.stringify(env))
const lines = createInterface(process.stdin)
lines.on('line', () => {
  fault('alpaca', undefined)
  console.log('well')
})
lines.once('close', () => process.exit())
