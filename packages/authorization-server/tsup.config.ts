import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts', 'src/management.ts'],
  format: ['esm'],
  target: 'node20',
  platform: 'node',
  external: [/^node:/],
  dts: true,
  clean: true,
  treeshake: true,
})
