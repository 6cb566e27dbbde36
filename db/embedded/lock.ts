import { randomBytes } from 'node:crypto'
import { readdir, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedError } from './error.ts'

export interface Lock { release (): Promise<void> }

const PREFIX = 'server-'
const PATIENCE_MS = 1500

/**
 * Takes a data directory for this process. Each starter listens on a socket of its own and shows it by a rename, so
 * that what is seen is either alive or left by a dead process: nothing can go stale, and no file is taken over.
 * Whoever shows itself later sees the other; of two that still start, the first by name goes on.
 * @param run folder of the sockets
 * @throws EmbeddedError within 2 seconds where another process holds it
 */
export async function takeLock (run: string): Promise<Lock> {
  const id = `${process.pid}-${randomBytes(3).toString('hex')}`
  const name = `${PREFIX}${id}`
  const state = { held: false }
  const server = await listen(join(run, `starting-${id}`), state)
  const release = async () => {
    // Closing would remove the socket by its first name only.
    await rm(join(run, name), { force: true })
    await new Promise(resolve => server.close(resolve))
  }
  try {
    await rename(join(run, `starting-${id}`), join(run, name))
    const deadline = Date.now() + PATIENCE_MS
    for (const other of await readdir(run)) {
      if (!other.startsWith(PREFIX) || other === name) continue
      await outlast(run, other, name, deadline)
    }
    state.held = true
    return { release }
  } catch (error) {
    await release()
    throw error
  }
}

/** Returns when `other` is gone; throws when it has the better right. */
async function outlast (run: string, other: string, name: string, deadline: number): Promise<void> {
  for (;;) {
    const answer = await ask(join(run, other), Math.max(deadline - Date.now(), 100))
    if (answer === 'dead') return rm(join(run, other), { force: true })
    if (answer !== 'starting' || other < name || Date.now() > deadline) {
      const pid = other.slice(PREFIX.length).split('-')[0]
      throw new EmbeddedError(`Another server is using DATA_DIR (pid ${pid}, ${run}). ` +
        'Stop it, or give this one a DATA_DIR of its own.')
    }
    await sleep(20)
  }
}

function listen (path: string, state: { held: boolean }): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end(state.held ? 'held' : 'starting')
    })
    server.once('error', reject)
    server.listen(path, () => resolve(server.unref()))
  })
}

function ask (path: string, timeoutMs: number): Promise<'dead' | 'starting' | 'held'> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let answer = ''
    // One that is stopped or busy does not answer and is alive all the same.
    const timer = setTimeout(() => {
      socket.destroy()
      resolve('held')
    }, timeoutMs)
    socket.setEncoding('utf8')
    socket.on('data', text => { answer += text })
    socket.on('end', () => resolve(answer === 'starting' ? 'starting' : 'held'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve('dead')
      else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve('starting')
      else reject(error)
    })
    socket.on('close', () => clearTimeout(timer))
  })
}
