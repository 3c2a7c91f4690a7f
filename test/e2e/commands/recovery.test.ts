import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { filesWith, secretsOf } from './secrets.ts'
import { kubeguard } from './status.ts'

const next = 'a wholly different set of words'
const keyForm = /AGE-SECRET-KEY-1[0-9A-Z]{58}/

const feed = (home: TestHome, fd3: string, ...args: string[]) =>
  home.kubeguard([...args, '--passphrase-fd', '3'], { fd3 })

test('a recovery key is made at init for who wants it, and a lost passphrase loses no credential', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  const made = good(await feed(home, passphrase, 'init', '--yes', '--recovery-key'))
  const key = made.stdout.trim()
  expect(key).toMatch(new RegExp(`^${keyForm.source}$`))
  expect(made.stderr).not.toMatch(keyForm)
  expect(filesWith(home.root, [...secrets, passphrase, key])).toEqual([])

  // The owner forgets the passphrase, and guesses until there is a delay: the key is not held up by it.
  for (let count = 0; count < 3; count += 1)
    expect((await feed(home, 'not this one', 'unlock', 'prod')).code).toBe(77)
  const other = await feed(
    home,
    `${key.slice(0, -1)}${key.endsWith('Q') ? 'P' : 'Q'}`,
    'unlock',
    '--recovery',
  )
  expect(other).toMatchObject({
    code: 77,
    stderr: expect.stringContaining('no recovery key, or it was mistyped'),
  })
  expect(good(await feed(home, key, 'unlock', 'prod', '--recovery')).stderr).toMatch(
    /prod unlocked[\s\S]*3 failed attempts since[\s\S]*choose a new passphrase: kubeguard passwd --recovery/,
  )
  expect(await home.kubectl(['get', 'pods', '--context', 'prod-playground'])).toMatchObject({ code: 0 })
  good(await feed(home, `${key}\n${next}\n`, 'passwd', '--recovery'))
  await home.lock()
  expect((await feed(home, passphrase, 'unlock', 'prod')).code).toBe(77)
  for (const policy of ['prod', 'default']) good(await feed(home, next, 'unlock', policy))
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  expect(filesWith(home.root, [...secrets, passphrase, next, key])).toEqual([])
  const events = good(await home.kubeguard(['log', '--json'])).stdout
  for (const event of ['recovery-key-made', 'passphrase-changed']) expect(events).toContain(`"${event}"`)
  expect(events).toContain('recovery key')
})

test('without one there is nothing to recover with; made later it is shown once, and another one takes its place', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.init()
  const none = await feed(home, 'AGE-SECRET-KEY-1', 'unlock', '--recovery')
  expect(none.code).toBe(78)
  expect(none.stderr).toMatch(/no recovery key was made for the vault of default\n.*passwd --recovery-key/)
  using person = await personIn(home)
  await person.answer(`${kubeguard} passwd --recovery-key; echo "code"=$?`, /passphrase: $/)
  const [first = ''] = keyForm.exec(await person.answer(passphrase, /code=0/)) ?? []
  expect(first).not.toBe('')
  const second = good(await feed(home, passphrase, 'passwd', '--recovery-key')).stdout.trim()
  expect((await feed(home, first, 'unlock', '--recovery')).code).toBe(77)
  good(await feed(home, second, 'unlock', '--recovery'))
  expect(filesWith(home.root, [first, second])).toEqual([])
  const both = await home.kubeguard(['passwd', '--recovery', '--recovery-key'])
  expect(both).toMatchObject({ code: 64, stderr: expect.stringContaining('not both') })
})
