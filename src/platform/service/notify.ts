import { sendDatagram } from '../datagram.ts'

/**
 * Tells a service manager something (sd_notify(3)): one datagram of lines to the socket that NOTIFY_SOCKET names. It is
 * never waited for: a socket whose reader hangs must not hang us.
 * @returns the errno's name where it could not be sent; undefined when it was, or nobody wants to hear.
 */
export function notify(address: string | undefined, ...lines: readonly string[]): string | undefined {
  if (address === undefined || address === '') return undefined
  return sendDatagram(address, Buffer.from(lines.join('\n')))
}
