import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { isLongForm } from '../../../../test/security/support/long-form.js'
import type { Choice } from '../../src/init/choices.js'
import { layersOf } from '../../src/init/layers.js'
import { templateFiles } from '../../src/init/template.js'

const root = fileURLToPath(new URL('../../../../templates/mcp-server', import.meta.url))

/** Every layer at least once; .ci/check-template.mjs --all has every combination. */
const CHOICES = JSON.parse(
  readFileSync(new URL('../../../../.ci/template/covering.json', import.meta.url), 'utf8'),
) as readonly Choice[]

/** By day each way in and each store, with the most that there is for them; by night all of them. */
const TYPE_CHECKED = CHOICES.filter(
  ({ wayIn, store }) => isLongForm || (wayIn === 'embedded' ? store === 'postgres' : true),
)

const parsed = ts.getParsedCommandLineOfConfigFile(
  `${root}/base/tsconfig.json`,
  {},
  { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => {} },
)
const sources = new Map<string, ts.SourceFile | undefined>()

/** Type-checks the layers where they are, as if they were laid over one another. */
function problemsOf(layers: readonly string[]): string[] {
  const files = Object.keys(templateFiles).filter(
    (path) => path.endsWith('.ts') && layers.some((layer) => path.startsWith(`${layer}/`)),
  )
  const options = { ...parsed?.options, rootDirs: layers.map((layer) => `${root}/${layer}`) }
  const host = ts.createCompilerHost(options)
  // As `tsc` reads sources: the comments of TypeScript are skipped.
  host.jsDocParsingMode = ts.JSDocParsingMode.ParseForTypeErrors
  const readSource = host.getSourceFile.bind(host)
  // The same for every combination, and most of the work.
  host.getSourceFile = (name, ...rest) => {
    if (!sources.has(name)) sources.set(name, readSource(name, ...rest))
    return sources.get(name)
  }
  const rootNames = files.map((path) => `${root}/${path}`)
  const program = ts.createProgram({ rootNames, options, host })
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) =>
      [
        file?.fileName.slice(root.length + 1),
        ts.flattenDiagnosticMessageText(messageText, ' '),
      ].join(': '),
    )
}

describe('the TypeScript of the template', () => {
  it('is all in some of the combinations', () => {
    const layers = CHOICES.flatMap((choice) => layersOf(choice))
    const left = Object.keys(templateFiles).filter(
      (path) => path.endsWith('.ts') && !layers.some((layer) => path.startsWith(`${layer}/`)),
    )
    expect(left).toEqual([])
  })

  it.each(TYPE_CHECKED)(
    'type-checks as it stands, with $wayIn and $store',
    { timeout: 60_000 },
    (choice) => {
      expect(parsed?.options.strict).toBe(true)
      expect(problemsOf(layersOf(choice))).toEqual([])
    },
  )

  it('would not without one of its layers', { timeout: 60_000 }, () => {
    const layers = layersOf({ wayIn: 'oidc', store: 'env' }).filter((each) => each !== 'stores/env')
    expect(problemsOf(layers)).toEqual([
      "servers/store/src/server.ts: Cannot find module './store.js' or its corresponding type declarations.",
      "ways-in/oidc/test/auth.test.ts: Cannot find module './test-store.js' or its corresponding type declarations.",
    ])
  })
})
