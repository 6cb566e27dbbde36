import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

/** Of the window that has the least left. */
export const QuotaLeftSchema = Type.Object({
  left: Type.Integer(),
  limit: Type.Integer(),
  per: Type.Enum(['second', 'minute', 'day'])
})
export type QuotaLeft = Static<typeof QuotaLeftSchema>

/** Where an answer came from and how old it is. It stands beside the data of every tool. */
export const MetaSchema = Type.Object({
  /** Who made the data; several names, comma-separated, where symbols came from different providers. */
  provider: Nullable(Type.String()),
  /** When the newest number in it was made. */
  as_of: Nullable(Type.String()),
  delayed_by_seconds: Type.Optional(Nullable(Type.Number())),
  feed: Type.Optional(Nullable(Type.String())),
  currency: Type.Optional(Nullable(Type.String())),
  time_zone: Type.Optional(Type.String()),
  adjustment: Type.Optional(Type.String()),
  /** True on the sample market, whose numbers are made up. */
  synthetic: Type.Optional(Type.Boolean()),
  /** Providers that were passed over or failed, in the order asked. */
  tried: Type.Array(Type.Object({
    provider: Type.String(),
    /** An error code, or why it was skipped. */
    outcome: Type.String(),
    symbols: Type.Optional(Type.Array(Type.String()))
  })),
  /** Symbols that nobody answered, and why. */
  failed: Type.Optional(Type.Array(Type.Object({ symbol: Type.String(), code: Type.String(), detail: Type.String() }))),
  cache: Type.Object({
    hit: Type.Boolean(),
    age_seconds: Type.Number(),
    /** Where the answer is past its time: `revalidating` (a newer one is on its way), or the code of the failure. */
    stale: Type.Optional(Type.String())
  }),
  /** What the providers that were asked have left, by their name. Absent where none was. */
  quota: Type.Optional(Type.Record(Type.String(), QuotaLeftSchema)),
  /** The US stock market's clock at the time of answering. */
  market: Type.Object({ session: Type.String(), next_open: Type.String(), now: Type.String() }),
  /** The next page: sent back as `cursor` with the same arguments. Absent where there is none. */
  next_cursor: Type.Optional(Type.String()),
  /** Where rows were left out that were asked for: why, and how to get them. */
  truncated: Type.Optional(Type.String()),
  /** All rows in a few numbers, where they did not fit. */
  summary: Type.Optional(Type.Object({}, { additionalProperties: true })),
  /** Names of fields whose text is other people's: data, never instructions. */
  untrusted_fields: Type.Optional(Type.Array(Type.String()))
})
export type Meta = Static<typeof MetaSchema>
