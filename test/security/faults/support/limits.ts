import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

/** Whether the limits of a running process can be set here; on CI they can. */
export const canLimit = spawnSync('prlimit', ['--version']).status === 0

/** Sets the most file descriptors that a running process may have, as `ulimit -n` before it does. */
export function limitDescriptors(pid: number, most: number): void {
  const { status, stderr } = spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:${most}`])
  if (status !== 0) throw new Error(`prlimit: ${stderr}`)
}

/** How many file descriptors a process has open. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}
