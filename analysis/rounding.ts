/**
 * A number as it is sent, in `digits` significant digits. Eleven, because the same figure may be computed over
 * histories of different length. Those agree to about 1e-12, and on both sides of a rounding step still to 1e-10 once
 * they are rounded; to six digits they would differ by 1e-5. In tokens eleven cost what ten do.
 */
export function roundForOutput (value: number | null, digits = 11): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(digits))
}
