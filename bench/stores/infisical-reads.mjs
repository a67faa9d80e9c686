/*
 * CPU of reading one credential from Infisical without a cache, against the bare SDK, both against the
 * same server in another process.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { InfisicalSDK } from '@infisical/sdk'
import { cpuOf } from '../lib/cpu-of.mjs'
import { effort } from '../lib/effort.mjs'
import { measuredTable } from '../lib/measured-table.mjs'
import { interleave } from './interleave.mjs'
import { ratioOf, typical } from './typical.mjs'

const SERVER = fileURLToPath(new URL('./infisical-server.mjs', import.meta.url))
const READS = effort(100, 5)
const ROUNDS = effort(60, 2)
const WARM_UP_ROUNDS = effort(10, 1)
const FOLDER = '/mcp-auth/default'

const SDK = '@infisical/sdk getSecret'
const OURS = 'infisicalTokenStore, not cached'
const LISTED = 'infisicalTokenStore, from its listing'
const FLOOR = 'floor: GET by node:http, JSON.parse'
const ROLES = { [FLOOR]: 'floor', [SDK]: 'peer', [OURS]: 'ours', [LISTED]: 'ours' }

function getJson(url, agent, accessToken) {
  const headers = { authorization: `Bearer ${accessToken}` }
  return new Promise((resolve, reject) => {
    get(url, { agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(JSON.parse(text)))
    }).on('error', reject)
  })
}

const cpuOfReads = (read, secret) =>
  cpuOf(READS, async () => {
    if ((await read()) !== secret) throw new Error('another value')
  })

export async function measureInfisicalReads() {
  const server = fork(SERVER, [], { execArgv: [] })
  const [{ siteUrl, projectId, environment, clientId, clientSecret }] = await once(
    server,
    'message',
  )
  const options = {
    siteUrl,
    projectId,
    environment,
    auth: { method: 'universal', clientId, clientSecret },
  }
  const store = infisicalTokenStore({ ...options, listTtlSeconds: 0 })
  const listed = infisicalTokenStore(options)
  const sdk = new InfisicalSDK({ siteUrl })
  await sdk.auth().universalAuth.login({ clientId, clientSecret })

  const key = { provider: 'coda', owner: { kind: 'service' } }
  const secret = 'x'.repeat(64)
  await store.set(key, { kind: 'api-key', secret })
  const { secrets } = await sdk
    .secrets()
    .listSecrets({ environment, projectId, secretPath: FOLDER, viewSecretValue: true })
  const secretName = secrets[0].secretKey
  const request = {
    environment,
    projectId,
    secretName,
    secretPath: FOLDER,
    viewSecretValue: true,
  }
  const accessToken = sdk.auth().getAccessToken()
  const bareUrl = new URL(`/api/v3/secrets/raw/${secretName}`, siteUrl)
  bareUrl.search = new URLSearchParams({
    workspaceId: projectId,
    environment,
    secretPath: FOLDER,
    viewSecretValue: 'true',
  }).toString()
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const reads = {
    [FLOOR]: async () => (await getJson(bareUrl, agent, accessToken)).secret.secretValue,
    [SDK]: async () => (await sdk.secrets().getSecret(request)).secretValue,
    [OURS]: async () => (await store.get(key)).secret,
    [LISTED]: async () => (await listed.get(key)).secret,
  }

  let samples
  try {
    samples = await interleave(
      reads,
      { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
      async (read) => cpuOfReads(read, secret),
    )
  } finally {
    await store.close()
    await listed.close()
    agent.destroy()
    server.disconnect()
  }

  return measuredTable(
    'infisical-reads',
    'CPU of one read from Infisical',
    [
      ['CPU us', 1],
      ['of the SDK', 3],
    ],
    Object.keys(reads).map((label) => ({
      label,
      role: ROLES[label],
      values: [typical(samples[label]), ratioOf(samples[label], samples[SDK])],
    })),
  )
}
