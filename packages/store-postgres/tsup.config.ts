import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm'],
  target: 'node20',
  platform: 'node',
  external: [/^node:/],
  // See THIRD-PARTY-NOTICES.md: what is bundled is named there, with its version.
  noExternal: [/^zod\//],
  dts: true,
  clean: true,
  treeshake: true,
})
