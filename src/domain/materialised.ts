/** A credential that was put into a kubeconfig for the time that its session is open. */
export interface MaterialisedUser {
  /** The kubeconfig as it was named: kubectl locks that name, too. */
  readonly path: string
  /** The file behind symlinks, then. */
  readonly file: string
  readonly user: string
  readonly credential: string
  /** What stood in the entry: brought back where somebody took it out. */
  readonly exec: unknown
  readonly salt: string
  /**
   * SHA-256 of salt and value, by field: tells what we put there from what another program wrote since. It goes
   * with the value itself, so that nothing can be guessed by it that could not be read beside it.
   */
  readonly digests: Readonly<Record<string, string>>
}
