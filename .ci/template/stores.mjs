import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileTypeScript } from '../../bench/lib/typescript.mjs'

/** Puts the token of GitHub where the README of the server says. */
function byCommand(store) {
  return ({ mcpAuth, env, github }) =>
    mcpAuth(['tokens', 'set', 'github', '--store', store], { env, input: github.token })
}

/** How each store is set up: its variables, and what is done before or while the server runs. */
export const stores = {
  none: async () => ({ env: {} }),
  async env({ folder, github }) {
    const file = join(folder, 'github-token')
    writeFileSync(file, github.token, { mode: 0o600 })
    return { env: { GITHUB_API_TOKEN_FILE: file } }
  },
  postgres: async () => ({ env: {}, whileRunning: byCommand('postgres') }),
  async infisical() {
    const { startFakeInfisical } = await import(
      compileTypeScript('packages/store-infisical/test/fake-infisical/index.ts')
    )
    const fake = await startFakeInfisical()
    return {
      env: {
        INFISICAL_SITE_URL: fake.siteUrl,
        INFISICAL_PROJECT_ID: fake.projectId,
        INFISICAL_ENVIRONMENT: fake.environment,
        INFISICAL_CLIENT_ID: fake.clientId,
        INFISICAL_CLIENT_SECRET: fake.clientSecret,
      },
      // A server that runs would see it within a minute.
      before: byCommand('infisical'),
      close: () => fake.close(),
    }
  },
}
