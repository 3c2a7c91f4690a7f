import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestHome } from '../../fixtures/home.ts'

/**
 * In the place of kubectl, behind the shim, what runs the command of `kubectl exec -it POD -- COMMAND` on this machine: real
 * programs at the inner terminal itself, so that each byte can be told.
 */
export interface Nearby {
  /** Behind the shim, and so supervised. */
  readonly supervised: string
  /** By itself. */
  readonly bare: string
  readonly env: NodeJS.ProcessEnv
}

export const nearbyArgs = (...command: string[]): string[] => ['exec', '-it', 'web-0', '--', ...command]

export function makeNearby(home: TestHome): Nearby {
  const folder = join(home.root, 'nearby')
  const program = join(folder, 'kubectl')
  mkdirSync(folder, { recursive: true })
  writeFileSync(program, '#!/bin/sh\nshift 4\nexec "$@"\n')
  chmodSync(program, 0o755)
  const path = [home.shims, folder, '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter)
  return { supervised: join(home.shims, 'kubectl'), bare: program, env: { ...home.env, PATH: path } }
}
