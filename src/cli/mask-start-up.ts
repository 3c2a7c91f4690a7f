/** Names of variables that hold what nobody else should read. */
const secretName =
  /(?:TOKEN|SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIALS?|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH)[A-Z0-9_]*$/i

/** A line of a start-up file for people's eyes: values of variables that sound secret, and passwords in addresses. */
export function maskStartUpLine(line: string): string {
  return line
    .replace(
      /([A-Za-z_][A-Za-z0-9_]*)(=|\s+)((?:'[^']*'|"[^"]*"|\S)+)/g,
      (whole, name: string, by: string) =>
        secretName.test(name) && (by === '=' || /^\s*(set|setenv)\s/.test(line)) ? `${name}${by}***` : whole,
    )
    .replace(/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1***@')
    .replace(/(\bbearer\s+)[^\s'"]+/gi, '$1***')
}
