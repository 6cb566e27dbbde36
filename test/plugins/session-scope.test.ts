import t from 'tap'
import { assertAddress, assertScope, mayCall, withinScope } from '../../plugins/sessions/scope.ts'
import type { SessionPrincipal } from '../../plugins/sessions/index.ts'
import { DEFAULT_SETTINGS } from '../../schemas/control.ts'
import type { ScopeSettings } from '../../schemas/sessions.ts'

const toPrincipal = (scope: ScopeSettings): SessionPrincipal => ({
  kind: 'session',
  session_id: 'session-1',
  connection_id: 'connection-1',
  name: null,
  expires_at: null,
  scope,
  token_last_four: 'test',
  previous_expires_at: null
})

t.test('a scope names tools that there are', async t => {
  t.doesNotThrow(() => assertScope({}))
  t.doesNotThrow(() => assertScope({ tools: ['get_quote', 'get_usage'], addresses: ['192.0.2.0/24', '2001:db8::/32'] }))
  t.throws(() => assertScope({ tools: ['get_quote', 'get_quotes'] }), {
    code: 'FMS_INVALID_INPUT',
    message: /no tool "get_quotes".*Did you mean get_quote, verify_quote\?/,
    suggestions: ['get_quote', 'verify_quote'],
    errors: [{ path: 'scope.tools', message: 'there is no "get_quotes"' }]
  })
  t.throws(() => assertScope({ tools: ['x'] }), { message: /There are search_symbols, get_quote,.*get_usage\./ })
})

t.test('a scope names addresses as ranges', async t => {
  for (const range of ['192.0.2.7', '192.0.2.0/33', 'example.com', '::/129', '*']) {
    t.throws(() => assertScope({ addresses: ['10.0.0.0/8', range] }), {
      code: 'FMS_INVALID_INPUT', message: `"${range}" is no CIDR range. Write 192.0.2.0/24, or 192.0.2.7/32 for one address.`
    })
  }
})

t.test('a session is used from its addresses only', async t => {
  const scope = { addresses: ['192.0.2.0/24', '2001:db8::/32'] }
  for (const ip of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8::1']) {
    t.doesNotThrow(() => assertAddress(toPrincipal(scope), ip), ip)
  }
  for (const ip of ['192.0.3.7', '::ffff:192.0.3.7', '2001:db9::1', '::1', '', 'unknown']) {
    t.throws(() => assertAddress(toPrincipal(scope), ip), { code: 'FMS_FORBIDDEN', message: /may not be used from/ }, ip)
  }
  t.doesNotThrow(() => assertAddress(toPrincipal({}), '192.0.3.7'))
})

t.test('without tools in its scope a session may call all', async t => {
  t.ok(mayCall({}, 'get_quote'))
  t.ok(mayCall({ tools: ['get_quote'] }, 'get_quote'))
  t.notOk(mayCall({ tools: ['get_quote'] }, 'get_bars'))
})

t.test('a session sees its connection\'s providers, without those that it may not ask, in their order', async t => {
  const settings = { ...DEFAULT_SETTINGS, capability_order: { bars: ['polygon' as const, 'fmp' as const] } }
  t.equal(withinScope(settings, {}), settings)
  t.match(withinScope(settings, { providers: ['polygon', 'alpaca'] }), {
    provider_order: ['alpaca', 'polygon'], capability_order: { bars: ['polygon'] }, caching: true
  })
  t.same(withinScope(settings, { providers: ['alpaca'] }).capability_order, { bars: [] })
  t.throws(() => withinScope(settings, { providers: ['alpaca'] }, 'fmp'), {
    code: 'FMS_FORBIDDEN', message: 'This session may not ask FMP. It may ask Alpaca: leave provider out.', provider: 'fmp'
  })
  t.throws(() => withinScope(settings, { providers: ['sample'] }), {
    code: 'FMS_FORBIDDEN', message: /may ask .* only, which its connection does not ask/
  })
})
