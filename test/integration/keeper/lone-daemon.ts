/** Starts a keeper as a daemon does, says its pid, and waits to be killed. */
import { createKeepers } from '../../../src/platform/keepers/create-keepers.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const order = { mode: 'unlock', policies: ['prod'], generation: 1, paths: [], users: [] } as const
const keeper = await createKeepers({ log }).start(order)
process.stdout.write(`${keeper.pid}\n`)
setInterval(() => {}, 60_000)
