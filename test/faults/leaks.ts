/** Secrets up to this length are only searched for as a whole. */
const WHOLE_LENGTH = 48
const PIECE_LENGTH = 24

/** Finds the places that contain a secret or a long piece of one, in plain or URL-encoded form. */
export function leaksIn(secrets: Iterable<string>, places: Readonly<Record<string, readonly string[]>>): string[] {
  const pieces = [...secrets].flatMap(piecesOf)
  return Object.entries(places).flatMap(([place, texts]) => {
    const found = pieces.find((piece) => texts.some((text) => text.includes(piece) || text.includes(encodeURIComponent(piece))))
    return found === undefined ? [] : [`${place} contains ${found}`]
  })
}

/** Even a truncated token reveals too much. */
function piecesOf(secret: string): string[] {
  if (secret.length <= WHOLE_LENGTH) return [secret]
  return [secret.slice(0, PIECE_LENGTH), secret.slice(secret.length / 2, secret.length / 2 + PIECE_LENGTH), secret.slice(-PIECE_LENGTH)]
}
