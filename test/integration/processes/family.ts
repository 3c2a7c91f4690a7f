import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '../../../src/platform/processes/inspect.ts'
import { readProcStat } from '../../../src/platform/processes/proc-stat.ts'
import type { ProcessId } from '../../../src/usecases/ports.ts'

/** Polls until a value is there. @throws Error after the deadline. */
export async function eventually<T>(look: () => T | undefined | false, deadlineMs = 10_000): Promise<T> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const found = look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > endMs) throw new Error(`not within ${deadlineMs} ms: ${look.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/**
 * Starts shell scripts whose processes write their pid into files (`note NAME`), and ends at last
 * whatever of them is left.
 */
export class Family {
  readonly folder = mkdtempSync(join(tmpdir(), 'kubeguard-family-'))
  readonly #started: ChildProcess[] = []
  readonly #known: ProcessId[] = []

  /** @returns the shell that runs the script; `note NAME [PID]` in it makes a process known. */
  start(script: string, options: { detached?: boolean } = {}): ProcessId {
    const file = join(this.folder, `script-${this.#started.length}`)
    const note = `note() { printf '%s\\n' "\${2:-$$}" > '${this.folder}'/"$1.new"; mv '${this.folder}'/"$1.new" '${this.folder}'/"$1"; }`
    writeFileSync(file, `${note}\n${script}\n`)
    const child = spawn('/bin/bash', [file], { stdio: 'ignore', detached: options.detached ?? false })
    this.#started.push(child)
    return this.#know(child.pid as number)
  }

  async noted(name: string): Promise<ProcessId> {
    const pid = await eventually(() => {
      try {
        return Number(readFileSync(join(this.folder, name), 'utf8')) || undefined
      } catch {
        return undefined
      }
    })
    return this.#know(pid)
  }

  #know(pid: number): ProcessId {
    const stat = readProcStat(pid)
    if (stat === undefined) throw new Error(`${pid} is gone already`)
    const id = { pid, startTicks: stat.startTicks }
    this.#known.push(id)
    return id
  }

  end(): void {
    for (const id of this.#known) if (isAlive(id)) process.kill(id.pid, 'SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}
