/** One metric as Prometheus sees it. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Labels by name, with what their values are. Never a user, a token, an address or a URL. */
  readonly labels: Readonly<Record<string, string>>
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[] | undefined
}

const fast = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 3]
const slow = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30]

const endpoint = 'name of the endpoint, `other` for every other path'
const status = 'HTTP status'
const validator = 'name of the way in, `none` before one was chosen'
const storeKind = '`env`, `postgres` or `infisical`'
const storeOperation = '`get`, `set`, `delete`, `lease` or `check`'
const tool = 'name of a tool of this server'

/** Every metric of this server. They are made from here, and METRICS.md is held to it by a test. */
export const metricTable = {
  http_requests_total: {
    type: 'counter',
    help: 'Answered requests of the public port.',
    labels: { endpoint, status },
  },
  http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from a request to the end of its answer.',
    labels: { endpoint },
    buckets: [0.001, 0.0025, 0.005, ...slow],
  },
  http_requests_in_flight: {
    type: 'gauge',
    help: 'Requests that are being answered now.',
    labels: {},
  },
  oauth_requests_total: {
    type: 'counter',
    help: 'Answered requests of OAuth endpoints and metadata documents.',
    labels: { endpoint: 'name of the endpoint', status },
  },
  oauth_events_total: {
    type: 'counter',
    help: 'What happened at the embedded authorization server.',
    labels: {
      event: 'as in docs/reference/authorization-server-events.md',
      outcome: '`done`, `denied` or `failed`',
    },
  },
  oauth_records: {
    type: 'gauge',
    help: 'What the embedded authorization server holds and is valid now; all replicas show the same.',
    labels: { kind: '`codes`, `grants`, `clients` or `sessions`' },
  },
  mcp_requests_total: {
    type: 'counter',
    help: 'Decisions of the guard.',
    labels: { outcome: 'as in docs/reference/responses.md', validator },
  },
  token_validation_duration_seconds: {
    type: 'histogram',
    help: 'Time to verify a credential that was not in the cache.',
    labels: {
      validator,
      outcome: '`accepted`, `rejected`, `forbidden`, `unavailable` or `failed`',
    },
    buckets: fast,
  },
  token_validation_cache_total: {
    type: 'counter',
    help: 'Accepted requests by whether an earlier verification was reused.',
    labels: { result: '`hit` or `miss`' },
  },
  key_set_fetches_total: {
    type: 'counter',
    help: 'Fetches of the public keys of an issuer.',
    labels: { validator, outcome: '`fetched`, `unavailable` or `misconfigured`' },
  },
  token_store_operation_duration_seconds: {
    type: 'histogram',
    help: 'Time of one operation of a store of Coda tokens, behind its cache.',
    labels: { store: storeKind, operation: storeOperation, outcome: '`ok` or `failed`' },
    buckets: fast,
  },
  token_store_errors_total: {
    type: 'counter',
    help: 'Failed operations of a store of Coda tokens.',
    labels: {
      store: storeKind,
      operation: storeOperation,
      reason: '`unavailable`, `integrity`, `conflict`, `invalid`, `unsupported` or `other`',
    },
  },
  mcp_tool_calls_total: {
    type: 'counter',
    help: 'Finished tool calls.',
    labels: { tool, outcome: '`ok`, or the code of the failure' },
  },
  mcp_tool_call_duration_seconds: {
    type: 'histogram',
    help: 'Time of one tool call.',
    labels: { tool, outcome: '`ok` or `failed`' },
    buckets: slow,
  },
  coda_request_duration_seconds: {
    type: 'histogram',
    help: 'Time until Coda answered one request; retries are requests of their own.',
    labels: {
      operation: 'method and path with `*` for ids, `other` for every other path',
      status: 'HTTP status, `none` without an answer',
    },
    buckets: slow,
  },
  rate_limited_total: {
    type: 'counter',
    help: 'Requests to the MCP endpoint that were answered 429.',
    labels: { limit: '`client`, `caller`, `running` or `refusals`' },
  },
  audit_entries_total: {
    type: 'counter',
    help: 'Tool calls for the audit trail.',
    labels: { outcome: '`written` or `dropped`' },
  },
  audit_queue_entries: {
    type: 'gauge',
    help: 'Tool calls that wait to be written to the audit trail.',
    labels: {},
  },
  server_ready: {
    type: 'gauge',
    help: '1 from the end of the start to the begin of shutdown.',
    labels: {},
  },
  server_degraded: {
    type: 'gauge',
    help: '1 while a dependency does not answer.',
    labels: { reason: '`store` or `database`' },
  },
  server_info: {
    type: 'gauge',
    help: 'Always 1.',
    labels: { version: 'of this server', node: 'version of Node.js', store: storeKind },
  },
} as const satisfies Record<string, MetricDefinition>

/** Metrics of the process that prom-client makes by itself, as far as dashboard and alerts use them. */
export const processMetricTable = {
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time.',
    labels: {},
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Memory of the process.',
    labels: {},
  },
  process_start_time_seconds: {
    type: 'gauge',
    help: 'Start of the process in epoch seconds.',
    labels: {},
  },
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'Delay of the event loop, 99th percentile.',
    labels: {},
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    help: 'Heap that is used.',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>

type MetricTable = typeof metricTable
export type MetricName = keyof MetricTable

/** Names of the metrics of one type. */
export type MetricNameOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: MetricTable[Name]['type'] extends Type ? Name : never
}[MetricName]

/** A value for each label of a metric. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in keyof MetricTable[Name]['labels']]: string
}

function formatRows(table: Readonly<Record<string, MetricDefinition>>): string {
  const rows = Object.entries(table).map(([name, { type, help, labels }]) => {
    const meanings = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values}`)
    return `| \`${name}\` | ${type} | ${help} | ${meanings.join('; ')} |`
  })
  return ['| Metric | Type | What | Labels |', '|---|---|---|---|', ...rows].join('\n')
}

/** The tables of METRICS.md: of this server, and of its process. */
export function formatMetricTables(): readonly [own: string, process: string] {
  return [formatRows(metricTable), formatRows(processMetricTable)]
}
