/** `npm run soak [-- --scale N]`: a working month in an hour, or a part of it; says whether anything has grown. */
import { parseArgs } from 'node:util'
import { prepare } from '../bench/bench-home.ts'
import { ClientProcess } from '../bench/client-process.ts'
import { Month, month } from './month.ts'
import { compareStates, stateOf } from './state.ts'

const { values: options } = parseArgs({ options: { scale: { type: 'string', default: '1' } } })
const scale = Number(options.scale)
if (!(scale > 0)) throw new Error('--scale is a number above 0: 1 is a month')
/** An even number: streams come five in two cycles. */
const cycles = Math.max(8, Math.round((month.cycles * scale) / 2) * 2)
/** Whatever is made once and kept is there after these. */
const warmUp = 4
const clientsAtOnce = 4

const say = (text: string): void => void process.stderr.write(`soak: ${text}\n`)
const startedAt = performance.now()
const minutes = (): string => ((performance.now() - startedAt) / 60_000).toFixed(1)

const bench = await prepare()
const clients = Array.from({ length: clientsAtOnce }, () => new ClientProcess())
const [first] = clients
if (first === undefined) throw new Error('no client')
try {
  const work = new Month(bench, clients)
  /** The daemon is started anew in the first half alone: the second must show what one of them gathers. */
  const goOn = async (until: number, mayRestart: boolean): Promise<void> => {
    while (work.done.cycles < until) {
      await work.cycle(mayRestart)
      if (work.done.cycles % 10 === 0) say(`${minutes()} min: ${JSON.stringify(work.done)}`)
    }
  }
  await goOn(warmUp, false)
  const begin = await stateOf(bench, first)
  await goOn(warmUp + cycles / 2, true)
  const middle = await stateOf(bench, first, begin)
  await goOn(warmUp + cycles, false)
  const end = await stateOf(bench, first, begin)
  const { table, grown } = compareStates(begin, middle, end)
  console.log(table)
  console.log(`\ndone in ${minutes()} minutes: ${JSON.stringify(work.done)}`)
  console.log(grown.length === 0 ? 'soak: flat' : `soak: NOT FLAT: ${grown.join('; ')}`)
  if (grown.length > 0) process.exitCode = 1
} catch (error) {
  // The home goes: what led to it is said now.
  say((await bench.home.kubeguard(['log', '--since', '2m'])).stdout)
  throw error
} finally {
  for (const client of clients) await client.end()
  await bench.home.dispose()
}
