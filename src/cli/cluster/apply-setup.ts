import { renderObjects, setupObjects } from '../../platform/cluster/setup-objects.ts'
import type { Setup } from '../../platform/cluster/setup-objects.ts'
import { clean } from '../clean-text.ts'
import { confirm } from '../confirm.ts'
import { say } from '../output.ts'
import { runKubectl, targetFlags } from './run-kubectl.ts'

interface Options {
  readonly context?: string | undefined
  readonly yes?: true | undefined
}

const withoutTerminal = 'look at what it prints without --apply, then give --yes'

/** Shows what each setup would change, as the API server itself works it out, and applies what is agreed to. */
export async function applySetup(setups: readonly Setup[], options: Options): Promise<number> {
  for (const setup of setups) {
    const code = await applyOne(setup, options)
    if (code !== 0) return code
  }
  return 0
}

async function applyOne(setup: Setup, options: Options): Promise<number> {
  const objects = setupObjects(setup)
  const [namespace = {}] = objects
  const made = await makeNamespace(setup.home, namespace, options)
  if (made !== 0) return made
  const input = renderObjects(objects)
  const diff = await runKubectl(['diff', ...serverSide, ...targetFlags({ context: options.context })], {
    input,
  })
  if (diff.code === 0) {
    say(`${setup.home} is set up already`)
    return 0
  }
  if (diff.code !== 1) return diff.code
  if (options.yes !== true) await confirm(`apply this for ${clean(setup.home)}?`, { withoutTerminal })
  return (await runKubectl(['apply', ...serverSide, ...targetFlags({ context: options.context })], { input }))
    .code
}

const serverSide = ['--server-side', '--field-manager=kubeguard', '-f', '-']

/** A dry run in a namespace that is not there fails, so that comes before. */
async function makeNamespace(home: string, namespace: object, { context, yes }: Options): Promise<number> {
  const args = ['get', 'namespace', home, '--ignore-not-found', '-o', 'name', ...targetFlags({ context })]
  const found = await runKubectl(args, { reads: true })
  if (found.code !== 0 || found.stdout !== '') return found.code
  if (yes !== true)
    await confirm(`make the namespace ${clean(home)}, to try the rest in it?`, { withoutTerminal })
  const input = renderObjects([namespace])
  return (await runKubectl(['apply', ...serverSide, ...targetFlags({ context })], { input })).code
}
