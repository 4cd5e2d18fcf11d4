/**
 * One process of the stack, as data: how it is started, and when it is ready.
 */

export interface StackPart {
  readonly name: string
  /** The Java class it runs. */
  readonly mainClass: string
  readonly jars: string
  readonly jvmOptions: readonly string[]
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where it can be reached, for people. */
  readonly address: string
  /** Ports it needs for itself. */
  readonly ports: readonly number[]
  /** Whether it does its work now. Never rejects. */
  isReady(): Promise<boolean>
}

/** Whether a GET is answered with 200 and, where asked for, a text. */
export async function answers(url: string, text = ''): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    return response.ok && (await response.text()).includes(text)
  } catch {
    return false
  }
}
