import { defineConfig } from 'tsup'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/express.ts',
    'src/envelope.ts',
    'src/dpop.ts',
    'src/testing/index.ts',
  ],
  format: ['esm'],
  target: 'es2022',
  platform: 'neutral',
  external: [/^node:/],
  removeNodeProtocol: false,
  dts: true,
  clean: true,
  treeshake: true,
})
