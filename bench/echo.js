/** The least that a Fastify server can do with a JSON body: what throughput is measured against. */
import Fastify from 'fastify'

const app = Fastify()
app.post('/', async request => request.body)
console.log(`echo listens at ${await app.listen({ host: '127.0.0.1', port: 0 })}`)
