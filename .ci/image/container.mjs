// Starts what an image starts, with the restrictions of compose.yaml and the manifests, and asks it.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { firstProcess, spawnIn } from './sandbox.mjs'

/** Runs a command in the image as its user, with a read-only tree. Only its volume can be written. */
export function startIn(image, { node, env = {}, command = image.entrypoint }) {
  const child = spawnIn(image.root, {
    command,
    env: { ...image.env, ...env },
    workdir: image.workdir,
    node,
    user: image.user,
    volume: join(image.root, image.volumes[0]),
  })
  const output = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output.text += chunk
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return {
    output,
    ended,
    /** What the kernel says of its rights. */
    status: () => readFileSync(`/proc/${firstProcess(child)}/status`, 'utf8'),
    stop: (signal) => process.kill(firstProcess(child), signal),
    kill: () => child.kill('SIGKILL'),
  }
}

/** Runs a command in the image to its end. */
export async function runIn(image, options) {
  const started = startIn(image, options)
  const { code } = await started.ended
  return { code, text: started.output.text }
}

export async function waitFor(url, started, milliseconds) {
  const deadline = Date.now() + milliseconds
  let ended = false
  started.ended.then(() => {
    ended = true
  })
  while (Date.now() < deadline && !ended) {
    try {
      const response = await fetch(url)
      if (response.ok) return
    } catch {
      // Not listening yet.
    }
    await pause(100)
  }
  throw new Error(`${url} did not answer 200: ${started.output.text.slice(-2000)}`)
}
