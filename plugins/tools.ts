import fp from 'fastify-plugin'
import type { FastifyBaseLogger } from 'fastify'
import { Type } from 'typebox'
import type { Config } from '../config.ts'
import { isOutage, outage } from '../db/outage.ts'
import { codeOf, problem } from '../errors.ts'
import { marketClock, type MarketClock } from '../market/clock.ts'
import { toInstant } from '../market/time.ts'
import type { ConnectionSettings } from '../schemas/control.ts'
import { MetaSchema, type Meta } from '../schemas/receipt.ts'
import { createArgumentReader, type ArgumentReader } from '../tools/arguments.ts'
import type { Fetched, Presented, Table, Tool, ToolCall } from '../tools/define.ts'
import { toFullText, toText } from '../tools/format.ts'
import { TOOLS } from '../tools/index.ts'
import { withSuggestions } from '../tools/suggest.ts'
import type { CacheKey } from './cache/driver.ts'
import type { Cached, Loaded } from './cache/index.ts'
import type { SessionPrincipal } from './auth.ts'

/** Who calls, and over what. */
export interface Caller {
  principal: SessionPrincipal
  signal: AbortSignal
  log: FastifyBaseLogger
  requestId: string
  ip: string
  client?: { name: string, version: string } | undefined
  transport: 'mcp' | 'sse' | 'rest'
}

export interface ToolResult {
  /** The object that every transport answers. */
  structured: { data: unknown, meta: Meta }
  /** The answer's rows, where it has rows. */
  table: Table | undefined
  /** A compact text of it, cut where it is large. */
  readonly text: string
  /** The whole answer as text. */
  readonly fullText: string
}

export interface ToolListing {
  name: string
  title: string
  description: string
  inputSchema: object
  outputSchema: object
  annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }
}

export interface Tools {
  /** The catalogue in its stable order. */
  list: () => readonly ToolListing[]
  /**
   * Validates, runs and records one call.
   * @throws a problem of the table, or the reason of the caller's abort
   */
  call: (name: string, args: unknown, caller: Caller) => Promise<ToolResult>
}

declare module 'fastify' {
  interface FastifyInstance { tools: Tools }
}

/** Within the ten seconds that a stop may take. */
const STOP_MS = 8_000

type Arguments = ReturnType<ArgumentReader>

interface Entry { tool: Tool, readArguments: ArgumentReader }

function toEntry (tool: Tool): Entry {
  return { tool, readArguments: createArgumentReader(tool.name, tool.input) }
}

/** The registry of tools and the one gate that every call passes: validation, cache, receipt, record. */
export default fp<{ config: Config, catalogue?: readonly Tool[] }>(async (app, { config, catalogue = TOOLS }) => {
  const entries = new Map(catalogue.map(tool => [tool.name, toEntry(tool)]))
  const listings = catalogue.map(toListing)

  const running = new Set<AbortController>()

  /** Calls still under way when the server stops get this long; then they are told to come again. */
  app.addHook('preClose', () => {
    if (!running.size) return
    setTimeout(() => {
      const reason = problem('OVERLOADED', 'The server is stopping. Call again in a moment.', { retry_after_seconds: 5 })
      for (const controller of running) controller.abort(reason)
    }, STOP_MS).unref()
  })

  async function run (entry: Entry, raw: unknown, { principal, signal }: Caller): Promise<ToolResult> {
    const { tool, readArguments } = entry
    const args = readArguments(raw)
    const settings = await app.connections.settingsOf(principal.connection_id)
    const now = new Date()
    const call: ToolCall = {
      connectionId: principal.connection_id, settings, signal, now, route: app.providers, clock: marketClock(now)
    }
    const keyArgs = Object.fromEntries(Object.entries(args).filter(([name]) => !tool.presentation?.includes(name)))
    const shared = settings.cache_scope === 'connection'
    const key: CacheKey = {
      owner_id: shared ? principal.connection_id : principal.session_id,
      connection_id: principal.connection_id,
      tool: tool.name,
      args: keyArgs
    }
    const cached = await app.cache.fetch(
      key,
      ttlOf(tool, args, settings, call.clock, config),
      loadSignal => fetchFor(tool, args, { ...call, signal: loadSignal }),
      signal
    )
    return toResult(tool, args, cached, call)
  }

  const tools: Tools = {
    list: () => listings,

    async call (name, args, caller) {
      const startedAt = performance.now()
      const controller = new AbortController()
      const abort = () => controller.abort(caller.signal.reason)
      caller.signal.addEventListener('abort', abort, { once: true })
      running.add(controller)
      const { principal, requestId, ip, client, transport } = caller
      let outcome = 'ok'
      let meta: Meta | undefined
      try {
        const entry = entries.get(name)
        if (!entry) {
          throw problem('TOOL_NOT_FOUND', `There is no tool "${String(name).slice(0, 40)}". There are ${[...entries.keys()].join(', ')}.`)
        }
        caller.signal.throwIfAborted()
        const result = await run(entry, args, { ...caller, signal: controller.signal })
        meta = result.structured.meta
        return result
      } catch (thrown) {
        const error = isOutage(thrown) ? outage(thrown) : thrown
        outcome = caller.signal.aborted ? 'cancelled' : codeOf(error)
        if (!caller.signal.aborted && codeOf(error) === 'INTERNAL') caller.log.error({ err: error, tool: name }, 'a tool failed')
        throw error
      } finally {
        running.delete(controller)
        caller.signal.removeEventListener('abort', abort)
        app.sessions.touch(principal.session_id, { address: ip, ...(client && { client }) })
        app.audit.enqueue({
          action: 'tool.call',
          actor: `session:${principal.session_id}`,
          target: entries.has(name) ? name : null,
          outcome,
          connection_id: principal.connection_id,
          session_id: principal.session_id,
          client_name: client?.name ?? null,
          client_version: client?.version ?? null,
          ip,
          request_id: requestId,
          latency_ms: Math.round(performance.now() - startedAt),
          details: { transport, ...(meta && { provider: meta.provider, cache_hit: meta.cache.hit }) }
        })
      }
    }
  }
  app.decorate('tools', tools)
}, { name: 'tools', dependencies: ['auth', 'sessions', 'audit', 'cache', 'providers', 'connections'] })

async function fetchFor (tool: Tool, args: Arguments, call: ToolCall): Promise<Loaded> {
  try {
    const { cacheable = true, ...value } = await tool.fetch(args, call)
    return { value, cacheable }
  } catch (error) {
    throw await withSuggestions(error, args, call)
  }
}

function ttlOf (
  tool: Tool,
  args: Arguments,
  settings: ConnectionSettings,
  clock: MarketClock,
  config: Config
): number {
  if (!config.caching || !settings.caching) return 0
  return settings.ttl_seconds[tool.name] ?? config.cacheTtlSeconds ?? tool.ttl(args, clock)
}

function toResult (tool: Tool, args: Arguments, cached: Cached, { now, clock }: ToolCall): ToolResult {
  const { data, meta: kept } = cached.value as Fetched<unknown>
  const presented: Presented = tool.present(data, args)
  const meta: Meta = {
    ...kept,
    ...(kept.provider === 'sample' && { synthetic: true }),
    ...(presented.truncated && { truncated: presented.truncated }),
    cache: { hit: cached.hit, age_seconds: cached.age_seconds },
    market: {
      session: clock.session,
      next_open: clock.next_open,
      now: toInstant(Math.floor(now.getTime() / 1000) * 1000)
    }
  }
  return {
    structured: { data: presented.data, meta },
    table: presented.table,
    // Made when read: REST needs neither text.
    get text () { return args['format'] === 'csv' ? this.fullText : toText(presented, meta, this.fullText) },
    get fullText () { return toFullText(presented, meta) }
  }
}

function toListing ({ name, title, description, input, output }: Tool): ToolListing {
  return {
    name,
    title,
    description,
    inputSchema: toJsonSchema(input),
    outputSchema: toJsonSchema(Type.Object({ data: output, meta: MetaSchema })),
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: true }
  }
}

interface PlainSchema {
  required?: string[]
  properties?: Record<string, { default?: unknown }>
}

/**
 * Plain JSON Schema for clients. A property with a default may be left out by the caller, so it is not required there;
 * the validator fills it in before it checks.
 */
export function toJsonSchema (schema: object): object {
  const plain = JSON.parse(JSON.stringify(schema)) as PlainSchema
  const required = plain.required?.filter(name => plain.properties?.[name]?.default === undefined)
  if (required?.length) plain.required = required
  else delete plain.required
  return plain
}
