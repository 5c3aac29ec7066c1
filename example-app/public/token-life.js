// Counts down the remaining lifetime of the access token.
const bar = document.querySelector('#token-life')
const text = document.querySelector('#token-life-text')

if (bar && text) {
  const expiresAt = Number(bar.dataset.expiresAt)
  const issuedAt = Number(bar.dataset.issuedAt) || Date.now()
  bar.max = Math.max(1, expiresAt - issuedAt)

  const show = () => {
    const left = Math.max(0, expiresAt - Date.now())
    bar.value = left
    text.textContent = left === 0 ? 'It has expired.' : `${formatDuration(Math.ceil(left / 1000))} left.`
    if (left === 0) clearInterval(timer)
  }
  const timer = setInterval(show, 1000)
  show()
}

function formatDuration(seconds) {
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's']
  ]
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts.slice(first, first + 2).map((part) => part.join(' ')).join(' ')
}
