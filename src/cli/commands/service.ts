import { clean } from '../clean-text.ts'
import { command, jsonOption } from '../command.ts'
import { runCommand } from '../failure.ts'
import { diffLines, print, printJson, say, sayStep } from '../output.ts'
import { installService, removeService, serviceIsThere } from '../service/install-service.ts'
import { isInstalled, serviceState } from '../service/service-state.ts'
import type { ServiceState } from '../service/service-state.ts'
import { notOurs, unitDiff, units } from '../service/unit-files.ts'
import type { UnitState } from '../service/unit-files.ts'

export function serviceCommand() {
  const install = command(
    'install',
    'write the units; from then on systemd starts the daemon, and keeps its memory out of swap',
    'kubeguard service install',
  )
    .option('--replace', 'also where a unit was changed by hand')
    .action((options) => runCommand(() => showAndInstall(options.replace === true)))
  const uninstall = command(
    'uninstall',
    'lock every session, and take the units away; the daemon starts at first use again',
    'kubeguard service uninstall',
  ).action(() => runCommand(uninstallService))
  const status = command(
    'status',
    'is it installed, does systemd listen, who started the daemon; exit code 1 where it is not whole',
    'kubeguard service status --json',
  )
    .addOption(jsonOption())
    .action((options) => runCommand(() => showService(options)))
  return command('service', 'the daemon as a service of systemd', 'kubeguard service install')
    .addCommand(install)
    .addCommand(uninstall)
    .addCommand(status)
}

/** What a person has written into a unit is shown before it is refused, or goes. */
async function showAndInstall(replace: boolean): Promise<void> {
  for (const unit of units().filter(notOurs))
    process.stderr.write(`${diffLines(unitDiff(unit), process.stderr).join('\n')}\n`)
  await installService({ replace })
  say('systemd starts the daemon from now on', 'look: kubeguard service status')
}

async function uninstallService(): Promise<void> {
  if (!serviceIsThere()) return say('no service of this installation is there')
  sayRemoved(await removeService())
}

/** Units that stay are those that others wrote in. */
export function sayRemoved(kept: Awaited<ReturnType<typeof removeService>>): void {
  for (const { path } of kept)
    say(`${path} was changed by hand: it is left there, and systemd listens no more`, `remove it: rm ${path}`)
  if (kept.length === 0) sayStep('service: removed, the daemon starts at first use')
}

async function showService(options: { json?: true | undefined }): Promise<number> {
  const state = await serviceState()
  if (options.json) printJson(documentOf(state))
  else printState(state)
  return isInstalled(state) ? 0 : 1
}

function documentOf({ hasManager, units: found, isEnabled, isListening, readInstead, daemon }: ServiceState) {
  return {
    schema: 1,
    manager: hasManager,
    units: found.map(({ path, state }) => ({ path, state })),
    enabled: isEnabled,
    listening: isListening,
    readInstead,
    ...(daemon !== undefined && { daemon }),
  }
}

const wordsOf: Readonly<Record<UnitState, string>> = {
  missing: 'not there',
  right: 'as it should be',
  older: 'of another version or place: kubeguard service install',
  changed: 'changed by hand',
  other: 'not of this installation',
}

function printState({ hasManager, units: found, isEnabled, isListening, readInstead, daemon }: ServiceState) {
  for (const { path, state } of found) print(`${clean(path)}: ${wordsOf[state]}`)
  for (const path of readInstead) print(`! systemd reads ${clean(path)} instead`)
  if (!hasManager) print('no systemd manager answers: the daemon starts at first use')
  else
    print(
      `systemd ${isListening ? 'listens' : 'does not listen'}${isEnabled ? ', also after the next log-in' : ''}`,
    )
  if (daemon === undefined) return print('no daemon is running')
  print(`daemon ${daemon.pid}: ${daemon.byService ? 'started by the service' : 'started at first use'}`)
  print(
    `swap: ${daemon.unswapped ? 'its memory and the keepers’ is kept out of it' : 'its memory may go there'}`,
  )
}
