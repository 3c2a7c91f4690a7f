import { homedir } from 'node:os'
import { delimiter, isAbsolute, join, resolve } from 'node:path'

/** Where this command was typed, as the daemon needs it to find the current context. */
export interface Origin {
  readonly cwd: Buffer
  readonly home?: Buffer
  readonly kubeconfig?: Buffer
}

export function origin(environment: NodeJS.ProcessEnv = process.env): Origin {
  const home = environment['HOME']
  const kubeconfig = environment['KUBECONFIG']
  return {
    cwd: Buffer.from(workingDirectory()),
    ...(home === undefined ? {} : { home: Buffer.from(home) }),
    ...(kubeconfig === undefined ? {} : { kubeconfig: Buffer.from(kubeconfig) }),
  }
}

/** `/` where the folder has been removed under our feet. */
function workingDirectory(): string {
  try {
    return process.cwd()
  } catch {
    return '/'
  }
}

/** The kubeconfig files in force, absolute and in order, as kubectl finds them: given, $KUBECONFIG, ~/.kube/config. */
export function kubeconfigPaths(
  given: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): string[] {
  const cwd = workingDirectory()
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '')
  const chosen = given.length > 0 ? given : listed
  const home = environment['HOME'] ?? ''
  const usual = join(isAbsolute(home) ? home : homedir(), '.kube', 'config')
  const paths = chosen.length > 0 ? chosen.map((path) => resolve(cwd, path)) : [usual]
  return [...new Set(paths)]
}
