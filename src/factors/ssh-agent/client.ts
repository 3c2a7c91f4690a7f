import type { ClientFactor } from '../../client/factor.ts'
import { GuardError } from '../../domain/errors.ts'

/** The keeper has a clean environment: only the client knows which agent is meant, and can speak to the person. */
export const sshAgentClient: ClientFactor = {
  meet: ({ say }) => ({
    answer(question) {
      if (question.toString() === 'touch') {
        say('touch the security key that blinks')
        return Promise.resolve(Buffer.alloc(0))
      }
      const path = process.env['SSH_AUTH_SOCK'] ?? ''
      if (path !== '') return Promise.resolve(Buffer.from(path))
      const error = new GuardError(
        'ssh-agent-refused',
        'this policy wants an ssh-agent, and SSH_AUTH_SOCK names none',
      )
      return Promise.reject(error)
    },
    end: () => {},
  }),
}
