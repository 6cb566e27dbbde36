/**
 * The world's main exchanges, as they publish themselves: reference data, which providers spell each in its own way.
 * Holidays are not in here; those of the US are in `calendar.ts`.
 */
import type { Instrument } from './symbols.ts'
import { NEW_YORK } from './time.ts'

/** How recent the rows are: exchanges change their hours. */
export const EXCHANGES_AS_OF = '2026-09-30'

/** When a market regularly trades, by the clock of its zone. */
export interface TradingHours {
  time_zone: string
  days: string
  /** `09:00-11:30`, one each between pauses. What ends before it begins ends on the next day. */
  hours: string[]
  /** What the hours alone do not say. */
  note?: string
}

export interface Exchange extends TradingHours {
  /** ISO 10383. */
  mic: string
  name: string
  /** ISO 3166-1 alpha-2. */
  country: string
  trades: ('stocks' | 'etfs' | 'options' | 'futures')[]
  /** How symbols listed there end: `VOD.L`. Absent in the US, whose symbols have no ending. */
  suffix?: string
}

const US_HOURS: TradingHours = { time_zone: NEW_YORK, days: 'Mon-Fri', hours: ['09:30-16:00'] }
const OPTION_HOURS: TradingHours = { ...US_HOURS, note: 'Options on indices and on some ETFs trade until 16:15, a few at night too.' }
const CHICAGO = 'America/Chicago'
const NEXT_DAY = 'A session opens on the evening before its day, Sunday to Thursday; '

const usStocks = (mic: string, name: string): Exchange => ({ mic, name, country: 'US', trades: ['stocks', 'etfs'], ...US_HOURS })
const usOptions = (mic: string, name: string): Exchange => ({ mic, name, country: 'US', trades: ['options'], ...OPTION_HOURS })
const usFutures = (mic: string, name: string, zone: string, hours: string[], note: string): Exchange =>
  ({ mic, name, country: 'US', trades: ['futures'], time_zone: zone, days: 'Mon-Fri', hours, note })

interface More { days?: string, note?: string, etfs?: false }

const abroad = (mic: string, suffix: string, name: string, country: string, zone: string, hours: string,
  { days = 'Mon-Fri', note, etfs }: More = {}): Exchange => ({
  mic,
  name,
  country,
  trades: etfs === false ? ['stocks'] : ['stocks', 'etfs'],
  suffix,
  time_zone: zone,
  days,
  hours: hours.split(' '),
  ...(note && { note })
})

/** Those of the US first: stocks, options, futures; then the world from west to east. */
export const EXCHANGES: readonly Exchange[] = [
  usStocks('XNYS', 'New York Stock Exchange'),
  usStocks('ARCX', 'NYSE Arca'),
  usStocks('XASE', 'NYSE American'),
  usStocks('XCIS', 'NYSE National'),
  usStocks('XCHI', 'NYSE Texas'),
  usStocks('XNAS', 'Nasdaq'),
  usStocks('XBOS', 'Nasdaq Texas'),
  usStocks('XPSX', 'Nasdaq PSX'),
  usStocks('BATS', 'Cboe BZX'),
  usStocks('BATY', 'Cboe BYX'),
  usStocks('EDGA', 'Cboe EDGA'),
  usStocks('EDGX', 'Cboe EDGX'),
  usStocks('IEXG', 'Investors Exchange (IEX)'),
  usStocks('LTSE', 'Long-Term Stock Exchange'),
  usStocks('MEMX', 'Members Exchange (MEMX)'),
  usStocks('EPRL', 'MIAX Pearl Equities'),
  usStocks('24EQ', '24X National Exchange'),
  usStocks('TXSE', 'Texas Stock Exchange'),
  {
    ...usStocks('OTCM', 'OTC Markets (OTCQX, OTCQB, OTCID, Pink Limited)'),
    trades: ['stocks'],
    note: 'Not an exchange: dealers quote there what no exchange lists.'
  },

  usOptions('XCBO', 'Cboe Options'),
  usOptions('C2OX', 'Cboe C2 Options'),
  usOptions('BATO', 'Cboe BZX Options'),
  usOptions('EDGO', 'Cboe EDGX Options'),
  usOptions('XPHO', 'Nasdaq PHLX'),
  usOptions('XISX', 'Nasdaq ISE'),
  usOptions('GMNI', 'Nasdaq GEMX'),
  usOptions('MCRY', 'Nasdaq MRX'),
  usOptions('XNDQ', 'Nasdaq Options Market'),
  usOptions('XBXO', 'Nasdaq BX Options'),
  usOptions('ARCO', 'NYSE Arca Options'),
  usOptions('AMXO', 'NYSE American Options'),
  usOptions('XMIO', 'MIAX Options'),
  usOptions('MPRL', 'MIAX Pearl Options'),
  usOptions('EMLD', 'MIAX Emerald'),
  usOptions('SPHR', 'MIAX Sapphire'),
  usOptions('XBOX', 'BOX Options'),
  usOptions('MXOP', 'MEMX Options'),

  usFutures('XCME', 'Chicago Mercantile Exchange', CHICAGO, ['17:00-16:00'], `${NEXT_DAY}hours of index and currency futures.`),
  usFutures('XCBT', 'Chicago Board of Trade', CHICAGO, ['17:00-16:00'],
    `${NEXT_DAY}hours of interest rate futures. Grains: 19:00-07:45 and 08:30-13:20.`),
  usFutures('XNYM', 'NYMEX', NEW_YORK, ['18:00-17:00'], `${NEXT_DAY}hours of energy futures.`),
  usFutures('XCEC', 'COMEX', NEW_YORK, ['18:00-17:00'], `${NEXT_DAY}hours of metal futures.`),
  usFutures('XCBF', 'Cboe Futures Exchange', CHICAGO, ['08:30-15:00'], 'VIX futures trade from 17:00 of the evening before to 16:00 too.'),
  usFutures('IFUS', 'ICE Futures U.S.', NEW_YORK, [], 'Each contract has hours of its own.'),

  abroad('XTSE', '.TO', 'Toronto Stock Exchange', 'CA', 'America/Toronto', '09:30-16:00'),
  abroad('XTSX', '.V', 'TSX Venture Exchange', 'CA', 'America/Toronto', '09:30-16:00', { etfs: false }),
  abroad('XMEX', '.MX', 'Bolsa Mexicana de Valores', 'MX', 'America/Mexico_City', '08:30-15:00',
    { note: '07:30-14:00 while New York keeps daylight time.' }),
  abroad('BVMF', '.SA', 'B3', 'BR', 'America/Sao_Paulo', '10:00-18:00',
    { note: '10:00-17:00 while New York keeps daylight time.' }),
  abroad('XLON', '.L', 'London Stock Exchange', 'GB', 'Europe/London', '08:00-16:30'),
  abroad('XDUB', '.IR', 'Euronext Dublin', 'IE', 'Europe/Dublin', '08:00-16:30'),
  abroad('XLIS', '.LS', 'Euronext Lisbon', 'PT', 'Europe/Lisbon', '08:00-16:30'),
  abroad('XMAD', '.MC', 'Bolsa de Madrid', 'ES', 'Europe/Madrid', '09:00-17:30'),
  abroad('XPAR', '.PA', 'Euronext Paris', 'FR', 'Europe/Paris', '09:00-17:30'),
  abroad('XAMS', '.AS', 'Euronext Amsterdam', 'NL', 'Europe/Amsterdam', '09:00-17:30'),
  abroad('XBRU', '.BR', 'Euronext Brussels', 'BE', 'Europe/Brussels', '09:00-17:30'),
  abroad('XMIL', '.MI', 'Euronext Milan', 'IT', 'Europe/Rome', '09:00-17:30'),
  abroad('XETR', '.DE', 'Xetra', 'DE', 'Europe/Berlin', '09:00-17:30'),
  abroad('XFRA', '.F', 'Börse Frankfurt', 'DE', 'Europe/Berlin', '08:00-22:00'),
  abroad('XSWX', '.SW', 'SIX Swiss Exchange', 'CH', 'Europe/Zurich', '09:00-17:30'),
  abroad('XWBO', '.VI', 'Wiener Börse', 'AT', 'Europe/Vienna', '09:00-17:30'),
  abroad('XCSE', '.CO', 'Nasdaq Copenhagen', 'DK', 'Europe/Copenhagen', '09:00-17:00'),
  abroad('XSTO', '.ST', 'Nasdaq Stockholm', 'SE', 'Europe/Stockholm', '09:00-17:30'),
  abroad('XOSL', '.OL', 'Euronext Oslo Børs', 'NO', 'Europe/Oslo', '09:00-16:20'),
  abroad('XHEL', '.HE', 'Nasdaq Helsinki', 'FI', 'Europe/Helsinki', '10:00-18:30'),
  abroad('XWAR', '.WA', 'Warsaw Stock Exchange', 'PL', 'Europe/Warsaw', '09:00-17:00'),
  abroad('XIST', '.IS', 'Borsa İstanbul', 'TR', 'Europe/Istanbul', '10:00-18:00'),
  abroad('XJSE', '.JO', 'Johannesburg Stock Exchange', 'ZA', 'Africa/Johannesburg', '09:00-17:00'),
  abroad('XSAU', '.SR', 'Saudi Exchange', 'SA', 'Asia/Riyadh', '10:00-15:00', { days: 'Sun-Thu' }),
  abroad('XNSE', '.NS', 'National Stock Exchange of India', 'IN', 'Asia/Kolkata', '09:15-15:30'),
  abroad('XBOM', '.BO', 'BSE', 'IN', 'Asia/Kolkata', '09:15-15:30'),
  abroad('XBKK', '.BK', 'Stock Exchange of Thailand', 'TH', 'Asia/Bangkok', '10:00-12:30 14:00-16:30'),
  abroad('XSTC', '.VN', 'Ho Chi Minh Stock Exchange', 'VN', 'Asia/Ho_Chi_Minh', '09:00-11:30 13:00-14:45'),
  abroad('XIDX', '.JK', 'Indonesia Stock Exchange', 'ID', 'Asia/Jakarta', '09:00-12:00 13:30-15:50',
    { note: 'Fridays 09:00-11:30 and 14:00-15:50.' }),
  abroad('XSES', '.SI', 'Singapore Exchange', 'SG', 'Asia/Singapore', '09:00-12:00 13:00-17:00'),
  abroad('XKLS', '.KL', 'Bursa Malaysia', 'MY', 'Asia/Kuala_Lumpur', '09:00-12:30 14:30-16:45'),
  abroad('XPHS', '.PS', 'Philippine Stock Exchange', 'PH', 'Asia/Manila', '09:30-12:00 13:00-14:45'),
  abroad('XHKG', '.HK', 'Hong Kong Exchanges', 'HK', 'Asia/Hong_Kong', '09:30-12:00 13:00-16:00'),
  abroad('XSHG', '.SS', 'Shanghai Stock Exchange', 'CN', 'Asia/Shanghai', '09:30-11:30 13:00-15:00'),
  abroad('XSHE', '.SZ', 'Shenzhen Stock Exchange', 'CN', 'Asia/Shanghai', '09:30-11:30 13:00-15:00'),
  abroad('XTAI', '.TW', 'Taiwan Stock Exchange', 'TW', 'Asia/Taipei', '09:00-13:30'),
  abroad('ROCO', '.TWO', 'Taipei Exchange', 'TW', 'Asia/Taipei', '09:00-13:30'),
  abroad('XKRX', '.KS', 'Korea Exchange (KOSPI)', 'KR', 'Asia/Seoul', '09:00-15:30'),
  abroad('XKOS', '.KQ', 'Korea Exchange (KOSDAQ)', 'KR', 'Asia/Seoul', '09:00-15:30', { etfs: false }),
  abroad('XTKS', '.T', 'Tokyo Stock Exchange', 'JP', 'Asia/Tokyo', '09:00-11:30 12:30-15:30'),
  abroad('XASX', '.AX', 'Australian Securities Exchange', 'AU', 'Australia/Sydney', '10:00-16:00'),
  abroad('XNZE', '.NZ', "New Zealand's Exchange", 'NZ', 'Pacific/Auckland', '10:00-16:45')
]

const BY_SUFFIX = new Map(EXCHANGES.flatMap(exchange => exchange.suffix ? [[exchange.suffix, exchange] as const] : []))
const US_INDICES = new Set('SPX OEX MID SML DJI DJT DJU COMP NDX RUT RUI RUA VIX NYA XAX SOX'.split(' '))
const CRYPTO_HOURS: TradingHours = { time_zone: 'UTC', days: 'Mon-Sun', hours: ['00:00-24:00'] }
const FOREX_HOURS: TradingHours = {
  time_zone: NEW_YORK, days: 'Sun-Fri', hours: ['17:00-17:00'], note: 'Without a pause from Sunday 17:00 to Friday 17:00.'
}

/** The regular hours in which an instrument trades; null where its market is not known. */
export function tradingHoursOf ({ symbol, asset_class: kind }: Instrument): TradingHours & { market: string } | null {
  if (kind === 'crypto') return { market: 'Crypto', ...CRYPTO_HOURS }
  if (kind === 'forex') return { market: 'Foreign exchange', ...FOREX_HOURS }
  if (kind === 'option') return { market: 'US options', ...OPTION_HOURS }
  if (kind === 'index') return US_INDICES.has(symbol.slice(2)) ? { market: 'US stocks', ...US_HOURS } : null
  const [suffix = ''] = /\..+$/.exec(symbol) ?? []
  const exchange = BY_SUFFIX.get(suffix)
  // One letter that is no exchange's marks a share class.
  if (!exchange) return suffix.length < 3 ? { market: 'US stocks', ...US_HOURS } : null
  const { name: market, time_zone: zone, days, hours, note } = exchange
  return { market, time_zone: zone, days, hours, ...(note !== undefined && { note }) }
}
