import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import {
  type LabelsOf,
  type MetricDefinition,
  type MetricName,
  type MetricNameOf,
  metricTable,
} from './metric-table.js'

/** Sets the samples of a gauge when it is read. What it throws leaves the gauge without a sample. */
export type GaugeReader<Name extends MetricNameOf<'gauge'>> = (
  set: (labels: LabelsOf<Name>, value: number) => void,
) => void | Promise<void>

/** The metrics of one process. */
export interface Metrics {
  /** Adds one, or as many as are given. */
  count<Name extends MetricNameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void
  /** Adds one measured time. */
  observe<Name extends MetricNameOf<'histogram'>>(
    name: Name,
    labels: LabelsOf<Name>,
    seconds: number,
  ): void
  /** Adds to a gauge. */
  add<Name extends MetricNameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, by: number): void
  /** Lets a gauge be read at each scrape. The last reader counts. */
  read<Name extends MetricNameOf<'gauge'>>(name: Name, reader: GaugeReader<Name>): void
  /** All of them in the text format of Prometheus. */
  format(): Promise<string>
  readonly contentType: string
}

function create(
  registry: Registry,
  name: MetricName,
  readers: ReadonlyMap<string, GaugeReader<never>>,
): Counter | Gauge | Histogram {
  const { type, help, labels, buckets }: MetricDefinition = metricTable[name]
  const options = { name, help, labelNames: Object.keys(labels), registers: [registry] }
  if (type === 'counter') return new Counter(options)
  if (type === 'histogram') return new Histogram({ ...options, buckets: [...(buckets ?? [])] })
  return new Gauge({
    ...options,
    async collect() {
      const reader = readers.get(name)
      if (reader === undefined) return
      this.reset()
      // A sample without labels stands at 0 from the start, which would be a lie here.
      if (Object.keys(labels).length === 0) this.remove()
      try {
        await reader((values, value) => this.set(values, value))
      } catch {
        // What could not be read is left out, and all others are shown.
      }
    },
  })
}

/**
 * Creates the metrics of the table, and those of the process unless nobody is going to read them. Nothing
 * listens yet.
 */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry()
  const readers = new Map<string, GaugeReader<never>>()
  const counters = new Map<string, Counter>()
  const histograms = new Map<string, Histogram>()
  const gauges = new Map<string, Gauge>()
  for (const name of Object.keys(metricTable) as MetricName[]) {
    const metric = create(registry, name, readers)
    if (metric instanceof Counter) counters.set(name, metric)
    else if (metric instanceof Histogram) histograms.set(name, metric)
    else gauges.set(name, metric)
  }
  if (options.process !== false) collectDefaultMetrics({ register: registry })
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    observe: (name, labels, seconds) => histograms.get(name)?.observe(labels, seconds),
    add: (name, labels, by) => gauges.get(name)?.inc(labels, by),
    read: (name, reader) => void readers.set(name, reader as GaugeReader<never>),
    format: async () => await registry.metrics(),
    contentType: registry.contentType,
  }
}
