import { type CodaMcpConfig, ConfigError } from '../config.js'
import type { Health } from '../health.js'
import type { Logger } from '../logger.js'
import type { Metrics } from './metrics.js'
import { type MetricsServer, startMetricsServer } from './metrics-server.js'

function isWrongAddress(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN'
}

/**
 * Serves the metrics on their port, unless it is 0. On a first run, which nobody watches, a port that is
 * in use is no reason not to start.
 *
 * @throws {@link ConfigError} when the port cannot be had.
 */
export async function startMetrics(options: {
  readonly config: CodaMcpConfig
  readonly metrics: Metrics
  readonly logger: Logger
}): Promise<MetricsServer | undefined> {
  const { config, metrics, logger } = options
  const { metricsHost: host, metricsPort: port } = config
  if (port === 0) return undefined
  try {
    const server = await startMetricsServer({ metrics, host, port })
    logger.info({ address: `${host}:${port}` }, 'metrics are served')
    return server
  } catch (error) {
    const problem = isWrongAddress(error)
      ? { variable: 'METRICS_HOST', message: 'is no address of this machine' }
      : {
          variable: 'METRICS_PORT',
          message: `(${port}) cannot be listened on, perhaps because it is in use: set it to another port, or to 0`,
        }
    if (!config.firstRun) throw new ConfigError([problem])
    logger.warn(`there are no metrics: ${problem.variable} ${problem.message}`)
    return undefined
  }
}

/** Shows the state of the server among its metrics. */
export function showState(
  metrics: Metrics,
  { config, version, health }: { config: CodaMcpConfig; version: string; health: Health },
): void {
  metrics.read('server_ready', (set) => set({}, health.state().ready ? 1 : 0))
  metrics.read('server_degraded', (set) => {
    const { degraded } = health.state()
    for (const reason of ['store', 'database'] as const) {
      set({ reason }, degraded.has(reason) ? 1 : 0)
    }
  })
  const info = { version, node: process.versions.node, store: config.store.kind }
  metrics.read('server_info', (set) => set(info, 1))
}
