import { command } from '../command.ts'
import { runCommand } from '../failure.ts'

export function playgroundCommand() {
  const serve = command(
    'serve',
    'only serve the API, until ended, and write a kubeconfig with a static token',
    'kubeguard playground serve --kubeconfig /tmp/playground.yaml',
  )
    .requiredOption('--kubeconfig <file>', 'kubeconfig to write')
    .option('--port <port>', 'port on loopback (default: any free one)')
    .action((options) => runCommand(() => becomeServer(options)))
  return command(
    'playground',
    'a throw-away API on loopback, and a shell in which everything is set up to try it',
    'kubeguard playground',
  )
    .action(() => runCommand(async () => (await import('../playground-shell.ts')).runPlayground()))
    .addCommand(serve)
}

/** Becomes the server (execve(2)): its pid, signals and output are those of this command. */
async function becomeServer(options: { kubeconfig: string; port?: string | undefined }): Promise<void> {
  const { bundlePath, nodePath } = await import('../../platform/install.ts')
  const node = nodePath()
  const port = options.port === undefined ? [] : ['--port', options.port]
  const args = [node, bundlePath('playground'), 'serve', '--kubeconfig', options.kubeconfig, ...port]
  process.execve?.(node, args, process.env as Record<string, string>)
}
