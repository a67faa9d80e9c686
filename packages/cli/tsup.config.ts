import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsup'

const template = fileURLToPath(new URL('../../templates/mcp-server', import.meta.url))

/** Modules whose exports are computed when the package is built, and written down in their place. */
const COMPUTED = /[\\/]src[\\/]init[\\/]template\.ts$/

async function computeExports(): Promise<string> {
  // An image is built without the folder, and makes no servers.
  if (!existsSync(template)) return 'export const packageVersion = "", templateFiles = {}'
  const { packageVersion, templateFiles } = await import('./src/init/template.js')
  return [
    `export const packageVersion = ${JSON.stringify(packageVersion)}`,
    `export const templateFiles = ${JSON.stringify(templateFiles)}`,
  ].join('\n')
}

export default defineConfig({
  entry: ['src/main.ts'],
  format: ['esm'],
  target: 'node20',
  platform: 'node',
  banner: { js: '#!/usr/bin/env node' },
  splitting: true,
  clean: true,
  treeshake: true,
  esbuildPlugins: [
    {
      name: 'template',
      setup(build) {
        build.onLoad({ filter: COMPUTED }, async () => ({
          contents: await computeExports(),
          loader: 'js',
        }))
      },
    },
  ],
})
