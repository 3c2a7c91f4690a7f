import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { dirs, places } from '../../platform/dirs.ts'
import { launcherPath, nativePath } from '../../platform/install.ts'
import { command } from '../command.ts'
import { runCommand } from '../failure.ts'

export function credentialCommand() {
  return command(
    'credential',
    'what kubeconfig names: prints an ExecCredential for kubectl, helm and others',
    'kubeguard credential --policy prod --credential prod.admin-1a2b3c4d',
  )
    .argument('[arguments...]', 'passed to kubeguard-credential as they are')
    .helpOption('--help')
    .allowUnknownOption()
    .passThroughOptions()
    .action((args) => runCommand(async () => becomePlugin(args)))
}

/** Becomes the plugin (execve(2)): it checks who runs it, so our process must be its process. */
function becomePlugin(args: readonly string[]): void {
  const plugin = join(places.plugins(dirs()), 'kubeguard-credential')
  const own = launcherPath('kubeguard-credential')
  // The native binary knows what it is by the name it is called under.
  const file = existsSync(plugin) ? plugin : existsSync(nativePath()) ? nativePath() : own
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([, value]) => value !== undefined),
  )
  process.execve?.(file, ['kubeguard-credential', ...args], environment as Record<string, string>)
}
