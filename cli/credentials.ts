import type { Command } from 'commander'
import { PROVIDERS } from '../providers/index.ts'
import type { ProviderName } from '../schemas/market.ts'
import { findConnection, toProvider } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { UsageError } from './error.ts'
import { printFields, printJson, printTable } from './output.ts'
import { readSecret } from './secret.ts'

interface Options { json?: true }

/** `fmcp credential set|list|test|delete` */
export function addCredentialCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('credential').description('Provider keys: written and tested, never shown')
  const add = (name: string, description: string) => command.command(name).description(description)
    .argument('<connection>', 'name or id')
  const addFor = (name: string, description: string) => add(name, description)
    .argument('<provider>', 'alpaca, polygon, fmp or finnhub', toProvider).option('--json', 'print JSON only')

  addFor('set', 'Store a key, read from standard input (a line a field, or JSON) or a hidden prompt')
    .action(async (nameOrId: string, provider: ProviderName, { json }: Options) => {
      const { title, credential_fields: fields } = PROVIDERS[provider]
      if (!fields.length) throw new UsageError(`${title} takes no key.`)
      const secret = await readSecret(io, fields)
      const status = await use(async app =>
        app.connections.setCredential((await findConnection(app, nameOrId)).id, provider, secret, by))
      if (json) printJson(io, status)
      else printFields(io, { provider, fingerprint: status.fingerprint, set_at: status.set_at })
    })

  add('list', 'List the keys of a connection').option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const { credentials } = await use(app => findConnection(app, nameOrId))
      if (json) return printJson(io, credentials)
      printTable(io, ['PROVIDER', 'FINGERPRINT', 'SET', 'LAST TEST'],
        credentials.map(row => [row.provider, row.fingerprint, row.set_at, row.test_status]))
    })

  addFor('test', 'Ask the provider whether it accepts the key')
    .action(async (nameOrId: string, provider: ProviderName, { json }: Options) => {
      const test = await use(async app => {
        const { id } = await findConnection(app, nameOrId)
        return app.connections.testCredential(id, provider, by, AbortSignal.timeout(60_000))
      }, { providers: true })
      if (json) printJson(io, test)
      else printFields(io, { ...test })
    })

  addFor('delete', 'Delete a key')
    .action(async (nameOrId: string, provider: ProviderName, { json }: Options) => {
      await use(async app => app.connections.deleteCredential((await findConnection(app, nameOrId)).id, provider, by))
      if (json) printJson(io, { provider, deleted: true })
      else io.stdout.write(`Deleted the ${provider} key.\n`)
    })
}
