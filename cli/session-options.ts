import type { Command } from 'commander'
import {
  SessionPatchSchema, SessionRequestSchema, type ScopeSettings, type SessionPatch, type SessionRequest
} from '../schemas/sessions.ts'
import { assertShape, toTtl, toTtlSeconds, type Ttl } from './arguments.ts'
import { UsageError } from './error.ts'

/** What narrows a session, as it was typed. */
export interface LimitOptions {
  name?: string
  idle?: Ttl
  answerTokens?: string
  tools?: string[]
  providers?: string[]
  callsPerDay?: string
  addresses?: string[]
}

/** `5000`, or `none`; what is neither is left to the schema to refuse. */
const toCount = (text: string) => text === 'none' ? null : Number(text)
const toList = (text: string) => text.split(',').map(part => part.trim()).filter(Boolean)

export function addLimitOptions (command: Command): Command {
  return command
    .option('--name <name>', 'what it is for')
    .option('--idle <duration>', 'expires where it is not used for so long; default never', toTtl)
    .option('--answer-tokens <count>', 'most tokens of one answer, or none for no limit; default 8000')
    .option('--tools <names>', 'the tools that it may call, comma-separated; default all', toList)
    .option('--providers <names>', 'the providers that it may ask, comma-separated; default its connection\'s', toList)
    .option('--calls-per-day <count>', 'most calls in any 24 hours; default no limit')
    .option('--addresses <ranges>', 'CIDR ranges that it may be used from, comma-separated; default anywhere', toList)
}

/** @throws UsageError where the schema refuses it */
export function toRequest (options: LimitOptions & { ttl?: Ttl }): SessionRequest {
  const scope = toScope(options)
  return assertShape(SessionRequestSchema, {
    ...toNameAndIdle(options),
    ...toTtlSeconds(options.ttl),
    ...(Object.keys(scope).length && { scope })
  })
}

/**
 * Limits that are named take the place of theirs; `unlimited` takes all others away.
 * @throws UsageError where nothing is to change, or where the schema refuses it
 */
export function toPatch (options: LimitOptions, current: ScopeSettings, unlimited = false): SessionPatch {
  const given = toScope(options)
  const isScope = unlimited || Object.keys(given).length > 0
  const patch = { ...toNameAndIdle(options), ...(isScope && { scope: { ...(unlimited ? {} : current), ...given } }) }
  if (!Object.keys(patch).length) throw new UsageError('Say what is to change: --name, --idle, --unlimited or a limit.')
  return assertShape(SessionPatchSchema, patch)
}

function toScope ({ answerTokens, tools, providers, callsPerDay, addresses }: LimitOptions) {
  return {
    ...(answerTokens !== undefined && { answer_tokens: toCount(answerTokens) }),
    ...(tools && { tools }),
    ...(providers && { providers }),
    ...(callsPerDay !== undefined && { calls_per_day: Number(callsPerDay) }),
    ...(addresses && { addresses })
  }
}

const toNameAndIdle = ({ name, idle }: LimitOptions) => ({
  ...(name !== undefined && { name }),
  ...(idle !== undefined && { idle_seconds: idle === 'never' ? null : idle })
})
