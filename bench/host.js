/**
 * The app in a process of its own that tells its parent how often argon2 ran: the app is a value, so that what only a
 * bench wants to know needs no route and no log line of the product.
 */
import { buildApp } from '../dist/app.js'
import { loadConfig } from '../dist/config.js'

const config = loadConfig(process.env)
const app = await buildApp({ config })
const { id } = await app.connections.ensureSample()
const { access_token: token } = await app.sessions.create(id, {}, { actor: 'bench' })
const url = await app.listen({ host: config.host, port: config.port })

process.on('message', () => process.send({ argon2Runs: app.sessions.argon2Runs() }))
process.on('disconnect', () => app.close())
process.send({ url, token })
