const WHOLE = 48
const PIECE = 24

/** Where one of the secrets is found, whole or in a long piece, as it is or as an address has it. */
export function leaksIn(secrets: Iterable<string>, places: Readonly<Record<string, readonly string[]>>): string[] {
  const needles = [...secrets].flatMap(piecesOf)
  return Object.entries(places).flatMap(([place, texts]) => {
    const found = needles.find((needle) => texts.some((text) => text.includes(needle) || text.includes(encodeURIComponent(needle))))
    return found === undefined ? [] : [`${place} holds ${found}`]
  })
}

/** An error that cuts a token short still tells too much of it. */
function piecesOf(secret: string): string[] {
  if (secret.length <= WHOLE) return [secret]
  return [secret.slice(0, PIECE), secret.slice(secret.length / 2, secret.length / 2 + PIECE), secret.slice(-PIECE)]
}
