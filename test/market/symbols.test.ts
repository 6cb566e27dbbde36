import { test } from 'tap'
import { parseSymbol } from '../../market/symbols.ts'

test('canonical spellings are read in any case', async t => {
  t.same(parseSymbol(' aapl '), { symbol: 'AAPL', asset_class: 'stock' })
  t.same(parseSymbol('brk.b'), { symbol: 'BRK.B', asset_class: 'stock' })
  t.same(parseSymbol('BTC/USD'), { symbol: 'BTC/USD', asset_class: 'crypto', base: 'BTC', quote: 'USD' })
  t.same(parseSymbol('eur/usd'), { symbol: 'EUR/USD', asset_class: 'forex', base: 'EUR', quote: 'USD' })
  t.same(parseSymbol('I:SPX'), { symbol: 'I:SPX', asset_class: 'index' })
})

test('another provider\'s spelling is refused with ours, never guessed', async t => {
  const suggest = (text: string, suggestion: string) => t.throws(() => parseSymbol(text), { code: 'FMS_INVALID_INPUT', suggestions: [suggestion] })
  suggest('BRK-B', 'BRK.B')
  suggest('BRK/B', 'BRK.B')
  suggest('^GSPC', 'I:SPX')
  suggest('^VIX', 'I:VIX')
  suggest('X:BTCUSD', 'BTC/USD')
  suggest('C:EURUSD', 'EUR/USD')
  suggest('BTC-USD', 'BTC/USD')
})

test('what is no symbol is refused', async t => {
  for (const text of ['', 'A'.repeat(40), 'AAPL; DROP', '../etc', 'USD/USD', 'AAPL?x=1', '\u202eAAPL']) {
    t.throws(() => parseSymbol(text), { code: 'FMS_INVALID_INPUT' }, JSON.stringify(text))
  }
})
