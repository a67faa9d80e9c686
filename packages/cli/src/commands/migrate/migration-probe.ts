import type { CredentialProbe } from '@bestviable/mcp-auth-middleware'
import type { CommandContext } from '../../command.js'
import { CommandFailure } from '../../failure.js'
import { chooseProbe, hasBuiltInProbe, type Probe } from '../../probes/probe.js'

/** A probe over many credentials, and what it met. */
export interface MigrationProbe {
  readonly probe: CredentialProbe
  /** Credentials that were copied without being asked about, since nothing knows how. */
  readonly unasked: () => number
  /**
   * Ends the command when the upstream API itself was the problem.
   *
   * @throws {@link CommandFailure} with 4 for an outage, with 3 for a wrong address.
   */
  readonly requireAnswers: () => void
}

/** Creates the probe of `--probe` and `--probe-url`; `undefined` without either. */
export function createMigrationProbe(
  context: CommandContext,
  options: {
    readonly probe: boolean
    readonly probeUrl?: string | undefined
    readonly provider?: string | undefined
  },
): MigrationProbe | undefined {
  const { probeUrl, provider } = options
  if (!options.probe && probeUrl === undefined) return undefined
  if (probeUrl !== undefined && provider === undefined) {
    throw new CommandFailure('usage', '--probe-url is for one provider; name it with --provider')
  }
  const probes = new Map<string, Probe | undefined>()
  let unasked = 0
  let failure: CommandFailure | undefined

  // Chosen before anything is copied, so that a wrong address is found at once.
  if (provider !== undefined) probes.set(provider, chooseProbe(context, provider, options))

  function probeOf(name: string): Probe | undefined {
    if (!probes.has(name)) {
      probes.set(name, hasBuiltInProbe(name) ? chooseProbe(context, name, options) : undefined)
    }
    return probes.get(name)
  }

  return {
    async probe(credential, key) {
      const ask = probeOf(key.provider)
      if (ask === undefined) {
        unasked++
        return true
      }
      const verdict = await ask(credential.secret)
      if (verdict.kind === 'unavailable') {
        failure ??= new CommandFailure('unavailable', `${verdict.reason}; run it again later`)
      } else if (verdict.kind === 'misconfigured') {
        failure = new CommandFailure('configuration', verdict.reason)
      }
      return verdict.kind === 'accepted'
    },
    unasked: () => unasked,
    requireAnswers() {
      if (failure !== undefined) throw failure
    },
  }
}
