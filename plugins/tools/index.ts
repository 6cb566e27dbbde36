import fp from 'fastify-plugin'
import type { Config } from '../../config.ts'
import { isOutage, outage } from '../../db/outage.ts'
import { codeOf, problem, type Problem } from '../../errors.ts'
import { marketClock } from '../../market/clock.ts'
import type { ProviderName } from '../../schemas/market.ts'
import type { Meta, QuotaLeft } from '../../schemas/receipt.ts'
import type { ScopeSettings } from '../../schemas/sessions.ts'
import { toAnswer, type Answer } from '../../tools/answer.ts'
import { createArgumentReader, type ArgumentReader } from '../../tools/arguments.ts'
import { ANSWER_TOKENS } from '../../tools/budget.ts'
import type { Fetched, Tool, ToolCall } from '../../tools/define.ts'
import { TOOLS } from '../../tools/index.ts'
import { toListing, type ToolListing } from '../../tools/listing.ts'
import { readPlace, type Place } from '../../tools/page.ts'
import { policyOf } from '../../tools/policy.ts'
import { withSuggestions } from '../../tools/suggest.ts'
import type { CacheKey } from '../cache/driver.ts'
import type { Cached, Loaded, Policy } from '../cache/index.ts'
import { hashOf } from '../cache/key.ts'
import { forbiddenTool, mayCall, withinScope } from '../sessions/scope.ts'
import type { Caller, CallPrincipal } from './caller.ts'
import { recordCall, toGroup } from './record.ts'
import { traceCalls } from './trace.ts'

export type { Caller, CallPrincipal, TrialPrincipal } from './caller.ts'

export interface Tools {
  /** The catalogue in its stable order: what a scope allows of it, or all. */
  list: (scope?: ScopeSettings) => readonly ToolListing[]
  /**
   * Validates, runs and records one call.
   * @throws a problem of the table, or the reason of the caller's abort
   */
  call: (name: string, args: unknown, caller: Caller) => Promise<Answer>
  /** Notes for the usage what was made of an answer: the text that its caller gets. */
  handOut: (name: string, principal: CallPrincipal, text: string) => void
}

declare module 'fastify' {
  interface FastifyInstance { tools: Tools }
}

/** Tells what is left of a session's calls, and so is none of them. */
const USAGE = 'get_usage'
/** Within the ten seconds that a stop may take. */
const STOP_MS = 8_000

interface Entry { tool: Tool, readArguments: ArgumentReader }

function toEntry (tool: Tool): Entry {
  return { tool, readArguments: createArgumentReader(tool) }
}

type Arguments = ReturnType<ArgumentReader>

/** The arguments that say what is fetched. */
function toKeyArguments (args: Arguments, { presentation = [] }: Tool): Arguments {
  const asked: Arguments = {}
  for (const name in args) {
    if (name !== 'max_age_seconds' && !presentation.includes(name)) asked[name] = args[name]
  }
  return asked
}

/** Where an answer is kept, for how long, and which page of it is asked for. */
interface Lookup { key: CacheKey, policy: Policy, place: Place }

/** The registry of tools and the one gate that every call passes: validation, cache, receipt, record. */
export default fp<{ config: Config, catalogue?: readonly Tool[] }>(async (app, { config, catalogue = TOOLS }) => {
  const entries = new Map(catalogue.map(tool => [tool.name, toEntry(tool)]))
  const listings = catalogue.map(toListing)

  const running = new Set<AbortController>()
  app.metrics.watch({ name: 'fms_tool_calls_running', help: 'Calls of tools that are under way' }, () => [[{}, running.size]])

  /** Calls still under way when the server stops get this long; then they are told to come again. */
  app.addHook('preClose', () => {
    if (!running.size) return
    setTimeout(() => {
      const reason = problem('OVERLOADED', 'The server is stopping. Call again in a moment.', { retry_after_seconds: 5 })
      for (const controller of running) controller.abort(reason)
    }, STOP_MS).unref()
  })

  async function run ({ tool, readArguments }: Entry, raw: unknown, { principal, signal, log }: Caller) {
    const args = readArguments(raw)
    const provider = args['provider'] as ProviderName | undefined
    const { scope } = principal
    const settings = withinScope(await app.connections.settingsOf(principal.connection_id), scope, provider)
    if (principal.kind === 'session' && scope.calls_per_day !== undefined && tool.name !== USAGE) {
      await app.quota.takeCall(principal.session_id, scope.calls_per_day)
    }
    const now = new Date()
    const keyArgs = toKeyArguments(args, tool)
    const hash = hashOf({ tool: tool.name, ...keyArgs }).slice(0, 6)
    const place = readPlace(args['cursor'], Number(args['limit'] ?? 0), hash)
    const reach = tool.reach?.(place.offset + place.limit + 1)
    const clock = marketClock(now)
    const call: ToolCall = {
      connectionId: principal.connection_id,
      ...(principal.session_id !== null && { sessionId: principal.session_id }),
      settings,
      provider,
      signal,
      log,
      now,
      route: app.providers,
      clock,
      reach: reach ?? 0,
      usage: () => app.usage.of(principal, settings)
    }
    const key: CacheKey = {
      owner_id: settings.cache_scope === 'connection'
        ? principal.connection_id
        : principal.session_id ?? principal.connection_id,
      connection_id: principal.connection_id,
      tool: tool.name,
      // Who may not ask a provider is not shown what another session had of it.
      args: {
        ...keyArgs,
        ...(reach !== undefined && { reach }),
        ...(scope.providers && { among: [...scope.providers].sort() })
      }
    }
    const freshness = () => tool.ttl(args, clock, now)
    const maxAge = args['max_age_seconds'] as number | undefined
    const policy = policyOf({ name: tool.name, freshness }, settings, config, maxAge, now)
    const cached = await app.tracing.span('cache', {}, async note => {
      const cached = await load(tool, keyArgs, call, { key, policy, place })
      note({ 'fms.cache': cached.tier ?? 'miss', ...(cached.stale && { 'fms.stale': cached.stale }) })
      return cached
    })
    const budget = scope.answer_tokens === undefined ? ANSWER_TOKENS : scope.answer_tokens
    const fetched = cached.value as Fetched<unknown>
    const quota = cached.hit ? undefined : quotaOf(fetched.meta, principal.connection_id)
    const answer = toAnswer({ tool, args, fetched, place, call: hash, cache: cached, quota, now, clock, budget })
    return { answer, tier: cached.tier }
  }

  /** What those have left who were asked just now. */
  function quotaOf ({ provider, tried }: Fetched<unknown>['meta'], connectionId: string): Meta['quota'] {
    const names = new Set([...provider?.split(',') ?? [], ...tried.map(({ provider }) => provider)])
    const left: [string, QuotaLeft][] = []
    for (const name of names) {
      const known = app.quota.left(connectionId, name as ProviderName)
      if (known) left.push([name, known])
    }
    return left.length ? Object.fromEntries(left) : undefined
  }

  /** A page after the first is of the moment that the first saw: out of its entry, or fetched as of then. */
  async function load (tool: Tool, args: Arguments, call: ToolCall, lookup: Lookup): Promise<Cached> {
    const { key, policy, place: { anchor } } = lookup
    const fetchAt = (now: Date) => (signal: AbortSignal, background: boolean) =>
      fetchFor(tool, args, { ...call, now, signal, background })
    if (anchor === undefined) return app.cache.fetch(key, policy, fetchAt(call.now), call.signal)
    const { max_age_seconds: _, ...ofThatMoment } = policy
    const first = policy.fresh_seconds > 0 ? await app.cache.peek(key) : undefined
    if (first?.stored_at === anchor) return first
    const then = new Date(Math.min(anchor, call.now.getTime()))
    return app.cache.fetch({ ...key, args: { ...key.args, anchor } }, ofThatMoment, fetchAt(then), call.signal)
  }

  const tools: Tools = {
    list: (scope = {}) => scope.tools ? listings.filter(({ name }) => mayCall(scope, name)) : listings,

    async call (name, args, caller) {
      const startedAt = performance.now()
      const controller = new AbortController()
      const abort = () => controller.abort(caller.signal.reason)
      caller.signal.addEventListener('abort', abort, { once: true })
      const deadline = setTimeout(() => controller.abort(tooSlow(config.callDeadlineMs)), config.callDeadlineMs)
      running.add(controller)
      const { principal } = caller
      let release = () => {}
      const session = new AbortController()
      let outcome = 'ok'
      let meta: Meta | undefined
      let tier: Cached['tier']
      let failure: unknown
      try {
        const entry = entries.get(name)
        if (!entry) {
          const names = tools.list(principal.scope).map(listing => listing.name)
          throw problem('TOOL_NOT_FOUND', `There is no tool "${String(name).slice(0, 40)}". There are ${names.join(', ')}.`)
        }
        if (!mayCall(principal.scope, name)) throw forbiddenTool(name, principal.scope)
        if (principal.kind === 'session') {
          release = await app.sessions.hold(principal, reason => {
            session.abort(reason)
            controller.abort(reason)
          })
        }
        caller.signal.throwIfAborted()
        const result = await run(entry, args, { ...caller, signal: controller.signal })
        // Nothing is told to a session that ended meanwhile. At the deadline an older answer may be.
        session.signal.throwIfAborted()
        ;({ answer: { structured: { meta } }, tier } = result)
        return result.answer
      } catch (thrown) {
        const error = failure = isOutage(thrown) ? outage(thrown) : thrown
        outcome = caller.signal.aborted ? 'cancelled' : codeOf(error)
        if (!caller.signal.aborted && codeOf(error) === 'INTERNAL') caller.log.error({ err: error, tool: name }, 'a tool failed')
        throw error
      } finally {
        clearTimeout(deadline)
        release()
        running.delete(controller)
        caller.signal.removeEventListener('abort', abort)
        const known = entries.has(name) ? name : null
        recordCall(app, caller, { name: known, outcome, meta, tier, failure, ms: performance.now() - startedAt })
      }
    },

    handOut (tool, principal, { length }) {
      app.usage.handOut(toGroup(principal, tool), length)
    }
  }
  app.decorate('tools', { ...tools, call: traceCalls(tools.call, app.tracing.span, name => entries.has(name)) })
}, { name: 'tools', dependencies: ['auth', 'sessions', 'audit', 'cache', 'quota', 'providers', 'usage', 'connections', 'metrics', 'tracing'] })

async function fetchFor (tool: Tool, args: Arguments, call: ToolCall): Promise<Loaded> {
  try {
    const { cacheable = true, fresh_seconds: fresh, ...value } = await tool.fetch(args, call)
    return { value, cacheable, ...(fresh !== undefined && { fresh_seconds: fresh }) }
  } catch (error) {
    throw await withSuggestions(error, args, call)
  }
}

function tooSlow (deadlineMs: number): Problem {
  return problem('PROVIDER_TIMEOUT', `No provider answered within ${deadlineMs / 1000} s, the most that a call may take. ` +
    'Call again, or ask for less at once.')
}
