import type { LoginResult, RedirectLogin } from '../../../src/login/login-provider.js'
import type { OpenidProvider } from './openid-provider.js'

export const CALLBACK = 'https://as.example/oauth/callback'

/** One sign-in from the redirect to the verified answer. */
export async function signIn(
  login: RedirectLogin,
  provider: OpenidProvider,
  answer: Readonly<Record<string, string>> = {},
): Promise<LoginResult> {
  const { url, state } = await login.start(CALLBACK)
  return login.finish(provider.authorize(url, answer), state)
}
