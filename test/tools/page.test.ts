import t from 'tap'
import { readPlace, reachOf, toCursor, MAX_ROWS } from '../../tools/page.ts'
import { estimateTokens } from '../../tools/budget.ts'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

t.test('a cursor leads back to its place, and to no other call', async t => {
  const cursor = toCursor(250, 1_795_000_000_000, 'a1-_bZ')
  t.ok(cursor.length < 24, cursor)
  t.same(readPlace(cursor, 50, 'a1-_bZ'), { offset: 250, limit: 50, anchor: 1_795_000_000_000 })
  t.throws(() => readPlace(cursor, 50, 'other1'), { code: 'FMS_INVALID_INPUT', message: /other arguments/ })
  t.throws(() => readPlace('page2', 50, 'a1-_bZ'), { code: 'FMS_INVALID_INPUT', message: /next_cursor/ })
  t.throws(() => readPlace('', 50, 'a1-_bZ'), { code: 'FMS_INVALID_INPUT' })
  t.same(readPlace(undefined, 50, 'a1-_bZ'), { offset: 0, limit: 50 })
})

t.test('no page reaches beyond the most rows that are fetched for anyone', async t => {
  const { offset, limit } = readPlace(toCursor(MAX_ROWS - 10, 1, 'abcdef'), 250, 'abcdef')
  t.equal(offset + limit, MAX_ROWS)
})

t.test('what is fetched grows in few steps, so that pages share it', async t => {
  t.same([1, 50, 51, 201, 1001, 20_000].map(reachOf), [50, 50, 200, 1000, MAX_ROWS, MAX_ROWS])
})

t.test('the estimate of tokens is near the real count, and not below it by more than a tenth', async t => {
  const bars = Array.from({ length: 200 }, (_, i) => 230 + Math.sin(i) * 9)
  const samples = {
    columns: JSON.stringify({ time: bars.map((_, i) => `2026-0${1 + i % 9}-1${i % 9}`), close: bars.map(bar => Number(bar.toFixed(2))), volume: bars.map(bar => Math.round(bar * 345_678)) }),
    records: JSON.stringify(bars.map(bar => ({ symbol: 'AAPL', price: Number(bar.toFixed(4)), change_percent: -0.1234, name: null }))),
    prose: readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'security.md'), 'utf8'),
    cjk: '苹果公司发布了新的产品，市场反应积极。'.repeat(20)
  }
  for (const [name, text] of Object.entries(samples)) {
    const ratio = estimateTokens(text) / countTokens(text)
    t.comment(`${name}: ${ratio.toFixed(3)}`)
    t.ok(ratio > 0.9 && ratio < 1.6, `${name}: ${ratio}`)
  }
})
