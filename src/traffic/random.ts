/**
 * The one source of chance of the simulated traffic.
 *
 * R1  The same seed and label give the same numbers on every machine and engine: only 32-bit integer operations and
 *     exact floating-point + - * / are used, no function whose last digit an engine may choose.
 * R2  Generators of one seed with different labels are independent, so that drawing more from one (a new knob) does
 *     not change what the others give.
 *
 * The algorithm is sfc32 by Chris Doty-Humphrey (PractRand): 128 bits of state, a period of at least 2^32, seeded
 * through splitmix32.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /**
   * @param seed a whole number from 0 to 2^53 - 1
   * @param label what this generator is for
   */
  constructor(seed: number, label: string) {
    let state = (seed >>> 0) ^ Math.imul(Math.floor(seed / 0x1_0000_0000) + 1, 0x85ebca6b)
    for (let i = 0; i < label.length; i++) state = Math.imul(state ^ label.charCodeAt(i), 0x01000193) + i
    const mixed = (): number => {
      state = (state + 0x9e3779b9) | 0
      let value = state ^ (state >>> 16)
      value = Math.imul(value, 0x21f0aaad)
      value = Math.imul(value ^ (value >>> 15), 0x735a2d97)
      return value ^ (value >>> 15)
    }
    this.#a = mixed()
    this.#b = mixed()
    this.#c = mixed()
    for (let i = 0; i < 12; i++) this.bits()
  }

  /** 32 random bits as a signed integer. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum
  }

  /** A number from 0 up to but not including 1, in steps of 2^-32. */
  unit(): number {
    return (this.bits() >>> 0) / 0x1_0000_0000
  }

  /** A whole number from 0 up to but not including `end`, which is at most 2^32. */
  below(end: number): number {
    return Math.floor(this.unit() * end)
  }

  /** A whole number from `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.unit() < probability
  }

  /** `expected` rounded up or down at random, so that the mean over many calls is `expected`. */
  round(expected: number): number {
    return Math.floor(expected + this.unit())
  }
}
