/**
 * A script that guesses passphrases, as fast as it is let. Arguments: the policy. It says `ready` after its first thousand,
 * guesses on until its input ends, and then tells what came of all as JSON.
 */
import { callDaemon, callKeeper } from '../../src/client/call.ts'

const policy = process.argv[2] ?? ''
const seen = { guesses: 0, asked: 0, opened: 0, wrong: 0, lockedOut: 0 }
const over = new AbortController()
process.stdin.on('end', () => over.abort()).resume()

async function guess(): Promise<void> {
  seen.guesses += 1
  try {
    const { socket, ticket } = await callDaemon('session.unlock', {
      cwd: Buffer.from('/'),
      policy,
      recovery: false,
    })
    seen.asked += 1
    await callKeeper(socket, 'keeper.open', { ticket, passphrase: Buffer.from(`guess ${seen.guesses}`) })
    seen.opened += 1
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'wrong-passphrase') seen.wrong += 1
    if (code === 'locked-out') seen.lockedOut += 1
  }
}

while (!over.signal.aborted) {
  await guess()
  if (seen.guesses === 1_000) console.log('ready')
}
console.log(JSON.stringify(seen))
