import type { CompilerHost } from 'typescript'

/** Lets a compiler host read each declaration once in this process, for programs with the same options. */
export function shareDeclarations(host: CompilerHost): CompilerHost
