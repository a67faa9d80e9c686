import type ts from 'typescript'

/**
 * The compiler, which reads and parses a declaration file once for all programs of a test file: those of
 * Kubernetes and of the language are more than each program itself. For `vi.mock('typescript', …)`.
 */
export function sharingDeclarations(original: { readonly default: typeof ts }): {
  readonly default: typeof ts
} {
  const compiler = original.default
  const known = new Map<string, ts.SourceFile | undefined>()
  function createCompilerHost(...options: Parameters<typeof ts.createCompilerHost>) {
    const host = compiler.createCompilerHost(...options)
    const { getSourceFile } = host
    host.getSourceFile = (file, ...rest) => {
      if (!known.has(file)) known.set(file, getSourceFile(file, ...rest))
      return known.get(file)
    }
    return host
  }
  return { default: { ...compiler, createCompilerHost } }
}
