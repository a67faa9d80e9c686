import ts from 'typescript'
import { type Finding, findingOf } from './secret-comparisons.js'
import { lastNameOf, nodesOf } from './source-files.js'

/** Modules that run other programs or other code, or that look into the process. */
const MODULES =
  /^(?:node:)?(?:child_process|cluster|inspector|module|repl|v8|vm|wasi|worker_threads)(?:\/|$)/
const FILES = /^(?:node:)?fs(?:\/promises)?$/

/** What of `node:fs` only reads. Everything else counts as writing. */
const READS: ReadonlySet<string> = new Set([
  'closeSync',
  'constants',
  'existsSync',
  'fstatSync',
  'lstat',
  'lstatSync',
  'readFile',
  'readFileSync',
  'readSync',
  'readdirSync',
  'readlinkSync',
  'stat',
])

/** What of `node:v8` only reads, where it is used on the spot. */
const V8 = /^(?:node:)?v8$/
const V8_READS: ReadonlySet<string> = new Set(['getHeapStatistics'])

function importedNames(node: ts.ImportDeclaration): readonly string[] {
  const bindings = node.importClause?.namedBindings
  if (bindings === undefined || !ts.isNamedImports(bindings)) return ['everything']
  return bindings.elements
    .filter(({ isTypeOnly }) => !isTypeOnly && node.importClause?.isTypeOnly !== true)
    .map(({ name, propertyName }) => (propertyName ?? name).text)
}

function isPowerfulImport(node: ts.Node): boolean {
  if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) return false
  if (node.importClause?.isTypeOnly === true) return false
  const { text } = node.moduleSpecifier
  if (MODULES.test(text)) return true
  return FILES.test(text) && importedNames(node).some((name) => !READS.has(name))
}

function readsOnly(node: ts.Node): boolean {
  return ts.isPropertyAccessExpression(node) && V8_READS.has(node.name.text)
}

/** `eval`, code made of text, and modules that are chosen at run time. */
function isPowerfulCall(node: ts.Node): boolean {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return false
  const [first] = node.arguments ?? []
  const isText = first !== undefined && ts.isStringLiteralLike(first)
  if (node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return !isText || MODULES.test(first.text) || FILES.test(first.text)
  }
  switch (lastNameOf(node.expression)) {
    case 'eval':
    case 'Function':
    case 'AsyncFunction':
    case 'createRequire':
    case 'binding':
    case 'dlopen':
      return true
    case 'getBuiltinModule':
      if (isText && V8.test(first.text) && readsOnly(node.parent)) return false
      return !isText || MODULES.test(first.text) || FILES.test(first.text)
    case 'require':
      return !isText || MODULES.test(first.text) || FILES.test(first.text)
    case 'setTimeout':
    case 'setInterval':
      return isText
    default:
      return false
  }
}

/** Places at which a package can do more than compute, talk to the network and read files (P15). */
export function findPowers(files: readonly ts.SourceFile[]): readonly Finding[] {
  return files
    .flatMap(nodesOf)
    .filter((node) => isPowerfulImport(node) || isPowerfulCall(node))
    .map(findingOf)
}
