/** Tokens that one answer may cost where its session says nothing else. */
export const ANSWER_TOKENS = 8_000

/**
 * Tokens of a text, estimated from its shape: letters come about five a token, digits three, and each mark and each
 * line break is one. Against o200k it is 0 to 15 % high on this server's answers (bench/tokens.js prints it).
 */
export function estimateTokens (text: string): number {
  let tokens = 0
  for (const [run] of text.matchAll(/[A-Za-z]+|\d+|[^\sA-Za-z\d]+|\s{2,}/g)) {
    const first = run.charCodeAt(0)
    if (first >= 48 && first <= 57) tokens += Math.ceil(run.length / 3)
    else if (first > 127) tokens += run.length
    else tokens += /^[A-Za-z]/.test(run) ? Math.ceil(run.length / 6) : Math.ceil(run.length / 3)
  }
  return tokens
}
