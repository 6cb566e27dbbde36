import { marketClock } from '../../market/clock.ts'
import type { ProviderRouter, Routed } from '../../providers/router.ts'
import type { Capabilities, Capability } from '../../providers/types.ts'
import type { ConnectionSettings } from '../../schemas/control.ts'
import { createArgumentReader } from '../../tools/arguments.ts'
import type { Fetched, Presented, Tool, ToolCall } from '../../tools/define.ts'
import { toFullText } from '../../tools/format.ts'

/** A Friday with the market open: 10:00 in New York. */
export const NOW = new Date('2026-11-20T15:00:00Z')

export interface Asked {
  /** What the router was asked for, in order. */
  asked: { capability: string, input: Record<string, unknown> }[]
  fetched: Fetched<any>
  /** The first page. */
  shown: Presented & { data: any }
  /** The whole text of it. */
  text: string
}

type Answers = { [C in Capability]?: (input: Capabilities[C]['input']) => Partial<Routed<Capabilities[C]['output']>> }

/** Asks a tool without a server: it reads its arguments, asks a router that answers as told, and presents. */
export async function ask (
  tool: Tool,
  raw: object,
  answers: Answers,
  overrides: Partial<ToolCall> = {}
): Promise<Asked> {
  const asked: Asked['asked'] = []
  const one = async (capability: Capability, input: Record<string, unknown>) => {
    asked.push({ capability, input })
    const answer = answers[capability] as (input: unknown) => object
    return { provider: 'fmp', as_of: null, tried: [], ...answer(input) }
  }
  const args = createArgumentReader(tool)(raw)
  const limit = Number(args['limit'] ?? 0)
  const call: ToolCall = {
    connectionId: 'c1',
    settings: {} as ConnectionSettings,
    provider: undefined,
    signal: new AbortController().signal,
    now: NOW,
    route: { one } as unknown as ProviderRouter,
    clock: marketClock(NOW),
    reach: tool.reach?.(limit + 1) ?? 0,
    usage: async () => { throw new Error('nobody asks for the usage here') },
    ...overrides
  }
  const fetched = await tool.fetch(args, call)
  // What is cached has been through JSON.
  const shown = tool.present(JSON.parse(JSON.stringify(fetched.data)), args, { offset: 0, limit }) as Asked['shown']
  const market = { session: 'regular', next_open: '', now: '' }
  const text = toFullText(shown, { ...fetched.meta, cache: { hit: false, age_seconds: 0 }, market })
  return { asked, fetched, shown, text }
}

/** A row of a schema with these fields; the others are null, as a provider that has no more answers it. */
export function toRow<T extends object> (schema: { properties: Record<string, unknown> }, fields: Partial<T>): T {
  const empty = Object.fromEntries(Object.keys(schema.properties).map(name => [name, null]))
  return { ...empty, ...fields } as T
}
