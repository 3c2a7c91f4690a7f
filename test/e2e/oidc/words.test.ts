import { expect, onTestFinished, test } from 'vitest'
import { passphrase } from '../../fixtures/home.ts'
import { makeOidcHome } from '../../fixtures/oidc-home.ts'
import { personIn } from '../../fixtures/person.ts'
import { until } from '../../fixtures/terminal.ts'

test('unlock --all with a passphrase from a descriptor unlocks the others, and says how to unlock what is left', async () => {
  const { home } = await makeOidcHome(onTestFinished)
  await home.lock()
  const all = await home.kubeguard(['unlock', '--all', '--passphrase-fd', '3'], { fd3: passphrase })
  expect(all.code).toBe(77)
  expect(all.stderr).toContain('default unlocked')
  expect(all.stderr).toContain(
    "corp stays locked: can't log in at the provider from here: there is no terminal\nat a terminal, run: kubeguard unlock corp",
  )
  const { stdout } = await home.kubeguard(['status', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    sessions: expect.arrayContaining([
      expect.objectContaining({ policy: 'corp', state: 'locked' }),
      expect.objectContaining({ policy: 'default', state: 'unlocked' }),
    ]),
  })
  for (const command of [['unlock', 'corp'], ['unlock']]) {
    const { code, stderr } = await home.kubeguard(command)
    expect(stderr).toContain("can't log in at the provider from here: there is no terminal")
    expect(code).toBe(77)
  }
})

test('who waits is told that it is for a log-in, and who is refused, that none was finished', async () => {
  const { home, redirect, idleBrowser } = await makeOidcHome(onTestFinished)
  using first = await personIn(home, { BROWSER: idleBrowser })
  using second = await personIn(home, { BROWSER: idleBrowser })
  const from = first.output.length
  first.type('kubectl get pods; echo "code"=$?\r')
  await first.showsAfter(from, redirect, 60_000)
  const then = second.output.length
  second.type('kubectl get pods; echo "code"=$?\r')
  await second.showsAfter(then, /waiting for the log-in at its provider, begun on \/dev\/pts\/\d+/, 60_000)
  first.type('\u0003')
  await second.showsAfter(then, /code=77/, 60_000)
  await until('the reason', () =>
    second.output.includes('the log-in at its provider was begun and not finished'),
  )
  expect(`${first.output}${second.output}`).not.toContain('passphrase')
})
