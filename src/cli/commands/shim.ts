import { existsSync, lstatSync, rmSync } from 'node:fs'
import { GuardError } from '../../domain/errors.ts'
import { whyNoShim } from '../../domain/tool-name.ts'
import { dirs, places } from '../../platform/dirs.ts'
import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { coloursFor, print, printJson, say, sayFailure, sayStep } from '../output.ts'
import { linkIsRight, makeLink, shimmedTools, toolLink } from '../shims.ts'
import { firstOnPath, foldersOnPath, toolsOnPath } from '../survey.ts'
import { table } from '../table.ts'

export function shimCommand() {
  const add = command('add', 'put the same gate before other clients', 'kubeguard shim add helm k9s')
    .argument('<tools...>', 'their names, such as helm, k9s, stern, flux, oc')
    .action((tools) => runCommand(async () => forEach(tools, addShim)))
  const remove = command('remove', 'take it away again', 'kubeguard shim remove k9s')
    .argument('<shims...>', 'names of tools that have one')
    .action((tools) => runCommand(async () => forEach(tools, removeShim)))
  const list = command('list', 'which tools have one, and what it runs', 'kubeguard shim list')
    .addOption(jsonOption())
    .action((options) => runCommand(async () => listShims(options)))
  return command('shim', 'the gate before helm, k9s and other clients', 'kubeguard shim add helm')
    .addCommand(add)
    .addCommand(remove)
    .addCommand(list)
}

/** One that fails keeps no other from being done. @returns the exit code of the first that failed, else 0 */
function forEach(tools: readonly string[], act: (tool: string) => void): number {
  let exitCode = 0
  for (const tool of new Set(tools)) {
    try {
      act(tool)
    } catch (error) {
      if (!(error instanceof GuardError)) throw error
      sayFailure(error.message, error.cure)
      if (exitCode === 0) exitCode = error.exitCode
    }
  }
  return exitCode
}

/** @throws GuardError `usage` for what gets no shim, `program-missing` for what is not there */
function addShim(tool: string): void {
  const why = whyNoShim(tool)
  if (why !== undefined) throw new GuardError('usage', `${tool} ${why.message}`, { cure: why.cure })
  if (!existsSync(places.shims(dirs())))
    throw new GuardError('usage', 'kubeguard is not set up for this account', { cure: 'run: kubeguard init' })
  const link = toolLink(tool)
  if (tool === 'kubectl' && linkIsRight(link)) return sayStep('kubectl has its shim: it always does')
  // A shim with nothing behind it would make `command -v` find what is not there.
  const [program] = toolsOnPath(tool)
  if (program === undefined) {
    throw new GuardError('program-missing', `no ${tool} is on PATH`, {
      cure: `install it, then run: kubeguard shim add ${tool}`,
    })
  }
  if (isForeign(link.path)) {
    throw new GuardError('usage', `${link.path} is there already, and no shim`, { cure: 'move it away' })
  }
  makeLink(link)
  sayStep(`${tool}: asks before it runs ${described(program)}`)
  sayWhatItFinds(tool, link.path)
}

/** Something of somebody else's in the place of a shim. */
function isForeign(path: string): boolean {
  const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined
  return isThere && !shimmedTools().some((tool) => toolLink(tool).path === path) && !path.endsWith('/kubectl')
}

function sayWhatItFinds(tool: string, shim: string): void {
  const first = firstOnPath(tool, foldersOnPath())
  if (first === shim)
    return say(`a shell that has run ${tool} before remembers where it was`, 'there: hash -r')
  say(
    `${first ?? tool} comes before the shim on PATH here`,
    'open a new shell; where that does not help: kubeguard doctor',
  )
}

/** @throws GuardError `usage` where there is none, or for kubectl's */
function removeShim(tool: string): void {
  if (tool === 'kubectl') {
    throw new GuardError('usage', 'kubectl keeps its shim: without it nothing asks', {
      cure: 'to remove all of kubeguard: kubeguard uninstall',
    })
  }
  if (!shimmedTools().includes(tool))
    throw new GuardError('usage', `${tool} has no shim`, { cure: 'run: kubeguard shim list' })
  rmSync(toolLink(tool).path)
  sayStep(`${tool}: its shim is removed; its credentials come from the vault as before`)
}

/** What stands behind each shim: `program` is absent where nothing does. */
function listShims(options: { json?: true | undefined }): void {
  const shims = ['kubectl', ...shimmedTools()].map((tool) => {
    const [program] = toolsOnPath(tool)
    return { tool, ...(program !== undefined && { program: program.path, dispatcher: program.dispatcher }) }
  })
  if (options.json) return printJson({ schema: 1, shims })
  const { dim } = coloursFor(process.stdout)
  const rows = shims.map(({ tool, program, dispatcher }) => [
    clean(tool),
    program === undefined ? 'not on PATH' : clean(described({ path: program, dispatcher })),
  ])
  for (const line of table([dim('tool'), dim('program')], rows)) print(line)
}

function described({ path, dispatcher }: { path: string; dispatcher?: string | undefined }): string {
  return dispatcher === undefined ? path : `${path} (stands in for it: ${dispatcher})`
}
