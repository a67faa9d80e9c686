import { mkdirSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { buildSync } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
// Below the root, so that the packages that the module imports are found.
const FOLDER = `${ROOT}node_modules/.cache/mcp-auth-bench`

/** Compiles the test support of a package, path from the root, and returns the module's URL. */
export function compileTypeScript(path) {
  mkdirSync(FOLDER, { recursive: true })
  const outfile = `${FOLDER}/${path.replaceAll('/', '-').replace(/\.ts$/, '.mjs')}`
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: [path],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  })
  return pathToFileURL(outfile).href
}
