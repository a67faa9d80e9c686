import fc from 'fast-check'
import { JWT_MUTATIONS } from './jwt-mutations.js'
import { createDraw, TEXT_MUTATIONS } from './text-mutations.js'
import type { WayIn } from './ways-in.js'

/** What is presented to a server, and whether it is one of the tokens that were issued to it. */
export interface Mutant {
  readonly text: string
  readonly family: string
  readonly isIssued: boolean
}

/** Three integers that make a mutant. */
export interface Recipe {
  readonly way: number
  readonly family: number
  readonly seed: number
}

const TEXT_FAMILIES = Object.keys(TEXT_MUTATIONS)
const JWT_FAMILIES = Object.keys(JWT_MUTATIONS)
const FROM_ELSEWHERE = 'a token of another server, or parts of it'

/** Every kind of mutant. */
export const FAMILIES: readonly string[] = [...TEXT_FAMILIES, ...JWT_FAMILIES, FROM_ELSEWHERE]

/** Recipes of fast-check for any of the ways in. */
export function recipesFor(ways: readonly WayIn[]): fc.Arbitrary<Recipe> {
  return fc.record({
    way: fc.nat({ max: ways.length - 1 }),
    family: fc.nat({ max: FAMILIES.length - 1 }),
    seed: fc.nat(),
  })
}

/** Makes a mutant. JWT families fall back to families of text where tokens are no JWTs. */
export function makeMutant(ways: readonly WayIn[], { way, family, seed }: Recipe): Mutant {
  const { tokens = [], parts } = ways[way] ?? {}
  const draw = createDraw(seed)
  const token = tokens[draw.below(tokens.length)] ?? ''
  const wanted = FAMILIES[family] ?? ''
  const jwtMutation = parts === undefined ? undefined : JWT_MUTATIONS[wanted]
  const name =
    jwtMutation === undefined && wanted in JWT_MUTATIONS
      ? (TEXT_FAMILIES[seed % TEXT_FAMILIES.length] ?? '')
      : wanted

  let text: string
  if (name === FROM_ELSEWHERE) {
    const foreign = ways[draw.below(ways.length)]?.tokens[draw.below(2)] ?? ''
    const own = token.split('.')
    const mixed = foreign.split('.').map((part, index) => (draw.below(2) === 0 ? part : own[index]))
    text = draw.below(2) === 0 ? foreign : mixed.join('.')
  } else if (jwtMutation !== undefined && parts !== undefined) {
    text = jwtMutation(token, draw, parts)
  } else {
    text = TEXT_MUTATIONS[name]?.(token, draw) ?? ''
  }
  // RFC 9110 section 11.4 lets more than one space stand before a token.
  return { text, family: name, isIssued: tokens.includes(text.replace(/^ +/, '')) }
}
