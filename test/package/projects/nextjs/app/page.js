export default function Home() {
  return <a href="/account">Log in with Twilio</a>
}
