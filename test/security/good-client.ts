/** A client that does nothing wrong, in a process of its own: the attacks keep this one's event loop busy. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { createClient, startLoad, type Call, type Client, type Load, type Result } from '../faults/load.ts'
import { TYPES } from '../fixtures/embedded.ts'

interface Order { call: Call, rate: number }

const HOUR = 3600

/** Sends the call at a steady rate until it is stopped. */
export function startGoodClient (t: Test, call: Call, rate: number): Load {
  const child = fork(fileURLToPath(import.meta.url), { execArgv: TYPES, serialization: 'advanced' })
  t.teardown(() => child.kill())
  const results: Result[] = []
  child.on('message', (result: Result | 'end') => { if (result !== 'end') results.push(result) })
  const done = once(child, 'exit').then(() => results)
  child.send({ call, rate } satisfies Order)
  return {
    results,
    done,
    stop () {
      child.send('stop')
      return done
    }
  }
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url)) {
  const [{ call, rate }] = await once(process, 'message') as [Order]
  const client = createClient({ teardown () {} })
  const told: Client = {
    async send (...args) {
      const result = await client.send(...args)
      process.send!(result)
      return result
    }
  }
  const load = startLoad(told, rate, HOUR, () => call)
  await once(process, 'message')
  await load.stop()
  process.send('end', () => process.exit())
}
