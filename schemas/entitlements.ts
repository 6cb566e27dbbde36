/** Who answers what, as it is and as it was found. */
import { Type, type Static } from 'typebox'
import { CapabilitySchema, Nullable, ProviderNameSchema } from './market.ts'
import { QuotaWindowSchema, RefusalSchema } from './usage.ts'

const strict = { additionalProperties: false }
const kinds = Type.Array(Type.String())

export const ProviderInfoSchema = Type.Object({
  provider: ProviderNameSchema,
  title: Type.String(),
  /** What its key is made of; empty: it needs none. */
  credential_fields: Type.Array(Type.Enum(['api_key', 'key_id', 'secret_key'])),
  /** The page where a key is to be had; null: it needs none. */
  key_url: Nullable(Type.String()),
  /** What it answers, and for which kinds of instrument; null where the question names none. */
  capabilities: Type.Array(Type.Object({
    capability: CapabilitySchema,
    asset_classes: Nullable(kinds),
    /** Those that it answers without a key. */
    keyless: kinds
  }, strict))
}, strict)
export type ProviderInfo = Static<typeof ProviderInfoSchema>

export const EntitlementCellSchema = Type.Object({
  provider: ProviderNameSchema,
  /**
   * `supported`: nothing is known against it. `refused`: the provider refused something of it to this key, for its
   * plan. `key_refused`: it refused the key itself when that was last tested. `needs_key`: there is no key. `keyless`:
   * there is none, and some kinds are answered without. `absent`: the provider has nothing of the kind.
   */
  state: Type.Enum(['supported', 'refused', 'key_refused', 'needs_key', 'keyless', 'absent']),
  /** Its place in the order in which this connection asks for the capability, from 1; null: it is not asked. */
  place: Nullable(Type.Integer()),
  /** What was refused, endpoint by endpoint; another endpoint of the same capability may answer. */
  refusals: Type.Array(Type.Omit(RefusalSchema, ['provider', 'capability']))
}, strict)

export const EntitlementsSchema = Type.Object({
  providers: Type.Array(Type.Object({
    provider: ProviderNameSchema,
    title: Type.String(),
    has_key: Type.Boolean(),
    /** What its plan lets through, as far as it is known: `source` tells how. Empty where nothing is sent. */
    windows: Type.Array(QuotaWindowSchema)
  }, strict)),
  capabilities: Type.Array(Type.Object({
    capability: CapabilitySchema,
    providers: Type.Array(EntitlementCellSchema)
  }, strict))
}, strict)
export type Entitlements = Static<typeof EntitlementsSchema>
