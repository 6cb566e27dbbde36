import { randomInt } from 'node:crypto'

/** Without 0, O, 1, I and L, which are mistaken for each other. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'

/** Twelve random letters and digits (59 bits) in groups of four, to be typed by a person. */
export function createCode (): string {
  const letters = Array.from({ length: 12 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  return letters.replace(/(.{4})(.{4})(.{4})/, '$1-$2-$3')
}

/** The code as it was made, however it was typed. */
export function toPlainCode (typed: string): string {
  return typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, '')
}
