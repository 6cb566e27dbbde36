/** A tool that an admin calls over a connection, without a session. */
import { Type, type Static } from 'typebox'
import { Nullable } from './market.ts'

const strict = { additionalProperties: false }
const anything = Type.Object({}, { additionalProperties: true })

/** The catalogue, as clients see it. */
export const ToolListSchema = Type.Object({
  tools: Type.Array(Type.Object({
    name: Type.String(),
    title: Type.String(),
    description: Type.String(),
    input_schema: anything,
    output_schema: anything,
    annotations: anything
  }, strict))
}, strict)

/** The tool's arguments. */
export const TrialRequestSchema = Type.Union([anything, Type.Null()])

export const TrialSchema = Type.Object({
  /** What a REST client gets: `data` and `meta`. */
  answer: anything,
  /** The rows of the answer, where it has rows. */
  table: Nullable(Type.Object({
    columns: Type.Array(Type.String()),
    rows: Type.Array(Type.Array(Type.Unknown()))
  }, strict)),
  /** What an MCP client hands to its model. */
  text: Type.String(),
  /** Of `text`: against o200k at most 15 % high. */
  tokens_estimated: Type.Integer(),
  latency_ms: Type.Integer()
}, strict)
export type Trial = Static<typeof TrialSchema>
