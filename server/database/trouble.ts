/** Tells a database that is out of reach, full or locked from a mistake of our own in speaking to it. */
export const isStorageTrouble = (cause: unknown): boolean => {
  const code = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined
  return (
    typeof code === 'string' &&
    (/^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|CORRUPT|NOTADB|PROTOCOL)/.test(code) ||
      // PostgreSQL: connection, resources, shutting down, system, transaction to be tried again.
      /^(08|53|57P|58|40)[0-9A-Z]*$/.test(code) ||
      /^E(CONN|PIPE|NET|HOST|TIMEDOUT|NOSPC)/.test(code))
  )
}

/** For what is good to know and no condition of the answer, such as when a session was last seen: left out while nothing can be kept. */
export const ifItCanBeKept = async (writing: Promise<unknown>): Promise<void> => {
  try {
    await writing
  } catch (cause) {
    if (!isStorageTrouble(cause)) throw cause
  }
}
