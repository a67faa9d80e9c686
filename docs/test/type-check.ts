import { join } from 'node:path'
import ts from 'typescript'
import { shareDeclarations } from '../../.ci/shared-declarations.mjs'

/** What the compiler says of a folder with a `tsconfig.json`, as `tsc -p` prints it. Empty is good. */
export function typeCheck(folder: string): string {
  const format = (diagnostics: readonly ts.Diagnostic[]): string =>
    ts.formatDiagnostics(diagnostics, {
      getCurrentDirectory: () => folder,
      getCanonicalFileName: (name) => name,
      getNewLine: () => '\n',
    })
  const config = ts.getParsedCommandLineOfConfigFile(
    join(folder, 'tsconfig.json'),
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
        throw new Error(format([diagnostic]))
      },
    },
  )
  if (config === undefined) throw new Error(`${folder} has no tsconfig.json`)
  const host = shareDeclarations(ts.createCompilerHost(config.options))
  const program = ts.createProgram({
    rootNames: config.fileNames,
    options: config.options,
    configFileParsingDiagnostics: config.errors,
    host,
  })
  return format(ts.getPreEmitDiagnostics(program))
}
