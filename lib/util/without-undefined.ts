/** A copy of an object without the properties that are `undefined`. */
export function withoutUndefined<T extends object>(object: T): T {
  const defined: Partial<T> = {}
  for (const key in object) {
    if (object[key] !== undefined) defined[key] = object[key]
  }
  return defined as T
}
