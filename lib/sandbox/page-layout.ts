import { createHash } from 'node:crypto'
import { HTML, html } from './html'

/** The complete style of every page: the Content-Security-Policy allows nothing but its hash. */
const STYLE = `
:root{--ground:#f4f4f6;--surface:#fff;--ink:#16181d;--soft:#5b606b;--line:#dfe0e5;--edge:#8a8d94;--accent:#c4162f;--on-accent:#fff;--pale:#fdf1f3;color-scheme:light dark;font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
@media(prefers-color-scheme:dark){:root{--ground:#121317;--surface:#1c1e24;--ink:#eceef2;--soft:#a4a9b5;--line:#343841;--edge:#757b87;--accent:#ff6478;--on-accent:#24060b;--pale:#2c1f24}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:start center;background:var(--ground);color:var(--ink);padding:clamp(0rem,6vh,4rem) 0}
main{width:min(30rem,100%);background:var(--surface);padding:2rem clamp(1.25rem,5vw,2.25rem) 1.5rem;border:1px solid var(--line);border-radius:16px}
.mark{display:inline-flex;gap:.6rem;align-items:center;font-weight:600;margin:0 0 1.5rem}
.mark i{width:1.7rem;height:1.7rem;border-radius:50%;background:radial-gradient(circle,var(--accent) 22%,var(--surface) 24%,var(--surface) 40%,var(--accent) 42%)}
h1{font-size:1.45rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
h2,legend{font-size:.95rem;font-weight:600;margin:1.5rem 0 .6rem;padding:0}
p{margin:0 0 1rem;color:var(--soft)}
ul{margin:0;padding:0;list-style:none}
li{display:grid;grid-template-columns:1.4rem 1fr;padding:.3rem 0;overflow-wrap:anywhere}
li::before{content:"✓";color:var(--accent);font-weight:700}
dl{display:grid;grid-template-columns:auto 1fr;gap:.4rem 1rem;margin:0 0 1.5rem}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
fieldset{border:0;margin:1.5rem 0 0;padding:0;min-width:0}
legend{margin-top:0}
label{display:grid;grid-template-columns:auto 1fr;gap:0 .8rem;align-items:center;padding:.7rem .9rem;border:1px solid var(--line);border-radius:12px;margin-bottom:.5rem;cursor:pointer}
label:has(:checked){border-color:var(--accent);background:var(--pale)}
label small{grid-column:2;color:var(--soft);overflow-wrap:anywhere}
input{accent-color:var(--accent);width:1.05rem;height:1.05rem;margin:0}
.actions{display:grid;grid-template-columns:3fr 2fr;gap:.75rem;margin:1.5rem 0 1.25rem}
button{font:inherit;font-weight:600;padding:.8rem 1rem;border-radius:12px;border:1px solid var(--accent);background:var(--accent);color:var(--on-accent);cursor:pointer}
button.quiet{background:none;color:var(--ink);border-color:var(--edge)}
button:hover{filter:brightness(1.07)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
footer{border-top:1px solid var(--line);padding-top:1rem;font-size:.85rem;color:var(--soft);overflow-wrap:anywhere}
@media(max-width:31rem){body{padding:0}main{border:0;border-radius:0;min-height:100vh}}
@media(max-width:22rem){.actions{grid-template-columns:1fr}}
`

const ICON = 'data:image/svg+xml,%3Csvg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"%3E%3Ccircle cx="16" cy="16" r="11" fill="%23fff" stroke="%23d6213a" stroke-width="8"/%3E%3Ccircle cx="16" cy="16" r="3.5" fill="%23d6213a"/%3E%3C/svg%3E'

/** There is no `form-action`, because browsers also apply it to the redirect back to the app after the form is submitted. */
export const PAGE_HEADERS = {
  'Content-Security-Policy': `default-src 'none'; img-src data:; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; frame-ancestors 'none'; base-uri 'none'`,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer'
} as const

/** A whole page, to be sent with {@link PAGE_HEADERS}. */
export function pageLayout(title: string, content: HTML): HTML {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Twilio sandbox</title>
<link rel="icon" href="${ICON}">
<style>${new HTML(STYLE)}</style>
</head>
<body>
<main>
<p class="mark"><i aria-hidden="true"></i>Twilio sandbox</p>
${content}
</main>
</body>
</html>
`
}
