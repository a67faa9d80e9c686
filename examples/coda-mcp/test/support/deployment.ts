import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of the example. */
export const example = fileURLToPath(new URL('../..', import.meta.url))
const ci = new URL('../../../../.ci/', import.meta.url).href

// What CI runs is JavaScript without types: this is the one place that says what it exports.
export const { checkDeploy } = (await import(`${ci}check-deploy.mjs`)) as {
  checkDeploy(
    example: string,
    only?: readonly string[],
  ): { problems: string[]; skipped: { name: string; reason: string }[] }
}
export const { setVersion, versionPlaces } = (await import(`${ci}deploy/set-version.mjs`)) as {
  setVersion(example: string): string
  versionPlaces: Readonly<Record<string, RegExp>>
}
export const { readVariables } = (await import(`${ci}deploy/documents.mjs`)) as {
  readVariables(readme: string): Map<string, { fallback: string; file: boolean }>
}

/** Program that checks the deployment. */
export const checkProgram = fileURLToPath(`${ci}check-deploy.mjs`)

/** A file of the deployment, what is replaced in it, and by what. */
export type Broken = readonly [file: string, text: string | RegExp, replacement: string]

const isCi = /^(?:1|true)$/i.test(process.env.CI ?? '')

/** A copy of all that is checked, with one file changed. */
export function copyWith(file: string, edit: (text: string) => string): string {
  const copy = mkdtempSync(join(tmpdir(), 'deploy-'))
  mkdirSync(join(copy, 'src'))
  for (const path of ['README.md', 'Dockerfile', 'package.json', 'src/health.ts']) {
    cpSync(join(example, path), join(copy, path))
  }
  cpSync(join(example, 'deploy'), join(copy, 'deploy'), {
    recursive: true,
    filter: (path) => !/\/(secrets|\.env)$/.test(path),
  })
  const before = readFileSync(join(copy, file), 'utf8')
  const after = edit(before)
  if (before === after) throw new Error(`${file} does not hold what is to be replaced`)
  writeFileSync(join(copy, file), after)
  return copy
}

/** What one check says of a copy with a changed file, or `skipped` where it cannot be made. On CI it can. */
export function problemsOfEdited(
  check: string,
  file: string,
  edit: (text: string) => string,
): string {
  const copy = copyWith(file, edit)
  try {
    const { problems, skipped } = checkDeploy(copy, [check])
    const [left] = skipped
    if (left === undefined) return problems.join('\n')
    if (isCi) throw new Error(`${left.name} was not made, which fails on CI: ${left.reason}`)
    process.stderr.write(`[deploy] skipped: ${left.name}: ${left.reason}\n`)
    return 'skipped'
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

/** The same, with one text replaced. */
export function problemsOf(check: string, ...[file, text, replacement]: Broken): string {
  return problemsOfEdited(check, file, (before) => before.replace(text, replacement))
}

export const compose = 'deploy/compose.yaml'
export const manifest = (name: string): string => `deploy/kubernetes/${name}.yaml`
export const unit = 'deploy/systemd/coda-mcp.service'
export const alerts = 'deploy/prometheus/alerts.yaml'
export const dashboard = 'deploy/grafana/coda-mcp.json'
