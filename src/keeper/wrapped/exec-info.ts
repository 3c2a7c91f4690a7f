import type { WrappedExec } from '../../domain/exec-plugins.ts'

/** What a client says in KUBERNETES_EXEC_INFO; some say nothing, and it may be anything. */
export interface ExecInfo {
  /** Standard input is a terminal that the plugin may read from; undefined where it is not said. */
  readonly interactive: boolean | undefined
  readonly cluster: unknown
}

export function readExecInfo(text: string | undefined): ExecInfo {
  const spec = specOf(text)
  const { interactive, cluster } = spec ?? {}
  return { interactive: typeof interactive === 'boolean' ? interactive : undefined, cluster }
}

function specOf(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const info = JSON.parse(text ?? '') as { spec?: unknown } | null
    return typeof info?.spec === 'object' && info.spec !== null
      ? (info.spec as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** KUBERNETES_EXEC_INFO for the wrapped plugin, as client-go would have set it. */
export function execInfoFor(exec: WrappedExec, info: ExecInfo, interactive: boolean): string {
  return JSON.stringify({
    kind: 'ExecCredential',
    apiVersion: `client.authentication.k8s.io/${exec.apiVersion}`,
    spec: {
      ...(exec.provideClusterInfo && info.cluster !== undefined && { cluster: info.cluster }),
      interactive,
    },
  })
}
