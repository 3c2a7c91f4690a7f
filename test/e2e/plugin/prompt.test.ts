import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeHome, passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'
import { kubectl } from '../../fixtures/tools.ts'
import { execOf } from './exec-user.ts'

test('the real kubectl: a cancelled question is asked once, however often the plugin runs; completion asks none', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  await home.init()
  using person = await personIn(home)
  const timesAsked = (): number => person.output.match(/passphrase for default: /g)?.length ?? 0

  const completion = await person.enter("kubectl __complete get pods ''")
  expect(completion.code).toBe(0)
  await person.enter(`${kubectl()} __complete get pods ''`)
  expect(timesAsked()).toBe(0)

  // With no discovery cache kubectl asks the server, and so the plugin, again and again.
  rmSync(join(home.home, '.kube', 'cache'), { recursive: true, force: true })
  const line = `${kubectl()} get pods`
  const from = person.output.length
  await person.answer(line, /passphrase for default: $/)
  person.type('\x03')
  await person.showsAfter(from, /cancelled/)
  const after = (await person.enter('stty -a')).shown
  expect(after).toMatch(/[^-]icanon[\s\S]*[^-]echo /)
  // Ctrl-C ended kubectl too: what it started has nothing more to say.
  expect(person.output.slice(from)).not.toContain('lost its parent')
  expect(timesAsked()).toBe(1)

  // For a moment no command asks again; an unlock makes an end of that.
  const soon = await person.enter(line)
  expect(soon.shown).toContain('asked for and not given; run: kubeguard unlock default')
  expect(timesAsked()).toBe(1)
  await home.unlock('default')
  await home.lock()

  // An empty line is a no that kubectl lives on after: it runs the plugin again, for each of its tries.
  await person.answer(`${line}; echo "code"=$?`, /passphrase for default: $/)
  const refused = await person.answer('', /code=\d+[\s\S]*ready> $/)
  expect(refused).not.toContain('code=0')
  expect(refused).toContain('kubeguard: default is locked')
  expect(timesAsked()).toBe(2)

  // Later a new command is asked anew, and goes on.
  await until('a question', async () => {
    const asked = await person.answer(
      `${line}; echo "code"=$?`,
      /(?:passphrase for default: |code=\d+[\s\S]*ready> )$/,
    )
    return asked.endsWith(': ')
  })
  const second = await person.answer(passphrase, /code=\d+[\s\S]*ready> $/)
  expect(second).toContain('web-0')
  expect(second).toContain('code=0')
  expect(timesAsked()).toBe(3)
  expect(person.output).not.toContain(passphrase)

  await home.lock()
  const never = await person.enter(`KUBEGUARD_PROMPT=never ${line}`)
  expect(never.code).not.toBe(0)
  expect(never.shown).toContain('kubeguard: default is locked')
  expect(timesAsked()).toBe(3)

  // By hand there is no client that could be ended at a lock.
  const { command, args } = execOf(home.kubeconfig, 'playground')
  const byHand = await person.enter([command, ...args].join(' '))
  expect(byHand.code).toBe(77)
  expect(byHand.shown).toContain('called by hand')
})
