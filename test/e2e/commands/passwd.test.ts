import { expect, test } from 'vitest'
import { good, makeHome, passphrase } from '../../fixtures/home.ts'
import { personIn } from '../../fixtures/person.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { filesWith, secretsOf } from './secrets.ts'
import { kubeguard } from './status.ts'

const next = 'a wholly different set of words'

test('passwd: the new passphrase opens every policy, the old one none; a wrong old one changes nothing', async () => {
  await using home = makeHome()
  writePolicy(home, { idle: '10m' })
  await home.startPlayground()
  const secrets = secretsOf(home.kubeconfig)
  await home.init()
  const passwd = (fd3: string) => home.kubeguard(['passwd', '--passphrase-fd', '3'], { fd3 })
  const unlock = (policy: string, fd3: string) =>
    home.kubeguard(['unlock', policy, '--passphrase-fd', '3'], { fd3 })

  expect(await passwd(`not the old one\n${next}\n`)).toMatchObject({ code: 77 })
  expect(await passwd(`${passphrase}\nshort\n`)).toMatchObject({ code: 64 })
  expect(await passwd(`${passphrase}\n`)).not.toMatchObject({ code: 0 })
  await home.unlock('prod')
  expect(good(await passwd(`${passphrase}\n${next}\n`)).stderr).toBe('kubeguard: the passphrase is changed\n')
  expect(filesWith(home.root, [...secrets, passphrase, next])).toEqual([])
  good(await home.kubeguard(['lock']))
  expect(await unlock('prod', passphrase)).toMatchObject({ code: 77 })
  good(await unlock('prod', next))
  good(await unlock('default', next))
  expect(await home.kubectl(['get', 'pods'])).toMatchObject({ code: 0 })
  expect(good(await home.kubeguard(['log', '--event', 'passphrase-changed'])).stdout).not.toBe('')

  using person = await personIn(home)
  await person.answer(`${kubeguard} passwd; echo "code"=$?`, /old passphrase: $/)
  await person.answer(next, /new passphrase: $/)
  await person.answer(passphrase, /the same again: $/)
  expect(await person.answer(passphrase, /code=\d/)).toMatch(/the passphrase is changed[\s\S]*code=0/)
  await home.lock()
  await home.unlock('--all')
})
