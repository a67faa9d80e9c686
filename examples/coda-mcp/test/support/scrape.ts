/** Samples of one scrape. */
export interface Scrape {
  readonly text: string
  /** Value of the sample with exactly these labels; `undefined` when there is none. */
  sample(name: string, labels?: Readonly<Record<string, string>>): number | undefined
  /** Values that a label has anywhere. */
  valuesOf(label: string): ReadonlySet<string>
}

function readLabels(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return JSON.stringify([name, Object.entries(labels).sort()])
}

/** Parses the text format of Prometheus. */
export function parseMetrics(text: string): Scrape {
  const samples = new Map<string, number>()
  const values = new Map<string, Set<string>>()
  for (const line of text.split('\n')) {
    const [, name, labelText = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined) continue
    const labels = readLabels(labelText)
    samples.set(keyOf(name, labels), Number(value))
    for (const [label, each] of Object.entries(labels)) {
      values.set(label, (values.get(label) ?? new Set()).add(each))
    }
  }
  return {
    text,
    sample: (name, labels = {}) => samples.get(keyOf(name, labels)),
    valuesOf: (label) => values.get(label) ?? new Set(),
  }
}

/** Reads the metrics of a server on this machine. */
export async function scrape(port: number | string): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`)
  if (response.status !== 200) throw new Error(`not scraped: ${response.status}`)
  return parseMetrics(await response.text())
}
