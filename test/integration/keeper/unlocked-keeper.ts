/**
 * Plays daemon and client at once, as any account: makes a vault, starts a keeper, unlocks it and keeps it
 * alive. Says `{"pid", "socket", "client"}` and waits to be killed.
 */
import { createClock } from '../../../src/platform/clock.ts'
import { dirs, places } from '../../../src/platform/dirs.ts'
import { createKeepers } from '../../../src/platform/keepers/create-keepers.ts'
import { createVaults } from '../../../src/platform/vault/create-vault.ts'
import { sealPending } from '../../../src/platform/vault/seal-pending.ts'
import { ask, giveTicket } from './talk.ts'

const [passphrase = '', token = ''] = process.argv.slice(2)
const log = { info: () => {}, warn: () => {}, error: () => {} }
const vaultsDir = places.vaults(dirs())
const deadlines = () => ({
  deadlineBootMs: createClock().now().bootMs + 60_000,
  lifetimeWallMs: Date.now() + 60_000,
})

await createVaults({ vaultsDir, policies: ['prod'], passphrase: Buffer.from(passphrase), logN: 12 })
await sealPending(vaultsDir, {
  id: 'prod.alice-1',
  policy: 'prod',
  file: '/nowhere',
  user: 'alice',
  contexts: [],
  token,
  original: {},
  adoptedAtMs: 1,
})
const order = { mode: 'unlock', policies: ['prod'], generation: 1, paths: [], users: [] } as const
const keeper = await createKeepers({ log }).start(order)
keeper.onOpened(() => ({ accepted: true, ...deadlines() }))
const ticket = await giveTicket(keeper, 'open')
const said = await ask(keeper.socket, 'keeper.open', { ticket, passphrase: Buffer.from(passphrase) })
if (!said.ok) throw new Error(said.code)
setInterval(() => void keeper.live(deadlines()).catch(() => process.exit(0)), 5_000)
process.stdout.write(`${JSON.stringify({ pid: keeper.pid, socket: keeper.socket, client: process.pid })}\n`)
