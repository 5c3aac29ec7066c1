// The pages work without this script. It makes them more comfortable.

const announcements = document.querySelector('#announcements')

// Times, in the reader's time zone.
const time = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
for (const element of document.querySelectorAll('time[datetime]')) {
  element.textContent = time.format(new Date(element.dateTime))
}

// The remaining lifetime of the access token.
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

document.addEventListener('click', (event) => {
  const { target } = event
  closeMenus(target)

  const dismiss = target.closest('.dismiss')
  if (dismiss) {
    event.preventDefault()
    dismiss.closest('.notice').remove()
    document.querySelector('main').focus()
  }

  const copy = target.closest('[data-copy]')
  if (copy) void copyText(copy)

  // Pages that ask Twilio can take a moment.
  const link = target.closest('a[href^="/"]')
  if (link && !dismiss && !event.ctrlKey && !event.metaKey && !event.shiftKey) document.documentElement.classList.add('loading')
})

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  const summary = document.querySelector('.menu[open] summary')
  closeMenus()
  summary?.focus()
})

function closeMenus(except) {
  for (const menu of document.querySelectorAll('.menu[open]')) {
    if (!menu.contains(except)) menu.open = false
  }
}

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy)
    button.textContent = 'Copied'
    announcements.textContent = 'Copied'
  } catch {
    button.textContent = 'Not copied'
    announcements.textContent = 'The browser did not allow the app to copy'
  }
  setTimeout(() => {
    button.textContent = 'Copy'
    announcements.textContent = ''
  }, 2000)
}

// A form is only sent once.
document.addEventListener('submit', ({ target: form }) => {
  const button = form.querySelector('button:not([type="button"])')
  document.documentElement.classList.add('loading')
  if (!button) return
  button.disabled = true
  if (form.dataset.busy) {
    button.dataset.label = button.textContent
    button.textContent = form.dataset.busy
    announcements.textContent = form.dataset.busy
  }
})

// Browsers that go back show the page as it was left.
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return
  document.documentElement.classList.remove('loading')
  for (const button of document.querySelectorAll('button:disabled')) {
    button.disabled = false
    button.textContent = button.dataset.label ?? button.textContent
  }
})
