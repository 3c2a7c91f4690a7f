import { isAbsolute, resolve } from 'node:path'
import type { Command } from '../domain/command.ts'
import type { GuardedSession } from './guarded-session.ts'
import type { Kubeconfigs, Outline, OutlineUser, ProcessFacts } from './ports.ts'
import type { SessionTable } from './session-table.ts'

/** Where a client looks for its kubeconfig. */
export interface ClientPlace {
  readonly cwd: string
  readonly home: string | undefined
  readonly kubeconfig: string | undefined
}

/** What a command is aimed at: the context (empty where there is none) and the session that guards it. */
export interface Target {
  readonly context: string
  /** The context's own; undefined where it names none. */
  readonly namespace: string | undefined
  readonly guarded: GuardedSession
  /** The credential that the command will ask this session for, as kubeconfig names it; undefined for none of ours. */
  readonly credential: string | undefined
}

/**
 * The kubeconfig files a client reads, in order: `--kubeconfig`, else $KUBECONFIG, else ~/.kube/config
 * (client-go, tools/clientcmd/loader.go). Relative paths are relative to the working directory.
 */
export function kubeconfigPaths(place: ClientPlace, flag?: string): string[] {
  if (flag !== undefined && flag !== '') return [resolve(place.cwd, flag)]
  if (place.kubeconfig !== undefined && place.kubeconfig !== '') {
    const listed = place.kubeconfig.split(':').filter((path) => path !== '')
    return [...new Set(listed.map((path) => (isAbsolute(path) ? path : resolve(place.cwd, path))))]
  }
  return place.home === undefined || place.home === ''
    ? []
    : [resolve(place.cwd, place.home, '.kube', 'config')]
}

/**
 * Finds the session that guards a command: the policy stored with the adopted credential that would be
 * used, else the first policy that matches the context's name; of these, where there is one for each terminal, that of the
 * process that asks.
 * @throws GuardError kubeconfig-invalid
 */
export async function resolveGuard(
  deps: { kubeconfigs: Kubeconfigs; table: SessionTable },
  asker: ProcessFacts | undefined,
  place: ClientPlace,
  command?: Pick<Command, 'kubeconfig' | 'context' | 'user'>,
): Promise<Target> {
  const outlines = await deps.kubeconfigs.outlines(kubeconfigPaths(place, command?.kubeconfig))
  const context = command?.context ?? currentContext(outlines) ?? ''
  const found = findContext(outlines, context)
  const userName = command?.user ?? found?.user
  const user = userName === undefined ? undefined : findUser(outlines, userName)
  const own = user?.policy === undefined ? undefined : deps.table.find(user.policy, asker)
  return {
    context,
    namespace: found?.namespace,
    guarded: own ?? deps.table.forContext(context, asker),
    credential: own === undefined ? undefined : user?.credential,
  }
}

/** The first file that sets one wins, as for every entry (client-go, clientcmd/loader.go). */
function currentContext(outlines: readonly Outline[]): string | undefined {
  return outlines.find((outline) => outline.currentContext !== undefined && outline.currentContext !== '')
    ?.currentContext
}

function findContext(outlines: readonly Outline[], name: string): Outline['contexts'][number] | undefined {
  for (const outline of outlines) {
    const found = outline.contexts.find((context) => context.name === name)
    if (found !== undefined) return found
  }
  return undefined
}

function findUser(outlines: readonly Outline[], name: string): OutlineUser | undefined {
  for (const outline of outlines) {
    const found = outline.users.find((user) => user.name === name)
    if (found !== undefined) return found
  }
  return undefined
}
