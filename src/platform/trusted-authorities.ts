import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { GuardError } from '../domain/errors.ts'

/**
 * Whom this whole process believes that a server is who it says: the authorities in this PEM file alone, or those of the
 * runtime and of this machine. For a process that speaks to one server only.
 *
 * @throws GuardError policy-invalid where the file can't be read
 */
export function trustAuthorities(file: string | undefined): void {
  if (file === undefined)
    return setDefaultCACertificates([...getCACertificates('bundled'), ...getCACertificates('system')])
  try {
    setDefaultCACertificates([readFileSync(file, 'utf8')])
  } catch (cause) {
    throw new GuardError('policy-invalid', `the certificates of the provider can’t be read: ${file}`, {
      cure: 'let oidc.ca in the policy file name a PEM file that you can read',
      cause,
    })
  }
}
