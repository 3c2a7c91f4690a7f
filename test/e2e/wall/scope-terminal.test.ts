import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import { isRunning, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import type { Person } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import type { SessionStatus, StatusReport } from '../../../src/protocol/reports.ts'

const rules = { idle: '10m', more: '    scope: terminal\n' }

const getPods = 'KUBEGUARD_PROMPT=never kubectl get pods'

/** What `kubeguard status` says at this person's terminal. */
async function stateAt(home: TestHome, person: Person, policy = 'default'): Promise<SessionStatus['state']> {
  const file = join(home.home, 'status.json')
  writeFileSync(file, '')
  await person.enter(`kubeguard status --json >${file}`)
  const { stdout } = await home.run('/bin/cat', [file])
  const { sessions } = JSON.parse(stdout) as StatusReport
  return sessions.find((session) => session.policy === policy)?.state ?? 'locked'
}

test('what is unlocked at one terminal is open there alone, each with its own end', async () => {
  await using home = await guardedHome(rules)
  using here = await personIn(home)
  using there = await personIn(home)
  await here.enterAndUnlock('kubeguard unlock default')
  expect((await here.enter(getPods)).shown).toContain('Running')
  expect(await stateAt(home, here)).toBe('unlocked')

  const refused = await there.enter(getPods)
  expect(refused.code).not.toBe(0)
  expect(refused.shown).toContain('default is locked')
  expect(await stateAt(home, there)).toBe('locked')

  await there.enterAndUnlock('kubeguard unlock default')
  expect((await there.enter(getPods)).shown).toContain('Running')
  there.terminal.hangUp()
  await until('one session less', async () => {
    const { stdout } = await home.kubeguard(['log', '--json', '--event', 'locked'])
    return stdout.includes('disconnect')
  })
  expect((await here.enter(getPods)).shown).toContain('Running')

  await home.lock('default')
  expect((await here.enter(getPods)).shown).toContain('default is locked')
})

test('without a terminal nothing is unlocked, and every command says why', async () => {
  await using home = await guardedHome(rules)
  using here = await personIn(home)
  await here.enterAndUnlock('kubeguard unlock default')
  const detached = (line: string): Promise<{ code: number; shown: string }> =>
    here.enter(`setsid --wait ${line}`)
  for (const line of ['kubectl get pods', 'kubeguard unlock default --passphrase-fd 0 </dev/null']) {
    const { code, shown } = await detached(line)
    expect(code).toBe(77)
    expect(shown).toContain('default is unlocked for one terminal at a time, and this command has none')
    expect(shown).toContain('run it at a terminal, and there: kubeguard unlock default')
  }
  // The real client: its plugin asks, and has no terminal either.
  const real = await here.enter(`PATH=\${PATH#*:} setsid --wait kubectl get pods`)
  expect(real.code).not.toBe(0)
  expect(real.shown).toContain('this command has none')
  expect((await here.enter(`PATH=\${PATH#*:} kubectl get pods`)).shown).toContain('Running')
  expect((await sessionOf(home)).state).toBe('locked')
})

test('a stream belongs to its terminal: it ends with that one’s session, and others go on', async () => {
  await using home = await guardedHome(rules)
  using here = await personIn(home)
  using there = await personIn(home)
  for (const person of [here, there]) await person.enterAndUnlock('kubeguard unlock default')
  // What is inside of the supervised terminal counts as the person's.
  await here.answer('kubectl exec -it web-0 -- sh -c "echo str""eam; sleep 600"', 'stream')
  const listed = await there.enter('kubeguard ps')
  expect(listed.shown).not.toContain('exec')
  // A hang-up does not end this one, and so the lock has to.
  await there.answer('nohup kubectl exec web-0 -- sleep 600 >/dev/null & echo pid=$!', /pid=\d+/)
  const pid = Number(/pid=(\d+)/.exec(there.output)?.[1])
  await there.answer('kubeguard ps', /exec/)
  const from = here.output.length
  there.terminal.hangUp()
  await until('the end of what streams there', () => !isRunning(pid))
  expect(here.output.slice(from)).not.toContain('locked')
})

test('each terminal is asked for itself, and nobody waits for another’s answer', async () => {
  await using home = await guardedHome(rules)
  using here = await personIn(home)
  using there = await personIn(home)
  const question = /passphrase for default: $/
  for (const person of [here, there]) await person.answer('kubectl get pods; echo "code"=$?', question)
  for (const person of [there, here])
    expect(await person.answer(passphrase, /code=\d+[\s\S]*ready> $/)).toContain('Running')
})

test('a covered stream comes back by an unlock at its own terminal, and by none elsewhere', async () => {
  await using home = await guardedHome({ idle: '10m', more: `${rules.more}    live: suspend\n` })
  using here = await personIn(home)
  using there = await personIn(home)
  await here.enterAndUnlock('kubeguard unlock default')
  await here.answer(`kubectl exec -it web-0 -- sh -c 'echo str""eam; sleep 600'`, 'stream')
  const from = here.output.length
  await home.lock()
  await here.showsAfter(from, 'press Enter to unlock')
  expect(here.output.slice(from)).not.toContain('or run elsewhere')
  await there.enterAndUnlock('kubeguard unlock default')
  expect((await there.enter('kubeguard ps')).shown).not.toContain('exec')
  await here.answer('', 'passphrase for default: ')
  await here.answer(passphrase, 'stream')
  await here.answer('\u0003', /ready> $/)
  expect((await here.enter(getPods)).shown).toContain('Running')
})

test('rules that turn to it lock what is open for all', async () => {
  await using home = await guardedHome({ idle: '10m' })
  await home.unlock('default')
  writePolicy(home, rules)
  await until('the lock', async () => {
    const { stdout } = await home.kubeguard(['log', '--json', '--event', 'locked'])
    return stdout.includes('policy-changed')
  })
  expect((await home.realKubectl(['get', 'pods'])).code).not.toBe(0)
})
