import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { TokenValidator } from '../validator.js'
import { createPresetValidator, type PresetOptions, presetOptions } from './preset.js'

/** Options of {@link descope}. */
export interface DescopeOptions extends PresetOptions {
  /** "MCP Server Issuer URL" of the console, copied as it stands there. */
  readonly issuer: string
}

const Options = z.strictObject({
  issuer: z
    .string()
    .check(
      z.regex(
        /^https:\/\/[^\s/?#@]+\/[^\s?#]+$/,
        'must be the "MCP Server Issuer URL" of the console; a bare project id issues session tokens',
      ),
    ),
  ...presetOptions,
})

/**
 * Accepts access tokens that Descope issues for one MCP server of its console. The console's "MCP
 * Server URL" must be this server's resource identifier. Session tokens of the project have another
 * issuer and are refused.
 *
 * @example
 * ```ts
 * descope({ issuer: 'https://api.descope.com/v1/apps/agentic/P2example/MSexample' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://docs.descope.com/mcp
 */
export function descope(options: DescopeOptions): TokenValidator {
  const parsed = parseOptions('descope', Options, options)
  const { issuer } = parsed
  return createPresetValidator(
    {
      name: 'descope',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { discovery: issuer },
      algorithms: ['RS256'],
      typ: null,
    },
    parsed,
  )
}
