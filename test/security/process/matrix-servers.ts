import type { Host } from '../../../packages/mcp-auth-middleware/test/black-box/hosts.js'
import type { Recording } from '../../../packages/mcp-auth-middleware/test/black-box/scenario.js'
import { type NodeEnvironment, variablesOf } from '../harness/node-environments.js'
import { compileProgram, startWatched, type WatchedProgram } from '../harness/watched-program.js'
import {
  MATRIX_HOSTS,
  type MatrixPorts,
  RESOURCE,
  type ResourceServerJob,
  SCOPES,
} from './resource-server-job.js'

/** One process of the matrix, with a server of each host in it. */
export interface MatrixServers {
  readonly environment: NodeEnvironment
  readonly program: WatchedProgram
  readonly hosts: readonly Host[]
}

/** The resource server under one `NODE_ENV`. */
export async function startMatrixServers(
  file: string,
  environment: NodeEnvironment,
  job: ResourceServerJob,
): Promise<MatrixServers> {
  const program = await startWatched({
    file,
    env: variablesOf(environment),
    nodeOptions: ['--expose-gc'],
  })
  const ports = await program.ask<MatrixPorts>('start', job)
  const scenario = { options: { resource: RESOURCE, scopes: SCOPES }, validators: [] }
  const hosts = MATRIX_HOSTS.map(
    (kind): Host => ({
      kind,
      port: ports[kind],
      scenario,
      take: () => program.ask<Recording>('take', kind),
      revoke: () => Promise.reject(new Error('nothing can be revoked here')),
      close: () => program.stop(),
    }),
  )
  return { environment, program, hosts }
}

/** The resource server under each `NODE_ENV`, as processes of their own. */
export async function startMatrix(
  job: ResourceServerJob,
  environments: readonly NodeEnvironment[],
): Promise<readonly MatrixServers[]> {
  const file = await compileProgram(new URL('./resource-server-program.ts', import.meta.url))
  return Promise.all(environments.map((environment) => startMatrixServers(file, environment, job)))
}
