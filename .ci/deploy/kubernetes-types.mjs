// Holds manifests to the types of the Kubernetes API, as the compiler does: unknown fields are refused.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { shareDeclarations } from '../shared-declarations.mjs'

const types = dirname(createRequire(import.meta.url).resolve('kubernetes-types/package.json'))

/** `apps/v1` is in `apps/v1`, `v1` in `core/v1`, `networking.k8s.io/v1` in `networking/v1`. */
function moduleOf(apiVersion) {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  return join(types, group.split('.')[0], `${version}.d.ts`)
}

/** Problems of each manifest, by the file it is in. */
export function checkTypes(manifests) {
  const name = join(types, 'manifests.ts')
  const lines = manifests.flatMap(({ value }, index) => [
    `import type { ${value.kind} as Kind${index} } from ${JSON.stringify(moduleOf(value.apiVersion).replace(/\.d\.ts$/, ''))}`,
    `export const manifest${index}: Kind${index} = ${JSON.stringify(value)}`,
  ])
  const options = {
    strict: true,
    noEmit: true,
    types: [],
    lib: ['lib.es2022.d.ts'],
    skipLibCheck: true,
  }
  const host = shareDeclarations(ts.createCompilerHost(options))
  const { getSourceFile, fileExists } = host
  const source = ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2022)
  host.getSourceFile = (file, ...rest) => (file === name ? source : getSourceFile(file, ...rest))
  host.fileExists = (file) => file === name || fileExists(file)
  const program = ts.createProgram([name], options, host)
  return ts.getPreEmitDiagnostics(program).map(({ start, messageText }) => {
    const line = source.getLineAndCharacterOfPosition(start ?? 0).line
    const { file } = manifests[Math.floor(line / 2)]
    return `${file}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`
  })
}
