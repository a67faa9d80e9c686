import type { CommandContext } from '../command.js'
import { createSettingsReader } from '../configuration/store-settings.js'
import { CommandFailure } from '../failure.js'

/** What the upstream API says about a secret. */
export type ProbeVerdict =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'misconfigured'; readonly reason: string }

/** Asks the upstream API whether a secret works. Never rejects for what the API answers. */
export type Probe = (secret: string) => Promise<ProbeVerdict>

/** Milliseconds for one answer. */
const DEADLINE = 10_000
const BODY_BYTES = 64 * 1024
// What a header can carry. Anything else would be quoted in the error of `fetch`.
const HEADER_TEXT =
  /^[\u0021-\u007e\u0080-\u00ff](?:[\t\u0020-\u007e\u0080-\u00ff]*[\u0021-\u007e\u0080-\u00ff])?$/

function judgeStatus(status: number): ProbeVerdict {
  if (status === 401 || status === 403) {
    return { kind: 'rejected', reason: `the upstream API answers ${status}` }
  }
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'unavailable', reason: `the upstream API answers ${status}` }
  }
  return { kind: 'misconfigured', reason: `the upstream API answers ${status}; check its address` }
}

async function readStart(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES) break
  }
  return Buffer.concat(chunks).toString()
}

/** Creates a probe that sends the secret as a Bearer token to one address, and follows no redirect. */
function createUrlProbe(
  { host }: CommandContext,
  url: URL,
  acceptsBody: (text: string) => boolean,
): Probe {
  return async (secret) => {
    if (!HEADER_TEXT.test(secret)) {
      return { kind: 'rejected', reason: 'it has characters that no HTTP header can carry' }
    }
    const signal = AbortSignal.any([host.signal, AbortSignal.timeout(DEADLINE)])
    try {
      const response = await host.fetch(url, {
        headers: { authorization: `Bearer ${secret}`, accept: 'application/json' },
        redirect: 'manual',
        signal,
      })
      if (!response.ok) {
        await response.body?.cancel()
        return judgeStatus(response.status)
      }
      if (acceptsBody(await readStart(response))) return { kind: 'accepted' }
      return {
        kind: 'misconfigured',
        reason: 'the answer is not one of that API; check its address',
      }
    } catch {
      // The error of a fetch may quote what was sent.
      if (host.signal.aborted) throw new CommandFailure('interrupted', 'interrupted')
      return { kind: 'unavailable', reason: 'the upstream API did not answer' }
    }
  }
}

function isCodaUser(text: string): boolean {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null && 'loginId' in body
  } catch {
    return false
  }
}

function parseProbeUrl(text: string, name: string, reason: 'usage' | 'configuration'): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url?.hostname ?? '')
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)
  if (url === undefined || !secure || url.username !== '' || url.password !== '') {
    throw new CommandFailure(
      reason,
      `${name} must be an https URL without a user; http is for loopback hosts only`,
    )
  }
  return url
}

/** Creates the built-in probe of Coda: `GET /whoami`, which works with every token. */
function createCodaProbe(context: CommandContext): Probe {
  const reader = createSettingsReader(context.variables)
  const base = reader.text('CODA_API_BASE_URL', undefined, {
    accepts: (text) => URL.canParse(text),
    message: 'must be an https URL',
  })
  reader.finish()
  const url = parseProbeUrl(base, 'CODA_API_BASE_URL', 'configuration')
  url.pathname = `${url.pathname.replace(/\/{1,8}$/, '')}/whoami`
  return createUrlProbe(context, url, isCodaUser)
}

/** Tells whether a provider has a probe without `--probe-url`. */
export function hasBuiltInProbe(provider: string): boolean {
  return provider === 'coda'
}

/**
 * Chooses the probe that the flags ask for; `undefined` when they ask for none.
 *
 * @throws {@link CommandFailure} when `--probe` names a provider that has no built-in probe.
 */
export function chooseProbe(
  context: CommandContext,
  provider: string,
  { probe, probeUrl }: { readonly probe: boolean; readonly probeUrl?: string | undefined },
): Probe | undefined {
  if (probeUrl !== undefined) {
    return createUrlProbe(context, parseProbeUrl(probeUrl, '--probe-url', 'usage'), () => true)
  }
  if (!probe) return undefined
  if (hasBuiltInProbe(provider)) return createCodaProbe(context)
  throw new CommandFailure(
    'usage',
    `--probe knows the provider coda only; for ${provider} give --probe-url with an address that answers 2xx to a good token`,
  )
}

/** Turns a verdict that is not acceptance into the failure of the command. */
export function requireAccepted(verdict: ProbeVerdict, kept: string): void {
  if (verdict.kind === 'accepted') return
  const { kind, reason } = verdict
  if (kind === 'rejected') {
    throw new CommandFailure('refused', `the new credential was not accepted: ${reason}; ${kept}`)
  }
  if (kind === 'misconfigured') throw new CommandFailure('configuration', `${reason}; ${kept}`)
  throw new CommandFailure(
    'unavailable',
    `${reason}, so nothing is known about the new credential; ${kept}`,
  )
}
