import { test } from 'vitest'
import { guardedHome, sessionOf } from '../../fixtures/held-home.ts'
import { good } from '../../fixtures/home.ts'
import type { TestHome } from '../../fixtures/home.ts'
import { inventoryOf, isNoMore } from '../../fixtures/inventory.ts'
import type { Inventory } from '../../fixtures/inventory.ts'
import { until } from '../../fixtures/terminal.ts'
import { helm } from '../../fixtures/tools.ts'

/** By the shim, by the plugin, refused, streaming; then a lock. */
async function openWorkLock(home: TestHome): Promise<void> {
  await home.unlock('default')
  home.start('/usr/bin/env', ['kubectl', 'get', 'pods', '-w'])
  await until('something live', async () => (await sessionOf(home)).live.length > 0)
  good(await home.kubectl(['get', 'pods']))
  good(await home.run(helm(), ['list']))
  await home.lock()
  await home.kubectl(['get', 'pods'])
  await home.realKubectl(['get', 'pods'])
}

/** Only root may look into the daemon. `npm run bench -- --full` counts after a thousand commands and a hundred locks. */
test.runIf(process.getuid?.() === 0)(
  'locks leave no process behind, and the daemon no descriptor',
  { timeout: 300_000 },
  async () => {
    await using home = await guardedHome({ idle: '10m' })
    for (let time = 0; time < 2; time += 1) await openWorkLock(home)
    const before = await inventoryOf(home)
    for (let time = 0; time < 6; time += 1) await openWorkLock(home)
    let now: Inventory = before
    await until('no more than before', async () => isNoMore((now = await inventoryOf(home)), before), {
      withinMs: 30_000,
      now: () => JSON.stringify({ before, now }),
    })
  },
)
