import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import { METADATA_URL } from '../lib/fixture.mjs'
import { createJoseVerifier } from './jose-verifier.mjs'

/** MCP SDK v1 with jose behind it. */
export function create({ jwksUri }) {
  const InvalidToken = (message) => new InvalidTokenError(message)
  return requireBearerAuth({
    verifier: createJoseVerifier({ jwksUri, InvalidToken }),
    requiredScopes: ['coda.read'],
    resourceMetadataUrl: METADATA_URL,
  })
}
