import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { findFreePort } from '../../.ci/free-port.mjs'
import { compileTypeScript } from '../lib/typescript.mjs'
import { nodeOf } from './install.mjs'

const SUPPORT = 'packages/cli/test/doctor/broken-servers'
const { startSite } = await import(compileTypeScript(`${SUPPORT}/site.ts`))
const { CLIENT_DOCUMENTS } = await import(compileTypeScript(`${SUPPORT}/client-documents.ts`))

/** An address on loopback at which nobody listens yet. */
async function freeOrigin() {
  return `http://127.0.0.1:${await findFreePort()}`
}

async function waitUntilItAnswers(url, child, output) {
  for (let tries = 0; tries < 150; tries++) {
    if (child.exitCode !== null) break
    const answer = await fetch(url, { method: 'HEAD', redirect: 'manual' }).catch(() => undefined)
    if (answer !== undefined) return
    await wait(200)
  }
  throw new Error(`the server did not start: ${output.join('').slice(-1000)}`)
}

/** Starts the server of a peer, with an authorization server beside it where it needs one. */
export async function servePeer(peer, folder) {
  const origin = await freeOrigin()
  const resource = `${origin}/mcp`
  const site = await startSite({}, { names: { resource: origin } })
  const { issuer } = site.urls
  const metadata = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
  const authOrigin = await freeOrigin()
  const child = spawn(nodeOf(peer.node).path, ['server.mjs'], {
    cwd: folder,
    // A group of its own, so that what it starts ends with it.
    detached: true,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      NODE_ENV: 'production',
      DO_NOT_TRACK: '1',
      MCP_USE_ANONYMIZED_TELEMETRY: 'false',
      PORT: new URL(origin).port,
      ORIGIN: origin,
      RESOURCE: resource,
      AUTH_ORIGIN: authOrigin,
      ISSUER: issuer,
      ISSUER_KEYS: `${issuer}/keys`,
      ISSUER_METADATA: await metadata.text(),
      CLIENT_DOCUMENTS: JSON.stringify(Object.fromEntries(CLIENT_DOCUMENTS)),
    },
  })
  const output = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => output.push(String(chunk)))
  }
  async function stop() {
    if (child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, 'SIGKILL')
      await once(child, 'exit')
    }
    await site.close()
  }
  try {
    await waitUntilItAnswers(resource, child, output)
  } catch (error) {
    await stop()
    throw error
  }
  // Ports differ from run to run, and say nothing.
  const names = {
    [origin]: 'http://server',
    [issuer]: 'http://issuer',
    [authOrigin]: 'http://issuer',
  }
  return { resource, names, stop }
}
