import ipaddr from 'ipaddr.js'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

type Address = ipaddr.IPv4 | ipaddr.IPv6
type Range = ReturnType<typeof ipaddr.parseCIDR>

/** All that is assigned to the public; what lies outside, such as `::7f00:1`, leads to who knows where. */
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3')
/** The well-known prefix behind which DNS64 puts the IPv4 address of a name. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96')
/** Azure's host agent: an address of the public range that each virtual machine reaches its own secrets by. */
const METADATA = new Set(['168.63.129.16'])

/**
 * Makes the check of what an endpoint that a user chose may be connected to: public unicast addresses that are none of
 * this machine's own, and whatever lies in one of the ranges.
 * @param ranges CIDR
 * @param ownAddresses of this machine's interfaces, read for each check
 */
export function createAddressCheck (
  ranges: readonly string[], ownAddresses: () => string[] = readOwnAddresses
): (address: string) => boolean {
  const allowed = ranges.map(range => ipaddr.parseCIDR(range))
  return text => {
    const address = parse(text)
    if (!address) return false
    if (allowed.some(range => isIn(address, range))) return true
    return isPublic(address) && !ownAddresses().some(own => parse(own)?.toString() === address.toString())
  }
}

/** Undefined where it is no whole address. The library alone reads `1.2.3` as one, and `::1.2.3.4` as IPv4-mapped. */
function parse (text: string): Address | undefined {
  const [plain = ''] = text.split('%')
  const family = isIP(plain)
  if (!family) return undefined
  return unmap(ipaddr.parse(family === 4 ? plain : new URL(`http://[${plain}]`).hostname.slice(1, -1)))
}

/**
 * The IPv4 address that the network would make of it. Other forms that hold one (6to4, Teredo, IPv4-compatible, the
 * local NAT64 prefix) are no public addresses at all.
 */
function unmap (address: Address): Address {
  if (address.kind() === 'ipv4') return address
  const six = address as ipaddr.IPv6
  if (six.isIPv4MappedAddress()) return six.toIPv4Address()
  return isIn(six, NAT64) ? ipaddr.fromByteArray(six.toByteArray().slice(12)) : six
}

function isPublic (address: Address): boolean {
  if (address.range() !== 'unicast' || METADATA.has(address.toString())) return false
  return address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST)
}

function isIn (address: Address, range: Range): boolean {
  return address.kind() === range[0].kind() && address.match(range)
}

function readOwnAddresses (): string[] {
  return Object.values(networkInterfaces()).flatMap(rows => (rows ?? []).map(({ address }) => address))
}
