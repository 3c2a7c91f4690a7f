/** Names of variables that hold what nobody else should read. */
const secret =
  '[A-Za-z0-9_]*(?:TOKEN|SECRET|PASSWO?R?D|PASSPHRASE|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|AUTH)[A-Za-z0-9_]*'
const value = `(?:'[^']*'|"[^"]*"|[^\\s'"]+)+`

const assigned = new RegExp(`\\b(${secret}=)${value}`, 'gi')
/** fish: `set -gx NAME value`. */
const set = new RegExp(`^(.?\\s*set\\s+(?:-\\S+\\s+)*${secret}\\s+).*$`, 'i')

/** A line of a start-up file for people's eyes: values of variables that sound secret, and passwords in addresses. */
export function maskStartUpLine(line: string): string {
  return line
    .replace(assigned, '$1***')
    .replace(set, '$1***')
    .replace(/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1***@')
    .replace(/(\bbearer\s+)[^\s'"]+/gi, '$1***')
}
