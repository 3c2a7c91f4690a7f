import type { Cluster } from './cluster.ts'

/** Samples of the API server that the checks look at, by name and labels as they are written: `name{a="b"}`. */
export type Metrics = ReadonlyMap<string, number>

export const needsMetrics = 'get on the path /metrics'

/** @returns undefined where this person may not see them. Each API server counts for itself. */
export async function readMetrics(cluster: Cluster, names: readonly string[]): Promise<Metrics | undefined> {
  const answer = await cluster.kubectl(['get', '--raw', '/metrics'])
  return answer.ok ? metricsOf(answer.text, names) : undefined
}

/** The text format of Prometheus: `name{label="value"} 12`, comments with #. */
export function metricsOf(text: string, names: readonly string[]): Metrics {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!names.some((name) => line.startsWith(name))) continue
    const at = line.lastIndexOf(' ')
    samples.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return samples
}
