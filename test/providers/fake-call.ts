import type { ProviderRequest } from '../../providers/types.ts'
import type { ProviderCall } from '../../providers/types.ts'

/** A call without a network: `answers` makes each body (or throws), `requests` records what was asked, in order. */
export function fakeCall (answers: (request: ProviderRequest) => unknown, overrides: Partial<ProviderCall> = {}):
{ call: ProviderCall, requests: ProviderRequest[] } {
  const requests: ProviderRequest[] = []
  const call: ProviderCall = {
    request: async request => {
      requests.push(request)
      return answers(request)
    },
    settings: { alpaca_feed: 'iex', alpaca_environment: 'paper' },
    now: new Date('2025-03-14T15:00:00Z'),
    ...overrides
  }
  return { call, requests }
}
