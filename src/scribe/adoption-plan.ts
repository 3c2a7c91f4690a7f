import type { KnownToFactor } from '../domain/policy-unlock.ts'
import type { Edit } from '../platform/kubeconfig/edit-kubeconfig.ts'
import type { VaultItem } from '../platform/vault/item.ts'
import type { AdoptedUser, FoundLogIn, LeftUser, MovingUser } from '../protocol/reports.ts'
import type { LoadedFile } from './load-files.ts'
import type { Way } from './plan-moves.ts'
import type { ReplacedLogIn } from './replaced-log-ins.ts'

export interface AdoptionPlan {
  readonly items: readonly VaultItem[]
  readonly edits: ReadonlyMap<LoadedFile, readonly Edit[]>
  readonly adopted: readonly PlannedUser[]
  /** Users whose log-in a policy's factor does from now on. */
  readonly replaced: readonly PlannedLogIn[]
  readonly left: readonly LeftUser[]
  /** Log-ins that a factor could do as well. */
  readonly logIns: readonly FoundLogIn[]
  /** Adopted when their policy had another `access`; what is sealed is to change as well, which takes the passphrase. */
  readonly moves: readonly PlannedMove[]
}

export interface PlannedMove {
  readonly file: LoadedFile
  readonly way: Way
  readonly report: MovingUser
}

export interface PlannedUser {
  readonly file: LoadedFile
  /** Absent where no vault holds anything of it. */
  readonly item?: VaultItem
  readonly report: AdoptedUser
}

export interface PlannedLogIn extends ReplacedLogIn {
  readonly known: KnownToFactor
  /** Where the policy wants the secret of its client to be. */
  readonly secretFile: string | undefined
  readonly inFile: LoadedFile
}
