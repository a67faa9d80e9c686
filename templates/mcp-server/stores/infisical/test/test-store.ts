import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Environment } from '../src/settings.js'

const LOGIN = { accessToken: 'test', expiresIn: 3600, accessTokenMaxTTL: 3600, tokenType: 'Bearer' }
const NOTHING = { secrets: [], imports: [] }

/** Variables with which the whole server starts in a test. An Infisical without secrets stands behind. */
export async function startTestStore(): Promise<{ env: Environment; close(): Promise<void> }> {
  const infisical = createServer(({ method }, response) => {
    const answer = JSON.stringify(method === 'POST' ? LOGIN : NOTHING)
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
  })
  await once(infisical.listen(0, '127.0.0.1'), 'listening')
  const { port } = infisical.address() as AddressInfo
  return {
    env: {
      INFISICAL_SITE_URL: `http://127.0.0.1:${port}`,
      INFISICAL_PROJECT_ID: '00000000-0000-4000-8000-000000000000',
      INFISICAL_CLIENT_ID: 'test',
      INFISICAL_CLIENT_SECRET: 'test',
    },
    close: async () => {
      infisical.closeAllConnections()
      infisical.close()
    },
  }
}
