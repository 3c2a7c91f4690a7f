import { renderObjects, setupObjects } from '../../platform/cluster/setup-objects.ts'
import type { Setup } from '../../platform/cluster/setup-objects.ts'
import { clean } from '../clean-text.ts'
import { confirm } from '../confirm.ts'
import { runKubectl, targetFlags } from './run-kubectl.ts'
import { removeSessions, sessionsIn } from './sessions.ts'

/** Ends the sessions that are there, then removes what setup made, the namespace last. */
export async function removeSetup(
  setups: readonly Setup[],
  { context, yes }: { readonly context?: string | undefined; readonly yes?: true | undefined },
): Promise<number> {
  const homes = setups.map(({ home }) => home)
  const sessions = (await sessionsIn(context, { pastOnly: false })).filter(({ home }) => homes.includes(home))
  const question = `remove ${clean(homes.join(', '))}, and end ${sessions.length} sessions that are there?`
  if (yes !== true) await confirm(question, { withoutTerminal: 'give --yes' })
  const ended = await removeSessions(sessions, context)
  if (ended !== 0) return ended
  const input = renderObjects(setups.flatMap((setup) => setupObjects(setup).toReversed()))
  return (
    await runKubectl(['delete', '--ignore-not-found', '-f', '-', ...targetFlags({ context })], { input })
  ).code
}
