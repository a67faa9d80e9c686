import * as z from 'zod/mini'
import { checkOptions, parseOptions } from '../configuration.js'
import type { McpAuth } from '../create-mcp-auth.js'
import type { GuardOptions } from './guard.js'
import { checkScopeList } from './scope.js'

const Options = z.strictObject({
  scopes: z.optional(z.readonly(z.array(z.string()))),
  resource: z.optional(z.string()),
  messages: z.optional(z.boolean()),
})

/**
 * Checks the options of one `guard(…)`. A misspelt `scopes` would otherwise leave a route open to
 * every caller.
 *
 * @throws {@link ConfigurationError} that lists every bad option.
 */
export function checkGuardOptions(auth: McpAuth, options: GuardOptions): void {
  const subject = 'guard'
  const { scopes = [], resource } = parseOptions(subject, Options, options)
  const isKnown =
    resource === undefined || auth.resources.some((each) => each.resource === resource)
  const scopeless = auth.validators.filter(({ scopeSource }) => scopeSource === 'none')
  checkOptions(subject, [
    ...checkScopeList('scopes', scopes),
    ...(scopes.length === 0 || scopeless.length === 0
      ? []
      : [
          {
            path: 'scopes',
            message: `would refuse all callers of ${scopeless.map(({ name }) => name).join(', ')}, which yields no scopes; give it grantScopes`,
          },
        ]),
    ...(isKnown ? [] : [{ path: 'resource', message: 'is not a resource of this server' }]),
  ])
}
