import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestHome } from '../../fixtures/home.ts'
import { until } from '../../fixtures/terminal.ts'
import { execOf } from '../plugin/exec-user.ts'
import { gatewayEntry } from './gateway-home.ts'

/** How it is started, by whom ever. */
export function pythonCommand(home: TestHome): [program: string, ...string[]] {
  const ca = join(home.home, 'gateway-ca.pem')
  const { url, caPem } = gatewayEntry(home)
  writeFileSync(ca, caPem)
  const { command, args } = execOf(home.kubeconfig, 'prod-playground')
  const script = join(import.meta.dirname, 'python-client.py')
  return ['/usr/bin/python3', script, `${url}/api/v1/namespaces/default/pods`, ca, command, ...args]
}

/** A program of its own that has a pass, and asks with it whenever it is told to. */
export class PythonClient {
  readonly #child
  readonly lines: string[] = []

  constructor(home: TestHome) {
    const [python, ...args] = pythonCommand(home)
    this.#child = spawn(python, args, {
      env: home.env,
      stdio: ['pipe', 'pipe', 'ignore'],
      ...home.account,
    })
    let rest = ''
    this.#child.stdout.on('data', (chunk: Buffer) => {
      const lines = `${rest}${String(chunk)}`.split('\n')
      rest = lines.pop() ?? ''
      this.lines.push(...lines)
    })
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }

  async pass(): Promise<string> {
    await until('an answer', () => this.lines.length > 1)
    return (JSON.parse(this.lines[0] as string) as { status: { token: string } }).status.token
  }

  again(): Promise<string> {
    return this.#tell('')
  }

  /** Asks for so many objects, one after the other, none of which is there. @returns the last answer */
  flood(times: number): Promise<string> {
    return this.#tell(String(times))
  }

  #tell(line: string): Promise<string> {
    const before = this.lines.length
    this.#child.stdin.write(`${line}\n`)
    return until('an answer', () => this.lines[before])
  }
}
