/** No answer, and this process was awake to hear one. */
export class Silence extends Error {
  override readonly name = 'Silence'
}

const SLICES = 10

/**
 * Waits so long, hardly counting the time in which this process did not run and could hear nothing.
 * @throws Silence, or what the work throws
 */
export function awake<T> (ms: number, work: Promise<T>): Promise<T> {
  const slice = ms / SLICES
  return new Promise((resolve, reject) => {
    let left = SLICES
    let timer: NodeJS.Timeout | undefined
    const wait = () => {
      timer = setTimeout(() => {
        // However late it comes: a pause of the process costs one slice, and after each what has arrived is read.
        left -= 1
        if (left > 0) wait()
        else reject(new Silence(`no answer within ${ms} ms`))
      }, slice)
    }
    wait()
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
