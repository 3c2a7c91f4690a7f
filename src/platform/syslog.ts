import { plainText } from '../domain/plain-text.ts'
import type { Syslog } from '../usecases/ports.ts'
import { sendDatagram } from './datagram.ts'

/** Where every C library sends what syslog(3) is given (_PATH_LOG). */
const usualSocket = '/dev/log'

/** <sys/syslog.h>: what only administrators read, and what deserves a look: LOG_AUTHPRIV | LOG_WARNING. */
const priority = (10 << 3) | 4

/** RFC 3164 has 1024 bytes for a whole packet. */
const mostText = 800

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The machine's log (syslogd, or systemd's journal), in the form that glibc's syslog(3) has: RFC 3164 without a host. */
export function createSyslog(environment: NodeJS.ProcessEnv): Syslog {
  const socket = environment['KUBEGUARD_SYSLOG'] ?? usualSocket
  return {
    warn: (text) => {
      const line = `<${priority}>${stamp(new Date())} kubeguard[${process.pid}]: ${plainText(text, mostText)}`
      return sendDatagram(socket, Buffer.from(line)) === undefined
    },
  }
}

/** `Nov  3 09:05:07`, in local time. */
function stamp(now: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = String(now.getDate()).padStart(2, ' ')
  return `${months[now.getMonth()]} ${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`
}
