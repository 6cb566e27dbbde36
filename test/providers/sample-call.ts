import { parseSymbol } from '../../market/symbols.ts'
import { sample } from '../../providers/sample/index.ts'
import type { Answer, Capabilities, Capability } from '../../providers/types.ts'
import { fakeCall } from './fake-call.ts'

/** Noon of a trading day in New York. */
export const NOON = '2026-11-20T17:00:00Z'
/** Everything that the sample market has had and will have. */
export const ALWAYS = { from: '1990-01-01', to: '2099-12-31' }
export const COMPANIES = ['AAPL', 'MSFT', 'NVDA', 'AMZN', 'GOOGL', 'TSLA', 'BRK.B']

export const toInstruments = (...symbols: string[]) => symbols.map(parseSymbol)

/** Asks the sample market at an instant. */
export async function ask<C extends Capability> (
  capability: C, input: Capabilities[C]['input'], now = NOON
): Promise<Answer<Capabilities[C]['output']>> {
  const { call } = fakeCall(() => { throw new Error('the sample market asks nobody') }, { now: new Date(now) })
  return await sample.capabilities[capability]!.fetch(input, call)
}
