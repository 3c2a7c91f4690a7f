import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { isRunning, makeHome } from '../../fixtures/home.ts'
import { TestTerminal, until } from '../../fixtures/terminal.ts'
import { Person } from '../../fixtures/person.ts'
import { kubeguard } from './status.ts'

/** Pids of processes with this text in their environment. */
function processesOf(mark: string): number[] {
  const carries = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark)
    } catch {
      return false
    }
  }
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && carries(entry))
    .map(Number)
    .filter(isRunning)
}

test('playground: a shell in which all is set up, and nothing left when it ends', async () => {
  await using home = makeHome()
  const environment = { ...home.env, SHELL: '/bin/bash', NO_COLOR: '1' }
  const person = new Person(new TestTerminal(kubeguard, ['playground'], environment, home.home))
  onTestFinished(async () => {
    // However it went: it takes down what it started when its shell ends.
    if (person.terminal.exitCode === undefined) person.type('\x03\rexit\r')
    await person.terminal.ended(20_000).finally(() => person.terminal.close())
  })
  await person.showsAfter(0, /the passphrase is: let me try this[\s\S]*playground \S+ [$#] $/, 60_000)
  const ask = async (line: string, shown: RegExp): Promise<string> => person.answer(line, shown, 30_000)
  await ask('kubectl get pods; echo "code"=$?', /passphrase for default: $/)
  expect(await ask('let me try this', /code=\d/)).toMatch(/web-0 .*Running[\s\S]*code=0/)
  expect(await ask('kubectl exec -it web-0 -- cat /etc/hostname; echo "code"=$?', /code=\d/)).toMatch(
    /web-0|code=0/,
  )
  expect(await ask('kubeguard status; echo "code"=$?', /code=\d/)).toMatch(/default +unlocked[\s\S]*code=0/)
  expect(await ask('kubeguard lock; echo "code"=$?', /code=\d/)).toMatch(/default locked[\s\S]*code=0/)
  const root = /KG=(\S+)\/guard/.exec(await ask('echo "KG"=$KUBEGUARD_HOME', /KG=\S+\/guard/))?.[1] ?? ''
  expect(existsSync(root)).toBe(true)
  expect(processesOf(`KUBEGUARD_HOME=${root}/`).length).toBeGreaterThan(1)
  expect(await ask('exit 0', /the playground is gone/)).not.toContain('failed')
  expect(await person.terminal.ended(20_000)).toBe(0)
  expect(existsSync(root)).toBe(false)
  await until('the end of every process', () => processesOf(`KUBEGUARD_HOME=${root}/`).length === 0)
  expect(await home.daemonPid()).toBeUndefined()
})
