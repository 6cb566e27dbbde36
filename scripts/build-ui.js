// Builds dist.ui/, the Config UI, when a source is newer than it. Vite is loaded only then.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { buildAnew } from './build-anew.js'
import { root } from './bundle.js'

const source = join(root, 'ui')
const COMPRESSED = /\.(js|css|svg)$/

/** @param {{ force: boolean }} options */
export async function buildUi ({ force }) {
  await buildAnew({ to: join(root, 'dist.ui'), sources: sources(), force }, async folder => {
    const { build } = await import('vite')
    await build(options(folder))
    compress(join(folder, 'assets'))
  })
}

function sources () {
  const own = readdirSync(source, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return [
    ...own.map(entry => join(entry.parentPath, entry.name)),
    join(root, 'package.json'),
    fileURLToPath(import.meta.url)
  ]
}

const options = outDir => ({
  configFile: false,
  root: source,
  base: '/ui/',
  logLevel: 'warn',
  // A proxy may serve it below a path: what a script or a style loads is looked for beside it.
  experimental: { renderBuiltUrl: (_, { hostType }) => hostType === 'html' ? undefined : { relative: true } },
  plugins: [{
    name: 'render-blocking',
    // The theme that the viewer chose is set by the script: nothing is painted in the other one before.
    transformIndexHtml: {
      order: 'post',
      handler: html => html.replace('<script type="module"', '<script type="module" blocking="render"')
    }
  }],
  build: {
    outDir,
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy lets no data: URL in.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Packages mark what is for the browser, as all of this is.
      onwarn: (warning, warn) => { if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning) }
    },
    reportCompressedSize: false
  }
})

/** Beside each file its compressed forms, which the server sends to whoever takes them. */
function compress (folder) {
  for (const name of readdirSync(folder).filter(name => COMPRESSED.test(name))) {
    const bytes = readFileSync(join(folder, name))
    writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }))
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes))
  }
}
