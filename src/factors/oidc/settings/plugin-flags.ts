/** The flags of a program whose parser is Go's pflag: `--flag value`, `--flag=value`, and switches. */
export interface PluginFlags {
  /** Of several the last one counts, but for lists. */
  readonly values: ReadonlyMap<string, readonly string[]>
  /** What is no flag that we know. */
  readonly strange: readonly string[]
}

export interface FlagNames {
  readonly withValue: ReadonlySet<string>
  readonly switches: ReadonlySet<string>
}

export function readFlags(args: readonly string[], { withValue, switches }: FlagNames): PluginFlags {
  const values = new Map<string, string[]>()
  const strange: string[] = []
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string
    const [name, inline] = splitFlag(arg)
    // How much klog says: `-v1`, `-v 1`, `-v=1`.
    if (/^-v=?\d*$/.test(arg)) at += arg === '-v' ? 1 : 0
    else if (switches.has(name)) note(values, name, inline ?? 'true')
    else if (withValue.has(name) && inline !== undefined) note(values, name, inline)
    else if (withValue.has(name) && at + 1 < args.length) note(values, name, args[(at += 1)] as string)
    else strange.push(name)
  }
  return { values, strange }
}

/** Only the name is ever shown: what follows may be a secret. */
function splitFlag(arg: string): [name: string, inline: string | undefined] {
  const at = arg.indexOf('=')
  return at === -1 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)]
}

function note(values: Map<string, string[]>, name: string, value: string): void {
  values.set(name, [...(values.get(name) ?? []), value])
}
