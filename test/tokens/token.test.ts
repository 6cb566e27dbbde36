import { randomUUID } from 'node:crypto'
import t from 'tap'
import { createToken, parseToken, TOKEN_PATTERN } from '../../tokens/token.ts'

t.test('a token says what it is and whose it is, and shows its last four characters', async t => {
  const id = randomUUID()
  for (const kind of ['st', 'ot', 'ad'] as const) {
    const token = createToken(kind, id)
    t.match(token, new RegExp(`^fmcp_${kind}_${id.replaceAll('-', '')}_[0-9A-Za-z]{49}$`))
    t.same(parseToken(token), { kind, id, lastFour: token.slice(-4) })
  }
})

t.test('two tokens of one id differ', async t => {
  const id = randomUUID()
  t.equal(new Set(Array.from({ length: 1000 }, () => createToken('st', id))).size, 1000)
})

t.test('one changed character anywhere is noticed', async t => {
  const token = createToken('st', randomUUID())
  for (let index = 0; index < token.length; index += 1) {
    const other = token[index] === 'a' ? 'b' : 'a'
    t.equal(parseToken(token.slice(0, index) + other + token.slice(index + 1)), null, `at ${index}`)
  }
})

t.test('what is not a token is refused without reading it', async t => {
  const token = createToken('st', randomUUID())
  const texts = ['', 'fmcp_', token.slice(1), `${token}x`, `${token}\n`, ` ${token}`, token.toUpperCase(),
    token.replace('_st_', '_xx_'), 'x'.repeat(1e6), '\0'.repeat(token.length)]
  for (const text of texts) t.equal(parseToken(text), null)
})

t.test('the pattern for scanners finds a token in a text', async t => {
  const token = createToken('ad', randomUUID())
  for (const text of [token, `?token=${token}&x`, `"${token}"`, `%3D${token}%20`]) {
    t.equal(TOKEN_PATTERN.exec(text)?.[0], token)
  }
  t.notMatch('fmcp_st_test', TOKEN_PATTERN)
})
