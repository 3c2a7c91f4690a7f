import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bench } from '../bench-home.ts'
import type { ClientProcess } from '../client-process.ts'
import { node } from '../../fixtures/terminal.ts'
import { compete } from './contest.ts'
import type { Contest } from './contest.ts'

/**
 * As such shims are written: look whether a file says that it is locked, then run the real one. They ask nobody and keep
 * no record: the least that a shim can do in that language.
 */
const shell = (real: string, lock: string): string => `#!/bin/sh
if [ -e '${lock}' ]; then
  echo 'locked' >&2
  exit 77
fi
exec '${real}' "$@"
`

const javaScript = (real: string, lock: string): string => `#!${node}
const { existsSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
if (existsSync(${JSON.stringify(lock)})) {
  console.error('locked')
  process.exit(77)
}
process.exit(spawnSync(${JSON.stringify(real)}, process.argv.slice(2), { stdio: 'inherit' }).status ?? 1)
`

export async function shimContest(
  { home, nothing, nothingPath }: Bench,
  clients: ClientProcess,
): Promise<Contest> {
  const write = (name: string, text: string): string => {
    const folder = join(home.root, name)
    mkdirSync(folder)
    writeFileSync(join(folder, 'kubectl'), text, { mode: 0o755 })
    return join(folder, 'kubectl')
  }
  const lock = join(home.root, 'locked')
  const args = ['get', 'pods']
  const env = { ...home.env, PATH: nothingPath }
  const run = (file: string) => (): Promise<number> => clients.time({ file, args, env })
  const peers = await compete(
    [
      { name: 'no shim', once: run(nothing) },
      { name: 'kubeguard’s shim', isOurs: true, once: run(join(home.shims, 'kubectl')) },
      { name: 'a shell script', once: run(write('shell-shim', shell(nothing, lock))) },
      { name: 'a Node script', once: run(write('node-shim', javaScript(nothing, lock))) },
    ],
    { rounds: 100, warmUp: 10 },
  )
  return {
    title: 'a shim before a program that does nothing',
    unit: 'ms',
    about:
      'From start to end. Ours asks the daemon, which decides, tracks and records; the scripts look at one file.',
    peers,
  }
}
