import * as z from 'zod/mini'
import { readDisplayClaims } from './display-claims.js'
import { normalizeEmail } from './email.js'
import {
  type OpenidClientOptions,
  openidClientShape,
  parseLoginOptions,
  textOption,
} from './login-options.js'
import type { RedirectLogin } from './login-provider.js'
import { createOpenidLogin } from './openid-login.js'
import type { OpenidAnswer, OpenidJudgement } from './openid-profile.js'

const ORIGIN = 'https://login.microsoftonline.com'
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The tenant of all personal Microsoft accounts. */
export const PERSONAL_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** Options of {@link microsoft}: one directory, or a list of several. */
export type MicrosoftOptions = OpenidClientOptions &
  (
    | {
        /** Directory (tenant) id, a GUID. */
        readonly tenant: string
        readonly tenants?: undefined
      }
    | {
        /**
         * Directory (tenant) ids, GUIDs. There is no way to accept every tenant: anyone can create
         * one.
         */
        readonly tenants: readonly string[]
        readonly tenant?: undefined
      }
  )

const TENANT_RULE = 'must be a directory (tenant) id, a GUID; "common" and domains are not accepted'

/** Brings a tenant id into the form of the `tid` claim; `undefined` for anything else. */
export function normalizeTenant(tenant: string): string | undefined {
  const text = tenant.trim().toLowerCase()
  return GUID.test(text) ? text : undefined
}

const tenantOption = textOption((text) =>
  normalizeTenant(text) === undefined ? TENANT_RULE : undefined,
)

const Options = z
  .strictObject({
    ...openidClientShape,
    tenant: z.optional(tenantOption),
    tenants: z.optional(
      z
        .array(tenantOption, { error: 'must be a list of directory (tenant) ids' })
        .check(z.minLength(1, { error: 'must hold at least one directory (tenant) id' })),
    ),
  })
  .check(
    z.refine(({ tenant, tenants }) => (tenant === undefined) !== (tenants === undefined), {
      path: ['tenants'],
      error: 'give either tenant or tenants',
    }),
  )

const issuerOf = (tenant: string) => `${ORIGIN}/${tenant}/v2.0`

/** Keys of personal accounts are published beside the others and count for their own issuer only. */
function isKeyOfIssuer(key: OpenidAnswer['signingKey'], tenant: string): boolean {
  if (key === undefined) return false
  const { issuer } = key
  if (issuer === undefined) return true
  return typeof issuer === 'string' && issuer.replaceAll('{tenantid}', tenant) === issuerOf(tenant)
}

/** In a multi-tenant app the administrator of any directory can set any address (nOAuth). */
function readEmail(claims: OpenidAnswer['claims'], isSingleTenant: boolean): string | undefined {
  const isOwnDomain = [true, 1, '1'].some((value) => value === claims.xms_edov)
  if (typeof claims.email !== 'string' || !(isSingleTenant || isOwnDomain)) return undefined
  return normalizeEmail(claims.email)
}

function judge(answer: OpenidAnswer, tenants: ReadonlySet<string>): OpenidJudgement {
  const { claims, signingKey } = answer
  const { tid, oid, iss } = claims
  if (typeof tid !== 'string' || !GUID.test(tid)) return { kind: 'invalid', reason: 'id_token_tid' }
  if (iss !== issuerOf(tid)) return { kind: 'invalid', reason: 'id_token_iss' }
  if (!tenants.has(tid)) return { kind: 'denied', reason: 'tenant' }
  if (!isKeyOfIssuer(signingKey, tid)) return { kind: 'invalid', reason: 'id_token_key_issuer' }
  if (typeof oid !== 'string' || !GUID.test(oid)) return { kind: 'invalid', reason: 'id_token_oid' }
  return {
    kind: 'identity',
    identity: {
      issuer: iss,
      // `sub` differs from one app registration to the next; `oid` is the person.
      subject: `${tid}:${oid}`,
      tenant: tid,
      email: readEmail(claims, tenants.size === 1),
      ...readDisplayClaims(claims),
    },
  }
}

/**
 * Sign-in with Microsoft Entra ID, for one directory or for several listed ones.
 *
 * The person is named by tenant and object id. The `email` claim admits only in an app of one
 * tenant, or when the optional claim `xms_edov` says that the directory owns the domain;
 * `preferred_username` and Microsoft Graph are never asked.
 *
 * @throws ConfigurationError at once, when an option is missing or malformed.
 * @see https://learn.microsoft.com/entra/identity-platform/claims-validation
 */
export function microsoft(options: MicrosoftOptions): RedirectLogin {
  const { fetch, now, timeoutMilliseconds, tenant, tenants, ...client } = parseLoginOptions(
    'microsoft',
    Options,
    options,
  )
  const listed = new Set((tenants ?? [tenant ?? '']).map((each) => each.trim().toLowerCase()))
  const [only = ''] = listed
  const shared = listed.has(PERSONAL_TENANT) ? 'common' : 'organizations'
  const isSingleTenant = listed.size === 1
  return createOpenidLogin(
    {
      ...client,
      id: 'microsoft',
      label: 'Microsoft',
      discovery: issuerOf(isSingleTenant ? only : shared),
      // The document that many tenants share is a template, so it must say exactly the template.
      issuers: [issuerOf(isSingleTenant ? only : '{tenantid}')],
      scopes: ['openid', 'email', 'profile'],
      authorizationParameters: { prompt: 'select_account' },
      judge: (answer) => judge(answer, listed),
    },
    { fetch, now, timeoutMilliseconds },
  )
}
