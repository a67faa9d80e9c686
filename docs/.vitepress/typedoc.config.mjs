import { listEntryPoints } from './entry-points.mjs'

/** The API reference, written as Markdown for the site. An export without a docstring is an error. */
export default {
  entryPoints: listEntryPoints().map(({ source }) => `../../${source}`),
  tsconfig: './tsconfig.api.json',
  plugin: ['typedoc-plugin-markdown', './name-modules.mjs', './check-options.mjs'],
  out: '../api',
  readme: 'none',
  name: 'API reference',
  entryFileName: 'index',
  outputFileStrategy: 'modules',
  excludeScopesInPaths: true,
  hideBreadcrumbs: true,
  hidePageHeader: true,
  useCodeBlocks: true,
  sanitizeComments: true,
  disableSources: true,
  excludeExternals: true,
  excludeInternal: true,
  excludePrivate: true,
  githubPages: false,
  packagesRequiringDocumentation: [...new Set(listEntryPoints().map(({ package: name }) => name))],
  requiredToBeDocumented: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
  validation: { notDocumented: true, notExported: false, invalidLink: true },
  treatValidationWarningsAsErrors: true,
}
