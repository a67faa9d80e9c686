import type { TokenValidator, Verdict } from '@bestviable/mcp-auth-middleware'
import { inSpan } from '../tracing/in-span.js'
import type { Metrics } from './metrics.js'

/** Times the verifications of a way in. Answers from the verified-token cache do not get here. */
export function observeValidator(validator: TokenValidator, metrics: Metrics): TokenValidator {
  const { name } = validator
  // The first failure has to be seen as an increase.
  for (const outcome of ['unavailable', 'misconfigured']) {
    metrics.count('key_set_fetches_total', { validator: name, outcome }, 0)
  }
  return {
    ...validator,
    validate: async (credential, context): Promise<Verdict> => {
      const startedAt = performance.now()
      let outcome = 'failed'
      try {
        return await inSpan('token.validate', { 'coda_mcp.validator': name }, async (span) => {
          const verdict = await validator.validate(credential, context)
          outcome = verdict.kind
          span.setAttribute('coda_mcp.outcome', outcome)
          return verdict
        })
      } finally {
        const seconds = (performance.now() - startedAt) / 1000
        metrics.observe('token_validation_duration_seconds', { validator: name, outcome }, seconds)
      }
    },
  }
}
