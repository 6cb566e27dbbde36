import type { Config } from '../../config.ts'
import { fail, ok, warn, type Finding } from './finding.ts'

type Settings = Pick<Config,
  'host' | 'port' | 'publicUrl' | 'allowedHosts' | 'trustProxy' | 'tls' | 'allowQueryTokens' | 'masterKey' | 'masterKeyFile'>

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/
const LEAST_NODE = [20, 19]

/** @param version as `process.versions.node` */
export function checkNode (version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = LEAST_NODE
  if (major < leastMajor || (major === leastMajor && minor < leastMinor)) {
    return fail('node', `Node ${version} is too old. Install Node 24, or at least ${LEAST_NODE.join('.')}.`)
  }
  if (major === leastMajor) return warn('node', `Node ${version} works, and gets no fixes any more. Install Node 24.`)
  return ok('node', `Node ${version}.`)
}

/** Whether what the configuration says of the network makes sense. */
export function checkSettings (config: Settings): Finding[] {
  return [
    ok('configuration', 'Every variable can be used.'),
    checkPublicUrl(config),
    ...checkTrust(config),
    ...checkSecrets(config)
  ]
}

function checkPublicUrl ({ host, port, publicUrl, allowedHosts, tls }: Settings): Finding {
  const check = 'PUBLIC_URL'
  if (publicUrl === undefined) {
    const own = `${tls ? 'https' : 'http'}://localhost:${port}`
    if (LOOPBACK.test(host)) return ok(check, `Not set: clients of this machine use ${own}.`)
    if (allowedHosts.length === 0) {
      return warn(check, `HOST ${host} lets other machines in, but requests that name the server otherwise than localhost are ` +
        'refused. Set PUBLIC_URL to the URL that clients use.')
    }
    if (tls) return ok(check, `Not set: clients use ${allowedHosts.join(', ')}.`)
    return warn(check, `HOST ${host} lets other machines in over plain http: tokens can be read on the way. ` +
      'Set TLS_CERT_FILE, or put a proxy with TLS before the server.')
  }
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol === 'http:' && !LOOPBACK.test(hostname)) {
    return warn(check, `${publicUrl} is plain http: tokens can be read on the way. Use https, by a proxy or TLS_CERT_FILE.`)
  }
  return ok(check, `Clients use ${publicUrl}.`)
}

function checkTrust ({ publicUrl, trustProxy, tls }: Settings): Finding[] {
  const check = 'TRUST_PROXY'
  const all = trustProxy.filter(range => /\/0+$/.test(range))
  if (all.length) {
    return [fail(check, `${all.join(', ')} trusts everybody: whoever sends X-Forwarded-For chooses the address that limits, ` +
      'scopes and the audit log see. Name the proxy\'s own addresses.')]
  }
  const isBehindProxy = publicUrl?.startsWith('https:') && !tls
  if (isBehindProxy && trustProxy.length === 0) {
    return [warn(check, 'PUBLIC_URL is https and the server speaks http, so a proxy stands before it: without TRUST_PROXY all ' +
      'clients have the proxy\'s address and share its limits. Set it to the proxy\'s address.')]
  }
  if (trustProxy.length && publicUrl === undefined) {
    return [warn(check, 'It is set and PUBLIC_URL is not: set that to the URL which the proxy serves.')]
  }
  return trustProxy.length ? [ok(check, `Believes ${trustProxy.join(', ')}.`)] : []
}

function checkSecrets ({ allowQueryTokens, masterKey, masterKeyFile }: Settings): Finding[] {
  return [
    ...allowQueryTokens
      ? [warn('ALLOW_QUERY_TOKENS', 'Tokens are taken in URLs, which proxies and browsers keep. ' +
          'Use one-time tokens (fmcp session one-time), and turn it off.')]
      : [],
    ...masterKey !== undefined && masterKeyFile === undefined
      ? [warn('MASTER_KEY', 'An environment variable can be read by what inspects the process. Keep the ring in a file: MASTER_KEY_FILE.')]
      : []
  ]
}
