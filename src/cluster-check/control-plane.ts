import type { Cluster } from './cluster.ts'
import { parsed } from './cluster.ts'

/** The flags that one server was started with; what is not there has its default. */
export type Flags = ReadonlyMap<string, string>

/** What is known of one of the control plane’s programs: the flags of each that runs, and from where. */
export interface ProgramFlags {
  readonly from: string
  readonly servers: readonly Flags[]
}

type Program = 'kube-apiserver' | 'kube-controller-manager'

export const needsFlags =
  'list on pods in kube-system where the control plane runs as pods (kubeadm, RKE2), or get on /flagz; elsewhere ask who runs it'

/** Only these two lists leave kubectl: a pod’s environment may hold more than anybody should see. */
const onlyCommands =
  'jsonpath={range .items[*]}{.spec.containers[*].command} {.spec.containers[*].args}{"\\n"}{end}'

/** @returns undefined where nobody says. The API server itself says so at /flagz where that is switched on. */
export async function programFlags(cluster: Cluster, program: Program): Promise<ProgramFlags | undefined> {
  const selector = `component=${program}`
  const pods = await cluster.kubectl(['get', 'pods', '-n', 'kube-system', '-l', selector, '-o', onlyCommands])
  const servers = pods.ok
    ? pods.text
        .split('\n')
        .filter((line) => line.includes(program))
        .map(flagsOfLine)
    : []
  if (servers.length > 0) return { from: `pods of kube-system with ${selector}`, servers }
  if (program !== 'kube-apiserver') return undefined
  const flagz = await cluster.kubectl(['get', '--raw', '/flagz'])
  if (!flagz.ok) return undefined
  const flags = flagsOfPage(flagz.text)
  return flags.size === 0 ? undefined : { from: '/flagz', servers: [flags] }
}

/** `["kube-apiserver","--a=b"] ["--c","d"]`: kubectl writes lists as JSON, one after the other. */
export function flagsOfLine(line: string): Flags {
  const words = [...line.matchAll(/\[(?:"(?:[^"\\]|\\.)*",?)*\]/g)].flatMap(
    ([list]) => parsed<string[]>(list) ?? [],
  )
  const flags = new Map<string, string>()
  for (const [index, word] of words.entries()) {
    const [, name, value] = /^--?([a-z0-9-]+)(?:=([\s\S]*))?$/.exec(word) ?? []
    if (name === undefined) continue
    const next = words[index + 1]
    flags.set(name, value ?? (next === undefined || next.startsWith('-') ? 'true' : next))
  }
  return flags
}

/**
 * One flag a line, defaults among them, a header before. What stands between name and value an API server chooses anew at
 * each start, of `:`, `: `, `=` and a blank (KEP 4828): so that programs look for something better, which kubectl can’t ask for.
 */
export function flagsOfPage(text: string): Flags {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, name, value] = /^([a-z0-9-]+)[=: ](.*)$/.exec(line) ?? []
      return name === undefined ? [] : [[name, value?.trim() ?? ''] as const]
    }),
  )
}

/** Lists in /flagz are written as Go does: an empty one is `[]`. */
export const isSet = (flags: Flags, name: string): boolean => !['', '[]'].includes(flags.get(name) ?? '')

/** `24h0m0s`, as Go writes durations. @returns milliseconds; undefined for what is none */
export function goDurationMs(text: string): number | undefined {
  if (text === '0') return 0
  const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
  if (!/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(text)) return undefined
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0),
    0,
  )
}
