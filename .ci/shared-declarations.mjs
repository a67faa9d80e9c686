const declarations = new Map()

/**
 * Lets a compiler host read each declaration once in this process: those of packages and of the language are
 * most of what a compiler reads, and the same for every program with these options.
 */
export function shareDeclarations(host) {
  const { getSourceFile } = host
  host.getSourceFile = (name, ...rest) => {
    if (!/\.d\.[cm]?ts$/.test(name)) return getSourceFile(name, ...rest)
    if (!declarations.has(name)) declarations.set(name, getSourceFile(name, ...rest))
    return declarations.get(name)
  }
  return host
}
