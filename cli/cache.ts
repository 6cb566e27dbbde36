import type { Command } from 'commander'
import type { FastifyInstance } from 'fastify'
import { setTimeout as sleep } from 'node:timers/promises'
import { problem } from '../errors.ts'
import { clearCache, readCacheStats } from '../plugins/cache/admin.ts'
import { CacheFilterSchema, type CacheStats } from '../schemas/cache.ts'
import { assertShape, findConnection } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Options { json?: true }
interface ClearOptions extends Options { connection?: string, session?: string, tool?: string }

/** Redis is dialled when the command starts. */
const DIAL_MS = 3000

/** `fmcp cache stats|clear` */
export function addCacheCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('cache').description('Answers that are kept, to be given again')

  command.command('stats').description('Tell what is stored, and how often it was of use in the last 24 hours')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const { memory, ...stats } = await use(async app => {
        await reachStore(app)
        return readCacheStats(app)
      }, { cache: true })
      if (json) return printJson(io, stats)
      const { store, entries, bytes, by_tool: tools, by_connection: connections } = stats
      printFields(io, { store: `${store.name} (${store.state})`, entries, bytes, ...useOf(stats) })
      printTable(io, ['TOOL', ...HEADINGS], tools.map(row => [row.tool, ...toCells(row)]))
      printTable(io, ['CONNECTION', ...HEADINGS], connections.map(row => [row.connection_id, ...toCells(row)]))
    })

  command.command('clear').description('Clear the cache, or what fits all the options, on every running server')
    .option('--connection <connection>', 'name or id')
    .option('--session <session>', 'id: what the session has for itself')
    .option('--tool <tool>', 'such as get_quote')
    .option('--json', 'print JSON only')
    .action(async ({ connection: nameOrId, json, ...options }: ClearOptions) => {
      const filter = assertShape(CacheFilterSchema, options)
      const dropped = await use(async app => {
        await reachStore(app)
        const connection = nameOrId === undefined ? {} : { connection: (await findConnection(app, nameOrId)).id }
        return clearCache(app, { ...filter, ...connection }, by)
      }, { cache: true })
      if (json) printJson(io, { dropped })
      else io.stdout.write(`Dropped ${dropped} entries.\n`)
    })
}

/** @throws OVERLOADED where Redis does not answer */
async function reachStore ({ redis }: FastifyInstance): Promise<void> {
  const deadline = Date.now() + DIAL_MS
  while (redis?.state() === 'down') {
    await sleep(20)
    if (Date.now() > deadline) throw problem('OVERLOADED', 'Redis does not answer at REDIS_URL.')
  }
}

const HEADINGS = ['ENTRIES', 'BYTES', 'CALLS', 'HITS', 'HIT RATIO']

type Use = Pick<CacheStats, 'entries' | 'bytes' | 'calls' | 'hits' | 'hit_ratio'>

const useOf = ({ calls, hits, hit_ratio: ratio }: Use) => ({ calls, hits, hit_ratio: ratio })
const toCells = ({ entries, bytes, calls, hits, hit_ratio: ratio }: Use) => [entries, bytes, calls, hits, ratio]
