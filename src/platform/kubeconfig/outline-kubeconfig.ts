import type { Outline, OutlineUser } from '../../usecases/ports.ts'
import { classifyUser } from './classify-user.ts'
import type { Kubeconfig, UserEntry } from './parse-kubeconfig.ts'

/** What the daemon may know of a kubeconfig: names and kinds, no secrets. Names are raw. */
export function outlineOf(config: Kubeconfig, real: string): Outline {
  return {
    path: config.path,
    real,
    currentContext: config.currentContext === '' ? undefined : config.currentContext,
    contexts: config.contexts.map(({ name, cluster, user, namespace }) => ({
      name,
      cluster,
      user,
      ...(namespace === undefined ? {} : { namespace }),
    })),
    users: config.users.map((user) => outlineUser(config, user)),
  }
}

function outlineUser(config: Kubeconfig, user: UserEntry): OutlineUser {
  const { kind, ours } = classifyUser(config, user)
  return { name: user.name, kind, ...ours }
}
