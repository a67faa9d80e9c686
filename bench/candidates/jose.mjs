import { bearer } from './bearer.mjs'
import { createJoseVerifier } from './jose-verifier.mjs'

/** jose by hand in the smallest middleware: what a server without a framework writes. */
export function create({ jwksUri }) {
  const verifier = createJoseVerifier({ jwksUri, InvalidToken: (message) => new Error(message) })
  return bearer((token) => verifier.verifyAccessToken(token))
}
