import { interactionPolicy } from 'oidc-provider'
import { isSessionTooOld } from './accounts.js'
import { ownerOf } from './credential-owner.js'
import { currentScope } from './engine-scope.js'
import type { EngineParts } from './parts.js'

const { Check, Prompt, base } = interactionPolicy

async function isConnected(parts: EngineParts, userId: string): Promise<boolean> {
  const { connect, credentials, issuer } = parts
  if (connect === undefined || credentials === undefined) return true
  try {
    const key = { provider: connect.login.id, owner: ownerOf(issuer, userId) }
    return (await credentials.get(key)) !== undefined
  } catch (error) {
    const scope = currentScope()
    if (scope !== undefined) scope.failure ??= error
    throw error
  }
}

/** The prompts in their order: sign in, connect an upstream account, consent. */
export function createInteractionPolicy(parts: EngineParts): interactionPolicy.Prompt[] {
  const policy = base()
  const { login, consent } = { login: policy.get('login'), consent: policy.get('consent') }
  if (login === undefined || consent === undefined) throw new TypeError('the engine has no prompts')

  // Without it a session of somebody who was removed or suspended ends in an exception.
  login.checks.add(
    new Check(
      'account_gone',
      'the account is not usable',
      'login_required',
      ({ oidc }) => oidc.session?.accountId !== undefined && oidc.account === undefined,
    ),
  )
  // Each request lengthens a session; codes of one this old are refused, without a way to sign in again.
  login.checks.add(
    new Check(
      'session_too_old',
      'the sign-in is too long ago',
      'login_required',
      ({ oidc }) => oidc.session !== undefined && isSessionTooOld(parts, oidc.session),
    ),
  )
  if (parts.consent === 'always') {
    consent.checks.add(
      new Check(
        'consent_always',
        'consent is asked each time',
        'consent_required',
        ({ oidc }) => oidc.result?.consent === undefined,
      ),
    )
  }
  if (parts.connect !== undefined) {
    const connect = new Prompt(
      { name: 'connect', requestable: false },
      new Check('not_connected', 'no upstream account', 'interaction_required', async (ctx) => {
        const userId = ctx.oidc.account?.accountId
        if (userId === undefined || ctx.oidc.result?.connect !== undefined) return false
        return !(await isConnected(parts, userId))
      }),
    )
    policy.add(connect, 1)
  }
  return policy
}
