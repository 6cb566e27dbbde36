import type { Command } from 'commander'
import { open, readFile, rm, stat } from 'node:fs/promises'
import { exportConnection, importConnection } from '../plugins/connections/transfer.ts'
import { ConnectionRequestSchema } from '../schemas/control.ts'
import { openExport, sealExport } from '../vault/export.ts'
import { assertShape, findConnection } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { UsageError } from './error.ts'
import { printFields, printJson, printTable } from './output.ts'
import { readPassphrase } from './passphrase.ts'

interface Options { json?: true }
interface ExportOptions extends Options { out?: string, passphraseFile?: string }
interface ImportOptions extends Options { name?: string, passphraseFile?: string }

/** Most bytes of an export file: no connection comes near it. */
const MOST_BYTES = 2 * 1024 * 1024

/** `fmcp connection create|list|delete|export|import` */
export function addConnectionCommands (program: Command, cli: Cli): void {
  const { io, use } = cli
  const command = program.command('connection').description('Profiles that hold provider keys')

  command.command('create').description('Create a connection').argument('<name>')
    .option('--json', 'print JSON only')
    .action(async (name: string, { json }: Options) => {
      const request = assertShape(ConnectionRequestSchema, { name })
      const connection = await use(app => app.connections.create(request, by))
      if (json) printJson(io, connection)
      else printFields(io, { id: connection.id, name: connection.name })
    })

  command.command('list').description('List the connections')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const connections = await use(app => app.connections.list())
      if (json) return printJson(io, connections)
      printTable(io, ['NAME', 'ID', 'KEYS', 'CREATED'], connections.map(({ name, id, credentials, created_at: created }) =>
        [name, id, credentials.map(({ provider }) => provider).join(',') || null, created]))
    })

  command.command('delete').description('Delete a connection, its keys for good, and its sessions')
    .argument('<connection>', 'name or id')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const { id, name } = await use(async app => {
        const connection = await findConnection(app, nameOrId)
        await app.connections.delete(connection.id, by)
        return connection
      })
      if (json) printJson(io, { id, name, deleted: true })
      else io.stdout.write(`Deleted the connection "${name}".\n`)
    })
  addTransferCommands(command, cli)
}

function addTransferCommands (command: Command, { io, use }: Cli): void {
  command.command('export').description('Write a connection with its keys to a file, sealed by a passphrase')
    .argument('<connection>', 'name or id')
    .option('--out <file>', 'a new file; default standard output')
    .option('--passphrase-file <file>', 'read the passphrase from it; default: asked for on the terminal')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { out, passphraseFile, json }: ExportOptions) => {
      const passphrase = await readPassphrase(io, { file: passphraseFile, isNew: true })
      const content = await use(async app => exportConnection(app, await findConnection(app, nameOrId), by))
      const text = await sealExport(content, passphrase)
      if (out === undefined) {
        io.stdout.write(text)
        return
      }
      await writeNew(out, text)
      const providers = Object.keys(content.credentials)
      if (json) printJson(io, { name: content.name, providers, file: out })
      else printFields(io, { name: content.name, keys: providers.join(',') || null, file: out })
    })

  command.command('import').description('Make a connection from an exported file')
    .argument('<file>')
    .option('--name <name>', 'its name here; default the exported one')
    .option('--passphrase-file <file>', 'read the passphrase from it; default: asked for on the terminal')
    .option('--json', 'print JSON only')
    .action(async (file: string, { name: renamed, passphraseFile, json }: ImportOptions) => {
      const text = await readExport(file)
      const passphrase = await readPassphrase(io, { file: passphraseFile })
      const content = await openExport(text, passphrase)
      const { id, name, providers } = await use(app => importConnection(app, content, renamed, by))
      if (json) printJson(io, { id, name, providers })
      else printFields(io, { id, name, keys: providers.join(',') || null })
    })
}

/** Readable by its owner alone, whole, and never in place of what stands there. */
async function writeNew (file: string, text: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600)
    try {
      await handle.writeFile(text).then(() => handle.sync()).finally(() => handle.close())
    } catch (error) {
      await rm(file, { force: true })
      throw error
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new UsageError(code === 'EEXIST'
      ? `${file} exists already, and was left as it is. Choose another --out.`
      : `${file} cannot be written (${code}). Choose another --out.`)
  }
}

async function readExport (file: string): Promise<string> {
  try {
    if ((await stat(file)).size > MOST_BYTES) throw new UsageError(`${file} is too large for an exported connection.`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`)
  }
}
