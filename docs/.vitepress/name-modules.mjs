import { Converter, ReflectionKind } from 'typedoc'
import { listEntryPoints } from './entry-points.mjs'

/** Functions that docstrings name and that no package exports. */
const INTERNAL = new Set(['createPages', 'JWS_ALGORITHMS'])

const EXPORTS =
  ReflectionKind.Class |
  ReflectionKind.Interface |
  ReflectionKind.TypeAlias |
  ReflectionKind.Function |
  ReflectionKind.Variable

/** What TypeDoc calls the module of a file by itself. */
function plainName(source) {
  return source.replace(/^packages\/|(?:\/index)?\.ts$/g, '')
}

/**
 * TypeDoc plugin. A module is called as it is imported, not as its file is, and a docstring may link to
 * an export of another module without importing it.
 */
export function load({ converter }) {
  const names = listEntryPoints()
  converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
      const found = names.find(({ source }) => plainName(source) === module.name)
      if (found === undefined) throw new Error(`${module.name} is exported under no name`)
      module.name = found.name
    }
  })
  converter.addUnknownSymbolResolver(({ symbolReference }, reflection) => {
    const name = symbolReference?.path?.map(({ path }) => path).join('.')
    if (INTERNAL.has(name)) return '#'
    const all = reflection.project.getReflectionsByKind(EXPORTS)
    const target = all.find((each) => each.name === name)
    return target && { target }
  })
}
