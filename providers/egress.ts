import type { LookupAddress } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { buildConnector } from 'undici'
import { createAddressCheck } from './egress-addresses.ts'
import { untilAborted } from './until-aborted.ts'

export interface EgressOptions {
  /** CIDR ranges that may be connected to although they are not public. */
  privateRanges: readonly string[]
  /** Milliseconds for the name, and again for the connection. */
  timeoutMs: number
  /** All addresses of a name; the system's resolver by default. */
  resolve?: (name: string) => Promise<LookupAddress[]>
  /** Certificates to trust in place of the system's. */
  ca?: ConnectionOptions['ca']
}

/** An endpoint whose name stands for an address that is not allowed. The address is for the log, not for the caller. */
export class AddressRefused extends Error {
  readonly host: string
  readonly address: string

  constructor (host: string, address: string) {
    super(`${host} stands for ${address}, which no endpoint of a connection may have`)
    this.host = host
    this.address = address
  }
}

/**
 * Makes undici's connector for URLs that users chose. It resolves the name once, refuses where any address of it is not
 * allowed, and connects to nothing but the addresses that it checked: a name that changes its mind in between changes
 * nothing. Literal addresses, which never get to a resolver, go the same way. Only https.
 */
export function createGuardedConnector (options: EgressOptions): buildConnector.connector {
  const { privateRanges, timeoutMs, resolve = name => lookup(name, { all: true }), ca } = options
  const isAllowed = createAddressCheck(privateRanges)
  const running = new Map<string, Promise<LookupAddress[]>>()

  /** Names that are slow to resolve hold threads: each is asked for once at a time. */
  function resolveOnce (name: string): Promise<LookupAddress[]> {
    const known = running.get(name) ?? resolve(name).finally(() => running.delete(name))
    running.set(name, known)
    return untilAborted(known, AbortSignal.timeout(timeoutMs))
  }

  async function check (host: string): Promise<LookupAddress[]> {
    const family = isIP(host)
    const addresses = family ? [{ address: host, family }] : await resolveOnce(host)
    if (!addresses.length) throw new Error(`${host} has no address`)
    const wrong = addresses.find(({ address }) => !isAllowed(address))
    if (wrong) throw new AddressRefused(host, wrong.address)
    return addresses
  }

  return (request, callback) => {
    if (request.protocol !== 'https:') return callback(new Error('an endpoint of a connection must be https'), null)
    check(request.hostname.replace(/^\[|\]$/g, '')).then(addresses => {
      // No session is resumed: Node does not compare the certificate's name again where one is.
      const pinned = { lookup: answering(addresses), maxCachedSessions: 0, timeout: timeoutMs, ...(ca && { ca }) }
      buildConnector(pinned)(request, callback)
    }).catch((error: Error) => callback(error, null))
  }
}

/** A resolver that knows these addresses only. */
function answering (addresses: LookupAddress[]): LookupFunction {
  const [first] = addresses
  return (_name, { all }, done) => all ? done(null, addresses) : done(null, first?.address ?? '', first?.family)
}
