/** What a session may: checked when it is made, and with each request and call. */
import ipaddr from 'ipaddr.js'
import { problem, type Problem } from '../../errors.ts'
import { PROVIDERS } from '../../providers/index.ts'
import type { ConnectionSettings } from '../../schemas/control.ts'
import type { ProviderName } from '../../schemas/market.ts'
import type { ScopeSettings } from '../../schemas/sessions.ts'
import { TOOLS } from '../../tools/index.ts'
import type { SessionPrincipal } from './index.ts'

/** @throws INVALID_INPUT where it names a tool that there is not, or something that is no range of addresses */
export function assertScope ({ tools = [], addresses = [] }: ScopeSettings): void {
  const names = TOOLS.map(({ name }) => name)
  const unknown = tools.filter(tool => !names.includes(tool))
  if (unknown.length) {
    const near = names.filter(name => unknown.some(tool => isNear(name, tool)))
    throw problem('INVALID_INPUT', `There is no tool ${quoted(unknown)}. ` +
      (near.length ? `Did you mean ${near.join(', ')}?` : `There are ${names.join(', ')}.`), {
      errors: unknown.map(tool => ({ path: 'scope.tools', message: `there is no "${tool}"` })),
      suggestions: near.length ? near : names
    })
  }
  const wrong = addresses.filter(range => !ipaddr.isValidCIDR(range))
  if (!wrong.length) return
  throw problem('INVALID_INPUT', `${quoted(wrong)} is no CIDR range. Write 192.0.2.0/24, or 192.0.2.7/32 for one address.`, {
    errors: wrong.map(range => ({ path: 'scope.addresses', message: `"${range}" is no CIDR range` }))
  })
}

/** @throws FORBIDDEN where the session may not be used from this address */
export function assertAddress ({ scope: { addresses } }: SessionPrincipal, ip: string): void {
  if (!addresses || addresses.some(range => isWithin(ip, range))) return
  throw problem('FORBIDDEN', `This session may not be used from ${ip}. Use it from an address of its scope, or ask the ` +
    'operator to change the scope.')
}

export const mayCall = ({ tools }: ScopeSettings, name: string): boolean => !tools || tools.includes(name)

/** The answer to a call of a tool that is not the session's. */
export function forbiddenTool (name: string, { tools = [] }: ScopeSettings): Problem {
  return problem('FORBIDDEN', `This session may not call ${name}. It may call ${tools.join(', ')}.`, { suggestions: tools })
}

/**
 * A connection's settings as a session sees them: without the providers that it may not ask.
 * @throws FORBIDDEN where it may not ask the one that is named, or none is left
 */
export function withinScope (
  settings: ConnectionSettings, { providers }: ScopeSettings, named?: ProviderName
): ConnectionSettings {
  if (!providers) return settings
  const told = providers.map(name => PROVIDERS[name].title).join(', ')
  if (named && !providers.includes(named)) {
    const { title } = PROVIDERS[named]
    throw problem('FORBIDDEN', `This session may not ask ${title}. It may ask ${told}: leave provider out.`,
      { provider: named })
  }
  const keep = (order: ProviderName[]) => order.filter(name => providers.includes(name))
  const orders = Object.entries(settings.capability_order)
    .map(([capability, order]) => [capability, keep(order)] as const)
  const order = keep(settings.provider_order)
  if (!order.length && orders.every(([, left]) => !left.length)) {
    throw problem('FORBIDDEN', `This session may ask ${told} only, which its connection does not ask. The operator can ` +
      'change the session\'s scope or the connection\'s provider_order.')
  }
  return { ...settings, provider_order: order, capability_order: Object.fromEntries(orders) }
}

/** An IPv4 address that is written as IPv6 is the IPv4 address. */
function isWithin (ip: string, range: string): boolean {
  if (!ipaddr.isValid(ip)) return false
  const address = ipaddr.process(ip)
  const [network, bits] = ipaddr.parseCIDR(range)
  return address.kind() === network.kind() && address.match(network, bits)
}

/** Whether two names share a word that says something. */
function isNear (name: string, typed: string): boolean {
  const words = (text: string) => text.split('_').map(word => word.replace(/s$/, '')).filter(word => word.length > 3)
  return words(typed).some(word => words(name).includes(word))
}

const quoted = (texts: string[]) => texts.slice(0, 5).map(text => `"${text}"`).join(', ')
