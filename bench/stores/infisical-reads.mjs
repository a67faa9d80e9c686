/*
 * CPU of reading one credential from Infisical without a cache, against the bare SDK, both against the
 * same server in another process.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { infisicalTokenStore } from '@bestviable/mcp-auth-store-infisical'
import { InfisicalSDK } from '@infisical/sdk'
import { interleave } from './interleave.mjs'
import { compare, ratioOf, typical } from './limits.mjs'

const SERVER = fileURLToPath(new URL('./infisical-server.mjs', import.meta.url))
const READS = 100
const ROUNDS = 120
const WARM_UP_ROUNDS = 10
const FOLDER = '/mcp-auth/default'

const SDK = '@infisical/sdk getSecret'
const OURS = 'infisicalTokenStore, not cached'
const LISTED = 'infisicalTokenStore, from its listing'

async function cpuOf(read, secret) {
  const before = process.cpuUsage()
  for (let count = 0; count < READS; count += 1) {
    if ((await read()) !== secret) throw new Error('another value')
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / READS
}

/** Measures and returns `{ rows, comparisons }`. */
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
  const reads = {
    [SDK]: async () => (await sdk.secrets().getSecret(request)).secretValue,
    [OURS]: async () => (await store.get(key)).secret,
    [LISTED]: async () => (await listed.get(key)).secret,
  }

  let samples
  try {
    samples = await interleave(
      reads,
      { rounds: ROUNDS, warmUpRounds: WARM_UP_ROUNDS },
      async (read) => cpuOf(read, secret),
    )
  } finally {
    await store.close()
    await listed.close()
    server.disconnect()
  }

  const ratio = (label) => ratioOf(samples[label], samples[SDK])
  return {
    rows: Object.keys(reads).map((label) => ({
      label,
      microseconds: typical(samples[label]),
      ofSdk: ratio(label),
    })),
    comparisons: [compare(OURS, SDK, ratio(OURS), 1.2)],
  }
}
