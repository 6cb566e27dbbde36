import type { Command } from 'commander'
import { ConfigError, type Config } from '../../config.ts'
import { becomeOwner, type Cli } from '../context.ts'
import { printJson, printTable, type Io } from '../output.ts'
import { checkDatabase } from './database.ts'
import { checkFiles } from './files.ts'
import { fail, ok, reasonOf, warn, type Finding } from './finding.ts'
import { checkProviders } from './providers.ts'
import { checkRedis } from './redis.ts'
import { checkNode, checkSettings } from './settings.ts'

interface Options { offline?: true, json?: true }

/** `fmcp doctor` */
export function addDoctorCommand (program: Command, cli: Cli): void {
  program.command('doctor')
    .description('Check the configuration and all that the server depends on, and say what to do; exit code 1 where something is wrong')
    .option('--offline', 'ask no provider')
    .option('--json', 'print JSON only')
    .action(async ({ offline, json }: Options) => {
      const findings = await examine(cli, offline ?? false)
      const failed = findings.filter(({ state }) => state === 'fail').length
      if (json) printJson(cli.io, { ok: failed === 0, checks: findings })
      else printTable(cli.io, ['', 'CHECK', ''], findings.map(({ state, check, message }) => [state, check, message]))
      if (failed) throw new Error(`${failed} of ${findings.length} checks failed.`)
    })
}

async function examine (cli: Cli, offline: boolean): Promise<Finding[]> {
  const node = checkNode(process.versions.node)
  let config: Config
  try {
    config = cli.config()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [node, fail('configuration', error.message)]
  }
  becomeOwner(config.dataDir)
  const database = await checkDatabase(config, logTo(cli.io))
  return [
    node,
    ...checkSettings(config),
    ...await checkFiles(config),
    ...database.findings,
    ...await checkRedis(config.redisUrls),
    ...offline
      ? [ok('providers', 'Not asked (--offline).')]
      : database.usable ? await checkKeysOfProviders(cli) : [warn('providers', 'Not asked: the database cannot tell the keys yet.')]
  ]
}

async function checkKeysOfProviders ({ use }: Cli): Promise<Finding[]> {
  try {
    return await use(checkProviders, { providers: true })
  } catch (error) {
    return [fail('providers', `They could not be asked: ${reasonOf(error)}.`)]
  }
}

/** What an embedded Postgres that is started for it has to say. */
function logTo ({ stderr }: Io) {
  const write = (_fields: object, text: string) => { stderr.write(`${text}\n`) }
  return { debug: () => {}, info: () => {}, warn: write, error: write }
}
