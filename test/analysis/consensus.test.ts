import { test } from 'tap'
import { agree } from '../../analysis/consensus.ts'

const of = (values: Record<string, number | null>) =>
  Object.entries(values).map(([provider, value]) => ({ provider, value }))

test('values within the tolerance agree', async t => {
  const answer = agree(of({ fmp: 100.2, alpaca: 100, polygon: 100.1 }))
  t.equal(answer.verdict, 'agree')
  t.equal(answer.median, 100.1)
  t.ok(Math.abs(answer.spread_percent! - 0.2 / 1.001) < 1e-9)
  t.same(answer.values.map(({ provider, outlier }) => [provider, outlier]), [['alpaca', false], ['fmp', false], ['polygon', false]])
  t.ok(Math.abs(answer.values[0]!.deviation_percent! + 0.1 / 1.001) < 1e-9)
})

test('within the tolerance nobody is far, however close the others are', async t => {
  t.match(agree(of({ alpaca: 100, fmp: 100, polygon: 100.3 })), { verdict: 'agree', outliers: [] })
})

test('one that is far from the others is named', async t => {
  t.match(agree(of({ alpaca: 100, fmp: 100, polygon: 50 })), { verdict: 'outlier', outliers: ['polygon'], median: 100 })
  t.match(agree(of({ alpaca: 100, fmp: 100.1, polygon: 150 })), { verdict: 'outlier', outliers: ['polygon'] })
  t.match(agree(of({ alpaca: -2.1, finnhub: -2.1, fmp: 2.1, polygon: -2.1 })), { verdict: 'outlier', outliers: ['fmp'] })
})

test('of two that differ none is the outlier', async t => {
  t.match(agree(of({ alpaca: 100, fmp: 200 })), { verdict: 'disagree', outliers: [], median: 150 })
  t.match(agree(of({ alpaca: 100, fmp: 100.4 })), { verdict: 'agree', outliers: [] })
  t.match(agree(of({ alpaca: 100, fmp: 200 }), { k: 0.1 }), { verdict: 'disagree', outliers: [] })
})

test('where nobody is alone there is disagreement without an outlier', async t => {
  t.match(agree(of({ alpaca: 100, fmp: 120, polygon: 150 })), { verdict: 'disagree', outliers: [] })
  t.match(agree(of({ a: 100, b: 100, c: 200, d: 200 })), { verdict: 'disagree', outliers: [], median: 150 })
  t.match(agree(of({ a: 90, b: 100, c: 110, d: 1000 })), { verdict: 'disagree', outliers: ['d'] })
})

test('the spread of the others says how far is too far', async t => {
  const noisy = of({ a: 98, b: 99, c: 100, d: 101, e: 104 })
  t.same(agree(noisy).outliers, [], 'three and a half robust deviations are 5.19')
  t.same(agree(noisy, { k: 2 }).outliers, ['e'], 'two are 2.97')
  t.equal(agree(noisy, { tolerancePercent: 5 }).verdict, 'agree')
})

test('one value stands for itself, and none for nothing', async t => {
  t.same(agree(of({ fmp: 7 })), {
    median: 7, spread_percent: 0, verdict: 'single', outliers: [], missing: [], values: [{ provider: 'fmp', value: 7, deviation_percent: 0, outlier: false }]
  })
  t.same(agree(of({ fmp: null, alpaca: NaN })), { median: null, spread_percent: null, verdict: 'none', outliers: [], values: [], missing: ['alpaca', 'fmp'] })
  t.match(agree(of({ polygon: null, fmp: 7 })), { verdict: 'single', missing: ['polygon'] })
})

test('zeros agree, and percentages of zero are unknown', async t => {
  t.match(agree(of({ a: 0, b: 0 })), { verdict: 'agree', spread_percent: 0 })
  t.match(agree(of({ a: 0, b: 0, c: 1 })), { verdict: 'outlier', outliers: ['c'], spread_percent: null })
  t.equal(agree(of({ a: 0, b: 0, c: 1 })).values[2]!.deviation_percent, null)
  t.match(agree(of({ a: -1, b: 1 })), { verdict: 'disagree', spread_percent: null })
})

test('the order of the answers does not matter', async t => {
  const values = of({ alpaca: 100, finnhub: 101, fmp: 99, polygon: 300 })
  for (const order of [[3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]]) {
    t.same(agree(order.map(i => values[i]!)), agree(values))
  }
})
