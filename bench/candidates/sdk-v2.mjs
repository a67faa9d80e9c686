import { requireBearerAuth } from '@modelcontextprotocol/express'
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server'
import { METADATA_URL } from '../lib/fixture.mjs'
import { createJoseVerifier } from './jose-verifier.mjs'

/** MCP SDK v2 with jose behind it. */
export function create({ jwksUri }) {
  const InvalidToken = (message) => new OAuthError(OAuthErrorCode.InvalidToken, message)
  return requireBearerAuth({
    verifier: createJoseVerifier({ jwksUri, InvalidToken }),
    requiredScopes: ['coda.read'],
    resourceMetadataUrl: METADATA_URL,
  })
}
