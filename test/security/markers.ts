/** A secret in every form in which it could stand in a text, and where it does. */

/** Texts of a place: an answer, a log line, a row. */
export interface Place {
  name: string
  text: string
}

export interface Secret {
  name: string
  /** As it is written; bytes for what is no text. */
  value: string | Buffer
  /** The one place that is meant to show it. */
  shownIn?: Place
}

/** Plain, reversed, hex, base64 in each alignment, percent-encoded and JSON-escaped. */
export function formsOf (value: string | Buffer): string[] {
  const bytes = Buffer.from(value as string)
  const hex = bytes.toString('hex')
  const forms = [hex, hex.toUpperCase(), Buffer.from(bytes).reverse().toString('latin1'), ...[0, 1, 2].flatMap(shift => toBase64(bytes, shift))]
  if (typeof value === 'string') {
    const escaped = [...bytes].map(byte => byte.toString(16).padStart(2, '0'))
    const percent = escaped.map(two => `%${two}`).join('')
    const unicode = escaped.map(two => `\\u00${two}`).join('')
    const encoded = encodeURIComponent(value)
    const inJson = (text: string) => JSON.stringify(text).slice(1, -1)
    forms.push(value, inJson(value), inJson(inJson(value)))
    forms.push(encoded, encoded.toLowerCase(), encodeURI(value), percent, percent.toUpperCase(), unicode, unicode.toUpperCase().replaceAll('\\U', '\\u'))
    forms.push(new URLSearchParams({ a: value }).toString().slice(2))
  } else {
    forms.push(bytes.toString('latin1'))
  }
  return [...new Set(forms)]
}

/** What of the encoded text does not hang on the bytes around it, where so many stand before it. */
function toBase64 (bytes: Buffer, shift: number): string[] {
  const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64')
  const inner = text.slice([0, 2, 3][shift], Math.floor((shift + bytes.length) * 8 / 6))
  return [inner, inner.replaceAll('+', '-').replaceAll('/', '_'), inner.replaceAll('/', '\\/')]
}

/** One line a hit: what, where, and what stands around it. Never the secret itself. */
export function findHits (secrets: readonly Secret[], places: readonly Place[]): string[] {
  const hits: string[] = []
  const known = secrets.map(secret => ({ ...secret, forms: formsOf(secret.value) }))
  for (const place of places) {
    for (const { name, shownIn, forms } of known) {
      if (shownIn === place) continue
      const form = forms.find(form => place.text.includes(form))
      if (form === undefined) continue
      const at = place.text.indexOf(form)
      const before = place.text.slice(Math.max(0, at - 150), at)
      const after = place.text.slice(at + form.length, at + form.length + 60)
      hits.push(`${name} in ${place.name}, form ${forms.indexOf(form)}: ${before}<…>${after}`)
    }
  }
  return hits
}
