/** Nobody is always first. */
export function turned<Key, Value>(map: ReadonlyMap<Key, Value>, by: number): [Key, Value][] {
  const entries = [...map]
  const at = by % entries.length
  return [...entries.slice(at), ...entries.slice(0, at)]
}
