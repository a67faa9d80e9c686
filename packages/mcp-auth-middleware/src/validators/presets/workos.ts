import * as z from 'zod/mini'
import { parseOptions } from '../../configuration.js'
import type { TokenValidator } from '../validator.js'
import {
  createPresetValidator,
  hostOption,
  type PresetOptions,
  parseHost,
  presetOptions,
} from './preset.js'

/** Options of {@link workos}. */
export interface WorkosOptions extends PresetOptions {
  /** AuthKit domain, `acme.authkit.app` or your custom domain. */
  readonly domain: string
}

const Options = z.strictObject({ domain: hostOption('acme.authkit.app'), ...presetOptions })

/**
 * Accepts access tokens of WorkOS AuthKit (Connect), whose `aud` is the resource indicator that the
 * dashboard names for this server.
 *
 * User-management session tokens have another issuer and are refused. Turn on client metadata
 * documents or dynamic registration in the dashboard, or MCP clients cannot sign in.
 *
 * @example
 * ```ts
 * workos({ domain: 'acme.authkit.app' })
 * ```
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://workos.com/docs/user-management/mcp
 */
export function workos(options: WorkosOptions): TokenValidator {
  const parsed = parseOptions('workos', Options, options)
  const issuer = `https://${parseHost(parsed.domain)}`
  return createPresetValidator(
    {
      name: 'workos',
      issuers: [issuer],
      authorizationServers: [issuer],
      keys: { jwksUri: `${issuer}/oauth2/jwks` },
      algorithms: ['RS256'],
      typ: null,
    },
    parsed,
  )
}
