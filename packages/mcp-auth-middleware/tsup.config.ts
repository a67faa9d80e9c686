import { readFile } from 'node:fs/promises'
import { defineConfig, type Options } from 'tsup'
import ts from 'typescript'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]

/** Whether evaluating an expression runs code. What functions in it do later does not count. */
function runsCode(node: ts.Node): boolean {
  if (ts.isFunctionLike(node)) return false
  if (ts.isCallExpression(node) || ts.isNewExpression(node)) return true
  return ts.forEachChild(node, runsCode) === true
}

/**
 * Wraps the value of each constant of a module that is made by a call, as the option schemas are, so that
 * bundlers drop it when nothing uses it. They cannot know by themselves that the call does nothing else.
 */
function markConstantsAsPure(path: string, source: string): string {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest)
  const values = file.statements
    .filter(ts.isVariableStatement)
    .flatMap(({ declarationList }) => declarationList.declarations)
    .flatMap(({ initializer }) => (initializer && runsCode(initializer) ? [initializer] : []))
  let text = ''
  let end = 0
  for (const value of values) {
    text += `${source.slice(end, value.pos)} /* @__PURE__ */ (() => (${source.slice(value.pos, value.end)}))()`
    end = value.end
  }
  return text + source.slice(end)
}

const pureConstants: EsbuildPlugin = {
  name: 'pure-constants',
  setup(build) {
    build.onLoad({ filter: /\/mcp-auth-middleware\/src\/.*\.ts$/ }, async ({ path }) => ({
      contents: markConstantsAsPure(path, await readFile(path, 'utf8')),
      loader: 'ts',
    }))
  },
}

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
  // See THIRD-PARTY-NOTICES.md: what is bundled is named there, with its version.
  noExternal: [/^zod\//],
  esbuildPlugins: [pureConstants],
  removeNodeProtocol: false,
  dts: true,
  clean: true,
  treeshake: true,
})
