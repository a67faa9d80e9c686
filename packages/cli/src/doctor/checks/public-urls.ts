import { isBuiltFromRequest, isInternal } from '../http/addresses.js'
import type { Exchange } from '../http/prober.js'
import { quote } from '../http/quote.js'
import type { JsonObject } from '../survey/metadata-document.js'
import { SPOOFED_HOST } from '../survey/requests.js'
import type { Survey } from '../survey/survey.js'
import { foreignAnswer } from './surroundings.js'
import { type FindingInput, received, skipped, type Verdict, verdictOf } from './verdict.js'

const SERVER_URLS = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'jwks_uri',
  'revocation_endpoint',
  'introspection_endpoint',
]

function urlsOf(document: JsonObject | undefined, names: readonly string[]): [string, string][] {
  return names.flatMap((name) =>
    [document?.[name]]
      .flat()
      .filter((each): each is string => typeof each === 'string' && URL.canParse(each))
      .map((each): [string, string] => [name, each]),
  )
}

function reflects({ answer }: Exchange): boolean {
  if (answer === undefined) return false
  const shown = ['www-authenticate', 'location', 'link'].map(
    (name) => answer.headers.get(name) ?? '',
  )
  return [answer.text, ...shown].some((text) => text.includes(SPOOFED_HOST))
}

/** D3: no URL depends on the request, and each has the public scheme and host. */
export function checkPublicUrls(survey: Survey, configured: readonly FindingInput[]): Verdict {
  const { target, anonymous, challenge, resource, server } = survey
  const foreign = foreignAnswer(survey)
  if (foreign !== undefined) return foreign
  const fix =
    'take public URLs from configuration (PUBLIC_URL), never from Host or X-Forwarded-* of a request'
  const spoofed = [survey.spoofed, resource.spoofed, ...(server?.spoofed ? [server.spoofed] : [])]
  const reflected = spoofed
    .filter(reflects)
    .slice(0, 1)
    .map(
      (exchange): FindingInput => ({
        sent: exchange,
        received: `an answer with ${SPOOFED_HOST} in it`,
        reason:
          'the host of a header that anybody can send ends up in the answer, and with it in caches and clients',
        fix,
      }),
    )
  const named: readonly (readonly [Exchange | undefined, [string, string][]])[] = [
    [anonymous, urlsOf({ resource_metadata: challenge?.resourceMetadata }, ['resource_metadata'])],
    [
      resource.chosen?.exchange,
      urlsOf(resource.document, ['resource', 'authorization_servers', 'jwks_uri']),
    ],
    [server?.chosen?.exchange, urlsOf(server?.document, SERVER_URLS)],
  ]
  const wrong = named.flatMap(([exchange, urls]) =>
    urls
      .filter(([, url]) => isBuiltFromRequest(new URL(url), target))
      .map(
        ([name, url]): FindingInput => ({
          sent: exchange ?? '',
          received: `${name}: ${quote(url)}`,
          reason: `it does not have the scheme and host of the public URL ${target.origin}; the server seems to build it from what its proxy passes on`,
          fix,
        }),
      ),
  )
  if (named.every(([, urls]) => urls.length === 0))
    return skipped('no URL of the server was seen, see DR-1 and DR-5')
  const plain: FindingInput[] = []
  if (target.protocol === 'http:' && !isInternal(target.hostname)) {
    const reason = 'the endpoint is http: tokens can be read on the way, and clients refuse it'
    plain.push({
      sent: anonymous,
      received: received(anonymous),
      reason,
      fix: 'serve it by https',
    })
  }
  const findings = [...plain, ...reflected, ...wrong, ...configured]
  // A proxy may well drop such a request, which is no fault, and shows nothing either.
  if (findings.length === 0 && spoofed.some(({ answer }) => answer === undefined))
    return skipped('a request with a foreign X-Forwarded-Host was not answered')
  return verdictOf(findings, 'every URL is public, and a foreign X-Forwarded-Host changes none')
}
