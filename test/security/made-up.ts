import type { FastifyInstance } from 'fastify'
import type { Connection } from '../../schemas/control.ts'

/** The connection that answers with the made-up market, made where it is not there any more. */
export async function createMadeUp ({ connections }: FastifyInstance): Promise<Connection> {
  const found = (await connections.list()).find(({ name }) => name === 'sample')
  return found ?? connections.create({ name: 'sample', settings: { provider_order: ['sample'] } }, { actor: 'test' })
}
