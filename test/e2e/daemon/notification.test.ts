import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Desktop } from '../../fixtures/desktop.ts'
import { makeHome } from '../../fixtures/home.ts'
import { writePolicy } from '../../fixtures/policy.ts'
import { until } from '../../fixtures/terminal.ts'

/** Both are warned of after 10 s, the quiet one first; it wants no notification. */
const policies = `apiVersion: kubeguard.dev/v1
policies:
  - { name: quiet, contexts: ["quiet-*"], idle: 20s, lifetime: 20s, warn: 10s, notify: off }
  - { name: default, contexts: ["*"], idle: 20s, lifetime: 20s, warn: 10s }
`

test('the desktop is told of a lock that is near, and of none whose policy says off', async () => {
  using desktop = await Desktop.start()
  await desktop.showNotifications()
  await using home = makeHome()
  home.env['XDG_RUNTIME_DIR'] = desktop.folder
  writePolicy(home, { idle: '10s' })
  writeFileSync(join(home.guardHome, 'config', 'config.yaml'), policies)
  await home.init()
  for (const policy of ['quiet', 'default']) await home.unlock(policy)
  await until('the notification', () => desktop.shown.length > 0)
  expect(desktop.shown).toEqual([
    {
      app: 'kubeguard',
      summary: expect.stringMatching(/^default locks in \d+ s$/),
      body: 'Its maximum age is reached. To go on then: kubeguard unlock default',
      urgency: 1,
    },
  ])
})
