/** Once before the suite, in the place of a Postgres, which it has in its stacks: the image that is tested. */
import { engineAnswers } from '../containers.ts'
import { docker, IMAGE } from './engine.ts'

// From the engine's cache where nothing changed.
if (!process.env['FMCP_IMAGE'] && await engineAnswers()) {
  const startedAt = performance.now()
  await docker('build', '--quiet', '--network', 'host', '-f', 'Containerfile', '-t', IMAGE, '.')
  console.log(`The image is built, in ${((performance.now() - startedAt) / 1000).toFixed(0)} s.`)
}
