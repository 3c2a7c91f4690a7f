import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { parse } from 'yaml'
import { makeHome } from '../fixtures/home.ts'
import type { TestHome } from '../fixtures/home.ts'

/** What the figures are taken from: an installation against a playground, unlocked. */
export interface Bench {
  readonly home: TestHome
  /** The kubeconfig as it was before it was adopted: a static token. */
  readonly staticKubeconfig: string
  /** A program that only ends, under the name kubectl, and a PATH on which the shim finds it. */
  readonly nothing: string
  readonly nothingPath: string
}

export async function prepare(): Promise<Bench> {
  const home = makeHome()
  try {
    await home.startPlayground()
    const staticKubeconfig = join(home.root, 'static-kubeconfig')
    copyFileSync(home.kubeconfig, staticKubeconfig)
    await home.init()
    await home.unlock('--all')
    const nothing = buildNothing(home)
    const nothingPath = [home.shims, join(home.root, 'nothing'), '/usr/bin', '/bin'].join(delimiter)
    return { home, staticKubeconfig, nothing, nothingPath }
  } catch (error) {
    await home.dispose()
    throw error
  }
}

/** As small as a program can be here: what is timed is what surrounds it. */
function buildNothing(home: TestHome): string {
  const folder = join(home.root, 'nothing')
  const file = join(folder, 'kubectl')
  mkdirSync(folder)
  writeFileSync(`${file}.c`, 'int main(void) { return 0; }\n')
  const built = spawnSync('cc', ['-O2', '-static', '-o', file, `${file}.c`])
  if (built.status !== 0) copyFileSync('/bin/true', file)
  return file
}

interface KubeconfigUser {
  readonly user: { readonly exec?: { readonly command: string; readonly args: readonly string[] } }
}

/** @returns how the adopted kubeconfig starts the credential plugin. */
export function pluginCommand(home: TestHome): { command: string; args: readonly string[] } {
  const { users } = parse(readFileSync(home.kubeconfig, 'utf8')) as { users: readonly KubeconfigUser[] }
  const exec = users.find(({ user }) => user.exec !== undefined)?.user.exec
  if (exec === undefined) throw new Error('no user of the kubeconfig was adopted')
  return exec
}
