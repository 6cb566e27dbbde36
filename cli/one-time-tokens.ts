import type { Command } from 'commander'
import { IdSchema } from '../schemas/control.ts'
import { OneTimeTokenRequestSchema } from '../schemas/one-time-tokens.ts'
import { assertShape, toTtl, toTtlSeconds, type Ttl } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson } from './output.ts'

interface Options { json?: true, ttl?: Ttl }

/** `fmcp session one-time` */
export function addOneTimeTokenCommand (session: Command, { io, use }: Cli): void {
  session.command('one-time').description('Create a one-time token of a session, for a client that cannot send a header')
    .argument('<session>', 'id')
    .option('--ttl <duration>', 'seconds, or 2m; 10 seconds to 10 minutes, default 5m', toTtl)
    .option('--json', 'print JSON only')
    .action(async (text: string, { ttl, json }: Options) => {
      const id = assertShape(IdSchema, text)
      const request = assertShape(OneTimeTokenRequestSchema, toTtlSeconds(ttl))
      const made = await use((app, { publicUrl, port, tls }) =>
        app.oneTimeTokens.create(id, request, publicUrl ?? `${tls ? 'https' : 'http'}://localhost:${port}`, by))
      if (json) return printJson(io, made)
      printFields(io, made)
    })
}
