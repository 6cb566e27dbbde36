/** Certificates of the tests, and servers that hold them. */
import { createServer, type Server } from 'node:https'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { createSelfSigned, type SelfSigned } from '../cli/self-signed.ts'

/** Good for this machine's addresses, localhost and `hosts`. */
export const makeCertificate = (...hosts: string[]): Promise<SelfSigned> => createSelfSigned(hosts, 2)

export interface HttpsServer {
  port: number
  server: Server
  /** The names that clients asked for by SNI. */
  names: (string | false | null)[]
}

/** An https server on an address, closed with the test. */
export async function startHttps (
  t: Test, { cert, key }: Pick<SelfSigned, 'cert' | 'key'>, address: string, listener: RequestListener, at = 0
): Promise<HttpsServer> {
  const server = createServer({ cert, key }, listener)
  const names: HttpsServer['names'] = []
  server.on('secureConnection', socket => names.push(socket.servername))
  await once(server.listen(at, address), 'listening')
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  }))
  return { port: (server.address() as AddressInfo).port, server, names }
}
