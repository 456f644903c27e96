/** One value for each version of what it was made from. */
export const heldBy = <K, T>(version: () => unknown, most: number, make: (key: K) => T): ((key: K) => T) => {
  const held = new Map<K, T>()
  let heldVersion: unknown
  return (key) => {
    const current = version()
    if (current !== heldVersion) {
      held.clear()
      heldVersion = current
    }
    const found = held.get(key)
    if (found !== undefined) return found
    const made = make(key)
    if (held.size >= most) held.clear()
    held.set(key, made)
    return made
  }
}
