import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod/mini'

// The build puts what this module exports in its place, see `tsup.config.ts`: the published package has
// no folder of templates beside it, and npm would leave files such as `.gitignore` out of one.
const root = fileURLToPath(new URL('../../../../templates/mcp-server', import.meta.url))
const manifest: unknown = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
)

/** Version of this package, and of all our packages that a new server depends on. */
export const packageVersion: string = z.parse(z.object({ version: z.string() }), manifest).version

/** Files of `templates/mcp-server` by path. Empty in a build that was made without that folder. */
export const templateFiles: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}/${name}`)
    .map((path) => [relative(root, path), readFileSync(path, 'utf8')]),
)
