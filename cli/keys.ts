import { InvalidArgumentError, Option, type Command } from 'commander'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.ts'
import { problem } from '../errors.ts'
import { explainFailed } from '../plugins/rewraps.ts'
import { createRingLine, findKeyRing, isKid } from '../vault/key-ring.ts'
import { readKeyStatus } from '../vault/key-status.ts'
import { addToRingFile } from '../vault/ring-file.ts'
import { findConnection } from './arguments.ts'
import { by, type Cli } from './context.ts'
import { printFields, printJson, printTable } from './output.ts'

interface Options { json?: true }
interface GenerateOptions extends Options { kid?: string, prepend?: string, append?: string }

/** `fmcp keys status|generate|rewrap|rotate` */
export function addKeyCommands (program: Command, { io, use }: Cli): void {
  const command = program.command('keys').description('Master keys, and what they wrap')

  command.command('status').description('Tell which master keys there are, and how many stored keys each wraps')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const read = async (app: FastifyInstance, config: Config) => readKeyStatus(app.db, await findKeyRing(config))
      const status = await use(read, { databaseOnly: true })
      if (json) return printJson(io, status)
      printFields(io, { ring: status.source, primary: status.primary })
      printTable(io, ['KID', 'STATE', 'DATA KEYS', 'SYSTEM KEYS'],
        status.keys.map(row => [row.kid, row.state, row.data_keys, row.system_keys]))
    })

  command.command('generate').description('Make a new master key: print its line, or add it to a key ring file')
    .option('--kid <kid>', 'its name; default a random one', toKid)
    .addOption(new Option('--prepend <file>', 'add it to the file as the primary key').conflicts('append'))
    .option('--append <file>', 'add it to the file as the last key, which opens and does not wrap')
    .option('--json', 'print JSON only')
    .action(async ({ kid, prepend, append, json }: GenerateOptions) => {
      const file = prepend ?? append
      if (file === undefined) {
        const line = createRingLine(kid)
        if (json) printJson(io, { line: line.trim() })
        else io.stdout.write(line)
        return
      }
      const added = { file, kid: await addToRingFile(file, prepend === undefined ? 'last' : 'primary', kid) }
      if (json) printJson(io, { ...added, primary: prepend !== undefined })
      else io.stdout.write(`Added ${added.kid} to ${file}${prepend === undefined ? '' : ' as the primary key'}.\n`)
    })

  command.command('rewrap').description('Wrap every stored key by the primary master key, beside running servers')
    .option('--json', 'print JSON only')
    .action(async ({ json }: Options) => {
      const print = (done: number, total: number) => { if (!json) io.stderr.write(`${done} of ${total} data keys\n`) }
      const result = await use(app => app.rewraps.run(by, print))
      if (json) printJson(io, result)
      else printFields(io, { primary: result.kid, data_keys: result.data_keys, system_keys: result.system_keys })
      if (result.failed.length) throw problem('CONFLICT', explainFailed(result.failed))
    })

  command.command('rotate').description('Give a connection a new data key, and destroy the former one')
    .argument('<connection>', 'name or id')
    .option('--json', 'print JSON only')
    .action(async (nameOrId: string, { json }: Options) => {
      const { id, name, credentials } = await use(app => rotate(app, nameOrId))
      if (json) printJson(io, { id, name, credentials })
      else io.stdout.write(`Sealed ${credentials} provider keys of "${name}" again, under a new data key.\n`)
    })
}

async function rotate (app: FastifyInstance, nameOrId: string) {
  const { id, name } = await findConnection(app, nameOrId)
  const credentials = await app.db.transaction().execute(async trx => {
    const count = await app.vault.rotateDataKey(trx, id)
    await app.audit.record(trx, { ...by, action: 'keys.rotate', target: name, connection_id: id, details: { credentials: count } })
    return count
  })
  return { id, name, credentials }
}

function toKid (text: string): string {
  if (isKid(text)) return text
  throw new InvalidArgumentError('A kid is 1 to 64 letters, digits, dots, dashes or underscores.')
}
