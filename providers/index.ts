import type { ProviderName } from '../schemas/market.ts'
import { alpaca } from './alpaca/index.ts'
import { finnhub } from './finnhub/index.ts'
import { fmp } from './fmp/index.ts'
import { polygon } from './polygon/index.ts'
import { sample } from './sample/index.ts'
import type { Provider } from './types.ts'

/** Every provider by name. A new one is a folder beside these and a row here. */
export const PROVIDERS: Record<ProviderName, Provider> = { alpaca, polygon, fmp, finnhub, sample }
