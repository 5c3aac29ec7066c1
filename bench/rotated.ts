/** The entries, starting with another one each round, so that no contender is always measured first. */
export function rotated<Key, Value>(map: ReadonlyMap<Key, Value>, by: number): [Key, Value][] {
  const entries = [...map]
  const at = by % entries.length
  return [...entries.slice(at), ...entries.slice(0, at)]
}
