/**
 * One process of the stack, as data: how it is started, and when it is ready.
 */
import { join } from 'node:path'

export interface StackPart {
  readonly name: string
  /** The program and its arguments, asked for at each start. */
  readonly command: () => readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Where it can be reached, for people. */
  readonly address: string
  /** Ports it needs for itself. */
  readonly ports: readonly number[]
  /** What has to answer before it is started at all. Never rejects. */
  canStart?(): Promise<boolean>
  /** Whether it does its work now. Never rejects. */
  isReady(): Promise<boolean>
}

/** A command that runs the main class of a folder of jars. */
export function javaCommand(
  jars: string,
  jvmOptions: readonly string[],
  mainClass: string,
  args: readonly string[],
): readonly string[] {
  return ['java', ...jvmOptions, '-cp', join(jars, '*'), mainClass, ...args]
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
