import { codeOf, problem, type Problem } from '../errors.ts'
import type { Quota, QuotaKey } from '../quota/ledger.ts'
import type { QuotaPlan } from '../schemas/control.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Refusal } from '../schemas/usage.ts'
import type { ProviderHttp, Upstream } from './http.ts'
import type { RejectedKeys } from './rejected-keys.ts'
import { endpointsOf } from './stored-endpoints.ts'
import type { Capability, Credential, Provider, ProviderCall, ProviderRequest, ProviderSettings } from './types.ts'

/** One capability of one provider, about to be asked. */
export interface Opening {
  connectionId: string
  provider: Provider
  credential: Credential | null
  settings: ProviderSettings & { quota: Partial<Record<ProviderName, QuotaPlan>> }
  signal: AbortSignal
  now: Date
  /** Absent where only the key is tested: then nothing is learned, and what is known of the key stops nothing. */
  capability?: Capability
  /** What the connection's keys are known not to be for. */
  refusals: readonly Refusal[]
  /** Whose share of the quota it takes; absent: nobody's. */
  sessionId?: string
  background?: boolean
  /** Of the call that asks. */
  log?: Upstream['log']
}

export interface ProviderRequests {
  /** The call that an adapter is given. */
  open: (opening: Opening) => ProviderCall
  refusalsOf: (connectionId: string) => Promise<readonly Refusal[]>
}

/** A request that a provider refused for its plan. */
export interface Refused {
  connection_id: string
  provider: ProviderName
  capability: Capability
  endpoint: string
  message: string
}

export interface RequestsOptions {
  http: ProviderHttp
  quota: Pick<Quota, 'ledgerOf' | 'take' | 'observe' | 'limited'>
  rejectedKeys: RejectedKeys
  refusalsOf: (connectionId: string) => Promise<readonly Refusal[]>
  learn: (refused: Refused, sentAt: Date) => void
}

/** The way from the adapters to the providers: what a key was refused for is not asked again, and all is counted. */
export function createRequests (options: RequestsOptions): ProviderRequests {
  return {
    refusalsOf: options.refusalsOf,
    open: opening => ({
      settings: opening.settings,
      now: opening.now,
      request: request => send(options, opening, request)
    })
  }
}

async function send (
  { http, quota, rejectedKeys, learn }: RequestsOptions, opening: Opening, request: ProviderRequest
): Promise<unknown> {
  const { connectionId, provider, credential, settings, signal, capability, refusals } = opening
  const endpoint = endpointOf(request)
  const ofSymbol = `${endpoint}, ${symbolOf(request)} only`
  const refusal = refusals.find(({ provider: name, endpoint: known }) =>
    name === provider.name && (known === endpoint || known === ofSymbol))
  if (refusal) throw remembered(provider, refusal)

  const ledger = quota.ledgerOf(provider.name, credential, endpointsOf(provider.name, settings))
  if (!capability) rejectedKeys.forget(connectionId, provider.name)
  const rejection = rejectedKeys.find(connectionId, provider, ledger)
  if (rejection) throw rejection

  const key: QuotaKey = { connectionId, provider: provider.name, ledger, plan: settings.quota[provider.name] }
  const caller = { sessionId: opening.sessionId ?? null, background: opening.background ?? false, signal }
  const sentAt = new Date()
  const observer = {
    sent: () => quota.take(key, caller),
    limited: (seconds: number | undefined) => quota.limited(key, seconds),
    // Alpaca counts its trading host apart.
    answered: (headers: Record<string, unknown>) => { if (request.host !== 'trading') quota.observe(key, headers) },
    refused (message: string, about: 'symbol' | undefined) {
      if (!capability) return
      const refused = { connection_id: connectionId, provider: provider.name, capability, message }
      learn({ ...refused, endpoint: about === 'symbol' ? ofSymbol : endpoint }, sentAt)
    }
  }
  try {
    return await http.send(request, { provider, credential, key: ledger, settings, signal, log: opening.log, observer })
  } catch (error) {
    if (credential && codeOf(error) === 'PROVIDER_REJECTED_KEY') rejectedKeys.remember(connectionId, provider.name, ledger)
    throw error
  }
}

/** What a refusal is about: the path with `*` for each name, number or day in it, and where the plan draws its line. */
export function endpointOf ({ host, path, plan_line: line }: ProviderRequest): string {
  const template = path.split('/').map(part => /[A-Z%^]|^\d[\d.-]*$/.test(part) && part !== 'vX' && part !== '13-F' ? '*' : part).join('/')
  return `${host && host !== 'main' ? host : ''}${template}${line ? `, ${line}` : ''}`
}

function symbolOf ({ query }: ProviderRequest): string {
  return String(query?.['symbol'] ?? query?.['symbols'] ?? '')
}

function remembered ({ name, title }: Provider, { message, learned_at: at, until }: Refusal): Problem {
  const said = message ? ` It said: "${message}".` : ''
  return problem('PROVIDER_NOT_ENTITLED', `${title} refused this for the plan of this key at ${at}.${said} ` +
    `It is asked again after ${until}, or when the key is tested or replaced.`, { provider: name })
}
