import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** Folders of the packages, such as `packages/cli`. */
export const PACKAGE_FOLDERS: readonly string[] = readdirSync(`${ROOT}packages`).map(
  (name) => `packages/${name}`,
)

/** Reads the TypeScript, or what is built of it, of folders below the root. */
export function readSources(folders: readonly string[]): readonly ts.SourceFile[] {
  return folders.flatMap((folder) =>
    readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.[jt]s$/.test(name) && !name.endsWith('.d.ts'))
      .sort()
      .map((name) =>
        parseSource(`${folder}/${name}`, readFileSync(`${ROOT}${folder}/${name}`, 'utf8')),
      ),
  )
}

export function parseSource(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true)
}

/** Every node below a node, itself included. */
export function nodesOf(root: ts.Node): readonly ts.Node[] {
  const nodes: ts.Node[] = []
  function visit(node: ts.Node): void {
    nodes.push(node)
    ts.forEachChild(node, visit)
  }
  visit(root)
  return nodes
}

/** Folder and line, for messages. */
export function placeOf(node: ts.Node): string {
  const file = node.getSourceFile()
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
}

/** The last name of `a`, `a.b` and `a().b`; undefined for everything else. */
export function lastNameOf(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node)) return node.text
  if (ts.isPropertyAccessExpression(node)) return node.name.text
  if (ts.isCallExpression(node)) return lastNameOf(node.expression)
  if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node)) {
    return lastNameOf(node.expression)
  }
  return undefined
}
