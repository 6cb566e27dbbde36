/** Postgres and Redis in containers, where a Docker engine answers and has, or gets, their images. */
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import type { StartedTestContainer } from 'testcontainers'

export interface Containers {
  databaseUrl: string
  redisUrl: string
  stop: () => Promise<void>
}

// run-database.ts ends them with the runner, whatever ends that. The package's own reaper is one more image to pull.
process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true'

const SOCKET = '/var/run/docker.sock'
const PASSWORD = 'test'

/** Whether a Docker engine answers; one that was left behind, or hangs, does not. */
export async function engineAnswers (): Promise<boolean> {
  // One that is named is meant.
  if (process.env.DOCKER_HOST) return true
  if (!existsSync(SOCKET)) return false
  return new Promise(resolve => {
    const ping = request({ socketPath: SOCKET, path: '/_ping', timeout: 5000 }, response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.on('timeout', () => ping.destroy(new Error('no answer')))
    ping.on('error', () => resolve(false))
    ping.end()
  })
}

/**
 * Starts both, for all tests of a run.
 * @throws where the engine has no such image, and no way to get it
 */
export async function startContainers (): Promise<Containers> {
  const { GenericContainer, Wait } = await import('testcontainers')
  const started: StartedTestContainer[] = []
  const stop = async () => { await Promise.all(started.map(container => container.stop())) }
  const start = async (container: InstanceType<typeof GenericContainer>, port: number) => {
    const running = await container.withExposedPorts(port).withStartupTimeout(120_000).start()
    started.push(running)
    return `${running.getHost()}:${running.getMappedPort(port)}`
  }
  try {
    const postgres = await start(new GenericContainer('postgres:17-alpine')
      .withEnvironment({ POSTGRES_PASSWORD: PASSWORD })
      .withCommand(['postgres', '-c', 'fsync=off', '-c', 'max_connections=300'])
      // Once for the server that makes the cluster, once for the one that stays.
      .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2)), 5432)
    const redis = await start(new GenericContainer('redis:7-alpine')
      .withCommand(['redis-server', '--protected-mode', 'no', '--save', ''])
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/)), 6379)
    return { databaseUrl: `postgres://postgres:${PASSWORD}@${postgres}/postgres`, redisUrl: `redis://${redis}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
