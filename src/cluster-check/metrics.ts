import { needed } from './cluster.ts'
import type { Cluster } from './cluster.ts'

/** Samples of the API server that the checks look at, by name and labels as they are written: `name{a="b"}`. */
export type Samples = ReadonlyMap<string, number>

/** Each API server counts for itself. */
export interface Metrics {
  /** Undefined where they are not to be seen. */
  readonly samples: Samples | undefined
  readonly needs: string
}

export async function readMetrics(cluster: Cluster, names: readonly string[]): Promise<Metrics> {
  const right = 'get on the path /metrics'
  const answer = await cluster.kubectl(['get', '--raw', '/metrics'])
  return answer.ok
    ? { samples: samplesOf(answer.text, names), needs: right }
    : { samples: undefined, needs: needed(answer, right) }
}

/** The text format of Prometheus: `name{label="value"} 12`, comments with #. */
export function samplesOf(text: string, names: readonly string[]): Samples {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (!names.some((name) => line.startsWith(name))) continue
    const at = line.lastIndexOf(' ')
    samples.set(line.slice(0, at), Number(line.slice(at + 1)))
  }
  return samples
}
