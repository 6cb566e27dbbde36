import type { Command } from 'commander'
import { AdminTokenRequestSchema } from '../schemas/admins.ts'
import { IdSchema } from '../schemas/control.ts'
import { assertShape, toTtl, toTtlSeconds, type Ttl } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Options { json?: true }

/** `fmcp admin-token create|list|revoke` */
export function addAdminTokenCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('admin-token').description('A script\'s access to the control plane')

  command.command('create').description('Create an admin token; it is printed this once')
    .option('--name <name>', 'what it is for', 'cli')
    .option('--ttl <duration>', 'seconds, or 12h, 30d, never; default 90d', toTtl)
    .option('--json', 'print JSON only')
    .action(async ({ name, ttl, json }: Options & { name: string, ttl?: Ttl }) => {
      const request = assertShape(AdminTokenRequestSchema, { name, ...toTtlSeconds(ttl) })
      const token = await use(app => app.admin.createToken(request, by))
      if (json) printJson(io, token)
      else printFields(io, { id: token.id, expires_at: token.expires_at, token: token.token })
    })

  command.command('list').description('List the admin tokens')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const tokens = await use(app => app.admin.listTokens())
      if (json) return printJson(io, tokens)
      printTable(io, ['ID', 'NAME', 'TOKEN', 'EXPIRES', 'LAST USED', 'REVOKED'], tokens.map(token => [
        token.id, token.name, `…${token.token_last_four}`, token.expires_at, token.last_used_at, token.revoked_at
      ]))
    })

  command.command('revoke').description('Revoke an admin token')
    .argument('<token>', 'id')
    .option('--json', 'print JSON only')
    .action(async (text: string, { json }: Options) => {
      const id = assertShape(IdSchema, text)
      await use(app => app.admin.revokeToken(id, by))
      if (json) printJson(io, { id, revoked: true })
      else io.stdout.write('Revoked the admin token.\n')
    })
}
