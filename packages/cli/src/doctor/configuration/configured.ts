import type { CheckId } from '../check.js'
import type { FindingInput } from '../checks/verdict.js'
import { quote, showUrl } from '../http/quote.js'
import { issuersOf } from '../survey/server-survey.js'
import type { Survey } from '../survey/survey.js'

/** Variables of a server, as it is started with them. */
export type ServerVariables = Readonly<Record<string, string | undefined>>

/** What only the configuration shows. */
export interface Configured {
  /** Findings for DR-3. */
  readonly publicUrls: readonly FindingInput[]
  /** Findings for DR-7. */
  readonly issuers: readonly FindingInput[]
  readonly hints: readonly { readonly id: CheckId; readonly text: string }[]
}

function settingOf(variables: ServerVariables, name: string): string | undefined {
  const value = variables[name]
  return value === undefined || value === '' ? undefined : value
}

function publicUrlFindings(
  variables: ServerVariables,
  { target }: Survey,
): readonly FindingInput[] {
  const name = settingOf(variables, 'PUBLIC_URL') === undefined ? 'OAUTH_SERVER_URL' : 'PUBLIC_URL'
  const text = settingOf(variables, name)
  if (text === undefined || !URL.canParse(text)) return []
  const configured = new URL(text)
  if (configured.origin === target.origin) return []
  return [
    {
      sent: `${name} of the configuration`,
      received: quote(showUrl(configured)),
      reason: `the server builds every URL from it, and people enter ${showUrl(target)}`,
      fix: `set ${name} to ${quote(target.origin)}, or give people the URL that it says`,
    },
  ]
}

function issuerFindings(variables: ServerVariables, survey: Survey): readonly FindingInput[] {
  const issuer = settingOf(variables, 'OIDC_ISSUER')
  const { document } = survey.resource
  if (issuer === undefined || document === undefined) return []
  const servers = issuersOf(document)
  if (servers.includes(issuer)) return []
  return [
    {
      level: 'warning',
      sent: 'OIDC_ISSUER of the configuration',
      received: quote(issuer),
      reason: `tokens of it are expected, and the resource metadata sends clients to ${quote(servers)}`,
      fix: 'use one string for the issuer, character by character',
    },
  ]
}

/** Reads what the variables of a server say about the checks. Repeats no secret. */
export function readConfigured(variables: ServerVariables, survey: Survey): Configured {
  const hints: { id: CheckId; text: string }[] = []
  if (settingOf(variables, 'STYTCH_PROJECT_ID') !== undefined) {
    hints.push({
      id: 'DR-25',
      text: 'Stytch puts its project into aud, not this server (resource binding "none"): a token that another server of the same project got is taken here too',
    })
  }
  for (const name of ['JWT_SECRET', 'STYTCH_SECRET']) {
    if (settingOf(variables, name) === undefined) continue
    hints.push({
      id: 'DR-25',
      text: `${name} is set and not used: tokens are verified with published keys`,
    })
  }
  if (settingOf(variables, 'MCP_BEARER_TOKENS') !== undefined) {
    hints.push({
      id: 'DR-31',
      text: 'static Bearer tokens are configured: a client that holds one does not sign in when it is refused',
    })
  }
  return {
    publicUrls: publicUrlFindings(variables, survey),
    issuers: issuerFindings(variables, survey),
    hints,
  }
}
