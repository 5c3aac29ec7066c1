import type { Page } from 'playwright-core'
import type { ExampleProcess } from './example-process'

/** Starts a login, up to the sandbox's consent page. */
export async function beginLogin(tab: Page, example: ExampleProcess): Promise<void> {
  await tab.goto(example.url)
  await tab.getByRole('link', { name: 'Log in with Twilio' }).click()
  await tab.getByRole('button', { name: 'Approve access' }).waitFor()
}

export async function approve(tab: Page): Promise<void> {
  await tab.getByRole('button', { name: 'Approve access' }).click()
  await tab.getByRole('heading', { name: 'Your account' }).waitFor()
}

/** Goes to the page where people choose an account, and chooses one. Ends on the page with the numbers. */
export async function chooseAccount(tab: Page, name = 'Okafor Couriers'): Promise<void> {
  await tab.getByRole('link', { name: 'Choose an account' }).click()
  await tab.getByRole('button', { name }).click()
  await tab.getByRole('heading', { name: 'Phone numbers' }).waitFor()
}

/** Opens the menu with the person's name. */
export async function openMenu(tab: Page): Promise<void> {
  await tab.locator('header summary').click()
}
