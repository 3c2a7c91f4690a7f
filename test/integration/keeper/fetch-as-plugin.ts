/** Asks a keeper for a credential without a ticket, as a plugin does whose client is whoever started this. */
import { ask } from './talk.ts'

const [socket = '', credential = ''] = process.argv.slice(2)
const said = await ask(socket, 'keeper.fetch', { credential, apiVersion: 'v1' })
const document = said.ok ? said.reply.execCredential?.toString() : said.code
process.stdout.write(`${document ?? 'nobody vouched'}\n`)
