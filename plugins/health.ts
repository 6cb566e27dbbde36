import fp from 'fastify-plugin'

export type HealthState = 'ok' | 'down'

/** What the server depends on, each with its state: what `/health/ready` and the metrics tell. */
export interface Health {
  /** @param read the state now, without asking anybody */
  add: (name: string, read: () => HealthState) => void
  read: () => Record<string, HealthState>
  /** From now on the server is not ready, for good: it is about to stop. */
  drain: () => void
  isDraining: () => boolean
}

declare module 'fastify' {
  interface FastifyInstance { health: Health }
}

export default fp(async app => {
  const dependencies = new Map<string, () => HealthState>()
  let isDraining = false
  app.decorate('health', {
    add (name, read) { dependencies.set(name, read) },
    read: () => Object.fromEntries([...dependencies].map(([name, read]) => [name, read()])),
    drain () { isDraining = true },
    isDraining: () => isDraining
  })
}, { name: 'health' })
