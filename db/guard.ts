import pg from 'pg'
import { cut, type DatabaseState } from './monitor.ts'
import { DatabaseDown } from './outage.ts'

type Callback = (error: Error | null, client?: pg.Client) => void
type PoolCallback = (error: Error | undefined, client: pg.PoolClient | undefined, done: pg.PoolClient['release']) => void

/**
 * A pool that fails at once while Postgres is down: whoever asks for a connection, waits for one, or waits for an
 * answer over one gets an error that `isOutage` knows. The broken connections are dropped; new ones are made on demand
 * when it is back.
 */
export function createGuardedPool (options: pg.PoolConfig, state: DatabaseState): pg.Pool {
  const clients = new Set<pg.Client>()
  const waiting = new Set<(error: Error) => void>()

  class GuardedClient extends pg.Client {
    constructor (config?: pg.ClientConfig) {
      super(config)
      clients.add(this)
      this.once('end', () => clients.delete(this))
    }

    override connect (): Promise<pg.Client>
    override connect (callback: Callback): void
    override connect (callback?: Callback): Promise<pg.Client> | void {
      // The pool dials in place of those that it lost, for callers who were told already.
      const connecting = state.isDown() ? Promise.reject(new DatabaseDown()) : super.connect()
      const connected = connecting.catch((error: unknown) => {
        clients.delete(this)
        throw error
      })
      if (!callback) return connected
      connected.then(client => callback(null, client), (error: Error) => callback(error))
    }
  }

  class GuardedPool extends pg.Pool {
    override connect (): Promise<pg.PoolClient>
    override connect (callback: PoolCallback): void
    override connect (callback?: PoolCallback): Promise<pg.PoolClient> | void {
      if (!callback) return take(() => super.connect())
      take(() => super.connect()).then(
        client => callback(undefined, client, client.release),
        (error: Error) => callback(error, undefined, () => {}))
    }
  }

  function take (connect: () => Promise<pg.PoolClient>): Promise<pg.PoolClient> {
    if (state.isDown()) return Promise.reject(new DatabaseDown())
    return new Promise((resolve, reject) => {
      let gone = false
      const giveUp = (error: Error) => {
        gone = true
        reject(error)
      }
      waiting.add(giveUp)
      connect().then(client => {
        if (gone) return client.release()
        resolve(client)
      }, reject).finally(() => waiting.delete(giveUp))
    })
  }

  state.onChange(isDown => {
    if (!isDown) return
    for (const giveUp of waiting) giveUp(new DatabaseDown())
    for (const client of clients) cut(client)
  })
  return new GuardedPool({ ...options, Client: GuardedClient })
}
