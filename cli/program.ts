import { Command, CommanderError } from 'commander'
import { loadConfig } from '../config.ts'
import { VERSION } from '../version.ts'
import { addAdminTokenCommands } from './admin-tokens.ts'
import { addAdminCommands } from './admins.ts'
import { addAuditCommands } from './audit.ts'
import { addBackupCommands } from './backup.ts'
import { addCacheCommands } from './cache.ts'
import { addConnectionCommands } from './connections.ts'
import { withContext, type Cli } from './context.ts'
import { addCredentialCommands } from './credentials.ts'
import { addDoctorCommand } from './doctor/index.ts'
import { UsageError } from './error.ts'
import { addInitSecretsCommand } from './init-secrets.ts'
import { addKeyCommands } from './keys.ts'
import type { Io } from './output.ts'
import { addSessionCommands } from './sessions.ts'
import { addTlsCommands } from './tls.ts'

const FAILURE = 1
const USAGE = 2

/**
 * Runs one `fmcp` command.
 * @param args without the interpreter and the script
 * @returns the exit code: 0, 1 for a failure, 2 for a call that is not understood
 */
export async function run (args: string[], env: Record<string, string | undefined>, io: Io): Promise<number> {
  try {
    const config = () => loadConfig(env)
    await createProgram({ io, config, use: (work, needs) => withContext(config(), io, work, needs) }).parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    // Commander has said it already, by its output.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE
    io.stderr.write(`fmcp: ${toLine(error)}\n`)
    return error instanceof UsageError ? USAGE : FAILURE
  }
}

function createProgram (cli: Cli): Command {
  const program = new Command('fmcp')
    .description('What an operator of the Financial MCP Server does from a shell. It reads the same environment ' +
      'as the server, and works beside a running one or without it.')
    .version(VERSION)
    .exitOverride()
    .configureOutput({
      writeOut: text => cli.io.stdout.write(text),
      writeErr: text => cli.io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'fmcp: '))
    })
  addAdminCommands(program, cli)
  addAdminTokenCommands(program, cli)
  addAuditCommands(program, cli)
  addBackupCommands(program, cli)
  addCacheCommands(program, cli)
  addConnectionCommands(program, cli)
  addCredentialCommands(program, cli)
  addDoctorCommand(program, cli)
  addInitSecretsCommand(program, cli)
  addKeyCommands(program, cli)
  addSessionCommands(program, cli)
  addTlsCommands(program, cli)
  return program
}

function toLine (error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/\s+/g, ' ').trim() || 'It failed without a message.'
}
