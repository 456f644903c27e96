/** A value that must not be seen: it prints, serialises and inspects as `***`. Only `reveal` gives it out. */
const revealed = new WeakMap<Secret, string>()

export class Secret {
  static of(value: string): Secret {
    const secret = new Secret()
    revealed.set(secret, value)
    return secret
  }
  /** Call it where the value goes to the store or into the seal, and nowhere else. */
  reveal(): string {
    const value = revealed.get(this)
    if (value === undefined) throw new Error('secret: made without a value')
    return value
  }
  toString(): string {
    return '***'
  }
  toJSON(): string {
    return '***'
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '***'
  }
}
