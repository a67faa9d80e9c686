import ts from 'typescript'
import { lastNameOf, nodesOf, placeOf } from './source-files.js'

/** Names of values that are secrets, or that stand for one. */
const SECRET =
  /secret|passw|token$|digest|verifier|signature|hash|mac$|apikey|credential|csrf|nonce|userCode|browser$|state$/i

const EQUALITY: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
])

/** A value of the program itself, so that the comparison tells nothing of a secret. */
function isConstant(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return node.text === 'undefined'
  if (ts.isTypeOfExpression(node) || ts.isPrefixUnaryExpression(node)) return true
  return (
    ts.isStringLiteral(node) ||
    ts.isNumericLiteral(node) ||
    node.kind === ts.SyntaxKind.NullKeyword ||
    node.kind === ts.SyntaxKind.TrueKeyword ||
    node.kind === ts.SyntaxKind.FalseKeyword
  )
}

/** Something in the sources that a rule of these tests looks at. */
export interface Finding {
  readonly place: string
  /** File and text, which do not change when lines are added above. */
  readonly key: string
}

export function findingOf(node: ts.Node): Finding {
  const text = node.getText().replace(/\s+/g, ' ')
  return { place: placeOf(node), key: `${node.getSourceFile().fileName}: ${text}` }
}

/** Comparisons by `==` or `===` in which one side is named like a secret. */
export function findSecretComparisons(files: readonly ts.SourceFile[]): readonly Finding[] {
  return files
    .flatMap(nodesOf)
    .filter(ts.isBinaryExpression)
    .filter(({ operatorToken }) => EQUALITY.has(operatorToken.kind))
    .filter(({ left, right }) => !isConstant(left) && !isConstant(right))
    .filter(({ left, right }) => [left, right].some((side) => SECRET.test(lastNameOf(side) ?? '')))
    .map(findingOf)
}

/** Calls of `timingSafeEqual`, which throws when the lengths differ. */
export function findTimingSafeCalls(files: readonly ts.SourceFile[]): readonly Finding[] {
  return files
    .flatMap(nodesOf)
    .filter(ts.isCallExpression)
    .filter(({ expression }) => lastNameOf(expression) === 'timingSafeEqual')
    .map(findingOf)
}
