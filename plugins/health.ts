import fp from 'fastify-plugin'

export type HealthState = 'ok' | 'down'

/** What the server depends on, each with its state: what `/health/ready` and the metrics tell. */
export interface Health {
  /** @param read the state now, without asking anybody */
  add: (name: string, read: () => HealthState) => void
  read: () => Record<string, HealthState>
}

declare module 'fastify' {
  interface FastifyInstance { health: Health }
}

export default fp(async app => {
  const dependencies = new Map<string, () => HealthState>()
  app.decorate('health', {
    add (name, read) { dependencies.set(name, read) },
    read: () => Object.fromEntries([...dependencies].map(([name, read]) => [name, read()]))
  })
}, { name: 'health' })
