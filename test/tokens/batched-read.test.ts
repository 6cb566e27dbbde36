import t from 'tap'
import { createBatchedRead } from '../../tokens/batched-read.ts'

t.test('what is asked for at once is read by few statements, one at a time', async t => {
  const batches: string[][] = []
  let running = 0
  const read = createBatchedRead(async ids => {
    running += 1
    t.equal(running, 1)
    batches.push(ids)
    await new Promise(resolve => setImmediate(resolve))
    running -= 1
    return ids.filter(id => id !== '3').map(id => ({ id }))
  })
  const rows = await Promise.all(Array.from({ length: 1200 }, (_, n) => read(String(n))))
  t.same(batches.map(ids => ids.length), [500, 500, 200])
  t.same([rows[2], rows[3], rows[1199]], [{ id: '2' }, undefined, { id: '1199' }])
  t.same(await Promise.all([read('x'), read('x')]), [{ id: 'x' }, { id: 'x' }])
  t.same(batches[3], ['x'])
})

t.test('a failure goes to those who asked and not to the next', async t => {
  let fails = true
  const read = createBatchedRead(async ids => {
    if (fails) throw new Error('test failure')
    return ids.map(id => ({ id }))
  })
  const results = await Promise.allSettled([read('1'), read('2')])
  t.ok(results.every(result => result.status === 'rejected'))
  fails = false
  t.same(await read('1'), { id: '1' })
})
