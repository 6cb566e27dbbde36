import { problem, type Problem } from '../errors.ts'
import type { ProviderName } from '../schemas/market.ts'
import type { Refusal } from '../schemas/usage.ts'
import type { ProviderHttp } from './http.ts'
import type { Meter } from './meter.ts'
import type { Capability, Credential, Provider, ProviderCall, ProviderRequest, ProviderSettings } from './types.ts'

/** One capability of one provider, about to be asked. */
export interface Opening {
  connectionId: string
  provider: Provider
  credential: Credential | null
  settings: ProviderSettings
  signal: AbortSignal
  now: Date
  /** Absent where only the key is tested: then nothing is learned. */
  capability?: Capability
  /** What the connection's keys are known not to be for. */
  refusals: readonly Refusal[]
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
  meter: Meter
  refusalsOf: (connectionId: string) => Promise<readonly Refusal[]>
  learn: (refused: Refused, sentAt: Date) => void
}

/** The way from the adapters to the providers: what a key was refused for is not asked again, and all is counted. */
export function createRequests ({ http, meter, refusalsOf, learn }: RequestsOptions): ProviderRequests {
  return {
    refusalsOf,

    open ({ connectionId, provider, credential, settings, signal, now, capability, refusals }) {
      async function request (request: ProviderRequest): Promise<unknown> {
        const endpoint = endpointOf(request)
        const ofSymbol = `${endpoint}, ${symbolOf(request)} only`
        const refusal = refusals.find(({ provider: name, endpoint: known }) =>
          name === provider.name && (known === endpoint || known === ofSymbol))
        if (refusal) throw remembered(provider, refusal)
        const sentAt = new Date()
        return http.send(request, {
          provider,
          credential,
          settings,
          signal,
          observer: {
            sent: () => meter.count(connectionId, provider.name),
            answered: headers => meter.observe(connectionId, provider.name, headers),
            refused: (message, about) => {
              if (!capability) return
              const refused = { connection_id: connectionId, provider: provider.name, capability, message }
              learn({ ...refused, endpoint: about === 'symbol' ? ofSymbol : endpoint }, sentAt)
            }
          }
        })
      }
      return { settings, now, request }
    }
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
