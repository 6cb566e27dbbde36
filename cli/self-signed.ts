import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname, networkInterfaces } from 'node:os'
import { generate } from 'selfsigned'

export interface SelfSigned {
  /** PEM. */
  cert: string
  /** PEM, without a passphrase. */
  key: string
  /** SHA-256, as browsers show it. */
  fingerprint: string
  hosts: string[]
  expiresAt: Date
}

const DAY_MS = 86_400_000

/**
 * Makes a key (P-256) and a certificate that it signs itself, for localhost, this machine's names and addresses, and
 * the given hosts. It is no authority: it vouches for no other certificate.
 */
export async function createSelfSigned (extraHosts: readonly string[], days: number): Promise<SelfSigned> {
  const hosts = [...new Set([...extraHosts, 'localhost', '127.0.0.1', '::1', hostname(), ...ownAddresses()])]
  const now = Date.now()
  const { cert, private: key } = await generate([{ name: 'commonName', value: hosts[0] ?? 'localhost' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    // Clocks differ.
    notBeforeDate: new Date(now - 3_600_000),
    notAfterDate: new Date(now + days * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: hosts.map(host => isIP(host) ? { type: 7, ip: host } : { type: 2, value: host }) }
    ]
  })
  const { fingerprint256: fingerprint, validTo } = new X509Certificate(cert)
  return { cert, key, fingerprint, hosts, expiresAt: new Date(validTo) }
}

/** Without those of a link alone, which a certificate cannot name. */
function ownAddresses (): string[] {
  return Object.values(networkInterfaces()).flatMap(rows => rows ?? [])
    .filter(({ internal, scopeid = 0 }) => !internal && !scopeid).map(({ address }) => address)
}
