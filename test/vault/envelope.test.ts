import { randomBytes } from 'node:crypto'
import t from 'tap'
import { lengthPrefixed, open, seal } from '../../vault/envelope.ts'

const key = randomBytes(32)
const place = ['table', 'row', 'column']
const secret = Buffer.from('test-secret')

t.test('what was sealed opens with the same key in the same place', async t => {
  t.same(open(key, seal(key, secret, place), place), secret)
  t.same(open(key, seal(key, Buffer.alloc(0), place), place), Buffer.alloc(0))
})

t.test('the same secret is sealed differently each time and is not in the bytes', async t => {
  const [a, b] = [seal(key, secret, place), seal(key, secret, place)]
  t.notSame(a, b)
  t.notOk(a.includes(secret))
})

t.test('one flipped bit in any byte is refused', async t => {
  const sealed = seal(key, secret, place)
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed)
    changed[index] = (changed[index] ?? 0) ^ 1
    t.throws(() => open(key, changed, place), { message: /sealed value/ }, `byte ${index}`)
  }
})

t.test('another key, another place or cut bytes are refused', async t => {
  const sealed = seal(key, secret, place)
  t.throws(() => open(randomBytes(32), sealed, place), { message: /sealed value/ })
  t.throws(() => open(key, sealed, ['table', 'rowcolumn']), { message: /sealed value/ })
  t.throws(() => open(key, sealed, ['table', 'row2', 'column']), { message: /sealed value/ })
  t.throws(() => open(key, sealed, [...place, '']), { message: /sealed value/ })
  for (let length = 0; length < sealed.length; length += 1) {
    t.throws(() => open(key, sealed.subarray(0, length), place), { message: /sealed value/ }, `${length} bytes`)
  }
})

t.test('no two lists of fields have the same bytes', async t => {
  const lists = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', ''], ['abc', null], [''], [null], []]
  const bytes = lists.map(fields => lengthPrefixed(fields).toString('hex'))
  t.equal(new Set(bytes).size, lists.length)
})
